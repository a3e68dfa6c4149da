"""Translates the driver's errors into those of this library."""

from collections.abc import Sequence
from typing import cast

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from microagent.errors import AuthError, BackendConnectionError, BackendError
from microagent.link import Interrupted

REFUSED = (AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError, NoPermissionError)
NOT_NOW = (BusyLoadingError, ReadOnlyError, ClusterDownError, TryAgainError, AskError)  # a MovedError is an AskError
UNBLOCKED = "UNBLOCKED"  # begins the error of blocking commands when a master becomes a replica


class Unanswered(Interrupted):
    """The connection was lost after a command was written: the server may or may not have executed it."""


def translated(error: Exception) -> BackendError:
    """
    An error of the driver, translated.

    BackendConnectionError means that nothing was done, and another attempt, perhaps on another server, may succeed.
    """
    text = str(error) or "it does not answer in time"  # a timeout has no text
    if isinstance(error, REFUSED):
        return AuthError(f"the server refuses us: {text}")
    if isinstance(error, ResponseError) and not isinstance(error, NOT_NOW) and not text.startswith(UNBLOCKED):
        return BackendError(f"the server answers: {text}")
    return BackendConnectionError(text)


def unanswered(error: Exception) -> BackendError:
    """The same for an error raised after a command was written."""
    fault = translated(error)
    if isinstance(error, NOT_NOW) or not isinstance(fault, BackendConnectionError):
        return fault
    return Unanswered(f"the connection broke before the server answered ({fault})")


def raise_if_in_vain(results: Sequence[object]) -> None:
    """
    :raises BackendConnectionError: if nothing was written, so that it may be tried again
    """
    if is_in_vain(results):
        raise cast("BackendConnectionError", results[0])


def is_in_vain(results: Sequence[object]) -> bool:
    """Whether nothing was written, so that it may be tried again."""
    return bool(results) and all(map(_is_away, results))  # of what is written, the first one tells


def _is_away(result: object) -> bool:
    return isinstance(result, BackendConnectionError) and not isinstance(result, Unanswered)
