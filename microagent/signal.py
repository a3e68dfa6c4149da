"""Signals: events that anybody may send and receive."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from microagent.channel import Channel
from microagent.declarations import Schema, SignalDeclaration, signal_from
from microagent.errors import SignalException, SignalNotFound, SignalSerializingError
from microagent.names import guess, shown, signal_name_problem
from microagent.registry import Registered
from microagent.schemas.glances import Glance
from microagent.schemas.reading import Reading
from microagent.schemas.validation import Checks, Reader, checks
from microagent.sources.parsing import declared_signal

__all__ = ["Receiver", "SerializingError", "Signal", "SignalException", "SignalNotFound"]

SerializingError = SignalSerializingError


class Signal(Registered[SignalDeclaration]):
    """
    The declaration of a signal, one per name; usually generated or loaded, rarely written by hand.

    ::

        Signal("user_created", ["user_id"])
        Signal("user_created", {"user_id": "integer", "code": ["number", "null"]})

    :param name: unique in the project
    :param providing_args: names of the arguments, or a dictionary of them with their JSON types
    :param type_map: Python types of the arguments that ``providing_args`` lists
    :param payload: a JSON Schema of the arguments, instead of ``providing_args`` or in accordance with it
    :param returns: the JSON type, or a JSON Schema, of what a receiver answers
    :param declared: the structure, which generated modules pass instead of all other arguments
    :raises DeclarationError: if the declaration is not valid
    :raises ConflictError: if the name is declared already, differently
    """

    _kind: ClassVar[str] = "signal"
    _register: ClassVar[dict[str, Any]] = {}
    _missing = SignalNotFound
    _unreadable = SignalSerializingError
    _name_problem = staticmethod(signal_name_problem)
    _read_structure = staticmethod(signal_from)

    def __new__(
        cls,
        name: str,
        providing_args: Sequence[str] | Mapping[str, str | Sequence[str]] = (),
        type_map: Mapping[str, tuple[type, ...]] | None = None,
        *,
        payload: Schema | None = None,
        returns: str | Sequence[str] | Schema | None = None,
        description: str = "",
        deprecated: bool = False,
        declared: str | None = None,
    ) -> "Signal":
        if declared is not None:
            return cls.admit(name, declared)
        said = {"payload": payload, "returns": returns, "description": description, "deprecated": deprecated}
        return cls.admit(name, declared_signal(name, providing_args, type_map, **said))

    def __repr__(self) -> str:
        return f"Signal(name={self.name!r}, providing_args={self.providing_args!r})"

    @property
    def description(self) -> str:
        return self.declaration.description

    @property
    def returns(self) -> Schema | None:
        """The JSON Schema of an answer; None if it may be anything."""
        return self.declaration.returns

    @cached_property
    def providing_args(self) -> list[str]:
        """The names of all arguments."""
        found = self._reading.object
        return [field.name for field in found.fields] if found else []

    @cached_property
    def type_map(self) -> dict[str, tuple[type, ...]] | None:
        """The Python types of the arguments that have a JSON type; None when none has."""
        reading = self._reading
        fields = reading.object.fields if reading.object else ()
        return {field.name: types for field in fields if (types := reading.python_types(field.shape))} or None

    def make_channel_name(self, channel_prefix: str, sender: str = "*") -> str:
        """The channel that carries this signal from this sender."""
        return str(Channel(channel_prefix, self.name, sender))

    def problem(
        self, data: Mapping[str, Any], *, sending: bool, formats: bool = False, plain: bool = False
    ) -> str | None:
        """
        What is wrong with the arguments, as one sentence, or None.

        Undeclared arguments are delivered to receivers, so that adding an argument does not break them. They cannot be
        sent, unless ``additionalProperties`` allows them.

        :param plain: whether it is known to consist of JSON's own types, see :func:`codec.is_plain`
        """
        names = self.declaration.arguments
        if sending and names is not None and not names.issuperset(data):
            unknown = next(name for name in data if name not in names)
            return f"$: unknown argument {shown(unknown)}{guess(unknown, names)}"
        return self._checks[formats].problem(data, plain=plain or not sending)

    def answer_problem(self, value: object, *, formats: bool = False) -> str | None:
        """What is wrong with an answer, as one sentence, or None."""
        return None if self._answer_checks is None else self._answer_checks[formats].problem(value)

    @property
    def _reading(self) -> Reading:
        return self.declaration.reading

    def _glance(self, formats: bool) -> Glance:
        return self._checks[formats].glance(self.declaration.arguments)

    def _reader(self, formats: bool) -> Reader:
        return self._checks[formats].read

    @cached_property
    def _checks(self) -> Checks:
        return checks(self.declaration.accepted, self.declaration.definitions, payload=True)

    @cached_property
    def _answer_checks(self) -> Checks | None:
        return None if self.returns is None else checks(self.returns, self.declaration.definitions)


@dataclass(slots=True)
class Receiver:
    """
    A handler bound to a signal.

    :ivar agent: the agent that ``handler`` is a method of
    :ivar timeout: seconds that one run may take
    """

    agent: Any
    handler: Callable[..., Awaitable[Any]]
    signal: Signal
    timeout: float

    @property
    def key(self) -> str:
        """``Class.method``: the name of its value in an answer."""
        return f"{type(self.agent).__name__}.{self.handler.__name__}"
