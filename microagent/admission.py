"""What happens to a payload that does not fit its declaration."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias, get_args

from microagent import arguments, codec
from microagent.errors import ConfigurationError, SerializingError
from microagent.schemas.validation import missing_formats

ValidationMode: TypeAlias = Literal["warn", "strict", "off"]


class Declared(Protocol):
    """A signal or a queue: it has a name, knows what is wrong with a payload, and how it travels."""

    name: str

    def problem(
        self, data: Mapping[str, Any], *, sending: bool, formats: bool = False, plain: bool = False
    ) -> str | None: ...

    def knows(self, data: Mapping[str, Any], *, formats: bool = False) -> bool: ...

    def encode(self, data: Mapping[str, Any], *, plain: bool = False) -> bytes: ...

    def read(self, raw: bytes | str, *, formats: bool = False) -> dict[str, Any] | None: ...


class Answered(Protocol):
    """A signal: it knows what is wrong with the answer to a call."""

    def answer_problem(self, value: object, *, formats: bool = False) -> str | None: ...


class Admission:
    """
    ``warn`` logs what does not fit and lets it pass, ``strict`` refuses it, ``off`` does not look.

    :param formats: ``format`` decides, too; else it only tells people something
    :raises ConfigurationError: if ``mode`` is none of these, or formats cannot be checked here
    """

    def __init__(self, mode: ValidationMode, log: logging.Logger, *, formats: bool = False) -> None:
        if mode not in get_args(ValidationMode):
            raise ConfigurationError(f"validate={mode!r}: it is one of 'warn', 'strict', 'off'")
        if arguments.flag("formats", formats) and mode != "off" and (missing := missing_formats()):
            lacking = ", ".join(missing)
            raise ConfigurationError(
                f"formats=True: nothing here can check {lacking}: pip install 'microagent[formats]'"
            )
        self._mode = mode
        self._formats = formats
        self._log = log

    def sending(self, declared: Declared, data: Mapping[str, Any], error: type[SerializingError]) -> bytes:
        """
        A payload as it travels, looked at before it is sent.

        :raises SerializingError: for what JSON cannot say; of the type ``error``, if it does not fit and the mode is
            strict
        """
        if self._mode != "off" and declared.knows(data, formats=self._formats):
            return declared.encode(data, plain=True)
        plain, problem = codec.is_plain(data), None
        if self._mode != "off":
            problem = declared.problem(data, sending=True, formats=self._formats, plain=plain)
        if problem is not None and self._mode == "strict":
            raise error(f"'{declared.name}' is not sent, it does not fit its declaration: {problem}")
        body = declared.encode(data, plain=plain)
        if problem is not None:
            self._log.warning("'%s' is sent although it does not fit its declaration: %s", declared.name, problem)
        return body

    def reader(self, declared: Declared) -> Callable[[bytes], dict[str, Any] | None]:
        """
        Reads what comes in: gives the payload if it fits, and None where it takes a closer look (:meth:`refusal`) to
        say what is wrong.
        """
        return (lambda body: None) if self._mode == "off" else partial(declared.read, formats=self._formats)

    def refusal(self, declared: Declared, data: Mapping[str, Any]) -> str | None:
        """Why a payload that came in is refused, or None when it is to be handled."""
        if self._mode == "off" or (problem := declared.problem(data, sending=False, formats=self._formats)) is None:
            return None
        if self._mode == "strict":
            return problem
        self._log.warning("'%s' is handled although it does not fit its declaration: %s", declared.name, problem)
        return None

    def answer_refusal(self, declared: Answered, value: object, handler: str) -> str | None:
        """Why the answer of a handler is refused, or None when it is to be sent."""
        if self._mode == "off" or (problem := declared.answer_problem(value, formats=self._formats)) is None:
            return None
        if self._mode == "strict":
            return f"SignalSerializingError: {problem}"
        self._log.warning("%s answers although it does not fit the declaration: %s", handler, problem)
        return None
