"""A template's mistakes are told all at once, and each with advice that belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.test_silent_mistakes import JUDGE, found

RANDOM = "the filter 'random' gives another text each time, so no answer could be found again; leave it out"


def test_a_filter_that_there_is_not_hides_no_other_mistake(tmp_path: Path) -> None:
    wrong = (
        "{{ [1, 2] | random }}\n{{ record.txt }}\n{{ tone }}\n"
        "{{ record.text | uper }}\n{% if tone is defnied %}x{% endif %}\n"
    )
    lines = found(tmp_path, prompts__judge_md=f"{JUDGE}{wrong}").splitlines()
    assert [line.partition("prompts/judge.md:")[2][:30] for line in lines] == [
        "4: the filter 'random' gives a",
        "5: `record.txt`: a record has ",
        "6: the template 'judge' wants ",
        "7: there is no filter 'uper'; ",
        "8: there is no test 'defnied';",
    ]
    assert "did you mean 'upper'?" in lines[3] and "did you mean 'defined'?" in lines[4]


def test_the_advice_on_a_filter_is_to_leave_it_out(tmp_path: Path) -> None:
    [line] = found(tmp_path, prompts__judge_md=f"{JUDGE}{{{{ [1, 2] | random }}}}\n").splitlines()
    assert line.endswith(RANDOM)


def test_mistakes_of_an_included_template_are_told_with_those_of_the_one_that_includes_it(tmp_path: Path) -> None:
    judge = f"{JUDGE}{{% include 'more.md' %}}\n{{{{ record.txt }}}}\n"
    told = found(tmp_path, prompts__judge_md=judge, prompts__more_md="\n{{ 1 | random }}\n")
    assert f"prompts/more.md:2: {RANDOM}" in told and "prompts/judge.md:5: `record.txt`" in told


@pytest.mark.parametrize("name", ["values", "items", "keys", "get", "upper", "count"])
@pytest.mark.parametrize("written", ["record.metadata.{}", "record.metadata['{}']"])
def test_a_column_that_is_not_there_is_found_where_python_has_a_method_of_its_name(
    tmp_path: Path, name: str, written: str
) -> None:
    told = found(tmp_path, prompts__judge_md=f"{JUDGE}{{{{ {written.format(name)} }}}}\n")
    assert f"prompts/judge.md:4: `record.metadata.{name}` is no metadata of the 6 rows" in told


@pytest.mark.parametrize("name", ["wrad", "values"])
@pytest.mark.parametrize(
    ("written", "chain"),
    [
        ("{% set m = record.metadata %}{{ m.NAME }}", "m.NAME"),
        ("{% set r = record %}{{ r.metadata.NAME }}", "r.metadata.NAME"),
        ("{% set r = record %}{% set m = r['metadata'] %}{{ m['NAME'] }}", "m.NAME"),
        ("{% with m = record.metadata %}{{ m.NAME }}{% endwith %}", "m.NAME"),
        ("{% macro show(m) %}{{ m.NAME }}{% endmacro %}{{ show(record.metadata) }}", "m.NAME"),
        ("{{ record.metadata | attr('NAME') }}", "record.metadata.NAME"),
    ],
)
def test_a_column_that_is_not_there_is_found_under_a_name_that_the_template_sets(
    tmp_path: Path, written: str, chain: str, name: str
) -> None:
    told = found(tmp_path, prompts__judge_md=f"{JUDGE}{written.replace('NAME', name)}\n")
    assert f"prompts/judge.md:4: `{chain.replace('NAME', name)}` is no metadata of the 6 rows" in told
    if name == "wrad":
        assert f"did you mean '{chain.replace('NAME', 'ward')}'" in told


@pytest.mark.parametrize(
    "written",
    [
        "{% set m = record.metadata %}{{ m.ward }}{{ m.items() | list }}",
        "{% set m = record.metadata %}{% set m = {'values': 1} %}{{ m.values }}",
        "{% set m = m or record.metadata %}{{ m.wrad | default('') }}",
        "{% for m in [record.metadata] %}{{ m.ward }}{% endfor %}",
        "{% set m = record.metadata %}{% if m.wrad is defined %}{{ m.wrad }}{% endif %}",
        "{% set m = record.metadata %}{% if 'wrad' in m %}{{ m.wrad }}{% endif %}",
    ],
)
def test_a_name_that_may_stand_for_something_else_accuses_nobody(tmp_path: Path, written: str) -> None:
    assert "is no metadata" not in found(tmp_path, prompts__judge_md=f"{JUDGE}{written}\n")


def test_a_method_that_is_called_is_no_column(tmp_path: Path) -> None:
    called = "{% for name, value in record.metadata.items() %}{{ name }}{% endfor %}{{ record.metadata.get('ward') }}"
    assert found(tmp_path, prompts__judge_md=f"{JUDGE}{called}\n") == ""
