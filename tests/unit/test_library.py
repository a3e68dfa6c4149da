"""Documents that refer to each other mean what jsonschema takes them for."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from microagent.errors import DeclarationError
from microagent.schemas.siblings import Siblings
from microagent.schemas.validation import Check
from microagent.sources.parsing import parse

LEAVES: list[Any] = [
    True, {}, {"type": "integer"}, {"type": "string"}, {"type": ["null", "boolean"]}, {"enum": [1, "a", None]},
    {"minimum": 2}, {"const": "b"}, {"type": "object", "required": ["a"]},
]  # fmt: skip
OWN = ("#/$defs/A", "#/$defs/B", "other.json", "other.json#/$defs/O", "#/properties/value")
SHARED = ("#/$defs/A", "#/$defs/B", "other.json", "other.json#/$defs/O")
OTHER = ("#", "#/$defs/O", "other.json", "declared.json#/$defs/A")


def schema(chance: random.Random, depth: int, references: tuple[str, ...]) -> Any:
    """Any schema that refers to some of these."""
    if depth == 0 or chance.random() < 0.2:
        return {"$ref": chance.choice(references)} if chance.random() < 0.5 else chance.choice(LEAVES)
    one, two, three = (schema(chance, depth - 1, references) for _ in range(3))
    forms: list[Any] = [
        {"properties": {"a": one, "b": two}}, {"items": one}, {"prefixItems": [one, two], "items": three},
        {"anyOf": [one, two]}, {"oneOf": [one, two]}, {"allOf": [one, two]}, {"not": one},
        {"if": one, "then": two, "else": three}, {"type": "object", "additionalProperties": one},
        {"patternProperties": {"a": one}, "unevaluatedProperties": False},
    ]  # fmt: skip
    return chance.choice(forms)


def value(chance: random.Random, depth: int = 3) -> Any:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice([1, 2, 3, "a", "b", None, True, 1.0, 2.5, {}, []])
    if chance.random() < 0.5:
        return {name: value(chance, depth - 1) for name in chance.sample("abc", chance.randint(0, 3))}
    return [value(chance, depth - 1) for _ in range(chance.randint(0, 3))]


@pytest.mark.parametrize("seed", range(8))
def test_references_mean_what_jsonschema_follows(seed: int, tmp_path: Path) -> None:
    """A value fits the normal form where it fits the documents as they are; or there is a circle, which is refused."""
    chance, read = random.Random(seed), 0
    for _ in range(20):
        other = {**_object(schema(chance, 2, OTHER)), "$defs": {"O": schema(chance, 2, OTHER)}}
        payload = {"type": "object", "properties": {"value": schema(chance, 2, OWN)}}
        document = {"$defs": {name: schema(chance, 2, SHARED) for name in "AB"}}
        (tmp_path / "other.json").write_text(json.dumps(other))
        text = json.dumps({"queues": [{"name": "a", "payload": payload}], **document})
        try:
            found = parse(text, str(tmp_path / "declared.json"), Siblings(tmp_path)).queues[0]
        except DeclarationError as exc:
            others = [problem for problem in exc.problems if "leads back to itself" not in problem.message]
            if others:
                raise
            continue
        expected = followed({**payload, **document}, other)
        check = Check(found.payload, found.definitions, payload=True)
        for message in ({"value": value(chance)} for _ in range(20)):
            assert (check.problem(message) is None) is expected.is_valid(message), (message, text, other)
        read += 1
    assert read > 0


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {"not": {}}


def followed(declared: Any, other: Any) -> Any:
    """The documents under URIs that jsonschema follows."""
    documents = {"file:///declared.json": declared, "file:///other.json": other}
    named = {uri: {"$id": uri, **each} for uri, each in documents.items()}
    registry = Registry().with_resources([(uri, DRAFT202012.create_resource(each)) for uri, each in named.items()])
    return Draft202012Validator(named["file:///declared.json"], registry=registry)
