"""jsonschema's validator of 2020-12 with exact decimal arithmetic, and without its exponential and quadratic cases."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from microagent.schemas.formats import format_checker
from microagent.schemas.jsonvalues import exactly, identity
from microagent.schemas.patterns import Pattern
from microagent.schemas.words import Schema, rebuilt

MOST_ERRORS = 20  # errors that are examined; a long array may have very many


def registry(documents: Mapping[str, Schema]) -> SchemaRegistry:
    """
    A registry of documents by their URIs, which schemas may refer to.

    :raises PatternError: if a pattern cannot be translated
    """
    resources = ((address, DRAFT202012.create_resource(_searching(each))) for address, each in documents.items())
    return SchemaRegistry().with_resources(resources)


def validator(schema: Schema, known: SchemaRegistry, *, formats: bool = False) -> Validator:
    """
    A validator for a schema.

    :param known: the documents that it refers to
    :param formats: whether ``format`` is checked
    :raises PatternError: if a pattern cannot be translated
    """
    checker = format_checker() if formats else None
    return cast("Validator", _validator_class()(_searching(schema), registry=known, format_checker=checker))


def _searching(schema: Schema) -> Any:
    """The schema with its patterns translated for Python's ``re``, which jsonschema uses."""
    if isinstance(schema, bool):
        return schema
    copy = rebuilt(schema, _searching)
    if "pattern" in copy:
        copy["pattern"] = Pattern.of(copy["pattern"])
    if "patternProperties" in copy:
        copy["patternProperties"] = {Pattern.of(each): inner for each, inner in copy["patternProperties"].items()}
    return copy


@contextmanager
def remembering() -> Generator[None]:
    """
    Check each part of one value against each reference only once within this context.

    Recursive alternatives would otherwise take exponential time in the depth of the value. Not to be used with dynamic
    references, whose meaning depends on the way to them.
    """
    _memory.found = {}
    try:
        yield
    finally:
        _memory.found = None


class _Memory(threading.local):
    found: dict[tuple[int, int], list[ValidationError]] | None = None


_memory = _Memory()


def _reference(whole: Any, reference: str, value: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    follow = cast("Callable[..., Iterable[ValidationError]]", Draft202012Validator.VALIDATORS["$ref"])
    known = _memory.found
    if known is None:
        yield from follow(whole, reference, value, schema)
        return
    key = (id(schema), id(value))
    if key not in known:
        known[key] = list(islice(follow(whole, reference, value, schema), MOST_ERRORS))
    yield from map(_copy, known[key])


def _copy(error: ValidationError) -> ValidationError:
    """A copy, because jsonschema extends the path of each error that it passes on."""
    return ValidationError(
        error.message,
        error.validator,
        tuple(error.relative_path),
        validator_value=error.validator_value,
        instance=error.instance,
        schema=error.schema,
    )


@cache
def _validator_class() -> Any:
    own = {"$ref": _reference, "pattern": _pattern, "multipleOf": _multiple_of, "uniqueItems": _unique_items}
    return cast("Any", validators).extend(Draft202012Validator, own)


def _pattern(whole: Any, pattern: str, value: object, schema: Mapping[str, Any]) -> Iterable[ValidationError]:
    """Skip a text that exceeds ``maxLength`` anyway: the search may take very long."""
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return ()
    search = cast("Callable[..., Iterable[ValidationError]]", Draft202012Validator.VALIDATORS["pattern"])
    return search(whole, pattern, value, schema)


def _multiple_of(whole: Any, step: float, value: Any, _: object) -> Iterator[ValidationError]:
    """Calculate with the decimal numbers that JSON has: 19.99 is a multiple of 0.01."""
    if whole.is_type(value, "number") and exactly(value) % exactly(step):
        yield ValidationError("")


def _unique_items(whole: Any, is_wanted: bool, value: Any, _: object) -> Iterator[ValidationError]:
    """In linear time; jsonschema compares each object with each other one."""
    if is_wanted and whole.is_type(value, "array") and len(set(map(identity, value))) < len(value):
        yield ValidationError("")
