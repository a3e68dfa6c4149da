"""The driver, where it is to behave better than by itself."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CommitFailedError, UnknownMemberIdError

from microagent.tools.kafka.driver import begin


class Coordinator(GroupCoordinator):
    """The driver's own, as far as it commits; the server's answer is that it does not know us."""

    def __init__(self) -> None:
        self._commit_lock = asyncio.Lock()
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()

    def __del__(self, *_: Any) -> None: ...

    async def ensure_coordinator_known(self) -> None: ...

    async def _do_commit_offsets(self, assignment: Any, offsets: Any) -> None:
        self.asked.set()
        await self.answered.wait()
        raise UnknownMemberIdError("q")


@pytest.fixture
async def coordinator() -> Coordinator:
    async def start() -> None: ...

    coordinator = Coordinator()
    await begin(SimpleNamespace(start=start, _fetcher=SimpleNamespace(), _coordinator=coordinator))  # type: ignore[arg-type]  # it is started and looked at
    return coordinator


async def test_commit_that_was_given_up_fails_quietly(coordinator: Coordinator):
    """The driver sends it on in a task of its own, whose end nobody waits for then."""
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    committing = asyncio.create_task(coordinator.commit_offsets(None, {}))
    await coordinator.asked.wait()
    committing.cancel()
    await asyncio.wait([committing])
    coordinator.answered.set()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert told == []


async def test_commit_that_is_waited_for_fails_as_ever(coordinator: Coordinator):
    """Whoever waits is told."""
    coordinator.answered.set()
    with pytest.raises(CommitFailedError):
        await coordinator.commit_offsets(None, {})
