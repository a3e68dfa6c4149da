"""Whether a value fits its schema."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from microagent import codec
from microagent.errors import SerializingError
from microagent.reading import shape
from microagent.runtime_types import RuntimeType, runtime_type
from microagent.schema import Schema


class Check:
    """
    The check of one schema, built at first use.

    msgspec's yes is final where the type says all that the schema says; every other yes, and every no (1.0 is an
    integer to JSON Schema), is confirmed by jsonschema.

    :param definitions: the ``$defs`` of the file, for references that the schema itself does not answer
    :param payload: the schema is a payload: an object, whatever it says of its type
    """

    def __init__(self, schema: Schema, definitions: Mapping[str, Any] | None = None, *, payload: bool = False) -> None:
        self._schema = schema
        self._definitions = definitions or {}
        self._payload = payload

    def problem(self, value: object) -> str | None:
        """What is wrong with the value, as one sentence with its path, or None."""
        found = self._type
        try:
            msgspec.convert(value, found.type)
        except (msgspec.ValidationError, RecursionError):
            return self._confirmed(value)
        return None if found.exact else self._confirmed(value)

    @cached_property
    def _type(self) -> RuntimeType:
        reading = shape(self._schema, self._definitions, payload=self._payload)
        found = runtime_type(reading.shape)
        return RuntimeType(found.type, found.exact and reading.exact)

    def _confirmed(self, value: object) -> str | None:
        try:
            return self._full(codec.decode(codec.encode(value)))
        except SerializingError as exc:
            return str(exc)

    @cached_property
    def _full(self) -> Callable[[object], str | None]:
        from microagent.jsonschemas import checker  # most processes never need jsonschema, which is slow to import

        return checker(self._schema, self._definitions)
