"""The pytest plugin: fixtures for tests of agents, run by pytest-asyncio or, where that is missing, by anyio."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.testing.clock import Clock
from microagent.testing.recording import RecordingBroker, RecordingBus
from microagent.testing.sent import Sent
from microagent.testing.starting import StartAgent


def async_fixture(function: Callable[..., AsyncIterator[Any]]) -> Any:
    """A fixture of pytest-asyncio; where that is not installed, one that anyio's plugin runs."""
    try:
        from pytest_asyncio import fixture
    except ImportError:
        return pytest.fixture(function)
    return fixture(function)


@async_fixture
async def clock() -> AsyncIterator[Clock]:
    """A clock that the test moves by hand: ``await clock.advance(3600)``. It starts on a Monday at midnight UTC."""
    async with Clock() as clock:
        yield clock


@pytest.fixture
def _clock_first(request: pytest.FixtureRequest) -> None:
    """Sets up ``clock`` before the fixtures whose timers follow it, in whatever order the test names them."""
    if "clock" in request.fixturenames:
        request.getfixturevalue("clock")


@pytest.fixture
def sent() -> Sent:
    """The record of what is sent on ``bus`` and ``broker``: ``assert sent(queues.mailer) == [...]``."""
    return Sent()


@async_fixture
async def bus(sent: Sent, _clock_first: None) -> AsyncIterator[RecordingBus]:
    """An in-memory signal bus that records what is sent on it."""
    async with RecordingBus(sent) as bus:
        yield bus


@async_fixture
async def broker(sent: Sent, _clock_first: None) -> AsyncIterator[RecordingBroker]:
    """An in-memory queue broker that records what is sent on it."""
    async with RecordingBroker(sent) as broker:
        yield broker


@async_fixture
async def start_agent(bus: AbstractSignalBus, broker: AbstractQueueBroker) -> AsyncIterator[StartAgent]:
    """Starts agents on ``bus`` and ``broker``, and stops them after the test: ``await start_agent(UserAgent)``."""
    start_agent = StartAgent(bus, broker)
    yield start_agent
    await start_agent.stop()
