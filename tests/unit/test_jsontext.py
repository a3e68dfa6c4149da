"""JSON as people write it, and the place of everything in it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from microagent.jsontext import Complaint, Document, Steps, UnreadableError

TEXT = r"""
 {"a" : [1, -2.5e3 ,true,null, "x,y", [ ], {"b":{}} , [[7], 8 ]],
  "k\u0065y" :"v \" ]}" , "" : {"/": 0, "~" :[ {"deep":"ü🐍"},9] },
  "last":   false }
"""


def everything(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every value in a value, with the steps to it."""
    yield steps, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in members:
        yield from everything(inner, (*steps, str(step)))


def offset(text: str, place: tuple[int, int]) -> int:
    line, column = place
    return sum(len(each) for each in text.splitlines(keepends=True)[: line - 1]) + column - 1


def test_every_value_is_found_where_it_stands() -> None:
    """At the place of a value begins a JSON text that says just this value."""
    document, found = Document(TEXT), list(everything(json.loads(TEXT)))
    places = document.places(Complaint("", steps) for steps, _ in found)
    for place, (steps, value) in zip(places, found, strict=True):
        assert json.JSONDecoder().raw_decode(TEXT, offset(TEXT, place))[0] == value, steps


def test_every_key_is_found_where_it_stands() -> None:
    """A complaint about a key points at the key."""
    document = Document(TEXT)
    found = [steps for steps, _ in everything(json.loads(TEXT)) if steps and not steps[-1].isdigit()]
    places = document.places(Complaint("", steps, of_key=True) for steps in found)
    for place, steps in zip(places, found, strict=True):
        assert json.JSONDecoder().raw_decode(TEXT, offset(TEXT, place))[0] == steps[-1]


def test_what_is_missing_is_where_it_would_be() -> None:
    """The place of something that is not there is that of what would hold it."""
    document = Document('{"a":\n [1]}')
    asked = [
        Complaint("", ("a", "5")),
        Complaint("", ("a", "0", "x")),
        Complaint("", ("b",)),
        Complaint("", ("b",), True),
    ]
    assert list(document.places(asked)) == [(2, 2), (2, 3), (1, 1), (1, 1)]


def test_mistakes_have_steps() -> None:
    """A key that is there twice, in whatever spelling, and constants that are none of JSON's."""
    document = Document(r'{"a": [0, 1, {"k": 1, "\u006b": NaN}, "NaN", -Infinity], "a": 2, "a": 3}')
    assert document.mistakes == [
        Complaint("duplicate key 'k'", ("a", "2", "k"), of_key=True),
        Complaint("JSON has no NaN", ("a", "2", "k")),
        Complaint("JSON has no -Infinity", ("a", "4")),
        Complaint("duplicate key 'a'", ("a",), of_key=True),
        Complaint("duplicate key 'a'", ("a",), of_key=True),
    ]


@pytest.mark.parametrize(("depth", "is_read"), [(100, True), (101, False)])
def test_a_hundred_levels_are_enough(depth: int, is_read: bool) -> None:
    """Deeper ones are refused, and brackets in strings do not count."""
    text = "[" * depth + '"[[["' + "]" * depth
    if is_read:
        assert Document(text).mistakes == []
    else:
        with pytest.raises(UnreadableError, match="nested more than 100 deep"):
            Document(text)


def test_brackets_in_strings_are_no_levels() -> None:
    """Neither as values nor as keys, and an escaped quote ends no string."""
    assert Document(json.dumps({"[" * 200: '"' + "{" * 200})).value == {"[" * 200: '"' + "{" * 200}


def test_a_long_document_is_read_in_time() -> None:
    """Millions of numbers, and keys as long as the document, cost no more than reading them."""
    key = "k" * 1_000_000
    document = Document(json.dumps({"numbers": [1] * 1_000_000, key: [[]] * 100_000, "end": 1}))
    assert document.mistakes == []
    assert next(document.places([Complaint("", ("numbers", "999999"))]))[1] == 3_000_011
