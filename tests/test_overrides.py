import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from ner.overrides import assignment, pasted, split

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"])) | st.text("ab,=:[]{}()'\"\\\\ ~#$", max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("abc"), values, max_size=2),
    max_leaves=5,
)


def parsed(override):
    found = OverridesParser.create().parse_override(override)
    assert not found.is_sweep_override()
    return found.value()


@given(VALUES)
def test_hydra_reads_what_is_spelled(value):
    assert parsed(assignment("name", value)) == value


@given(TEXT)
def test_a_shell_gives_hydra_what_is_pasted(text):
    (word,) = shlex.split(pasted("resume", text))
    assert parsed(word) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("outputs/2026-01-01", "resume=outputs/2026-01-01"),
        ("o/model.interaction=mlp,seed=1", "'resume=\"o/model.interaction=mlp,seed=1\"'"),
        ("my runs/1", "'resume=my runs/1'"),
        (None, "resume=null"),
        ("null", "'resume=\"null\"'"),
    ],
)
def test_quotes_are_there_where_they_are_needed(value, expected):
    assert pasted("resume", value) == expected


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("a.b=1", "a.b", "1"),
        ("+a=b=c", "a", "b=c"),
        ("++a=", "a", ""),
        ("~a", "a", ""),
        ("model/g='x'", "model/g", "'x'"),
    ],
)
def test_an_override_is_taken_apart(override, name, value):
    assert split(override) == (name, value)
