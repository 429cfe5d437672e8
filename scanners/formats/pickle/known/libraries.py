"""Libraries whose objects are kept in pickles: loading needs the library, and a person decides whether it may.

Only class-like names count, and functions that are listed by name: those that ordinary files of the library call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from scanners.formats.pickle.known import DEEPEST_MODULE, names

_CLASS = re.compile(r"_{0,2}[A-Z][A-Za-z0-9_]*(\._{0,2}[A-Z][A-Za-z0-9_]*)*\Z")
_CYTHON_CLASS = re.compile(r"__pyx_unpickle_\w+\Z")
"""Cython's function for a class that it can pickle: it compares a checksum, makes the class and sets its state."""

LIBRARIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "scikit-learn": ("sklearn",),
        "imbalanced-learn": ("imblearn",),
        "scipy": (
            "scipy.special", "scipy.sparse", "scipy.stats", "scipy.interpolate", "scipy.spatial", "scipy.optimize",
            "scipy.signal", "scipy._lib", "scipy.linalg", "scipy.cluster",
        ),
        "xgboost": ("xgboost",),
        "lightgbm": ("lightgbm",),
        "catboost": ("catboost", "_catboost"),
        "pandas": ("pandas",),
        "polars": ("polars",),
        "pyarrow": ("pyarrow.lib",),
        "transformers": ("transformers",),
        "accelerate": ("accelerate.state", "accelerate.utils", "accelerate.optimizer", "accelerate.scheduler"),
        "trl": ("trl.trainer", "trl.core"),
        "peft": ("peft.peft_model", "peft.tuners", "peft.utils", "peft.config"),
        "diffusers": ("diffusers.configuration_utils", "diffusers.models", "diffusers.schedulers"),
        "datasets": ("datasets.features", "datasets.info", "datasets.splits"),
        "sentence-transformers": ("sentence_transformers",),
        "setfit": ("setfit",),
        "FlagEmbedding": ("FlagEmbedding",),
        "simpletransformers": ("simpletransformers.config",),
        "llava": ("llava.train",),
        "fastchat": ("fastchat.train",),
        "torch": (
            "torch.nn", "torch.optim", "torch.distributions", "torch.utils.data.dataset", "torch.utils.data.sampler",
            "torch.utils.data.dataloader", "torch.utils.data.distributed", "torch._tensor", "torch.ao.nn",
            "torch.ao.quantization", "torch.amp", "torch.cuda.amp", "torch.autograd.variable",
            "torch.distributed.optim", "torch.distributed.tensor", "torch.distributed._tensor",
            "torch.distributed.checkpoint.metadata", "torch.distributed._shard.metadata",
            "torch.distributed._shard.sharded_tensor.metadata",
        ),
        "torchvision": ("torchvision.models", "torchvision.ops", "torchvision.transforms"),
        "torchaudio": ("torchaudio.models", "torchaudio.transforms"),
        "torchtext": ("torchtext.vocab", "torchtext.data"),
        "torch-geometric": ("torch_geometric.data", "torch_geometric.nn"),
        "torchmetrics": ("torchmetrics",),
        "timm": ("timm.models", "timm.layers"),
        "ultralytics": ("ultralytics.nn", "ultralytics.utils", "ultralytics.yolo", "ultralytics.models"),
        "yolov5": ("models.yolo", "models.common", "models.experimental"),
        "mmengine": ("mmengine", "mmcv", "mmdet.models", "mmseg.models"),
        "detectron2": ("detectron2.structures", "detectron2.config"),
        "pytorch-lightning": ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric"),
        "fairseq": ("fairseq.data", "fairseq.dataclass", "fairseq.tasks", "fairseq.models"),
        "espnet": ("espnet2.train", "espnet.nets"),
        "speechbrain": ("speechbrain.dataio", "speechbrain.processing", "speechbrain.utils"),
        "pyannote": ("pyannote.audio", "pyannote.core"),
        "TTS": ("TTS.tts", "TTS.vocoder", "TTS.config", "TTS.utils.radam"),
        "nemo": ("nemo.collections", "nemo.core"),
        "stable-baselines3": ("stable_baselines3", "gymnasium.spaces", "gym.spaces", "gym.wrappers"),
        "skorch": ("skorch",),
        "skops": ("skops.card",),
        "fastai": ("fastai", "fastcore", "fasttransform"),
        "flair": ("flair.data", "flair.embeddings", "flair.models", "flair.nn"),
        "allennlp": ("allennlp.data", "allennlp.modules"),
        "stanza": ("stanza.models",),
        "keras": ("keras.src.layers", "keras.layers", "keras.src.models", "keras.preprocessing.text",
                  "keras.src.legacy.preprocessing.text", "keras_preprocessing.text", "keras.engine"),
        "jax": ("jax._src.array", "jaxlib", "flax.core.frozen_dict", "flax.training.train_state", "optax"),
        "omegaconf": ("omegaconf",),
        "easydict": ("easydict",),
        "munch": ("munch",),
        "addict": ("addict",),
        "ml_collections": ("ml_collections",),
        "attr": ("attr",),
        "pydantic": ("pydantic",),
        "tokenizers": ("tokenizers",),
        "sentencepiece": ("sentencepiece",),
        "youtokentome": ("youtokentome",),
        "joblib": ("joblib.numpy_pickle", "joblib.numpy_pickle_compat"),
        "numpy": ("numpy",),
        "spacy": ("spacy.vocab", "spacy.tokens", "spacy.strings", "spacy.pipeline", "thinc"),
        "gensim": ("gensim.models", "gensim.corpora", "gensim.interfaces", "gensim.similarities", "gensim.utils"),
        "nltk": ("nltk",),
        "statsmodels": ("statsmodels", "patsy", "formulaic"),
        "prophet": ("prophet", "fbprophet"),
        "pmdarima": ("pmdarima",),
        "sktime": ("sktime",),
        "darts": ("darts",),
        "lifelines": ("lifelines",),
        "category-encoders": ("category_encoders",),
        "mlxtend": ("mlxtend",),
        "hdbscan": ("hdbscan",),
        "umap": ("umap", "pynndescent"),
        "sklearn-crfsuite": ("sklearn_crfsuite", "pycrfsuite"),
        "skl2onnx": ("skl2onnx",),
        "surprise": ("surprise",),
        "implicit": ("implicit",),
        "networkx": ("networkx.classes",),
        "shapely": ("shapely.geometry",),
        "rdkit": ("rdkit.Chem", "rdkit.DataStructs"),
        "ase": ("ase.atoms", "ase.cell"),
        "pymatgen": ("pymatgen.core",),
        "PIL": ("PIL.Image",),
        "pytz": ("pytz",),
        "regex": ("regex",),
        "dateutil": ("dateutil.tz",),
        "quantizers": ("auto_gptq", "bitsandbytes", "optimum.quanto", "hqq", "torchao"),
        "deepspeed": ("deepspeed.runtime", "deepspeed.utils", "deepspeed.checkpoint"),
        "megatron": ("megatron.core", "megatron.enums", "megatron.model", "megatron.training", "megatron.legacy"),
        "apex": ("apex.amp",),
    }
)  # fmt: skip
"""Library to the modules its data classes live in. The class alone is a warning, not an offence."""

_FUNCTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "scikit-learn": {
            "sklearn.metrics._dist_metrics": "newObj",
            "sklearn.neighbors._kd_tree": "newObj",
            "sklearn.neighbors._ball_tree": "newObj",
            "sklearn.neighbors.kd_tree": "newObj",
            "sklearn.neighbors.ball_tree": "newObj",
            "sklearn.neighbors.dist_metrics": "newObj",
            "sklearn._loss.link": "identity",
            "sklearn.metrics._scorer": "_passthrough_scorer",
        },
        "scipy": {
            "scipy.stats._distn_infrastructure": "rv_frozen rv_continuous_frozen rv_discrete_frozen",
            "scipy.sparse._csr": "csr_matrix csr_array",
            "scipy.sparse._csc": "csc_matrix csc_array",
            "scipy.sparse._coo": "coo_matrix coo_array",
            "scipy.sparse._lil": "lil_matrix lil_array",
            "scipy.sparse._dok": "dok_matrix dok_array",
            "scipy.sparse._dia": "dia_matrix dia_array",
            "scipy.sparse._bsr": "bsr_matrix bsr_array",
            "scipy.sparse.csr": "csr_matrix",
            "scipy.sparse.csc": "csc_matrix",
            "scipy.sparse.coo": "coo_matrix",
            "scipy.sparse.lil": "lil_matrix",
            "scipy.sparse.dok": "dok_matrix",
            "scipy.sparse.dia": "dia_matrix",
            "scipy.sparse.bsr": "bsr_matrix",
            "scipy.spatial._ckdtree": "cKDTree",
            "scipy.spatial.ckdtree": "cKDTree",
            "scipy.interpolate._interpolate": "interp1d",
            "scipy.interpolate.interpolate": "interp1d",
        },
        "pandas": {
            "pandas.core.internals.blocks": "new_block",
            "pandas._libs.internals": "_unpickle_block",
            "pandas.core.indexes.base": "_new_Index",
            "pandas.indexes.base": "_new_Index",
            "pandas.core.index": "_new_Index",
            "pandas.core.indexes.datetimes": "_new_DatetimeIndex",
            "pandas.core.indexes.period": "_new_PeriodIndex",
            "pandas.core.indexes.timedeltas": "_new_TimedeltaIndex",
            "pandas.core.internals.managers": "create_block_manager_from_blocks",
            "pandas.core.arrays.datetimelike": "_datetimelike_array",
            "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
            "pandas._libs.tslibs.timestamps": "_unpickle_timestamp",
            "pandas._libs.tslibs.timedeltas": "_timedelta_unpickle",
            "pandas._libs.tslibs.nattype": "_nat_unpickle",
            "pandas._libs.tslibs.period": "_unpickle_period",
            "pandas._libs.interval": "Interval",
            "pandas._libs.missing": "NA",
        },
        "numpy": {
            "numpy.ma.core": "_mareconstruct",
            "numpy.matrixlib.defmatrix": "matrix",
            "numpy": "recarray record matrix poly1d",
            "numpy.rec": "recarray record",
            "numpy._core.records": "recarray record",
            "numpy.core.records": "recarray record",
            "numpy.core.memmap": "memmap",
            "numpy._core.memmap": "memmap",
        },
        "torch": {
            "torch.distributed.checkpoint.filesystem": "_StorageInfo _StoragePrefix",
            "torch.nn.parameter": "UninitializedParameter UninitializedBuffer",
            "torch.nn.backends.thnn": "_get_thnn_function_backend",
            "torch.distributed.tensor": "DTensor",
            "torch": "default_generator ScriptObject",
            "torch.nn.modules.module": "_IncompatibleKeys",
            "torch.optim.lr_scheduler": "_enable_get_lr_call",
            "torch.utils.data._utils.collate": "default_collate",
        },
        "transformers": {"transformers.trainer_utils": "default_compute_objective"},
        "spacy": {
            "spacy.vocab": "unpickle_vocab",
            "spacy.tokens.doc": "unpickle_doc",
            "spacy.tokens.span": "unpickle_span",
        },
        "nltk": {"nltk.tag.util": "str2tuple"},
        "statsmodels": {"statsmodels.formula.formulatools": "handle_formula_data"},
        "gensim": {
            "gensim.models.ldamodel": "update_dir_prior",
            "gensim.utils": "default_prng RULE_DEFAULT",
            "numpy.random.mtrand": "RandomState",
        },
        "pytz": {"pytz": "_UTC _p utc", "pytz.tzinfo": "_p"},
        "dateutil": {"dateutil.tz.tz": "tzutc tzlocal tzfile tzoffset", "dateutil.tz": "tzutc tzlocal tzfile tzoffset"},
        "easydict": {"easydict": "EasyDict"},
        "pyarrow": {
            "pyarrow": "NA",
            "pyarrow.lib": """_reconstruct_record_batch _reconstruct_table _restore_array chunked_array dictionary field
            list_ large_list py_buffer schema struct map_ timestamp time32 time64 duration type_for_alias
            _reconstruct_block decimal128 decimal256 binary fixed_size_list""",
        },
        "deepspeed": {"deepspeed.utils.tensor_fragment": "fragment_address"},
        "regex": {"regex.regex": "compile _compile", "regex._regex": "compile", "_regex_core": "RegexFlag"},
        "dill": {"dill._dill": "_create_array _load_type", "dill.dill": "_create_array _load_type"},
        "attr": {"attr._make": "_CountingAttr"},
        "networkx": {"networkx.classes.graph": "Graph"},
        "fastai": {"fastcore.basics": "noop", "fastai.torch_core": "tensor"},
        "jax": {"jax._src.array": "_reconstruct_array"},
        "torchvision": {"torchvision.transforms.functional": "InterpolationMode"},
        "omegaconf": {"omegaconf.base": "Metadata"},
        "PIL": {"PIL.Image": "Image"},
    }
)
FUNCTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (module, name): library
        for library, modules in _FUNCTIONS.items()
        for module, listed in modules.items()
        for name in names(listed)
    }
)
"""Functions (and classes that are written small) of libraries that ordinary pickles of theirs call, to the library."""


