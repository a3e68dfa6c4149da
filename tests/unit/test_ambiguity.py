"""Patterns that a search may try in exponentially many ways, and those that it does not."""

import json
import re
import time

import pytest

from microagent.schemas import schemachecks
from microagent.schemas.ambiguity import MOST_STATES, is_exponential
from microagent.schemas.patterns import translated
from microagent.sources.parsing import parse

SLOW = {
    r"^(a+)+$": "a",
    r"^(a|a)*$": "a",
    r"^(a|ab|b)*$": "ab",
    r"^(\w+\s?)*$": "a",
    r"^(x+x+)+y": "x",
    r"^([a-zA-Z0-9._-]+)*@": "a",
    r"^(\d+|\d+\.\d+)*$": "1",
    r"^(.*,)*x$": ",",
    r"^(a{1,30}){1,30}$": "a",
    r"^(?:(?:a?)?b)*$": "b",
    r"^(?:(?:a*)*b)*$": "b",
    r"^(?:(?:(?:a?)*)b)*$": "b",
    r"^(?:(?=b)?b)*$": "b",
    r"^(\s*\w*\s*)*;$": " ",
    r"^(?i:(a|A)*)b": "a",
}
QUICK = [
    r"^a*a*$",
    r"^(a+b)*$",
    r"^(a|b)*$",
    r"^[\w.]+@\w+(\.\w+)+$",
    r"^(?:\d{1,3}\.){3}\d{1,3}$",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    r"^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-(\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.[0-9a-zA-Z-]+)*)?$",
    r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    r"^/(?:[^/]+/)*[^/]*$",
    '^([^"]|"")*$',
    r"^(?:(?:a|)b)*$",
    r"(a",
]


def seconds(pattern: str, text: str) -> float:
    started = time.process_time()
    assert re.search(translated(pattern), text) is None
    return time.process_time() - started


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_doubles_with_each_character_is_known(pattern: str) -> None:
    """As a search shows: with a few characters more it takes many times as long."""
    assert is_exponential(pattern)
    text, size = SLOW[pattern], 4
    while seconds(pattern, text * size + "!") < 0.02:
        size += 1
        assert size < 40, "the search is quick"


@pytest.mark.parametrize("pattern", QUICK)
def test_other_patterns_are_left_alone(pattern: str) -> None:
    """What people write for hosts, versions, paths, and what is no pattern at all."""
    assert not is_exponential(pattern)


@pytest.mark.parametrize(
    "pattern",
    [f"(?:{'.?' * MOST_STATES}a)*", f"(?:{'|'.join(['.'] * 40)})*", "(?:.{1,19}){1,19}", f"{'(' * 50}{'){19}' * 50}"],
    ids=range(4),
)
def test_a_large_pattern_is_not_looked_at(pattern: str) -> None:
    """Or looking would take long itself."""
    assert not is_exponential(pattern)


def test_a_slow_pattern_is_warned_of_where_it_stands() -> None:
    """Wherever it is, unless it is for short texts."""
    slow = {"pattern": "^(a+)+$"}
    payload = {"properties": {"a": slow, "b": {**slow, "maxLength": 20}, "c": {"patternProperties": {"^(b*)*$": {}}}}}
    document = {"queues": [{"name": "a", "payload": payload}], "$defs": {"D": slow}}
    found = [str(each) for each in parse(json.dumps(document), "s.json").warnings]
    assert [each.partition(" can take exponentially long")[0].partition(" ")[2] for each in found] == [
        "/queues/0/payload/properties/a/pattern: '^(a+)+$'",
        "/queues/0/payload/properties/c/patternProperties/^(b*)*$: '^(b*)*$'",
        "/$defs/D/pattern: '^(a+)+$'",
    ]


def test_only_some_patterns_of_a_document_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile one may have very many."""
    monkeypatch.setattr(schemachecks, "MOST_SUSPICIOUS", 3)
    payload = {"properties": {f"p{number}": {"pattern": "^(a+)+$"} for number in range(9)}}
    assert len(parse(json.dumps({"queues": [{"name": "a", "payload": payload}]})).warnings) == 3
