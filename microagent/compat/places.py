"""The places in a document where a part of a declaration is written, and where two documents differ."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from microagent.pointers import find, follow, fragment_steps, pointer_to

Steps = tuple[str, ...]

DEEPEST = 60
_IN_PLACE = ("allOf", "anyOf", "oneOf", "then", "else", "not")


def place_of(document: object, entry: Steps, part: Steps) -> Steps:
    """
    The steps in a document to a part of a declaration, or to the nearest place that is written there.

    :param entry: the steps to the declaration
    :param part: the steps from the declaration to the part, with all references followed
    """
    declared = _at(document, entry)
    if part[:1] == ("payload",) and "payload" not in declared:
        return (*entry, *_of_arguments(declared, part[1:]))
    for length in range(len(part), 0, -1):
        for found in _found(document, (*entry, part[0]), part[1:length], 0):
            return found
    return entry


def first_difference(one: object, other: object, steps: Steps = ()) -> list[str]:
    """The pointer to the first difference of two documents, if there is one."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        ones, others = cast("Mapping[str, object]", one), cast("Mapping[str, object]", other)
        for key in sorted(ones.keys() | others.keys()):
            if key not in ones or key not in others:
                return [pointer_to((*steps, key))]
            if found := first_difference(ones[key], others[key], (*steps, key)):
                return found
        return []
    return [] if one == other else [pointer_to(steps) or "the whole"]


def _of_arguments(declared: Mapping[str, Any], part: Steps) -> Steps:
    """The place in ``providing_args``, a list of names or an object."""
    listed = declared.get("providing_args")
    if listed is None:
        return ()
    if len(part) > 1 and isinstance(listed, list) and part[1] in listed:
        return "providing_args", str(cast("list[object]", listed).index(part[1]))
    if len(part) > 1 and isinstance(listed, Mapping) and part[1] in listed:
        return "providing_args", part[1]
    return ("providing_args",)


def _found(document: object, steps: Steps, part: Steps, depth: int) -> Iterator[Steps]:
    """All places below a schema where the part may be written."""
    schema = _at(document, steps)
    if depth > DEEPEST:
        return
    if not part:
        if _is_there(document, steps):
            yield steps
        return
    for length in (1, 2):
        inside = _below(schema, part[:length])
        if inside is not None and len(part) >= length:
            yield from _found(document, (*steps, *inside), part[length:], depth + 1)
    for further in _in_place(schema, steps):
        yield from _found(document, further, part, depth + 1)


def _below(schema: Mapping[str, Any], part: Steps) -> Steps | None:
    match part:
        case ("properties" | "prefixItems" as word, name):
            inside = schema.get(word, schema.get("items") if word == "prefixItems" else None)
            is_there = _is_there(cast("object", inside), (name,))
            return ("items" if word not in schema else word, name) if is_there else None
        case ("items" | "additionalProperties" as word,):
            return part if word in schema else None
        case _:
            return None


def _in_place(schema: Mapping[str, Any], steps: Steps) -> Iterator[Steps]:
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        yield fragment_steps(reference)
    for word in _IN_PLACE:
        inside = schema.get(word)
        if isinstance(inside, list):
            yield from ((*steps, word, str(index)) for index in range(len(cast("list[object]", inside))))
        elif inside is not None:
            yield (*steps, word)


def _at(document: object, steps: Steps) -> Mapping[str, Any]:
    found = find(document, steps)
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _is_there(document: object, steps: Steps) -> bool:
    try:
        follow(document, steps)
    except LookupError:
        return False
    return True
