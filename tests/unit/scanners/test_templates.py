"""Chat templates: what honest models ship stays quiet, what reaches for Python is unsafe."""

from __future__ import annotations

import json

import jinja2
import pytest

from scanners.finding import Report, Verdict
from scanners.scan import scan
from scanners.source import MemorySource

CHATML = """{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'
+ '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
LLAMA_3 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{#- This block extracts the system message, so we can slot it into the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- 'Given the following functions, please respond with a JSON for a function call.' }}
    {{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- if builtin_tools is defined and tool_call.name in builtin_tools %}
            {%- for arg_name, arg_val in tool_call.arguments | items %}
                {{- arg_name + '="' + arg_val + '"' }}
                {%- if not loop.last %}{{- ", " }}{%- endif %}
            {%- endfor %}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"""
QWEN_3 = """{%- if tools %}
    {{- '<|im_start|>system\\n# Tools\\n\\n<tools></tools> XML tags:\\n' }}
    {{- "<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call>\\n" }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not
          (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}
    {%- set reasoning = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
    {{- '<|im_start|>' + message.role + '\\n' + content + ('' if loop.last else '<|im_end|>') }}
{%- endfor %}"""
TOOLS_WITH_MACROS = """{%- macro json_to_python_type(json_spec) %}
{%- set basic_type_map = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"} %}
{%- if basic_type_map[json_spec.type] is defined %}
    {{- basic_type_map[json_spec.type] }}
{%- elif json_spec.type == "array" %}
    {{- "List[" + json_to_python_type(json_spec.items) + "]"}}
{%- elif json_spec.type is iterable %}
    {{- "Union[" }}{%- for t in json_spec.type %}{{- json_to_python_type({"type": t}) }}{% endfor %}{{- "]" }}
{%- endif %}
{%- endmacro %}
{%- macro render_tool_namespace(namespace_name, tools) -%}
    {{- "## " + namespace_name + "\\n\\nnamespace " + namespace_name + " {\\n\\n" }}
    {%- for tool in tools %}{{- "type " + tool.function.name|replace('-', '_') + " = () => any;\\n" }}{%- endfor %}
    {{- "} // namespace " + namespace_name }}
{%- endmacro -%}
{{- render_tool_namespace("functions", tools|selectattr('type', 'equalto', 'function')|list) }}
{{- tools|map(attribute='function')|map(attribute='name')|join(', ') }}
{{- {'a': {'b': {}}}|tojson }}"""
ODDITIES = """{# x.__class__ in a comment #}text about __class__ and lipsum.__globals__
{% raw %}{{ x.__class__ }}{% endraw %}
{{ '__start__' + message['content'] + '__end__' }}{{ server ~ '__' ~ tool }}{{ name|replace('_', '-') }}
{{ 'Never call __import__ or anything.__class__ yourself.' }}{{ message._private }}{{ message|attr('content') }}
{%- set sep = joiner(', ') %}{{ sep() }}{%- set turn = cycler('user', 'assistant') %}{{ turn.next() }}
{% macro show(namespace) %}{{ namespace.tools }}{% endmacro %}{{ self }}{{ 'it\\'s' }}{{ "%s: %d"|format('a', 1) }}"""
HONEST = {
    "ChatML": CHATML,
    "Llama 3": LLAMA_3,
    "Qwen 3": QWEN_3,
    "tools": TOOLS_WITH_MACROS,
    "oddities": ODDITIES,
    "nothing": "",
    "plain text": "### Instruction: {} ### Response: } %} }}",
    "generation": "{% generation %}{{ message['content'] }}{% endgeneration %}",
}
UNSAFE = {
    "CVE-2024-34359": "{% for c in ().__class__.__base__.__subclasses__() %}{% if 'warning' in c.__name__ %}"
    "{{ c()._module.__builtins__['__import__']('os').popen('id').read() }}{% endif %}{% endfor %}",
    "cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "lipsum in brackets": "{{ lipsum['__globals__']['os'].system('id') }}",
    "lipsum": "{{ lipsum . __globals__ }}",
    "namespace": "{{ namespace.__init__ }}",
    "the context of self": "{{ self._TemplateReference__context.joiner }}",
    "attr filter": "{{ ()|attr('__class__') }}",
    "attr of a variable": "{{ ()|attr(request) }}",
    "attr put together": "{{ ()|attr('__cl' ~ 'ass__') }}",
    "attr over a list": "{{ [()]|map('attr', name)|list }}",
    "attribute of a list": "{{ [()]|map(attribute='__class__')|list }}",
    "a hexadecimal escape": r"{{ x['\x5f\x5fclass\x5f\x5f'] }}",
    "an octal escape": r"{{ x['\137\137class\137\137'] }}",
    "a unicode escape": r"{{ x['\u005f_class_\u005f'] }}",
    "a named escape": r"{{ x['\N{LOW LINE}_class__'] }}",
    "pieces joined": "{{ x[['__cl', 'ass__']|join] }}",
    "pieces in variables": "{% set a = '__cl' %}{{ messages }}{% set b = 'ass__' %}{{ x[a ~ b] }}",
    "pieces by name": "{{ x[dict(__cla=1, ss__=1)|join] }}",
    "backwards": "{{ x['__ssalc__'|reverse] }}",
    "underscores multiplied": "{{ x['_' * 2 ~ 'class'] }}",
    "underscores from a global": "{{ x[(lipsum|string)[18]] }}",
    "characters by number": "{{ x['%c%cclass%c%c'|format(95, 95, 95, 95)] }}",
    "a word without its underscores": "{% set u = '_' %}{{ x[u ~ u ~ 'globals' ~ u ~ u] }}",
    "a format string": "{{ '{0.__class__}'.format(x) }}",
    "a format string in a sentence": "{{ 'Hello, {0.__init__.__globals__[x]}!'.format(x) }}",
    "a path of attributes": "{{ [x]|map(attribute='a.__class__.mro')|list }}",
    "frames of a generator": "{{ x.gi_frame.f_builtins }}",
    "a block without white space": "{%-if x.__class__-%}{%endif%}",
    "after a raw block in a string": "{{ '{% raw %}' }}{{ x.__class__ }}",
    "after braces": "{{ {'a': {}}}}{{ x.__class__ }}",
    "after the sign of a comment in a string": "{{ '{#' }}{{ x.__class__ }}",
}


