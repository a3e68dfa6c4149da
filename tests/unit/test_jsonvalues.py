"""JSON's kinds and values, as JSON Schema tells them apart."""

from typing import Any

import pytest

from microagent.schemas.jsonvalues import common_kinds, identity, is_of, listed_values


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (None, {"null"}),
        (True, {"boolean"}),
        (1, {"integer", "number"}),
        (1.0, {"integer", "number"}),
        (1.5, {"number"}),
        ("", {"string"}),
        ([], {"array"}),
        ({}, {"object"}),
    ],
)
def test_every_value_is_of_its_kinds(value: Any, kinds: set[str]) -> None:
    """A number without a fraction is an integer, and true is no number."""
    all_kinds = ("null", "boolean", "integer", "number", "string", "array", "object")
    assert {kind for kind in all_kinds if is_of(value, kind)} == kinds


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([None, None], None),
        (["string", None], ("string",)),
        ([["number", "null"], "integer"], ("integer",)),
        (["integer", ["number", "string"]], ("integer",)),
        (["string", "null"], ()),
    ],
)
def test_types_are_intersected(types: list[Any], common: tuple[str, ...] | None) -> None:
    """An integer is a number; where nothing is said, nothing is excluded."""
    assert common_kinds([{} if each is None else {"type": each} for each in types]) == common


def test_values_are_those_that_all_lists_have() -> None:
    """1.0 is the 1 of another list, and true is not."""
    assert listed_values([{}, {"type": "string"}]) is None
    assert listed_values([{"enum": [1, True, "a", {"x": [1]}]}, {"enum": [1.0, {"x": [1.0]}, "b"]}]) == [1, {"x": [1]}]
    assert listed_values([{"enum": [1, 2], "const": 3}]) == []


def test_equal_values_have_one_identity() -> None:
    """Whatever the order of keys."""
    assert identity({"a": 1, "b": [2.0]}) == identity({"b": [2], "a": 1.0})
    assert identity([True]) != identity([1])
