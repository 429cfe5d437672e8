"""What is known of the names in chat templates. Plain data: one place to add a name.

The allowed names are those of Jinja itself, of the environments that render chat templates (transformers, vLLM,
llama-cpp-python), and of the methods that text, lists and dictionaries have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Reach:
    """What a template reaches for, and where: a place in its text, or a line."""

    what: str
    at: int | None = None
    line: int | None = None


DUNDER = re.compile(
    r"__(?:class|bases?|mro|subclasses|globals|builtins?|import|init|new|dict|code|closure|func|self|module|loader|spec"
    r"|call|getattribute|getattr|setattr|delattr|getitem|reduce|reduce_ex|wrapped|kwdefaults|defaults|dir|subclasshook"
    r"|init_subclass|class_getitem|mro_entries|annotations|text_signature|qualname|name|doc|file|path|package|all"
    r"|enter|exit|del|set_name|format|weakref|slots|objclass|instancecheck|context)__"
)
PYTHON_INTERNALS = _names(
    """mro func_globals func_code im_func im_self gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await ag_frame
    ag_code tb_frame tb_next f_globals f_locals f_builtins f_back f_code co_code co_consts popen format_map"""
)
"""Attributes of functions, frames and modules: no message, tool or string has one that a template needs."""
OBJECTS_OF_JINJA = _names("cycler joiner lipsum namespace")
"""What Jinja puts into every template: Python objects to walk from. They are called, never looked into."""
OBJECTS_OF_SERVERS = _names("request config session g get_flashed_messages url_for application current_app self")
"""What Flask and its like give their templates, and the template itself: to walk from. No loader of models has them."""
GLOBALS = _names("raise_exception strftime_now namespace range dict cycler joiner lipsum caller loop super")
HARMLESS_UNKNOWN_GLOBALS = _names(
    """len str int float bool list set tuple zip enumerate sorted min max sum abs print now today time date datetime
    uuid uuid4 json tojson fromjson from_json to_json escape trim raise warn log debug get_current_date format_date
    strptime"""
)
"""Functions that one may well believe to be there; rendering fails where they are not."""
METHODS = _names(
    """items keys values get setdefault update copy append extend insert pop remove clear index count sort reverse
    startswith endswith split rsplit splitlines strip lstrip rstrip replace lower upper title capitalize casefold
    swapcase join format find rfind rindex partition rpartition removeprefix removesuffix isdigit isalpha isalnum
    isspace isupper islower isnumeric isdecimal isidentifier istitle zfill ljust rjust center expandtabs strftime
    isoformat next reset current union intersection difference add tolist date time
    is_integer bit_length hex"""
)
DANGEROUS_METHODS = _names(
    """popen system spawn spawnl spawnv execv execve execl exec eval compile run call check_output check_call Popen
    getoutput getstatusoutput open read readlines write unlink rmtree load_module exec_module find_spec get_data
    import_module urlopen urlretrieve connect request loads load from_pyfile import_string select_jinja_autoescape
    get_template make_response _load_form_data getattr setattr globals locals vars breakpoint input environ fork
    kill socket"""
)
FILTERS = _names(
    """abs attr batch capitalize center count d default dictsort e escape filesizeformat first float forceescape format
    groupby indent int items join last length list lower map max min pprint random reject rejectattr replace reverse
    round safe select selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode
    urlize wordcount wordwrap xmlattr from_json fromjson"""
)
TESTS = _names(
    """boolean callable defined divisibleby eq equalto escaped even false filter float ge greaterthan gt in integer
    iterable le lessthan lower lt mapping ne none number odd sameas sequence string test true undefined upper"""
)
WORDS_OF_DUNDERS = _names(
    "class base bases mro subclasses globals builtins init import getattribute getitem dict code closure reduce"
)
"""What is left of such a name when its underscores come from elsewhere."""
RUNS_CODE = re.compile(
    r"\b(?:os|posix|nt|popen|Popen|system|subprocess|eval|exec|execfile|compile|check_output|check_call|getoutput|pty|"
    r"spawn\w*|execv\w*|import_module|load_module|importlib|__import__|urlopen|socket|ctypes|runpy)\b"
)
"""With a way into Python, these are the end of it: commands, code or the network."""
