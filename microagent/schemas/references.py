"""References of schemas in normal form, which lead into the schema itself or to its definitions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from microagent.pointers import find, fragment_steps
from microagent.schemas.words import Schema, every_schema, is_annotation, is_schema, rebuilt


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a reference; its ``steps`` begin with ``("$defs", name)`` if it is in a definition of the file."""

    schema: Schema
    in_file: bool
    steps: tuple[str, ...]


def resolve(reference: str, schema: Schema | None, definitions: Mapping[str, Any]) -> Target | None:
    """
    The target of a reference; None if there is none.

    :param schema: the schema that has the reference; None if a definition has it
    """
    if reference != "#" and not reference.startswith("#/"):
        return None
    steps = fragment_steps(reference)
    if schema is not None and is_schema(found := find(schema, steps)):
        return Target(found, False, steps)
    if steps[:1] in {("$defs",), ("definitions",)} and is_schema(found := find(definitions, steps[1:])):
        return Target(found, True, ("$defs", *steps[1:])) if len(steps) > 1 else None
    return None


def referred(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """The schema itself, or the definition that it leads to if it is only a reference."""
    for _ in definitions:
        if isinstance(schema, bool) or [key for key in schema if not is_annotation(key)] != ["$ref"]:
            break
        target = resolve(str(schema["$ref"]), schema, definitions)
        if target is None or not target.in_file:
            break
        schema = target.schema
    return schema


def references(schema: Schema) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every ``$ref`` of the schema, with the steps to the schema that has it."""
    for steps, found in every_schema(schema):
        if not isinstance(found, bool) and isinstance(reference := found.get("$ref"), str):
            yield steps, reference


def readdressed(
    schema: Schema,
    own: Schema | None,
    definitions: Mapping[str, Any],
    address: Callable[[str, Target], Mapping[str, str]],
) -> Schema:
    """
    A copy of the schema with other references.

    :param own: the schema that it is part of; None if it is part of a definition
    :param address: gives the keywords that replace a reference with this target; none to leave it as it is
    """

    def change(inner: Schema) -> Schema:
        if isinstance(inner, bool):
            return inner
        copy = rebuilt(inner, change)
        reference = copy.get("$ref")
        target = resolve(reference, own, definitions) if isinstance(reference, str) else None
        return copy if target is None or not isinstance(reference, str) else {**copy, **address(reference, target)}

    return change(schema)


def needed(schema: Schema, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that a schema refers to, directly or through others, in their order."""
    found: set[str] = set()
    waiting: list[tuple[Schema, Schema | None]] = [(schema, schema)]
    while waiting:
        each, own = waiting.pop()
        targets = [resolve(reference, own, definitions) for _, reference in references(each)]
        more = {target.steps[1] for target in targets if target is not None and target.in_file} - found
        found |= more
        waiting += [(definitions[name], None) for name in more]
    return {name: definition for name, definition in definitions.items() if name in found}
