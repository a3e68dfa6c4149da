"""jsonschema's validator of 2020-12, exact where it counts in floats and quick where it would take very long."""

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

MOST_ERRORS = 20  # that are looked at: a long array may have very many


def registry(documents: Mapping[str, Schema]) -> SchemaRegistry:
    """
    What schemas may refer to: documents, by their addresses.

    :raises PatternError: if a pattern is none that can be searched for
    """
    resources = ((address, DRAFT202012.create_resource(_searching(each))) for address, each in documents.items())
    return SchemaRegistry().with_resources(resources)


def validator(schema: Schema, known: SchemaRegistry, *, formats: bool = False) -> Validator:
    """
    What judges values by a schema.

    :param known: what it refers to
    :param formats: ``format`` is checked, too
    :raises PatternError: if a pattern is none that can be searched for
    """
    checker = format_checker() if formats else None
    return cast("Validator", _validator_class()(_searching(schema), registry=known, format_checker=checker))


def _searching(schema: Schema) -> Any:
    """The schema with its patterns in the words of Python's ``re``, which is what jsonschema searches with."""
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
    Judge each part of one value by each reference once, in here.

    Alternatives that lead to themselves would else take twice as long for each level of a value. Not for dynamic
    references, which do not always mean the same.
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
    """One that whoever gets it may put a path before."""
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
    """A text that is too long anyway is not searched: that may take for ever."""
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return ()
    search = cast("Callable[..., Iterable[ValidationError]]", Draft202012Validator.VALIDATORS["pattern"])
    return search(whole, pattern, value, schema)


def _multiple_of(whole: Any, step: float, value: Any, _: object) -> Iterator[ValidationError]:
    """Of the numbers as JSON writes them: 19.99 is a multiple of 0.01."""
    if whole.is_type(value, "number") and exactly(value) % exactly(step):
        yield ValidationError("")


def _unique_items(whole: Any, is_wanted: bool, value: Any, _: object) -> Iterator[ValidationError]:
    """In a time that is in proportion; jsonschema compares objects each with each."""
    if is_wanted and whole.is_type(value, "array") and len(set(map(identity, value))) < len(value):
        yield ValidationError("")