def judged_in_json(template: object, name: str = "tokenizer_config.json") -> Report:
    document = {"bos_token": "<s>", "chat_template": template, "model_max_length": 8192}
    return scan(MemorySource(json.dumps(document).encode()), name, engines=False)


def judged_as_file(template: str, name: str = "chat_template.jinja") -> Report:
    return scan(MemorySource(template.encode()), name, engines=False)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_chat_template_is_safe(name: str) -> None:
    for report in (judged_in_json(HONEST[name]), judged_as_file(HONEST[name])):
        assert (report.verdict, report.findings, report.unscannable) == (Verdict.SAFE, (), None)


@pytest.mark.parametrize("name", ["ChatML", "Llama 3", "Qwen 3", "tools", "oddities"])
def test_the_honest_templates_of_these_tests_are_jinja(name: str) -> None:
    jinja2.Environment(extensions=["jinja2.ext.loopcontrols"]).parse(HONEST[name])


@pytest.mark.parametrize("name", UNSAFE)
def test_a_chat_template_that_reaches_for_python_is_unsafe(name: str) -> None:
    jinja2.Environment().parse(UNSAFE[name])
    for report in (judged_in_json(UNSAFE[name]), judged_as_file(UNSAFE[name])):
        assert report.verdict is Verdict.UNSAFE
        assert [finding.rule for finding in report.findings] == ["template-dunder-access"]
        assert report.findings[0].evidence["excerpt"] in UNSAFE[name]


def test_a_chat_template_that_reaches_for_globals_is_unsafe_in_the_middle_of_an_honest_one() -> None:
    report = judged_as_file(LLAMA_3 + "\n{{ x.__globals__ }}\n" + LLAMA_3)
    assert report.verdict is Verdict.UNSAFE
    assert report.findings[0].where.line == LLAMA_3.count("\n") + 2
    assert "__globals__" in report.findings[0].evidence["excerpt"]


@pytest.mark.parametrize(
    "template",
    [
        [{"name": "default", "template": "{{ x }}"}, {"name": "rag", "template": "{{ x.__class__ }}"}],
        {"default": "{{ x.__class__ }}"},
    ],
)
def test_each_of_several_templates_is_looked_at(template: object) -> None:
    assert judged_in_json(template).verdict is Verdict.UNSAFE


@pytest.mark.parametrize("name", ["tokenizer_config.json", "Tokenizer_Config.json", "chat_template.json"])
def test_templates_are_looked_for_in_the_files_that_carry_them(name: str) -> None:
    assert judged_in_json("{{ x.__class__ }}", name).verdict is Verdict.UNSAFE


def test_of_a_key_given_twice_both_are_looked_at() -> None:
    for first, second in (("{{ x.__class__ }}", ""), ("", "{{ x.__class__ }}")):
        content = f'{{"chat_template": "{first}", "chat_template": "{second}"}}'.encode()
        assert scan(MemorySource(content), "tokenizer_config.json", engines=False).verdict is Verdict.UNSAFE


@pytest.mark.parametrize(("before", "after"), [(b"", b" " * 10_000), (b"\n" * 100_000, b""), (b"\xef\xbb\xbf", b"")])
def test_white_space_around_it_hides_no_template(before: bytes, after: bytes) -> None:
    content = before + b'{"chat_template": "{{ x.__class__ }}"}' + after
    assert scan(MemorySource(content), "tokenizer_config.json", engines=False).verdict is Verdict.UNSAFE


def test_a_number_too_long_for_python_hides_no_template() -> None:
    content = b'{"a": ' + b"1" * 5000 + b', "chat_template": "{{ x.__class__ }}"}'
    assert scan(MemorySource(content), "tokenizer_config.json", engines=False).verdict is Verdict.UNSAFE


def test_json_that_is_none_is_text() -> None:
    report = scan(MemorySource(b'{"a": }'), "tokenizer_config.json", engines=False)
    assert report.verdict is Verdict.SAFE


def test_json_nested_too_deep_is_not_judged() -> None:
    content = b"[" * 100_000 + b"]" * 100_000
    assert scan(MemorySource(content), "tokenizer_config.json", engines=False).verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("name", ["tokenizer_config.json", "chat_template.jinja"])
def test_a_file_too_large_to_look_at_is_not_judged(name: str) -> None:
    content = b'{"chat_template": "' + b"a" * 17_000_000 + b'"}'
    assert scan(MemorySource(content), name, engines=False).verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize(
    "template",
    [
        "{{ '\\'" * 40_000,
        "{{" * 130_000,
        "{{ '" + "\\'" * 100_000,
        "{%raw%}" * 30_000,
        "{{ '" + "__class" * 30_000 + " '}}",
        "{{ '" + "{a." * 80_000 + " '}}",
    ],
    ids=range(6),
)
@pytest.mark.timeout(60)
def test_a_template_made_to_be_slow_is_not(template: str) -> None:
    assert judged_as_file(template).verdict in (Verdict.SAFE, Verdict.SUSPICIOUS)
