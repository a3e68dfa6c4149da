"""SIGINT and SIGTERM as something to wait for."""

import os
import select
import signal
import time

import pytest

from microagent.running.stop_signals import DEBOUNCE, STOP_SIGNALS, StopSignals, stop_signals_blocked


def wait(signals: StopSignals) -> None:
    readable, _, _ = select.select([signals], [], [], 5)
    assert readable == [signals]
    signals.read()


@pytest.mark.parametrize("number", sorted(STOP_SIGNALS))
def test_signal_is_a_wish(number: signal.Signals) -> None:
    """
    A stop signal wakes who waits, and counts once.
    """
    with StopSignals() as signals:
        os.kill(os.getpid(), number)
        wait(signals)

        assert signals.requests == 1


def test_signals_at_the_same_time_are_one_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What comes within a fifth of a second is one wish, because some tools send their signal twice; later ones count.
    """
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with StopSignals() as signals:
        for moment, requests in ((0.0, 1), (DEBOUNCE / 2, 1), (DEBOUNCE * 2, 2)):
            now = 1000.0 + moment
            os.kill(os.getpid(), signal.SIGTERM)
            wait(signals)

            assert signals.requests == requests


def test_end_of_a_child_wakes_and_is_no_wish() -> None:
    """
    SIGCHLD wakes who waits, too.
    """
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGCHLD)
        wait(signals)

        assert signals.requests == 0


def test_nothing_to_read_is_no_wish() -> None:
    """
    Reading without a signal neither waits nor counts.
    """
    with StopSignals() as signals:
        signals.read()

        assert signals.requests == 0


def test_everything_is_put_back() -> None:
    """
    Afterwards, handlers and wakeup descriptor are what they were.
    """
    before = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGCHLD)}

    with StopSignals():
        pass

    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.set_wakeup_fd(-1) == -1


def test_signals_are_held_back() -> None:
    """
    Within the block a signal waits; after it, it comes.
    """
    with StopSignals() as signals:
        with stop_signals_blocked():
            signal.raise_signal(signal.SIGTERM)  # to this thread; one of another test's could take the process's
            signals.read()
            assert signals.requests == 0
        wait(signals)

        assert signals.requests == 1
