"""Names of Python functions and classes in configurations, and what calling them would do."""

from __future__ import annotations

import re
from enum import IntEnum


class Danger(IntEnum):
    """What a configuration's name comes to when its loader calls it."""

    NONE = 0
    UNKNOWN = 1
    REACHES_OUT = 2
    RUNS = 3


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RUNS = re.compile(
    r"(?:os|posix|nt)\.(?:system|popen\w*|exec\w*|spawn\w*|posix_spawn\w*|startfile|fork\w*|kill)"
    r"|subprocess(?:\..*)?|_posixsubprocess\..*|commands\..*|pty\..*|popen2\..*"
    r"|(?:builtins|__builtin__|__builtins__)\.(?:eval|exec|compile|execfile|__import__|getattr|setattr|globals|breakpoint|help)"
    r"|eval|exec|compile|__import__|execfile|breakpoint"
    r"|importlib(?:\..*)?|imp\..*|runpy(?:\..*)?|code\.(?:interact|Interactive\w+)|codeop\..*|pdb\..*|bdb\..*|timeit\..*"
    r"|cProfile\..*|profile\..*|trace\..*|doctest\..*|ctypes(?:\..*)?|_ctypes\..*|cffi\..*|multiprocessing\..*"
    r"|asyncio\.(?:create_)?subprocess.*|concurrent\.futures\..*|pkgutil\..*|pydoc\..*|platform\.popen|webbrowser\..*"
    r"|pickle\..*|_pickle\..*|cPickle\..*|dill\..*|cloudpickle\..*|jsonpickle\..*|marshal\..*|shelve\..*"
    r"|joblib\.load|torch\.load|torch\.hub\..*|torch\.utils\.cpp_extension\..*|torch\.ops\.load_library|torch\.package\..*"
    r"|torch\._(?:dynamo|inductor)\..*|numpy\.load|numpy\.testing\..*runstring.*|numpy\.f2py\..*|numpy\.ctypeslib\..*"
    r"|pandas\.(?:read_pickle|eval|io\.pickle\..*|core\.computation\..*)|yaml\.(?:unsafe_load|full_load|load|unsafe_load_all)"
    r"|types\.(?:FunctionType|CodeType|LambdaType|ModuleType)|operator\.(?:methodcaller|attrgetter|itemgetter|call)"
    r"|pip(?:\..*)?|ensurepip(?:\..*)?|setuptools\..*|distutils\..*|site\..*|sys\.\w*|logging\.config\..*|unittest\..*"
    r"|hydra\.(?:utils\.(?:call|instantiate|get_method|get_object|get_class|get_static_method)|_internal\..*)"
    r"|fsspec\..*|sqlalchemy\..*|jinja2\..*|IPython\..*|sympy\.(?:sympify|lambdify|parse_expr)|numexpr\..*|tensorflow\.py_function"
    r"|tensorflow\.numpy_function|tensorflow\.(?:load_op_library|load_library)|keras\..*\.Lambda|langchain\w*\..*(?:PythonREPL|Bash|Shell)\w*"
    r"|smolagents\.\w*(?:Python|Executor)\w*|paramiko\..*|fabric\..*|pexpect\..*|sh\..*|plumbum\..*|invoke\..*"
)
_REACHES_OUT = re.compile(
    r"(?:os|posix|nt|shutil|pathlib|tempfile|glob|io|codecs|fileinput|zipfile|tarfile|linecache)(?:\..*)?"
    r"|(?:builtins|__builtin__|__builtins__)\.(?:open|input|vars|locals|dir|delattr|type|memoryview)|open"
    r"|socket(?:\..*)?|socketserver\..*|ssl\..*|http\..*|urllib\d?(?:\..*)?|requests(?:\..*)?|httpx(?:\..*)?|aiohttp\..*"
    r"|ftplib\..*|smtplib\..*|telnetlib\..*|imaplib\..*|poplib\..*|xmlrpc\..*|wget\..*|threading\..*|signal\..*|atexit\..*"
    r"|functools\.(?:partial|reduce|partialmethod)|inspect\..*|gc\..*|weakref\..*|logging\.(?:FileHandler|handlers\..*)"
    r"|numpy\.(?:save|savez|fromfile|memmap|loadtxt|genfromtxt)|numpy\.lib\.npyio\..*|sqlite3\..*"
    r"|pandas\.io\..*|torch\.save|torchvision\.datasets\.utils\..*|tensorflow\.io\..*|keras\.utils\.get_file"
    r"|keras\.src\.utils\.file_utils\..*|boto3\..*|google\.cloud\..*"
)
_HARMLESS = re.compile(r"os\.path\.(?:join|basename|dirname)|pathlib\.(?:Pure\w*)?Path|functools\.partial")
"""They make a value; what `partial` would call stands beside it and is judged by its own name."""
_CASES = re.compile(r"[\s`'\"]+")

