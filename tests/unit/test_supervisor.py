"""A group of agents, seen from the process that starts it."""

import os
import signal
from typing import Any

import pytest

from microagent import GroupInterrupt, MicroAgent, ServerInterrupt, on
from microagent.running.supervisor import AgentsManager


class Calm(MicroAgent):
    """Does nothing."""


class Ending(MicroAgent):
    """Ends by itself."""

    @on("server")
    async def serve(self) -> None:
        raise ServerInterrupt("enough")


class Failing(MicroAgent):
    """Fails by itself."""

    @on("pre_start")
    def prepare(self) -> None:
        raise RuntimeError("no database")


def group(*names: str) -> list[tuple[str, tuple[str, dict[str, Any]]]]:
    """A configuration as a program may write it, without a settings module."""
    return [(name.lower(), (f"{__name__}.{name}", {})) for name in names]


def test_clean_end_returns() -> None:
    """
    A group that ends by ServerInterrupt is no failure.
    """
    AgentsManager(group("Calm", "Ending"), start_method="fork").start()


def test_failure_interrupts_the_group() -> None:
    """
    A group with an agent that fails raises GroupInterrupt, naming it.
    """
    with pytest.raises(GroupInterrupt, match=r"^agent 'failing' failed with exit status 1$"):
        AgentsManager(group("Calm", "Failing"), start_method="fork").start()


class Shot(MicroAgent):
    """Is killed by a signal that has no name."""

    @on("pre_start")
    def prepare(self) -> None:
        os.kill(os.getpid(), signal.SIGRTMIN + 3)


def test_end_by_a_real_time_signal_is_told() -> None:
    """
    Python has no names for most of them, so the number is told.
    """
    with pytest.raises(GroupInterrupt, match=rf"^agent 'shot' was killed by signal {signal.SIGRTMIN + 3}$"):
        AgentsManager(group("Shot"), start_method="fork").start()


def test_signals_are_the_callers_again() -> None:
    """
    Afterwards, SIGINT is handled as before.
    """
    before = signal.getsignal(signal.SIGINT)

    AgentsManager(group("Ending"), start_method="fork").start()

    assert signal.getsignal(signal.SIGINT) is before
