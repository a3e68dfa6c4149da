"""References that would have a value checked again and again."""

import json
from typing import Any

import pytest

from microagent.errors import DeclarationError
from microagent.schemas import bundling
from microagent.schemas.circles import CIRCLE
from microagent.sources.parsing import parse


def problems(payload: Any, **definitions: Any) -> list[str]:
    text = json.dumps({"queues": [{"name": "a", "payload": payload}], "$defs": definitions})
    with pytest.raises(DeclarationError) as caught:
        parse(text, "https://x")
    return [str(problem).removeprefix("https://x ") for problem in caught.value.problems]


def to(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


@pytest.mark.parametrize(
    ("definitions", "place"),
    [
        ({"A": to("A")}, "/$defs/A/$ref: $ref '#/$defs/A'"),
        ({"A": to("B"), "B": {"anyOf": [{}, to("A")]}}, "/$defs/B/anyOf/1/$ref: $ref '#/$defs/A'"),
        ({"A": {"not": {"if": to("A")}}}, "/$defs/A/not/if/$ref: $ref '#/$defs/A'"),
        ({"A": {"dependentSchemas": {"a": to("A")}}}, "/$defs/A/dependentSchemas/a/$ref: $ref '#/$defs/A'"),
        ({"A": {"$dynamicAnchor": "a", "$dynamicRef": "#a"}}, "/$defs/A/$dynamicRef: $ref '#a'"),
    ],
)
def test_a_circle_that_never_comes_to_a_part_of_the_value_is_refused(definitions: Any, place: str) -> None:
    """Once, at the reference that closes it, whether anything refers to it or not."""
    assert problems({}, **definitions) == [f"{place} {CIRCLE}"]


def test_a_circle_through_a_part_of_the_value_is_none() -> None:
    """Trees, lists, and schemas that refer to each other are what references are for."""
    shared = {
        "A": {"properties": {"b": to("B")}},
        "B": {"items": to("A"), "allOf": [to("C")]},
        "C": {"contains": to("B")},
    }
    assert parse(json.dumps({"queues": [{"name": "a", "payload": to("A")}], "$defs": shared})).queues


def test_the_same_schema_twice_is_no_circle() -> None:
    """A value may be checked by one schema in two ways."""
    payload = {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/allOf/0"}, {"$ref": "#/$defs/A"}], "$defs": {"A": {}}}
    assert parse(json.dumps({"queues": [{"name": "a", "payload": payload}]})).queues


def test_a_long_chain_is_refused() -> None:
    """It would end Python's stack when a message is checked."""
    chain = {f"D{number}": to(f"D{number + 1}") for number in range(2_000)}
    (problem,) = problems({}, **chain, D2000={})
    assert problem.endswith("begins a chain of more than 100 schemas that check the same value: refer to the last one")


def test_references_that_multiply_are_refused() -> None:
    """Forty definitions, each checking by the next one twice, would check a trillion times."""
    bomb = {f"D{number}": {"allOf": [to(f"D{number + 1}")] * 2} for number in range(40)}
    (problem,) = problems({}, **bomb, D40={})
    assert problem.endswith("multiplies: one value would be checked more than 100,000 times")


def test_declarations_that_take_along_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand declarations with twenty thousand definitions each would not fit into memory."""
    monkeypatch.setattr(bundling, "MOST_IN_ALL", 1_000)
    chain: dict[str, Any] = {f"D{number}": {"properties": {"x": to(f"D{number + 1}")}} for number in range(200)}
    queues = [{"name": f"q{number}", "payload": {"properties": {"x": to("D0")}}} for number in range(100)]
    with pytest.raises(DeclarationError) as caught:
        parse(json.dumps({"queues": queues, "$defs": {**chain, "D200": {}}}))
    (problem,) = map(str, caught.value.problems)
    assert problem.endswith("definitions that references lead to, which is too many")


def test_too_many_definitions_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    monkeypatch.setattr(bundling, "MOST", 100)
    chain: dict[str, Any] = {f"D{number}": {"items": to(f"D{number + 1}")} for number in range(200)}
    (problem,) = problems({"properties": {"x": to("D0")}}, **chain, D200={})
    assert problem.endswith("is one of more than 100 definitions that references lead to, which is too many")
