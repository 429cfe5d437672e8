"""What the names that Python code reaches can do. Plain data: one place to add a name.

A name is a dotted path as the reader resolves it: `os.system`, `requests.get`, `socket.socket().connect`. What is not
here has no power worth a word: modeling code is free to compute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Power(StrEnum):
    """One kind of thing that code can do beyond computing."""

    PROCESS = "process"
    NETWORK = "network"
    SOCKET = "socket"
    HUB = "hub"
    """Downloads of models and data by the libraries made for it."""
    SECRET = "secret"  # noqa: S105  (a kind of thing)
    TOKEN = "token"  # noqa: S105
    """One environment variable that holds a token; ordinary by itself."""
    HOST = "host"
    """Who and where: names of users, machines and addresses."""
    DECODE = "decode"
    EXEC = "exec"
    COMPILE = "compile"
    IMPORT_FILE = "import-file"
    """Runs a Python file by its path."""
    UNPICKLE = "unpickle"
    NATIVE = "native"
    BUILD_NATIVE = "build-native"
    WRITE = "write"
    DELETE = "delete"
    PERMISSIONS = "permissions"
    PERSIST = "persist"
    TAMPER = "tamper"
    ESCAPE = "escape"
    """Walks from a value to Python's internals."""
    COMPUTED = "computed"
    """A name that is computed, of a module that can do everything."""
    INSTALL = "install"
    REMOTE_CODE = "remote-code"
    READ_FILE = "read-file"
    JOINED = "joined"
    """Only of values: a text put together from pieces that could have been written as one."""
    INPUT = "input"
    """Only of values: what a function was given by whoever calls it."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TABLE: dict[Power, tuple[str, ...]] = {
    Power.PROCESS: _names(
        """os.system os.popen os.popen2 os.popen3 os.popen4 os.execl os.execle os.execlp os.execlpe os.execv os.execve
        os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp os.spawnvpe
        os.posix_spawn os.posix_spawnp os.startfile os.forkpty subprocess.run subprocess.call subprocess.check_call
        subprocess.check_output subprocess.Popen subprocess.getoutput subprocess.getstatusoutput pty.spawn pty.fork
        commands.getoutput commands.getstatusoutput popen2.popen2 popen2.popen3 popen2.popen4 platform.popen
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec
        asyncio.subprocess.create_subprocess_shell pexpect.spawn pexpect.run plumbum.local sh.bash sh.sh sh.Command
        distutils.spawn.spawn setuptools.distutils.spawn.spawn invoke.run fabric.Connection webbrowser.open
        IPython.get_ipython().system get_ipython().system IPython.get_ipython().getoutput get_ipython().getoutput
        get_ipython().run_cell_magic IPython.get_ipython().run_cell_magic _winapi.CreateProcess
        _posixsubprocess.fork_exec multiprocessing.util.spawnv_passfds win32api.ShellExecute win32process.CreateProcess
        cgi.os.system wmi.WMI ctypes.windll.shell32.ShellExecuteW ctypes.windll.kernel32.WinExec
        ctypes.windll.kernel32.CreateProcessW pydoc.pipepager pydoc.tempfilepager webbrowser.get
        setuptools.sandbox.run_setup numpy.distutils.exec_command.exec_command torch.utils.collect_env.run uuid._popen
        imaplib.IMAP4_stream
        anyio.run_process anyio.open_process trio.run_process"""
    ),
    Power.SOCKET: _names(
        """socket.socket socket.create_connection socket.create_server socket.socketpair socket.fromfd _socket.socket
        asyncio.open_connection asyncio.start_server asyncio.open_unix_connection socketserver.TCPServer
        socketserver.UDPServer socketserver.ThreadingTCPServer telnetlib.Telnet"""
    ),
    Power.NETWORK: _names(
        """urllib.request.urlopen urllib.request.urlretrieve urllib.request.build_opener urllib.request.URLopener
        urllib.request.FancyURLopener urllib.urlopen urllib.urlretrieve urllib2.urlopen http.client.HTTPConnection
        http.client.HTTPSConnection httplib.HTTPConnection httplib.HTTPSConnection requests.get requests.post
        requests.put requests.patch requests.delete requests.head requests.options requests.request requests.Session
        requests.session requests.api requests.sessions.Session httpx.get httpx.post httpx.put httpx.patch httpx.delete
        httpx.head httpx.request httpx.stream httpx.Client httpx.AsyncClient aiohttp.ClientSession aiohttp.request
        urllib3.PoolManager urllib3.request urllib3.HTTPConnectionPool urllib3.HTTPSConnectionPool ftplib.FTP
        ftplib.FTP_TLS smtplib.SMTP smtplib.SMTP_SSL paramiko.SSHClient paramiko.Transport websocket.create_connection
        websocket.WebSocketApp websocket.WebSocket websockets.connect websockets.sync.client.connect
        xmlrpc.client.ServerProxy poplib.POP3 poplib.POP3_SSL imaplib.IMAP4 imaplib.IMAP4_SSL nntplib.NNTP
        wget.download pycurl.Curl http.server.HTTPServer http.server.ThreadingHTTPServer dns.resolver.resolve
        dns.resolver.query dns.resolver.Resolver socket.getaddrinfo socket.gethostbyname socket.gethostbyname_ex
        grpc.insecure_channel grpc.secure_channel tornado.httpclient.HTTPClient tornado.httpclient.AsyncHTTPClient
        treq.get treq.post boto3.client boto3.resource gdown.download gdown.download_folder scp.SCPClient
        asyncssh.connect pysftp.Connection mechanize.Browser selenium.webdriver.Chrome discord_webhook.DiscordWebhook
        discord.Webhook telegram.Bot telebot.TeleBot slack_sdk.WebClient requests_toolbelt.MultipartEncoder
        curl_cffi.requests.get curl_cffi.requests.post pyngrok.ngrok.connect torch.hub.download_url_to_file
        tensorflow.keras.utils.get_file keras.utils.get_file stem.process.launch_tor"""
    ),
    Power.HUB: _names(
        """huggingface_hub.hf_hub_download huggingface_hub.snapshot_download huggingface_hub.cached_download
        huggingface_hub.HfFileSystem huggingface_hub.HfApi huggingface_hub.InferenceClient
        transformers.utils.cached_file transformers.utils.hub.cached_file datasets.load_dataset
        torch.hub.load_state_dict_from_url torch.utils.model_zoo.load_url modelscope.snapshot_download"""
    ),
    Power.REMOTE_CODE: _names("torch.hub.load torch.hub.help torch.hub.list"),
    Power.SECRET: _names(
        """keyring.get_password keyring.get_credential browser_cookie3.chrome browser_cookie3.firefox
        browser_cookie3.load browser_cookie3.edge win32crypt.CryptUnprotectData spwd.getspnam spwd.getspall
        ImageGrab.grab PIL.ImageGrab.grab pyperclip.paste pynput.keyboard.Listener keyboard.on_press
        pyautogui.screenshot
        os.environb"""
    ),
    Power.TOKEN: _names(
        """huggingface_hub.get_token huggingface_hub.HfFolder.get_token huggingface_hub.utils.get_token
        huggingface_hub.HfFolder().get_token huggingface_hub.hf_api.HfFolder.get_token netrc.netrc
        boto3.Session().get_credentials"""
    ),
    Power.HOST: _names(
        """socket.gethostname socket.getfqdn getpass.getuser platform.node platform.uname os.uname os.getlogin
        uuid.getnode pwd.getpwuid pwd.getpwall psutil.users psutil.net_if_addrs"""
    ),
    Power.DECODE: _names(
        """base64.b64decode base64.urlsafe_b64decode base64.standard_b64decode base64.decodebytes base64.decodestring
        base64.b32decode base64.b32hexdecode base64.b16decode base64.b85decode base64.a85decode base64.z85decode
        binascii.unhexlify binascii.a2b_hex binascii.a2b_base64 binascii.a2b_uu codecs.decode codecs.getdecoder
        zlib.decompress zlib.decompressobj gzip.decompress bz2.decompress lzma.decompress bytes.fromhex
        bytearray.fromhex quopri.decodestring uu.decode cryptography.fernet.Fernet Crypto.Cipher.AES.new
        Crypto.Cipher.ARC4.new Cryptodome.Cipher.AES.new pyaes.AESModeOfOperationCTR"""
    ),
    Power.EXEC: _names(
        """exec eval execfile types.FunctionType types.LambdaType types.CodeType code.InteractiveInterpreter
        code.InteractiveConsole code.interact timeit.timeit timeit.Timer timeit.repeat cProfile.run profile.run
        trace.Trace marshal.loads marshal.load bdb.Bdb doctest.testmod numpy.testing.runstring
        pdb.run sympy.sympify _testcapi.run_in_subinterp _xxsubinterpreters.run_string
        _interpreters.run_string _interpreters.exec IPython.get_ipython().run_cell get_ipython().run_cell
        get_ipython().ex get_ipython().run_code lib2to3.pgen2.pgen.eval jinja2.Template
        jinja2.Environment().from_string mako.template.Template
        ctypes.pythonapi.PyRun_SimpleString
        ctypes.pythonapi.PyRun_String"""
    ),
    Power.COMPILE: _names("compile"),
    Power.IMPORT_FILE: _names(
        """runpy.run_path runpy.run_module imp.load_source imp.load_module imp.load_compiled imp.load_dynamic
        importlib.machinery.SourceFileLoader importlib.machinery.SourcelessFileLoader
        importlib.util.spec_from_file_location importlib.machinery.ExtensionFileLoader
        importlib.util.spec_from_loader zipimport.zipimporter
        transformers.dynamic_module_utils.get_class_from_dynamic_module
        test.support.script_helper.run_python_until_end"""
    ),
    Power.UNPICKLE: _names(
        """pickle.load pickle.loads pickle.Unpickler _pickle.load _pickle.loads _pickle.Unpickler cPickle.load
        cPickle.loads dill.load dill.loads cloudpickle.load cloudpickle.loads joblib.load torch.load shelve.open
        pandas.read_pickle jsonpickle.decode jsonpickle.loads yaml.unsafe_load yaml.unsafe_load_all
        sklearn.externals.joblib.load torch.jit.load hickle.load klepto.archives.file_archive numpy.loads
        pickle5.load pickle5.loads keras.models.load_model tensorflow.keras.models.load_model skops.io.load
        torch.package.PackageImporter mlflow.pyfunc.load_model"""
    ),
    Power.NATIVE: _names(
        """ctypes.CDLL ctypes.PyDLL ctypes.WinDLL ctypes.OleDLL ctypes.cdll ctypes.windll ctypes.oledll
        ctypes.pythonapi ctypes.LibraryLoader numpy.ctypeslib.load_library cffi.FFI().dlopen cffi.FFI().verify
        torch.ops.load_library torch.classes.load_library tensorflow.load_op_library tensorflow.load_library
        ctypes.CFUNCTYPE ctypes.WINFUNCTYPE ctypes.PYFUNCTYPE ctypes.memmove ctypes.string_at
        os.memfd_create sqlite3.connect().load_extension mmap.PROT_EXEC _ctypes.dlopen _ctypes.dlsym"""
    ),
    Power.BUILD_NATIVE: _names(
        """torch.utils.cpp_extension.load torch.utils.cpp_extension.load_inline cffi.FFI().set_source
        cupy.RawModule cupy.RawKernel cppyy.cppdef cppyy.include numba.core.ccallback weave.inline
        distutils.ccompiler.new_compiler pyximport.install Cython.inline
        numpy.f2py.compile
        tcc.compile llvmlite.binding.create_mcjit_compiler"""
    ),
    Power.DELETE: _names(
        """shutil.rmtree os.remove os.unlink os.rmdir os.removedirs pathlib.Path().unlink pathlib.Path().rmdir
        send2trash.send2trash os.truncate"""
    ),
    Power.PERMISSIONS: _names("os.chmod os.chown os.setuid os.setgid pathlib.Path().chmod os.setresuid"),
    Power.WRITE: _names(
        """shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace os.symlink os.link
        pathlib.Path().write_text pathlib.Path().write_bytes pathlib.Path().symlink_to pathlib.Path().rename
        pathlib.Path().replace zipfile.ZipFile().extractall
        tarfile.open().extractall os.write os.mkfifo shutil.unpack_archive"""
    ),
    Power.PERSIST: _names(
        """winreg.SetValueEx winreg.CreateKey winreg.CreateKeyEx _winreg.SetValueEx crontab.CronTab
        win32com.client.Dispatch site.addsitedir win32serviceutil.InstallService schtasks.create"""
    ),
    Power.TAMPER: _names(
        """sys.settrace sys.setprofile threading.settrace threading.setprofile sys.gettrace sys.addaudithook
        sys.meta_path sys.path_hooks sys.path_importer_cache sys._getframe().f_back.f_globals gc.get_referrers
        gc.get_objects inspect.currentframe().f_back.f_globals ctypes.pythonapi.Py_SetProgramName
        ctypes.windll.kernel32.IsDebuggerPresent importlib.abc.MetaPathFinder sys.excepthook
        builtins.__import__ codecs.register forbiddenfruit.curse
        os._exit os.kill os.killpg os.abort os.fork sys.breakpointhook sys.displayhook
        keras.config.enable_unsafe_deserialization keras.saving.enable_unsafe_deserialization
        tensorflow.keras.config.enable_unsafe_deserialization
        keras.src.saving.serialization_lib.enable_unsafe_deserialization"""
    ),
    Power.ESCAPE: (),
    Power.INSTALL: _names(
        """pip.main pip._internal.main pip._internal.cli.main.main pip._internal.main.main
        pip._internal.cli.main ensurepip.bootstrap setuptools.command.easy_install.main pkg_resources.require
        pip.runner conda.cli.python_api.run_command micropip.install piplite.install"""
    ),
}

_ALSO_PREFIXES: dict[str, Power] = {
    "paramiko": Power.NETWORK,
    "ftplib": Power.NETWORK,
    "smtplib": Power.NETWORK,
    "telnetlib": Power.SOCKET,
    "websocket": Power.NETWORK,
    "pip._internal": Power.INSTALL,
}
"""Whole modules: whatever is taken from them."""

_POWERS: Mapping[str, Power] = MappingProxyType(
    {name: power for power, names in _TABLE.items() for name in names} | _ALSO_PREFIXES
)

_HARMLESS = frozenset(
    _names(
        """ctypes.pythonapi.PyMem_Malloc websocket.WebSocketException websocket.WebSocketTimeoutException
        smtplib.SMTPException ftplib.all_errors paramiko.SSHException requests.api.__name__ webbrowser.open.__name__
        torch.hub.load_state_dict_from_url"""
    )
)

MODULES_THAT_CAN_ALL = frozenset(
    _names("os sys subprocess builtins importlib shutil ctypes pty socket pickle marshal runpy posix nt")
)
"""A computed name taken from one of these is a name somebody wants hidden."""

SAME = MappingProxyType(
    {
        "posix": "os",
        "nt": "os",
        "_io": "io",
        "_pickle": "pickle",
        "cPickle": "pickle",
        "_socket": "socket",
        "__builtins__": "builtins",
        "__builtin__": "builtins",
        "_frozen_importlib": "importlib._bootstrap",
        "six.moves.urllib": "urllib",
        "six.moves.cPickle": "pickle",
        "posixpath": "os.path",
        "ntpath": "os.path",
        "_subprocess": "subprocess",
        "tf": "tensorflow",
    }
)
"""Modules by another name."""

BUILTINS = frozenset(
    _names(
        """exec eval compile open getattr setattr delattr globals locals vars __import__ chr ord bytes bytearray str
        int float list tuple dict set map filter zip reversed sorted range enumerate input print type hash hex oct bin
        len sum min max isinstance issubclass super object property staticmethod classmethod callable iter next repr
        format ascii round abs divmod pow any all id dir memoryview execfile breakpoint help get_ipython slice"""
    )
)

BLIND_SPOTS = re.compile(
    r"\.(?:__class__.*__subclasses__|__base__.*__subclasses__|^object\.__subclasses__|__globals__|__builtins__|f_globals"
    r"|f_builtins|gi_frame|cr_frame|func_globals|tb_frame)"
)

SECRET_PLACES = re.compile(
    r"""(?:^|[/\\~.])\.(?:ssh|aws|azure|kube|gnupg|netrc|pgpass|git-credentials|pypirc|npmrc|docker/config\.json
        |bash_history|zsh_history|python_history|mozilla|thunderbird|electrum|bitcoin|ethereum|config/gcloud
        |config/gh/hosts|config/google-chrome|config/chromium|config/solana|huggingface/token|huggingface/stored_tokens
        |cache/huggingface/token|cache/huggingface/stored_tokens|local/share/keyrings|vault-token|env$)
    |/etc/(?:passwd|shadow|sudoers|krb5\.keytab)\b|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|/proc/(?:self|\d+)/environ
    |169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254
    |/var/run/secrets/kubernetes\.io|/run/secrets/|Login\ Data|Local\ Storage[/\\]leveldb|wallet\.dat
    |\.aws[/\\]credentials|key4\.db|logins\.json|cookies\.sqlite|User\ Data[/\\]Default|Library/Keychains
    |(?:^|[/\\])huggingface[/\\](?:token|stored_tokens)$""",
    re.VERBOSE,
)
"""Where keys, tokens, histories and machine credentials lie."""

START_PLACES = re.compile(
    r"""(?:^|[/\\~])\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|zshenv|kshrc|cshrc
        |xinitrc|xprofile|vimrc|pythonrc|config/autostart|config/systemd|config/fish|config/pip|pip/pip\.conf|ssh/authorized_keys
        |ssh/config|ssh/rc|local/bin|gitconfig|git/hooks|ipython/profile_default/startup|jupyter|condarc)
    |/etc/(?:cron|rc\.local|init\.d|systemd|profile|ld\.so|hosts\b|sudoers|passwd|shadow|bash\.bashrc|environment|udev
        |sysctl|apt/|pip\.conf|ssh/|pam\.d|resolv\.conf)
    |/var/spool/cron|/usr/(?:local/)?(?:bin|sbin|lib)/|(?:^|[/\\])(?:site|dist)-packages[/\\]|sitecustomize\.py
    |usercustomize\.py|authorized_keys|LaunchAgents|LaunchDaemons|Start\ Menu|[/\\]Startup[/\\]|CurrentVersion\\+Run
    |System32|crontab|\.pth$|/dev/(?:sd|nvme|mem|kmem)|/boot/|/proc/sys/|/sys/fs/cgroup|/proc/self/mem
    |/var/run/docker\.sock|release_agent""",
    re.VERBOSE,
)
"""Where files are run from by themselves, or where the system is set up."""

TOKEN_NAMES = re.compile(r"TOKEN|SECRET|PASSW|API_?KEY|ACCESS_KEY|PRIVATE_?KEY|CREDENTIAL|AWS_", re.IGNORECASE)

LOADER_VARIABLES = frozenset(
    _names(
        """LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES PYTHONPATH PYTHONSTARTUP PYTHONHOME HF_ENDPOINT
        PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONINSPECT BASH_ENV PROMPT_COMMAND GIT_SSH_COMMAND HTTP_PROXY HTTPS_PROXY
        CURL_CA_BUNDLE REQUESTS_CA_BUNDLE SSL_CERT_FILE PATH TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD
        HF_DATASETS_TRUST_REMOTE_CODE"""
    )
)

PROBES = re.compile(
    r"^(?:nvcc|git (?:rev-parse|describe|log|status|diff|show|config|ls-files|branch|remote|clone|submodule)"
    r"|nvidia-smi|rocm-smi|rocminfo|hipcc|ninja|gcc|g\+\+|cc|c\+\+|clang|cmake|uname|which|where|lscpu|ldconfig"
    r"|sysctl -n|ffmpeg|ffprobe|sox|espeak|espeak-ng|java|javac|make|python3? --version|hostname|numactl|nproc"
    r"|dpkg -l|lspci|ldd|wc|du|df)\b"
)
"""Programs that building and measuring code asks, and that change nothing."""

HUB_HOSTS = re.compile(
    r"^https?://(?:[\w.-]+\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com|endpoints\.huggingface\.cloud|localhost"
    r"|127\.0\.0\.1)(?:[:/]|$)"
)


def power_of(path: str) -> Power | None:
    """Of a resolved path; a path below a listed one (`socket.socket().connect`) has its power."""
    if path in _HARMLESS:
        return None
    whole = path
    while path:
        power = _POWERS.get(path)
        if power is not None:
            return power
        cut = max(path.rfind("."), path.rfind("("))
        path = path[:cut] if cut > 0 else ""
    return Power.ESCAPE if BLIND_SPOTS.search(whole) else None


def all_names() -> tuple[tuple[str, Power], ...]:
    """Every listed name with its power."""
    return tuple(_POWERS.items())
