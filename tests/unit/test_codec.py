"""JSON as it travels."""

import math
from collections import OrderedDict
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from microagent import codec
from microagent.errors import SerializingError


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": 1, "b": [1.5, None, True, "x"], "c": {"d": {}}},
        {"größe": '日本 🐍 \u2028 \x00 \\ "'},
        {"big": 2**80, "small": -(2**63) - 1, "tiny": 1e-300},
        [],
        "text",
        0,
        None,
    ],
)
def test_what_json_can_say_comes_back_equal(value: Any) -> None:
    """Bytes that were encoded decode to an equal value."""
    assert codec.decode(codec.encode(value)) == value


def test_json_is_compact_and_in_utf_8() -> None:
    """No blanks, and letters are not escaped: the smallest body that every reader of JSON understands."""
    assert codec.encode({"a": [1, 2], "ü": "é"}) == '{"a":[1,2],"ü":"é"}'.encode()


def test_what_acts_as_a_json_type_is_written_as_one() -> None:
    """Tuples are arrays; subclasses of dict, str and int are what they derive from."""
    value = OrderedDict(color=Color.RED, level=Level.HIGH, pair=(1, (2,)))
    assert codec.encode(value) == b'{"color":"red","level":3,"pair":[1,[2]]}'


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": [{"b": math.nan}]}, "$.a[0].b: JSON has no nan"),
        ({"a": -math.inf}, "$.a: JSON has no -inf"),
        ({"a": {1, 2}}, "$.a: JSON has no set"),
        ({"a": datetime.now(UTC)}, "$.a: JSON has no datetime"),
        ({"a": b"x"}, "$.a: JSON has no bytes"),
        ({"a": object()}, "$.a: JSON has no object"),
        ({1: "a"}, "$: a key is 1, and JSON's keys are strings"),
        ({"a": ({None: 1},)}, "$.a[0]: a key is None, and JSON's keys are strings"),
        ({"a": [{"b": {True: 1}}]}, "$.a[0].b: a key is True, and JSON's keys are strings"),
        ({"a": "\ud800"}, "$.a: a lone surrogate is no text"),
        ({"\udfff": 1}, "$: a key with a lone surrogate is no text"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_path(value: Any, sentence: str) -> None:
    """Nothing is changed silently on its way; the sentence names the place."""
    with pytest.raises(SerializingError) as caught:
        codec.encode(value)
    assert str(caught.value) == sentence


def test_a_value_that_holds_itself_is_refused() -> None:
    """A circle has no end in JSON."""
    value: dict[str, Any] = {"a": {}}
    value["a"]["b"] = value
    with pytest.raises(SerializingError, match=r"\$\.a\.b: holds itself"):
        codec.encode(value)


def test_a_value_that_is_there_twice_is_no_circle() -> None:
    """The same list in two places is written twice."""
    shared = [1]
    assert codec.encode({"a": shared, "b": shared}) == b'{"a":[1],"b":[1]}'


def test_too_deep_a_value_is_refused() -> None:
    """No RecursionError reaches a sender."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(SerializingError, match="nested too deeply"):
        codec.encode(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nope",
        b"{}{}",
        b"NaN",
        b'{"a":Infinity}',
        b"\xff",
        b'"\xff"',
        b"1e999",
        b"[" * 100_000,
        "\ud800",
        b"\0",
    ],
)
def test_bytes_that_are_no_json_are_one_kind_of_error(raw: bytes | str) -> None:
    """Whatever is wrong with a body, there is one exception to catch, with a sentence."""
    with pytest.raises(SerializingError, match=r"^no readable JSON: \w"):
        codec.decode(raw)


def test_text_decodes_like_bytes() -> None:
    """A body may come as str."""
    assert codec.decode('{"ü":1}') == {"ü": 1}


@pytest.mark.parametrize(
    ("value", "name"), [({}, "an object"), ([], "an array"), (True, "a boolean"), (1, "an integer"), (None, "null")]
)
def test_kinds_are_named_as_json_names_them(value: Any, name: str) -> None:
    """Messages speak of JSON, not of Python."""
    assert codec.kind(value) == name
