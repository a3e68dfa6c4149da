"""jsonschema's validator of 2020-12, exact where it counts in floats and quick where it would take very long."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing.jsonschema import SchemaRegistry

from microagent.jsonvalues import exactly, identity
from microagent.patterns import is_pattern
from microagent.schema import Schema


def validator(schema: Schema, registry: SchemaRegistry, *, formats: bool) -> Validator:
    """
    What judges values by a schema.

    :param registry: what it refers to
    :param formats: ``format`` is checked, too
    """
    made: Any = _validator_class()
    return cast("Validator", made(schema, registry=registry, format_checker=format_checker() if formats else None))


@cache
def format_checker() -> FormatChecker:
    """What jsonschema checks, but for ``regex``: that is one of ECMA-262, as patterns are."""
    found = FormatChecker(())
    found.checkers = {**Draft202012Validator.FORMAT_CHECKER.checkers, "regex": (_is_pattern, ())}
    return found


def _is_pattern(value: object) -> bool:
    return not isinstance(value, str) or is_pattern(value)


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
