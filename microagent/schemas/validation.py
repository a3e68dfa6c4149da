"""Checks of values against schemas."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from microagent import codec
from microagent.errors import SerializingError
from microagent.schemas.glances import Glance
from microagent.schemas.words import FORMATS, Schema, as_object

if TYPE_CHECKING:
    from microagent.schemas.deciding import Decision

T = TypeVar("T")
Reader: TypeAlias = Callable[[bytes | str], "dict[str, Any] | None"]


class Check:
    """
    The check of one schema, built at first use.

    What msgspec and what jsonschema checks is decided once. If msgspec refuses a value, jsonschema has the final say:
    to JSON Schema, 1.0 is an integer.

    :param definitions: of the declaration, for references that cannot be resolved in the schema itself
    :param payload: whether the schema is a payload, which is an object even without ``type``
    :param formats: whether ``format`` is checked
    """

    def __init__(
        self,
        schema: Schema,
        definitions: Mapping[str, Any] | None = None,
        *,
        payload: bool = False,
        formats: bool = False,
    ) -> None:
        self._schema = as_object(schema) if payload else schema
        self._definitions = definitions or {}
        self._formats = formats

    def problem(self, value: object, *, plain: bool = False) -> str | None:
        """
        What is wrong with the value, as one sentence with its path, or None.

        :param plain: whether it is known to consist of JSON's own types, for example because it was just decoded
        """
        if not plain and not codec.is_plain(value):
            return self._problem_once_encoded(value)
        if self._type is not None:
            try:
                msgspec.convert(value, self._type)
            except (
                msgspec.ValidationError,
                RecursionError,
                ValueError,
            ):  # ValueError: surrogates, and integers that are too long
                return self._whole(value)
        return None if self._rest is None else self._rest(value)

    @cached_property
    def read(self) -> "Reader":
        """A function that decodes a valid object; it returns None if it takes ``problem`` to say what is wrong."""
        kind, rest, decode = self._type, self._rest, codec.decode_quickly

        def read(raw: bytes | str) -> dict[str, Any] | None:
            try:
                value = decode(raw)
                if kind is not None:
                    msgspec.convert(value, kind)
            except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
                return None
            return value if type(value) is dict and (rest is None or rest(value) is None) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - it is what JSON says

        return read

    def glance(self, names: Collection[str] | None = None) -> Glance:
        """
        The quick check of payloads.

        :param names: the only names that are allowed; None for those that the schema allows
        """
        return Glance(self._decision.record(), names)

    def _problem_once_encoded(self, value: object) -> str | None:
        """Check the value as JSON will have it: a tuple becomes an array."""
        try:
            return self.problem(codec.decode(codec.encode(value)), plain=True)
        except SerializingError as exc:
            return str(exc)

    @cached_property
    def _decision(self) -> "Decision":
        from microagent.schemas.deciding import decide  # slow to import, and many processes check nothing

        return decide(self._schema, self._definitions, formats=self._formats)

    @cached_property
    def _type(self) -> Any:
        """The type for msgspec; None if it checks nothing."""
        return self._decision.for_msgspec()

    @cached_property
    def _rest(self) -> Callable[[object], str | None] | None:
        rest = self._decision.rest
        return None if rest is True else self._checker(rest, self._decision.definitions)

    @cached_property
    def _whole(self) -> Callable[[object], str | None]:
        return self._checker(self._schema, self._definitions)

    def _checker(self, schema: Schema, definitions: Mapping[str, Any]) -> Callable[[object], str | None]:
        # jsonschema is slow to import, and most processes never need it.
        from microagent.schemas.jsonschemas import checker

        return checker(schema, definitions, formats=self._formats)


class ByFormats(dict[bool, T]):
    """
    Two variants of something, without and with checks of ``format``, made at first use.

    :param make: makes a variant
    """

    def __init__(self, make: Callable[[bool], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, formats: bool) -> T:
        self[formats] = made = self._make(formats)
        return made


Checks: TypeAlias = ByFormats[Check]


def checks(schema: Schema, definitions: Mapping[str, Any], *, payload: bool = False) -> Checks:
    """The checks of a schema, without and with formats."""
    return ByFormats(lambda formats: Check(schema, definitions, payload=payload, formats=formats))


def missing_formats() -> list[str]:
    """The formats of JSON Schema that cannot be checked because packages are not installed."""
    from microagent.schemas.formats import checked_formats

    return sorted(FORMATS - checked_formats())
