"""Templates of a stranger's study: they end, fill no memory, and give the same text in every process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.prompting.templates import Prompts
from contract.errors import PromptError

BIG = "{% set big = 'x' * 9000000 %}"
DOUBLED = "{% set ns = namespace(x='xx') %}{% for i in range(60) %}{% set ns.x = STEP %}{% endfor %}{{ ns.x | length }}"
NESTED = "{% set ns = namespace(x=['xx']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"

GROWING = {
    "~": DOUBLED.replace("STEP", "ns.x ~ ns.x"),
    "+ of texts": DOUBLED.replace("STEP", "ns.x + ns.x"),
    "+ of lists": DOUBLED.replace("'xx'", "['x']").replace("STEP", "ns.x + ns.x"),
    "* in a loop": DOUBLED.replace("STEP", "ns.x * 3"),
    "* of a list": "{{ ['x'] * 9000000 }}",
    "%": DOUBLED.replace("STEP", "'%s%s' % (ns.x, ns.x)"),
    "% with a width from the values": "{{ '%*d' % (9000000, 1) }}",
    "% with a wide field": "{{ '%99999s' % 'x' }}",
    "% with a precise field": "{{ '%.99999f' % 1 }}",
    "format": DOUBLED.replace("STEP", "'%s%s' | format(ns.x, ns.x)"),
    "format by names": BIG + "{{ '%(a)s%(a)s' | format(a=big) }}",
    "str.format": "{{ '{:>99999999}'.format(1) }}",
    "str.format_map": "{{ '{a:>99999999}'.format_map({'a': 1}) }}",
    "join": DOUBLED.replace("STEP", "[ns.x, ns.x] | join"),
    "join with a long separator": BIG + "{{ range(10) | join(big) }}",
    "str.join": BIG + "{{ big.join(['a', 'b', 'c']) }}",
    "replace": DOUBLED.replace("STEP", "ns.x | replace('x', 'xx')"),
    "str.replace": BIG + "{{ 'aaaa'.replace('a', big) }}",
    "replace of nothing": BIG + "{{ 'aaaa' | replace('', big) }}",
    "center": "{{ 'x' | center(9000000) }}",
    "str.center": "{{ 'x'.center(9000000) }}",
    "str.ljust": "{{ 'x'.ljust(9000000) }}",
    "str.zfill": "{{ 'x'.zfill(9000000) }}",
    "expandtabs": "{{ ('\\t' * 100000).expandtabs(9999) }}",
    "indent": "{{ ('x\\n' * 1000000) | indent(5000) }}",
    "indent by a text": BIG + "{{ 'a\\nb\\nc' | indent(big) }}",
    "batch": "{{ [1] | batch(9000000, 'x') }}",
    "slice": "{{ [1] | slice(9000000) | length }}",
    "wordwrap": "{{ ('x ' * 1000000) | wordwrap(1, wrapstring='x' * 1000) }}",
    "urlize": "{{ ('http://a.b ' * 100000) | urlize(target='x' * 10000) }}",
    "tojson": "{{ range(9) | list | tojson(indent=9000000) }}",
    "sum of lists": "{{ ([[1, 2]] * 900000) | sum(start=[]) }}",
    "sum of lists of a field": "{{ ([{'a': [1, 2]}] * 900000) | sum('a', []) }}",
    "set block": DOUBLED.replace(
        "{% set ns.x = STEP %}", "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}"
    ),
    "filter block": BIG + "{% filter replace('x', 'xx') %}{{ big }}{% endfilter %}",
    "macro": "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}" + DOUBLED.replace("STEP", "twice(ns.x)"),
    "call block": "{% macro m() %}{% for i in range(9) %}{{ caller() }}{% endfor %}{% endmacro %}"
    + BIG
    + "{% call m() %}{{ big }}{% endcall %}",
    "a list of itself twice, written": NESTED + "{{ ns.x }}",
    "a list of itself twice, joined": NESTED + "{{ ns.x | join }}",
    "a list of itself twice, with ~": NESTED + "{{ 'x' ~ ns.x }}",
    "a list of itself twice, as JSON": NESTED + "{{ ns.x | tojson }}",
    "a list of itself twice, fenced": NESTED + "{{ ns.x | fence('x') }}",
    "parts that are kept": BIG
    + "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = ns.x + [big[1:]] %}{% endfor %}",
    "letters of a long text": BIG + "{{ big | list | length }}",
    "a long text for many turns": "{% for i in range(900000) %}" + "x" * 1000 + "{% endfor %}",
    "loops in loops": "{% set n = range(5000) | list %}{% for a in n %}{% for b in n %}{% endfor %}{% endfor %}",
    "macros that call themselves": "{% macro m(d) %}{% if d %}{{ m(d - 1) }}{{ m(d - 1) }}{% endif %}{% endmacro %}"
    "{{ m(90) }}",
    "a loop that calls itself": NESTED + "{% for y in ns.x recursive %}{{ loop(y) }}{% endfor %}",
    "a large range": "{% for i in range(99999999999999999999) %}{% endfor %}",
    "a large power": "{{ 10 ** 10 ** 10 }}",
}


GROWS = r"longer than|larger than|wider than|too wide|turns|cannot be \*|`format`|adds numbers|recursion depth"


def fill(template: str, values: Mapping[str, Any] | None = None, folder: Path | None = None) -> str:
    """The text of the filled template."""
    prompts = Prompts([folder] if folder else [])
    return prompts.get(f"user:\n{template}\n").render({"record": {"text": "x"}, **(values or {})})[0].text


@pytest.mark.timeout(60)
@pytest.mark.parametrize("template", GROWING.values(), ids=GROWING)
def test_a_template_that_grows_without_end_is_refused(template: str) -> None:
    with pytest.raises(PromptError, match=GROWS):
        fill(template)


DEEP = "{% set ns = namespace(x=()) %}STEPS{{ {ns.x: 1} | length }}"
TURN = "{% for i in range(90000) %}{% set ns.x = STEP %}{% endfor %}"
DEEP_TUPLES = {
    "tuple": DEEP.replace("STEPS", TURN.replace("STEP", "(ns.x,)")),
    "items of a mapping": DEEP.replace("STEPS", TURN.replace("STEP", "({'a': ns.x}.items())[0]")),
    "the filter items": DEEP.replace("STEPS", TURN.replace("STEP", "({'a': ns.x} | items)[0]")),
    "dictsort": DEEP.replace("STEPS", TURN.replace("STEP", "({'a': ns.x} | dictsort)[0]")),
    "arguments of a macro": DEEP.replace(
        "STEPS",
        "{% macro m(ns) %}{% set ns.x = varargs %}{% endmacro %}"
        "{% for i in range(90000) %}{{ m(ns, ns.x) }}{% endfor %}",
    ),
}


@pytest.mark.parametrize("template", DEEP_TUPLES.values(), ids=DEEP_TUPLES)
def test_a_key_that_would_end_the_process_is_refused(template: str) -> None:
    with pytest.raises(PromptError, match="levels deep"):
        fill(template)


@pytest.mark.timeout(60)
def test_a_template_that_includes_itself_twice_ends(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "twice.md").write_text(
        "{% if depth %}{% with depth = depth - 1 %}"
        "{% include 'twice.md' %}{% include 'twice.md' %}{% endwith %}{% endif %}"
    )
    with pytest.raises(PromptError, match="turns"):
        fill("{% set depth = 60 %}{% include 'twice.md' %}", folder=tmp_path)


@pytest.mark.parametrize("name", ["values", "items", "keys", "get", "upper", "count", "index", "update", "pop"])
def test_a_name_of_the_data_comes_before_a_method(name: str) -> None:
    record = {"metadata": {name: "mine"}}
    for template in (f"record.metadata.{name}", f"record['metadata']['{name}']", f"record.metadata | attr('{name}')"):
        assert fill(f"{{{{ {template} }}}}", {"record": record}) == "mine"
    assert fill(f"{{{{ [record.metadata] | map(attribute='{name}') | join }}}}", {"record": record}) == "mine"


@pytest.mark.parametrize(
    "expression",
    ["record.upper", "record['upper']", "m.items", "m.values", "m | attr('keys')", "'x' ~ m.items", "m.items | string",
     "m.items | length", "[m.get] | join", "m.items if m.items else 1", "[m] | map(attribute='keys') | list"],
)  # fmt: skip
def test_a_method_is_never_written(expression: str) -> None:
    with pytest.raises(
        PromptError, match=r"there is no field '(\w+)'; a method is called so, which would be written \.\1\(\)"
    ):
        fill(f"{{{{ {expression} }}}}", {"record": "x", "m": {"a": 1}})


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("t | upper", "AB C"),
        ("t.upper()", "AB C"),
        ("t.split() | join('-')", "ab-c"),
        ("'-'.join(t.split())", "ab-c"),
        ("t.replace('b', 'x')", "ax c"),
        ("t.center(6, '-')", "-ab c-"),
        ("m.items()", "[('a', 1)]"),
        ("m.keys() | list", "['a']"),
        ("m.get('b', 7)", "7"),
        ("m.values() | sum", "1"),
        ("m.b is defined", "False"),
        ("m.items is defined", "False"),
        ("m.b | default('none')", "none"),
        ("[1, 2, 1].count(1)", "2"),
        ("t[1:] ~ 1 ~ none", "b c1None"),
        ("'%.1f|%5s|%s' % (1.25, 1, t)", "1.2|    1|ab c"),
        ("[{'k': 1, 'v': 2}] | groupby('k') | map(attribute='grouper') | join", "1"),
    ],
)
def test_methods_of_data_can_be_called(expression: str, text: str) -> None:
    assert fill(f"{{{{ {expression} }}}}", {"t": "ab c", "m": {"a": 1}}) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("['a', 'b'] | map('upper')", "['A', 'B']"),
        ("[1, 2] | select('odd')", "[1]"),
        ("[1, 2] | reject('odd')", "[2]"),
        ("[1, 1] | unique", "[1]"),
        ("[1, 2] | reverse", "[2, 1]"),
        ("[1, 2, 3] | batch(2)", "[[1, 2], [3]]"),
        ("[1, 2] | slice(2)", "[[1], [2]]"),
        ("{'a': 1} | items", "[('a', 1)]"),
        ("[{'a': 1}] | selectattr('a')", "[{'a': 1}]"),
        ("range(3)", "range(0, 3)"),
    ],
)
def test_what_a_filter_makes_has_the_same_text_in_every_process(expression: str, text: str) -> None:
    assert fill(f"{{{{ {expression} }}}}") == text


@pytest.mark.parametrize(
    "expression", ["cycler('a')", "joiner()", "range", "dict", "namespace(a=1)", "[namespace(a=1)]", "'x' ~ cycler(1)"]
)
def test_what_has_an_address_for_its_text_is_refused(expression: str) -> None:
    with pytest.raises(PromptError, match="is not a text and cannot be written"):
        fill(f"{{{{ {expression} }}}}")


@pytest.mark.parametrize(
    ("filter_name", "message"),
    [("random", "another text each time"), ("shuffle", "another text each time"), ("uper", "did you mean 'upper'")],
)
def test_a_filter_that_no_template_may_use_is_found_when_the_template_is_read(filter_name: str, message: str) -> None:
    for template in (f"{{{{ record.text | {filter_name} }}}}", f"{{% if 0 %}}{{{{ 1 | {filter_name} }}}}{{% endif %}}"):
        with pytest.raises(PromptError, match=message):
            Prompts([]).get(f"user:\n{template}")