_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("scipy.stats", re.compile(r"\w+_gen\Z")),
    ("statsmodels.tsa", re.compile(r"[sdcz][A-Z]\w+\Z")),
)
"""Classes that are written small, by the module they live in."""
_METHOD = re.compile(r"_{0,2}[A-Z]\w*(\._?[A-Za-z]\w*)+\Z|_?[a-z]\w*(\._?[a-z]\w*)?\Z")

_BY_MODULE = {module: library for library, modules in LIBRARIES.items() for module in modules}


def library_of(module: str, name: str) -> tuple[str | None, int]:
    """The known library this class or function belongs to, and how many packages deep that is known of it."""
    listed = FUNCTIONS.get((module, name))
    if listed is not None:
        return listed, DEEPEST_MODULE
    if not (_CLASS.match(name) or _CYTHON_CLASS.match(name)) and not any(
        module.startswith(prefix) and pattern.match(name) for prefix, pattern in _PATTERNS
    ):
        return None, 0
    return _library_of_module(module)


def library_of_function(module: str, name: str) -> str | None:
    """The known library of a function or method that is only named, never called: a metric, a scorer, a hash."""
    return _library_of_module(module)[0] if _METHOD.match(name) else None


def _library_of_module(module: str) -> tuple[str | None, int]:
    steps = module.split(".", DEEPEST_MODULE)[:DEEPEST_MODULE]
    for depth in range(len(steps), 0, -1):
        library = _BY_MODULE.get(".".join(steps[:depth]))
        if library is not None:
            return library, depth
    return None, 0
