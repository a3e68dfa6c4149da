"""Validation with jsonschema, with errors as sentences for people; slow to import."""

import json
import re
from collections.abc import Callable, Container, Generator, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import islice
from typing import Any, cast
from urllib.parse import quote

from jsonschema import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from microagent.codec import kind
from microagent.jsontext import Complaint
from microagent.names import guess, shown
from microagent.pointers import pointer_to
from microagent.printable import printable
from microagent.schemas.patterns import Pattern
from microagent.schemas.references import Target, readdressed
from microagent.schemas.regexnodes import PatternError
from microagent.schemas.validator import MOST_ERRORS, registry, remembering, validator
from microagent.schemas.words import Schema, every_schema

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_VALIDATORS: dict[str, Any] = {
    "draft 4": Draft4Validator,
    "draft 6": Draft6Validator,
    "draft 7": Draft7Validator,
    "2019-09": Draft201909Validator,
    "2020-12": Draft202012Validator,
}
_FILE = "urn:microagent:file"


class TooDeepError(Exception):
    """A schema or a value is nested more deeply than Python's stack."""


@contextmanager
def _ending_of_stack() -> Generator[None, None, None]:
    """Turn the end of Python's stack into an error; rpds, which jsonschema uses, panics instead of raising one."""
    try:
        yield
    except BaseException as exc:
        if isinstance(exc, RecursionError) or type(exc).__name__ == "PanicException":
            raise TooDeepError("nested too deeply") from None
        raise


def checker(schema: Schema, definitions: Mapping[str, Any], *, formats: bool = False) -> Callable[[object], str | None]:
    """A function that says in one line what is wrong with a value, with its path, or None. It never fetches schemas."""
    try:
        held = registry({_FILE: {"$defs": definitions}})
        judge = validator(_pointing_into_file(schema, definitions), held, formats=formats)
    except PatternError as exc:
        return partial(_always, printable(f"cannot be checked: a pattern {exc}"))

    is_dynamic = any(map(_is_dynamic, (schema, *definitions.values())))

    def problem(value: object) -> str | None:
        try:
            with _ending_of_stack(), nullcontext() if is_dynamic else remembering():
                error = _outermost(judge.iter_errors(cast("Any", value)))
        except TooDeepError as exc:
            return str(exc)
        except (Unresolvable, ValueError) as exc:  # an integer, say, that is too long to be written
            return printable(f"cannot be checked: {exc}")
        return None if error is None else printable(f"{error.json_path}: {_sentence(error)}")

    return problem


def _is_dynamic(schema: Schema) -> bool:
    return any(isinstance(each, Mapping) and "$dynamicRef" in each for _, each in every_schema(schema))


def _always(problem: str, _: object) -> str:
    return problem


def metaschema_complaints(schema: Schema, draft: str) -> list[Complaint]:
    """Complaints about a JSON Schema by the metaschema of a draft."""
    return complaints(schema, _VALIDATORS[draft].META_SCHEMA, draft)


def complaints(document: object, schema: Mapping[str, Any], draft: str, *, but: Container[str] = ()) -> list[Complaint]:
    """
    Complaints about a document by a schema of a draft.

    :param but: keywords whose errors are left out
    """
    errors = _VALIDATORS[draft](schema).iter_errors(cast("Any", document))
    try:
        with _ending_of_stack():
            leaves = [_leaf(error) for error in errors if error.validator not in but]
    except TooDeepError as exc:
        return [Complaint(str(exc))]
    return list(dict.fromkeys(Complaint(_sentence(leaf), tuple(map(str, leaf.absolute_path))) for leaf in leaves))


def _pointing_into_file(schema: Schema, definitions: Mapping[str, Any]) -> Any:
    """The schema with references to the definitions of its file made absolute."""

    def address(_: str, target: Target) -> Mapping[str, str]:
        return {"$ref": f"{_FILE}#{quote(pointer_to(target.steps))}"} if target.in_file else {}

    return readdressed(schema, schema, definitions, address)


