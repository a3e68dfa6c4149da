"""One contract, every backend."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from contract.places import PLACES, QUEUES_ALONE, Place
from support import unique


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of signals is for the backends that have them."""
    if "backend" in metafunc.fixturenames:
        module = metafunc.module.__name__
        of_signals = module.endswith(("test_signals", "test_calling")) or "signal_name" in metafunc.fixturenames
        left_out = QUEUES_ALONE if of_signals else frozenset[str]()
        metafunc.parametrize("backend", [name for name in PLACES if name not in left_out], indirect=True)


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Ends that share one place; whatever a test leaves open is closed, and no task may be left then."""
    place = PLACES[request.param](request)
    for mark in request.node.iter_markers("needs"):
        if missing := place.lacks.intersection(mark.args):
            pytest.skip(f"{request.param} cannot promise: {', '.join(sorted(missing))}")
    yield place
    await place.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {left}"


@pytest.fixture
def queue_name() -> str:
    return unique("queue")


@pytest.fixture
def signal_name() -> str:
    return unique("signal")