KNOWN_PACKAGES = _names(
    """torch torchvision torchaudio torchtext torchmetrics torchdata torchrl torchao lightning pytorch_lightning
    lightning_fabric lightning_utilities nemo nemo_toolkit nemo_text_processing nemo_run megatron apex
    transformer_engine transformers diffusers accelerate peft trl datasets evaluate tokenizers optimum safetensors
    sentence_transformers setfit timm open_clip clip sklearn scipy numpy pandas xgboost lightgbm catboost keras
    keras_hub keras_nlp keras_cv tensorflow tensorflow_hub tf_keras jax jaxlib flax optax haiku orbax monai
    fairseq fairseq2 speechbrain espnet espnet2 funasr detectron2 mmdet mmengine mmcv mmseg mmpose mmpretrain
    mmcls ultralytics segment_anything sam2 sam3 ldm sgm taming audiocraft demucs TTS einops einops_exts
    albumentations kornia bitsandbytes deepspeed xformers flash_attn vllm sglang composer llmfoundry streaming
    omegaconf hydra mamba_ssm causal_conv1d gluonts pytorch_forecasting chronos uni2ts neuralforecast statsmodels
    rdkit torch_geometric dgl e3nn openfold esm anndata scanpy scvi spacy flair stanza nltk gensim faiss onnx
    onnxruntime openvino coremltools wandb tensorboard mlflow skops stable_baselines3 gymnasium lerobot
    sample_factory ray llama_index haystack dspy outlines guidance axolotl llamafactory unsloth torchtune optuna
    aim litgpt lit_gpt colbert pylate ragatouille FlagEmbedding gliner pyannote whisper faster_whisper whisperx
    kokoro parler_tts cosmos1 imaginaire cosmos_predict2 perception_models vissl mae dinov2 dinov3 hydra_plugins
    collections matplotlib PIL cv2 skimage imageio librosa soundfile soxr webdataset braceexpand lhotse k2
    kaldifst vector_quantize_pytorch x_transformers denoising_diffusion_pytorch k_diffusion controlnet_aux
    insightface basicsr realesrgan gfpgan facexlib mup schedulefree heavyball tiktoken sentencepiece autogluon
    tabpfn pytabkit interpret shap tensorrt tensorrt_llm modelopt nncf brevitas auto_gptq gptqmodel awq hqq quanto
    aqlm eetq compressed_tensors llmcompressor sparseml deepsparse"""
)
"""First parts of names: kept libraries of machine learning, whose classes are data and layers."""


def danger_of(name: str) -> Danger:
    """Of a dotted name, in any case in which a loader would still find it."""
    name = _CASES.sub("", name).replace(":", ".").replace("/", ".").strip(".")
    if _RUNS.fullmatch(name):
        return Danger.RUNS
    if _HARMLESS.fullmatch(name):
        return Danger.NONE
    if _REACHES_OUT.fullmatch(name):
        return Danger.REACHES_OUT
    first = name.split(".", 1)[0]
    # A module of a library may carry another one along: `torch.serialization.os.system`.
    rest = name.split(".")[1:]
    for index in range(len(rest)):
        tail = ".".join(rest[index:])
        if "." in tail and (_RUNS.fullmatch(tail) and rest[index] in _CARRIED):
            return Danger.RUNS
    # What a script itself defines is code of this repository, however its module is called.
    if any(part.startswith("__") and part.endswith("__") for part in name.removeprefix("__main__.").split(".")):
        return Danger.RUNS
    return Danger.NONE if first in KNOWN_PACKAGES else Danger.UNKNOWN


_CARRIED = _names("os posix subprocess sys importlib builtins pickle shutil ctypes pty runpy socket marshal code")