def _leaf(error: ValidationError) -> ValidationError:
    """The most relevant error: if all alternatives failed, that of the one that the author probably meant."""
    while error.context and not _lacking(error):
        error = max(error.context, key=lambda each: (len(each.absolute_path), _of_right_type(each)))
    return error


def _of_right_type(error: ValidationError) -> bool:
    return error.validator != "type"


def _outermost(errors: Iterable[ValidationError]) -> ValidationError | None:
    """The error nearest to the whole value, among the first few: a long array may have very many."""
    return min(islice(errors, MOST_ERRORS), key=lambda error: len(error.absolute_path), default=None)


# -- sentences; they never show values, which may be secrets


def _sentence(error: ValidationError) -> str:
    write = _SENTENCES.get(str(error.validator))
    return write(error) if write else f"does not fit {error.validator}: {_short(error.validator_value)}"


def _of_type(error: ValidationError) -> str:
    expected = error.validator_value
    kinds = [expected] if isinstance(expected, str) else cast("list[str]", expected)
    return f"expected {' or '.join(_with_article(each) for each in kinds)}, got {kind(error.instance)}"


def _with_article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}"


def _of_required(error: ValidationError) -> str:
    names = cast("list[str]", error.validator_value)
    missing = [name for name in names if name not in cast("Mapping[str, object]", error.instance)]
    return f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"


def _of_any(error: ValidationError) -> str:
    lacking = _lacking(error)
    return f"{' or '.join(map(shown, lacking))} is missing" if lacking else "fits no alternative of anyOf"


def _lacking(error: ValidationError) -> list[str]:
    """The properties any one of which would make the value fit, if nothing else is wrong."""
    reasons = error.context or []
    named = [cast("list[str]", each.validator_value) for each in reasons if each.validator == "required"]
    is_all = len(named) == len(reasons) and all(len(names) == 1 for names in named)
    return [name for names in named for name in names] if is_all and error.validator == "anyOf" else []


def _of_dependent(error: ValidationError) -> str:
    needed, there = cast("Mapping[str, list[str]]", error.validator_value), cast("Mapping[str, object]", error.instance)
    lacking = {name: [each for each in needed[name] if each not in there] for name in needed if name in there}
    return "; ".join(f"{shown(name)} needs {_listed(others)}" for name, others in lacking.items() if others)


def _of_enum(error: ValidationError) -> str:
    options = cast("list[object]", error.validator_value)
    if sorted(map(str, options)) == sorted(TYPES) and isinstance(error.instance, str):
        return f"unknown type {shown(error.instance)}{guess(error.instance, TYPES)}"
    return f"expected one of {_short(options)}"


def _of_additional(error: ValidationError) -> str:
    schema = cast("Mapping[str, Any]", error.schema)
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [name for name in cast("Mapping[str, object]", error.instance) if name not in known]
    return f"unknown {_listed([name for name in extra if not any(re.search(each, name) for each in patterns)])}"


def _listed(names: list[str]) -> str:
    return " and ".join(map(shown, names[:5])) + (" and more" if len(names) > 5 else "")  # noqa: PLR2004 - a few


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."  # noqa: PLR2004 - a line or two


_SENTENCES: dict[str, Callable[[ValidationError], str]] = {
    "type": _of_type,
    "required": _of_required,
    "enum": _of_enum,
    "dependentRequired": _of_dependent,
    "pattern": lambda error: f"does not fit pattern: {_short(cast('Pattern', error.validator_value).origin)}",
    "const": lambda error: f"expected {_short(error.validator_value)}",
    "additionalProperties": _of_additional,
    "anyOf": _of_any,
    "oneOf": lambda _: "fits no alternative of oneOf, or more than one",
    "not": lambda _: "is refused by not",
    "minItems": lambda error: f"expected at least {error.validator_value} item{'s' * (error.validator_value != 1)}",
    "uniqueItems": lambda _: "the items are not unique",
    "None": lambda _: "nothing is allowed here",
}
