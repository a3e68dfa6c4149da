"""The registry of signals and queues: one object for each name, wherever it is declared."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar, cast, get_args

from microagent import codec
from microagent.declarations import Declaration
from microagent.errors import (
    ConfigurationError,
    ConflictError,
    DeclarationError,
    MicroAgentError,
    Problem,
    SerializingError,
)
from microagent.names import guess, shown
from microagent.schemas.glances import Glance
from microagent.schemas.validation import ByFormats, Reader

D = TypeVar("D", bound=Declaration)
OnConflict: TypeAlias = Literal["error", "warn", "keep", "replace"]

log = logging.getLogger("microagent.registry")
_CHOICES: tuple[OnConflict, ...] = get_args(OnConflict)
_lock = RLock()
_IN_PYTHON = Problem("", "in Python")


def check_on_conflict(on_conflict: OnConflict) -> None:
    """
    Check the argument ``on_conflict``, whether there is a conflict or not.

    :raises ConfigurationError: if it is none of the choices
    """
    if on_conflict not in _CHOICES:
        hint = guess(str(on_conflict), _CHOICES)
        raise ConfigurationError(f"on_conflict must be error, warn, keep or replace, not {on_conflict!r}{hint}")


class Registered(Generic[D]):
    """
    A registered declaration: there is one object for each name, however often it is declared.

    Its subclasses are ``Signal`` and ``Queue``, each with a register of its own.
    """

    name: str
    _declared: D | str  # a string is the structure() alone, which is parsed when more is needed

    _kind: ClassVar[str]
    _register: ClassVar[dict[str, Any]]
    _missing: ClassVar[type[MicroAgentError]]
    _unreadable: ClassVar[type[SerializingError]]

    def __class_getitem__(cls, _types: object) -> type[Self]:
        """The class itself: type arguments, as in ``TypedSignal[...]``, are for type checkers only."""
        return cls

    @classmethod
    def get(cls, name: str) -> Self:
        """
        The signal or queue of this name.

        :raises SignalNotFound: or ``QueueNotFound``, if none is declared
        """
        try:
            return cast("Self", cls._register[name])
        except (KeyError, TypeError):  # callers may be untyped
            asked = str(name)
            raise cls._missing(f"no {cls._kind} {shown(asked)} is declared{guess(asked, cls._register)}") from None

    @classmethod
    def get_all(cls) -> dict[str, Self]:
        """All declared signals, or queues, by name: a new dictionary."""
        return dict(cls._register)

    @classmethod
    def admit(cls, name: str, declared: D | str, on_conflict: OnConflict = "error") -> Self:
        r"""
        Register a declaration.

        :param declared: the declaration, or its ``structure()`` alone
        :param on_conflict: what to do if the name is registered with another structure: ``error`` raises, ``keep``
            keeps the registered declaration, ``warn`` does so and logs a warning, ``replace`` replaces it in place
        :return: the object of this name, new or registered before
        :raises ConflictError: with ``error``, if the name is registered with another structure
        """
        check_on_conflict(on_conflict)
        with _lock:
            known: Self | None = cls._register.get(name)
            if known is None:
                return cls._enter(name, declared)
            if (conflict := known._conflict(declared)) is not None:
                known._resolve(conflict, declared, on_conflict)
            return known

    @classmethod
    def admit_all(cls, declarations: Iterable[D], on_conflict: OnConflict = "error") -> list[Self]:
        """
        Register declarations; with ``error``, all of them or none.

        :raises ConflictError: with ``error``, with all conflicts
        """
        wanted = list(declarations)
        with _lock:
            if on_conflict == "error" and (conflicts := list(cls.conflicts(wanted))):
                raise ConflictError(conflicts)
            return [cls.admit(each.name, each, on_conflict) for each in wanted]

    @classmethod
    def conflicts(cls, declarations: Iterable[D]) -> Iterator[Problem]:
        """The conflicts of these declarations with registered ones."""
        for declaration in declarations:
            known: Self | None = cls._register.get(declaration.name)
            if known is not None and (conflict := known._conflict(declaration)) is not None:
                yield conflict

    @classmethod
    def _enter(cls, name: str, declared: D | str) -> Self:
        if (problem := cls._name_problem(name)) is not None:
            raise DeclarationError([Problem(problem, cls._kind)])
        registered = object.__new__(cls)
        registered._reset(name, declared)
        cls._register[name] = registered
        return registered

    def _reset(self, name: str, declared: D | str) -> None:
        """Take over a declaration, and drop everything that was derived from an earlier one."""
        self.__dict__ = {"name": name, "_declared": declared}

    def _conflict(self, declared: D | str) -> Problem | None:
        if self._declared == declared:
            return None
        other = self._read(self.name, declared)
        if self.declaration.structure() == other.structure():
            return None
        declarations = (self.declaration, other)
        first, second = (replace(each.origin or _IN_PYTHON, message=each.structure()) for each in declarations)
        below = "".join(f"\n    {each}" for each in (first, second, *self._differences(other)))
        return Problem(f"{self._kind} {self.name!r} is declared twice, differently:{below}")

    def _differences(self, other: D) -> list[str]:
        """The differences of another declaration, with the rules of compatibility that they break."""
        from microagent.compat.contracts import differences  # with jsonschema, which is slow to import

        return differences(self.declaration, other)

    def _resolve(self, conflict: Problem, declared: D | str, on_conflict: OnConflict) -> None:
        match on_conflict:
            case "error":
                raise ConflictError([conflict])
            case "warn":
                log.warning("%s\nThe first declaration is kept.", conflict)
            case "replace":
                self._reset(self.name, declared)
            case "keep":
                pass

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies are the object itself; unpickled in another process, it is the one of this name there."""
        return type(self).admit, (self.name, self._declared)

    @classmethod
    def _read(cls, name: str, declared: D | str) -> D:
        return cast("D", cls._read_structure(name, declared)) if isinstance(declared, str) else declared

    @staticmethod
    def _name_problem(name: str) -> str | None:
        raise NotImplementedError

    @staticmethod
    def _read_structure(name: str, structure: str) -> Any:
        raise NotImplementedError

    @property
    def declaration(self) -> D:
        """The declaration."""
        if isinstance(self._declared, str):
            self._declared = self._read(self.name, self._declared)
        return self._declared

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the structure, the same for equal declarations in every process."""
        return self.declaration.fingerprint

    def knows(self, data: Mapping[str, Any], *, formats: bool = False) -> bool:
        """Whether a quick look suffices to say that the data is plain JSON and may be sent; False means nothing."""
        return self._glances[formats].knows(data)

    @cached_property
    def _glances(self) -> ByFormats[Glance]:
        return ByFormats(self._glance)

    def _glance(self, formats: bool) -> Glance:
        raise NotImplementedError

    def read(self, raw: bytes | str, *, formats: bool = False) -> dict[str, Any] | None:
        """The decoded data if it is valid; None if it takes ``decode`` and ``problem`` to say what is wrong."""
        return self._readers[formats](raw)

    @cached_property
    def _readers(self) -> ByFormats[Reader]:
        return ByFormats(self._reader)

    def _reader(self, formats: bool) -> Reader:
        raise NotImplementedError

    def encode(self, data: Mapping[str, Any], *, plain: bool = False) -> bytes:
        """
        The data as JSON.

        :param plain: whether it is known to consist of JSON's own types, see :func:`codec.is_plain`
        :raises SerializingError: if JSON cannot represent it
        """
        try:
            return codec.encode(data, plain=plain)
        except SerializingError as exc:
            raise self._unreadable(f"{self._kind} {self.name!r}: {exc}") from exc

    def decode(self, raw: bytes | str) -> dict[str, Any]:
        """
        The data of JSON text.

        :raises SerializingError: if the text is not a JSON object
        """
        try:
            data = codec.decode(raw)
        except SerializingError as exc:
            raise self._unreadable(f"{self._kind} {self.name!r}: {exc}") from exc
        if not isinstance(data, dict):
            raise self._unreadable(f"{self._kind} {self.name!r}: a JSON object is expected, not {codec.kind(data)}")
        return cast("dict[str, Any]", data)

    def serialize(self, data: Mapping[str, Any]) -> str:
        """The data as JSON text."""
        return self.encode(data).decode()

    def deserialize(self, data: str | bytes) -> dict[str, Any]:
        """The data of a JSON text."""
        return self.decode(data)
