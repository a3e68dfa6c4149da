"""The one door through which signals and queues become known."""

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
_WAYS: tuple[OnConflict, ...] = get_args(OnConflict)
_door = RLock()
_IN_PYTHON = Problem("", "in Python")


def check_on_conflict(way: OnConflict) -> None:
    """
    Look at what is to be done about conflicts, whether there is one or not.

    :raises ConfigurationError: if it is nothing that can be done
    """
    if way not in _WAYS:
        raise ConfigurationError(f"on_conflict takes error, warn, keep or replace, not {way!r}{guess(str(way), _WAYS)}")


class Word(Generic[D]):
    """
    A name with one declaration: one object, wherever and however often it is declared.

    Its two kinds are ``Signal`` and ``Queue``, each with a register of its own.
    """

    name: str
    _declared: D | str  # the structure alone, until more is asked for

    _kind: ClassVar[str]
    _register: ClassVar[dict[str, Any]]
    _missing: ClassVar[type[MicroAgentError]]
    _unreadable: ClassVar[type[SerializingError]]

    def __class_getitem__(cls, _types: object) -> type[Self]:
        """The class itself: what a type checker knows as ``TypedSignal[...]`` is one class at run time."""
        return cls

    @classmethod
    def get(cls, name: str) -> Self:
        """
        The one of this name.

        :raises SignalNotFound: or ``QueueNotFound``, if none is declared
        """
        try:
            return cast("Self", cls._register[name])
        except (KeyError, TypeError):  # callers may be untyped
            asked = str(name)
            raise cls._missing(f"no {cls._kind} {shown(asked)} is declared{guess(asked, cls._register)}") from None

    @classmethod
    def get_all(cls) -> dict[str, Self]:
        """All that are declared, by name; a copy."""
        return dict(cls._register)

    @classmethod
    def admit(cls, name: str, declared: D | str, on_conflict: OnConflict = "error") -> Self:
        """
        The object of this name: a new one, or the one that is known already.

        :param declared: the declaration, or its ``structure()`` alone
        :param on_conflict: what to do when the name is known with another structure: ``error``; ``warn`` or ``keep``
            the known one as it is; ``replace`` it, in place
        :raises ConflictError: if the name is known with another structure
        """
        check_on_conflict(on_conflict)
        with _door:
            known: Self | None = cls._register.get(name)
            if known is None:
                return cls._enter(name, declared)
            if (conflict := known._conflict(declared)) is not None:
                known._resolve(conflict, declared, on_conflict)
            return known

    @classmethod
    def admit_all(cls, declarations: Iterable[D], on_conflict: OnConflict = "error") -> list[Self]:
        """
        The objects of these declarations; with ``error``, all of them or none.

        :raises ConflictError: with every conflict
        """
        wanted = list(declarations)
        with _door:
            if on_conflict == "error" and (conflicts := list(cls._conflicts(wanted))):
                raise ConflictError(conflicts)
            return [cls.admit(each.name, each, on_conflict) for each in wanted]

    @classmethod
    def _conflicts(cls, declarations: Iterable[D]) -> Iterator[Problem]:
        for declaration in declarations:
            known: Self | None = cls._register.get(declaration.name)
            if known is not None and (conflict := known._conflict(declaration)) is not None:
                yield conflict

    @classmethod
    def _enter(cls, name: str, declared: D | str) -> Self:
        if (problem := cls._name_problem(name)) is not None:
            raise DeclarationError([Problem(problem, cls._kind)])
        word = object.__new__(cls)
        word._become(name, declared)
        cls._register[name] = word
        return word

    def _become(self, name: str, declared: D | str) -> None:
        """Declare it anew; all that was derived from an earlier declaration is dropped."""
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
        """What is different in another declaration, and the rules that these changes fall under."""
        from microagent.compat.contracts import differences  # with jsonschema, which is slow to import

        return differences(self.declaration, other)

    def _resolve(self, conflict: Problem, declared: D | str, on_conflict: OnConflict) -> None:
        match on_conflict:
            case "error":
                raise ConflictError([conflict])
            case "warn":
                log.warning("%s\nThe first one stays.", conflict)
            case "replace":
                self._become(self.name, declared)
            case "keep":
                pass

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied, pickled: the same object, in another process the one of this name."""
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
        """All that is declared."""
        if isinstance(self._declared, str):
            self._declared = self._read(self.name, self._declared)
        return self._declared

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the structure: the same for equal declarations, everywhere."""
        return self.declaration.fingerprint

    def knows(self, data: Mapping[str, Any], *, formats: bool = False) -> bool:
        """Whether it is seen at a glance that the data is plain and may be sent; a no says nothing."""
        return self._glances[formats].knows(data)

    @cached_property
    def _glances(self) -> ByFormats[Glance]:
        return ByFormats(self._glance)

    def _glance(self, formats: bool) -> Glance:
        raise NotImplementedError

    def read(self, raw: bytes | str, *, formats: bool = False) -> dict[str, Any] | None:
        """The data that was encoded, if it may be handled; None where it takes a closer look to say what is wrong."""
        return self._readers[formats](raw)

    @cached_property
    def _readers(self) -> ByFormats[Reader]:
        return ByFormats(self._reader)

    def _reader(self, formats: bool) -> Reader:
        raise NotImplementedError

    def encode(self, data: Mapping[str, Any], *, plain: bool = False) -> bytes:
        """
        The data as it travels.

        :param plain: it is known to consist of JSON's own types, see :func:`codec.is_plain`
        :raises SerializingError: for what JSON cannot say
        """
        try:
            return codec.encode(data, plain=plain)
        except SerializingError as exc:
            raise self._unreadable(f"{self._kind} {self.name!r}: {exc}") from exc

    def decode(self, raw: bytes | str) -> dict[str, Any]:
        """
        The data that was encoded.

        :raises SerializingError: for what is no JSON object
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
