"""Translates the driver's errors into those of this library."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from aiormq import exceptions as driver

from microagent.errors import AuthError, BackendConnectionError, BackendError, ConfigurationError, UnroutableError

CLOSED = "the connection was closed"


class MissingError(BackendError):
    """No queue or exchange of this name exists."""


@contextmanager
def translated() -> Generator[None]:
    """
    A context manager for calls of the driver that translates the errors they raise.

    The driver cancels those who wait on a connection that closes; only a cancellation that was requested of the current
    task stays one. Errors of this library pass unchanged.
    """
    try:
        yield
    except BackendError:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BackendConnectionError(CLOSED) from error
    except (driver.AMQPError, RuntimeError, OSError) as error:
        raise ours(error) from error


def ours(error: Exception) -> BackendError | ConfigurationError:
    """Translate an error of the driver; everything that is not a refusal counts as a lost connection."""
    text = " ".join(str(part) for part in error.args if part) or CLOSED
    match error:
        case driver.ProbableAuthenticationError() | driver.AuthenticationError() | driver.ChannelAccessRefused():
            return AuthError(text)
        case driver.ChannelPreconditionFailed():
            return ConfigurationError(text)
        case driver.ChannelNotFoundEntity():
            return MissingError(text)
        case driver.PublishError():
            return UnroutableError(f"no queue takes a message with this routing key: {text}")
        case driver.DeliveryError():
            return BackendError(f"the server did not accept the message: {error}")
        case TimeoutError():
            return BackendConnectionError("no answer in time")
        case driver.ChannelClosed() if error.args and error.args[0]:
            return BackendError(text)
        case _:
            return BackendConnectionError(text)
