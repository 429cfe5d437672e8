"""Names that are known to be used against whoever loads a pickle, with what they do.

Sources: the security advisories of picklescan, fickling and modelscan up to November 2026, "The Art of Hide and Seek"
(arXiv 2508.19774), and the sources of CPython 3.11 to 3.14, torch 2.13, numpy 2.4 and pandas 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from scanners.formats.pickle.known import DEEPEST_MODULE, names


class Effect(Enum):
    """What calling it does, as the end of a sentence that begins with "which"."""

    COMMAND = "runs commands on the machine"
    CODE = "runs Python code"
    IMPORT = "imports modules, which runs their code"
    NATIVE = "loads or calls native code"
    CALLS = "calls whatever it is handed"
    ATTRIBUTES = "reaches any attribute of anything, and so any function"
    FUNCTIONS = "makes functions out of bytecode"
    UNPICKLES = "loads another pickle, which runs what that one says"
    INTERNALS = "reaches into the running interpreter"
    PROCESS = "starts processes or threads"
    NETWORK = "opens network connections"
    FILES = "reads, writes or deletes files"

    @property
    def is_only_files(self) -> bool:
        return self is Effect.FILES


def _of(effect: Effect, text: str) -> dict[str, Effect]:
    return dict.fromkeys(names(text), effect)


MODULES: Mapping[str, Effect] = MappingProxyType(
    {
        **_of(
            Effect.COMMAND,
            """os posix nt subprocess pty commands popen2 platform pipes pexpect ptyprocess sh plumbum invoke fabric
            _posixsubprocess _osx_support _aix_support _pyrepl pip ensurepip venv setuptools distutils pkg_resources
            torch.utils.cpp_extension torch.utils.collect_env torch.utils.hipify torch._inductor torch._appdirs
            torch.utils.benchmark torch.utils.data._utils.worker test.support msilib winreg _winapi msvcrt mailcap
            uuid imaplib webbrowser antigravity numpy.distutils paramiko psutil git dulwich pygit2 docker nbconvert
            IPython jupyter jupyter_client notebook papermill click.testing salt ansible cpuinfo py_cpuinfo
            transformers.commands transformers.testing_utils nltk.internals nltk.inference nltk.parse.malt
            nltk.parse.stanford nltk.parse.corenlp nltk.tag.stanford nltk.tag.senna nltk.tag.hunpos nltk.classify.weka
            nltk.classify.megam nltk.classify.tadm nltk.tokenize.stanford gensim.models.wrappers spacy.cli
            pytorch_lightning.strategies.launchers lightning.pytorch.strategies.launchers
            lightning.fabric.strategies.launchers lightning_fabric.strategies.launchers ultralytics.utils.checks""",
        ),
        **_of(
            Effect.CODE,
            """code codeop bdb pdb cProfile profile trace timeit doctest unittest pydoc idlelib lib2to3 runpy
            compileall py_compile rlcompleter readline site sitecustomize usercustomize ast symtable test
            numpy.f2py numpy.testing torch.utils.bottleneck torch._dynamo torch.fx torch.jit torch.testing
            torch.utils._config_module torch.onnx torch._export torch.export torch._C torch._functorch
            torch.package torch.cuda._sanitizer torch.utils.viz pandas.eval pandas.core.computation numexpr sympy
            mako jinja2 tornado.template bottle django.template asteval simpleeval RestrictedPython restrictedpython
            _xxsubinterpreters _interpreters _interpqueues interpreters _xxinterpchannels _testcapi
            _testinternalcapi smtpd turtle turtledemo tkinter _tkinter sqlalchemy.ext pytest _pytest nose py.test
            scipy._lib._util scipy.testing logging.config configparser hydra.utils hydra._internal
            torch_utils.persistence
            transformers.agents transformers.tools nltk.sem nltk.app nltk.draw nltk.test ultralytics.utils.callbacks""",
        ),
        **_of(
            Effect.IMPORT,
            """importlib _frozen_importlib _frozen_importlib_external imp _imp pkgutil zipimport modulefinder
            importlib_metadata importlib_resources six.moves pydoc_data transformers.dynamic_module_utils
            transformers.utils.import_utils transformers.pipelines
            nltk.corpus.util pytorch_lightning.cli lightning.pytorch.cli mmengine.registry mmengine.config""",
        ),
        **_of(
            Effect.NATIVE,
            """ctypes _ctypes cffi _cffi_backend numpy.ctypeslib torch._classes torch._ops torch.ops torch.classes
            torch.library llvmlite numba pycuda cupy tensorrt mmap _testbuffer""",
        ),
        **_of(Effect.CALLS, "sched _sched contextlib contextvars trampoline toolz cytoolz more_itertools pydash funcy"),
        **_of(Effect.ATTRIBUTES, "inspect __builtins__ weakref _weakref"),
        **_of(Effect.FUNCTIONS, "cloudpickle dill marshal srsly.cloudpickle joblib.externals.cloudpickle new"),
        **_of(
            Effect.UNPICKLES,
            """pickle _pickle cPickle pickle5 shelve dbm torch.hub torch.serialization torch.utils.data.datapipes
            torch.utils.model_zoo numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format pandas.io
            pandas.compat.pickle_compat joblib.memory joblib.numpy_pickle_compat srsly.ruamel_yaml yaml ruamel
            jsonpickle hickle klepto diskcache cachetools.keys sqlitedict tensorflow.io keras.utils keras.saving
            keras.models tensorflow.keras mlflow skops torch.distributed.checkpoint torch.distributed.rpc
            torch.distributed._shard torch.distributed.distributed_c10d polars.lazyframe polars.expr polars.io
            nltk.data""",
        ),
        **_of(
            Effect.INTERNALS,
            """sys gc signal _signal atexit faulthandler tracemalloc linecache resource threading _thread
            concurrent.interpreters sysconfig _sysconfig copyreg dis opcode ctypes.util
            _bootlocale zoneinfo._tzpath encodings""",
        ),
        **_of(
            Effect.PROCESS,
            """multiprocessing _multiprocessing multiprocess billiard concurrent torch.multiprocessing joblib.parallel
            joblib.externals loky asyncio _asyncio trio anyio gevent eventlet curio celery dask ray
            torch.distributed pathos""",
        ),
        **_of(
            Effect.NETWORK,
            """socket _socket ssl _ssl select selectors http httplib urllib urllib2 urllib3 requests aiohttp httpx
            httpcore pycurl ftplib smtplib poplib nntplib telnetlib xmlrpc xmlrpclib socketserver SocketServer
            BaseHTTPServer SimpleHTTPServer asyncore asynchat cgi cgitb wsgiref websocket websockets zmq boto boto3
            botocore s3fs gcsfs fsspec smart_open huggingface_hub logging.handlers wget twisted nturl2path
            torch.utils.tensorboard tensorboard transformers.utils.hub nltk.downloader nltk.twitter gensim.downloader
            xgboost.tracker xgboost.collective xgboost.dask xgboost.spark lightgbm.dask ultralytics.utils.downloads
            ultralytics.hub""",
        ),
        **_of(
            Effect.FILES,
            """shutil tempfile fileinput glob io _io _pyio codecs tarfile zipfile gzip bz2 lzma _bz2 _lzma sqlite3
            _sqlite3 filecmp pathlib pathlib._local posixpath ntpath genericpath macpath stat mailbox plistlib netrc
            dotenv csv _csv logging syslog crypt _crypt spwd pwd grp nis fcntl termios tty numpy.compat
            numpy.lib._datasource torch.utils.dlpack curses _curses dircache""",
        ),
    }
)
"""Modules of which some name does this; those below them, too. What of theirs is harmless is listed as such."""

NAMES: Mapping[str, Mapping[str, Effect]] = MappingProxyType(
    {
        "builtins": {
            **_of(Effect.CODE, "eval exec execfile compile breakpoint input raw_input help exit quit license credits"),
            **_of(Effect.IMPORT, "__import__ reload"),
            **_of(Effect.ATTRIBUTES, "getattr hasattr setattr delattr vars dir globals locals type super"),
            **_of(Effect.ATTRIBUTES, "property staticmethod classmethod memoryview __build_class__"),
            **_of(Effect.CALLS, "apply map filter iter next sorted min max reduce"),
            **_of(Effect.FILES, "open file"),
        },
        "functools": {
            **_of(Effect.CALLS, "reduce singledispatch singledispatchmethod cached_property partialmethod cmp_to_key"),
            **_of(Effect.CALLS, "lru_cache cache wraps update_wrapper _lru_cache_wrapper total_ordering"),
        },
        "itertools": _of(Effect.CALLS, "starmap accumulate groupby takewhile dropwhile filterfalse"),
        "types": {
            **_of(Effect.FUNCTIONS, "CodeType FunctionType LambdaType MethodType ModuleType CellType"),
            **_of(Effect.CALLS, "new_class resolve_bases prepare_class coroutine DynamicClassAttribute"),
        },
        "operator": _of(Effect.ATTRIBUTES, "attrgetter methodcaller call setitem getitem delitem"),
        "copyreg": _of(Effect.INTERNALS, "add_extension remove_extension pickle constructor"),
        "weakref": _of(Effect.CALLS, "finalize WeakMethod"),
        "numpy": {
            **_of(Effect.UNPICKLES, "load"),
            **_of(Effect.FILES, "fromfile loadtxt genfromtxt savetxt save savez savez_compressed memmap DataSource"),
            **_of(Effect.CALLS, "frompyfunc fromfunction apply_along_axis apply_over_axes piecewise"),
        },
        "torch": {
            **_of(Effect.UNPICKLES, "load"),
            **_of(Effect.CODE, "compile vmap"),
            **_of(Effect.FILES, "save from_file"),
        },
        "torch.storage": _of(Effect.FILES, "_share_filename_cpu_ _new_shared UntypedStorage.from_file"),
        "joblib": {
            **_of(Effect.UNPICKLES, "load"),
            **_of(Effect.FILES, "dump Memory"),
            **_of(Effect.PROCESS, "Parallel delayed"),
        },
        "joblib.numpy_pickle": {
            **_of(Effect.UNPICKLES, "load _unpickle NumpyUnpickler load_temporary_memmap"),
            **_of(Effect.FILES, "dump NumpyPickler BinaryZlibFile"),
        },
        "pandas": {
            **_of(Effect.UNPICKLES, "read_pickle read_hdf HDFStore"),
            **_of(Effect.CODE, "eval"),
            **_of(
                Effect.FILES,
                "read_csv read_json read_table read_excel read_parquet read_feather read_sql read_html read_xml"
                " ExcelWriter ExcelFile to_pickle",
            ),
        },
        "sklearn.utils._testing": _of(Effect.CALLS, "ignore_warnings assert_run_python_script_without_output"),
        "string": _of(Effect.ATTRIBUTES, "Formatter"),
        "typing": _of(Effect.CODE, "ForwardRef get_type_hints _eval_type NamedTuple"),
        "dataclasses": _of(Effect.CODE, "make_dataclass _create_fn dataclass"),
        "collections": _of(Effect.CODE, "namedtuple"),
        "enum": _of(Effect.CALLS, "Enum EnumMeta EnumType"),
        "traceback": _of(Effect.INTERNALS, "walk_tb walk_stack"),
        "transformers": {
            **_of(Effect.CODE, "pipeline AutoModel AutoTokenizer AutoConfig PreTrainedModel tool Tool"),
            **_of(Effect.COMMAND, "agents"),
        },
        "transformers.dynamic_module_utils": _of(
            Effect.IMPORT, "get_class_in_module get_class_from_dynamic_module init_module create_dynamic_module"
        ),
        "transformers.utils.hub": _of(Effect.NETWORK, "cached_file cached_files"),
    }
)
"""Dangerous names of modules that have harmless ones as well."""

ANYWHERE: Mapping[str, Effect] = MappingProxyType(
    {
        **_of(
            Effect.COMMAND,
            """system popen popen2 popen3 popen4 Popen check_output check_call getoutput getstatusoutput fork_exec
            spawnl spawnv spawnve spawnlp spawnvp spawnle execv execve execl execle execlp execvp execvpe
            posix_spawn posix_spawnp startfile run_command shell_exec exec_command run_cmd runcmd os_system""",
        ),
        **_of(
            Effect.CODE,
            """eval exec execfile exec_ compile_file runstring run_path run_module run_code runcode runsource runctx
            runcommand literal_exec safe_eval evaluate_guards_expression execWrapper InteractiveInterpreter
            InteractiveConsole""",
        ),
        **_of(
            Effect.IMPORT,
            """__import__ import_module resolve_name load_source load_module load_dynamic import_string import_string_
            SourceFileLoader SourcelessFileLoader ExtensionFileLoader import_from_path import_class locate""",
        ),
        **_of(Effect.NATIVE, "CDLL PyDLL WinDLL OleDLL LibraryLoader load_library dlopen cdll windll"),
        **_of(Effect.ATTRIBUTES, "getattr attrgetter methodcaller"),
        **_of(Effect.FUNCTIONS, "CodeType FunctionType LambdaType MethodType ModuleType"),
        **_of(Effect.UNPICKLES, "Unpickler _Unpickler read_pickle unsafe_load unsafe_load_all full_load pickle_load"),
        **_of(
            Effect.PROCESS,
            "Thread Process ThreadPool ThreadPoolExecutor ProcessPoolExecutor Parallel start_new_thread",
        ),
        **_of(
            Effect.NETWORK,
            """urlopen urlretrieve HTTPConnection HTTPSConnection create_connection SMTP SMTP_SSL FTP FTP_TLS
            IMAP4_stream download_file snapshot_download hf_hub_download load_state_dict_from_url
            download_url_to_file""",
        ),
        **_of(
            Effect.FILES,
            """rmtree NamedTemporaryFile TemporaryFile TemporaryDirectory SpooledTemporaryFile ZipFile TarFile FileIO
            FileHandler RotatingFileHandler TimedRotatingFileHandler WatchedFileHandler write_file Memory
            ExcelWriter HDFStore unlink removedirs""",
        ),
    }
)
"""Names that mean the same wherever they stand: a module that imported them hands them on."""


_ALIASES = {
    "__builtin__": "builtins",
    "__builtins__": "builtins",
    "numpy.core.multiarray": "numpy",
    "numpy._core.multiarray": "numpy",
}
"""Modules that have the names of another one."""


def effect_of(module: str, name: str) -> Effect | None:
    """What `module.name` is known to do, if it is known as dangerous."""
    return effect_of_name(module, name) or effect_of_module(module)[0]


def effect_of_name(module: str, name: str) -> Effect | None:
    """By the name itself.

    A dotted name (`posixpath` with `os.system`) walks through attributes: every step of the walk counts.
    """
    parts = name.split(".")
    if len(parts) > 1:
        if any(part.startswith("__") and part.endswith("__") for part in parts[1:]):
            return Effect.ATTRIBUTES
        walked = next((MODULES[part] for part in parts[:-1] if part in MODULES), None)
        if "builtins" in parts[:-1] or "__builtins__" in parts[:-1]:
            return Effect.ATTRIBUTES
        if walked is not None:
            return walked
    some = NAMES.get(_ALIASES.get(module, module))
    if some is not None and (parts[0] in some or parts[-1] in some):
        return some.get(parts[0]) or some[parts[-1]]
    return ANYWHERE.get(parts[-1])


def effect_of_module(module: str) -> tuple[Effect | None, int]:
    """By the closest package that is known, and how deep that one is: `numpy.lib.format` is three deep."""
    steps = module.split(".", DEEPEST_MODULE)[:DEEPEST_MODULE]
    for depth in range(len(steps), 0, -1):
        effect = MODULES.get(".".join(steps[:depth]))
        if effect is not None:
            return effect, depth
    return None, 0
