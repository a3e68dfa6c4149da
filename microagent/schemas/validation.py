"""Whether a value fits its schema."""

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

    What msgspec and what jsonschema checks is decided once. msgspec's no is confirmed by jsonschema: 1.0 is an integer
    to JSON Schema.

    :param definitions: the definitions of the declaration, for references that the schema itself does not answer
    :param payload: the schema is a payload: an object, whatever it says of its type
    :param formats: ``format`` is checked, too
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

        :param plain: it is known to consist of JSON's own types: it was read from JSON a moment ago, say
        """
        if not plain and not codec.is_plain(value):
            return self._problem_of_wire(value)
        if self._type is not None:
            try:
                msgspec.convert(value, self._type)
            except (msgspec.ValidationError, RecursionError, ValueError):  # of texts and integers that nobody can write
                return self._whole(value)
        return None if self._rest is None else self._rest(value)

    @cached_property
    def read(self) -> "Reader":
        """Gives the object that was encoded, if it fits; None where it takes a closer look to say what is wrong."""
        kind, rest, decode = self._type, self._rest, codec.decode_quickly

        def read(raw: bytes | str) -> dict[str, Any] | None:
            try:
                value = decode(raw)
                if kind is not None:
                    msgspec.convert(value, kind)
            except (ValueError, RecursionError):  # msgspec's own are ValueErrors
                return None
            return value if type(value) is dict and (rest is None or rest(value) is None) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - it is what JSON says

        return read

    def glance(self, names: Collection[str] | None = None) -> Glance:
        """
        What may say yes to a value without a closer look.

        :param names: all that it may have; None: those that the schema allows
        """
        return Glance(self._decision.record(), names)

    def _problem_of_wire(self, value: object) -> str | None:
        """The value as it would travel: a tuple is an array by the time anybody reads it."""
        try:
            return self.problem(codec.decode(codec.encode(value)), plain=True)
        except SerializingError as exc:
            return str(exc)

    @cached_property
    def _decision(self) -> "Decision":
        from microagent.schemas.deciding import decide  # most processes check nothing

        return decide(self._schema, self._definitions, formats=self._formats)

    @cached_property
    def _type(self) -> Any:
        """What msgspec checks; None where that is nothing."""
        return self._decision.for_msgspec()

    @cached_property
    def _rest(self) -> Callable[[object], str | None] | None:
        rest = self._decision.rest
        return None if rest is True else self._checker(rest, self._decision.definitions)

    @cached_property
    def _whole(self) -> Callable[[object], str | None]:
        return self._checker(self._schema, self._definitions)

    def _checker(self, schema: Schema, definitions: Mapping[str, Any]) -> Callable[[object], str | None]:
        # Most processes never need jsonschema, which is slow to import.
        from microagent.schemas.jsonschemas import checker

        return checker(schema, definitions, formats=self._formats)


class ByFormats(dict[bool, T]):
    """
    What does not look at formats, and what does.

    :param make: gives one when it is first needed
    """

    def __init__(self, make: Callable[[bool], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, formats: bool) -> T:
        self[formats] = made = self._make(formats)
        return made


Checks: TypeAlias = ByFormats[Check]


def checks(schema: Schema, definitions: Mapping[str, Any], *, payload: bool = False) -> Checks:
    """Both checks of a schema."""
    return ByFormats(lambda formats: Check(schema, definitions, payload=payload, formats=formats))


def missing_formats() -> list[str]:
    """The formats of JSON Schema that cannot be checked here, for want of a package."""
    from microagent.schemas.formats import checked_formats

    return sorted(FORMATS - checked_formats())
