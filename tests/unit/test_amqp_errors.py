"""What the driver of RabbitMQ raises, as errors of ours."""

import asyncio

import pytest
from aiormq import exceptions as driver

from microagent.errors import AuthError, BackendConnectionError, BackendError, ConfigurationError
from microagent.tools.amqp.errors import MissingError, translated


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (driver.ProbableAuthenticationError("ACCESS_REFUSED - login"), AuthError),
        (driver.ChannelAccessRefused("ACCESS_REFUSED - queue"), AuthError),
        (driver.ChannelPreconditionFailed("PRECONDITION_FAILED - durable"), ConfigurationError),
        (driver.ChannelNotFoundEntity("NOT_FOUND - no queue"), MissingError),
        (driver.ChannelClosed(406, "PRECONDITION_FAILED - timeout"), BackendError),
        (driver.ChannelClosed(None, None), BackendConnectionError),
        (driver.ConnectionClosed(320, "CONNECTION_FORCED"), BackendConnectionError),
        (driver.AMQPConnectionError("Server connection reset"), BackendConnectionError),
        (driver.ChannelInvalidStateError("closed"), BackendConnectionError),
        (RuntimeError("closed"), BackendConnectionError),
        (ConnectionResetError(104, "reset"), BackendConnectionError),
        (TimeoutError(), BackendConnectionError),
    ],
)
def test_every_error_has_a_name_of_ours(error, expected):
    """It says what the driver's said, in one line, and has it as its cause."""
    with pytest.raises(expected) as raised, translated():
        raise error
    assert type(raised.value) is expected
    assert raised.value.__cause__ is error
    assert str(raised.value)
    assert all(str(part) in str(raised.value) for part in error.args if part)


async def test_cancellation_of_the_drivers_making_is_a_lost_connection():
    """A connection that closes cancels who waits on it, though nobody asked to."""
    with pytest.raises(BackendConnectionError, match="closed"), translated():
        raise asyncio.CancelledError


async def test_cancellation_of_the_task_stays_one():
    """Whoever stops a task means it."""

    async def wait() -> None:
        with translated():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
