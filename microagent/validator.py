"""jsonschema's validator of 2020-12, exact where it counts in floats and quick where it would take very long."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from microagent.formats import format_checker
from microagent.jsonvalues import exactly, identity
from microagent.patterns import Pattern
from microagent.schema import Schema, rebuilt


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


@cache
def _validator_class() -> Any:
    own = {"pattern": _pattern, "multipleOf": _multiple_of, "uniqueItems": _unique_items}
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
