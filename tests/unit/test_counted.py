"""One log line a second for what may happen thousands of times in it."""

import logging

import pytest

from microagent.counted import CountedLog, Seldom


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counted(clock):
    return CountedLog(logging.getLogger("test.counted"), "%d dropped", clock)


def test_first_time_is_told_at_once(counted, caplog):
    """Whoever watches the log need not wait to learn that something is wrong."""
    counted.add()
    assert caplog.messages == ["1 dropped"]


def test_what_follows_is_told_once_a_second(counted, clock, caplog):
    """One line with the count since the last one, however many there were."""
    for _ in range(500):
        counted.add()
    clock.now += 0.99
    counted.add(10)
    assert caplog.messages == ["1 dropped"]
    clock.now += 0.01
    counted.add()
    assert caplog.messages == ["1 dropped", "510 dropped"]
    assert counted.total == 511


def test_flush_tells_the_rest_once(counted, caplog):
    """At the end nothing is left untold, and nothing is told twice."""
    for _ in range(3):
        counted.add()
    counted.flush()
    counted.flush()
    assert caplog.messages == ["1 dropped", "2 dropped"]


def test_nothing_happened_nothing_told(counted, caplog):
    """Counts of zero are no news."""
    counted.add(0)
    counted.flush()
    assert caplog.messages == []


def test_what_is_said_again_and_again_is_said_seldom(caplog):
    """Other texts, other levels and the same one later come through."""
    now = [0.0]
    log = logging.getLogger("test.seldom")
    log.setLevel(logging.DEBUG)
    log.addFilter(Seldom(10.0, lambda: now[0]))
    for node in range(5):
        log.warning("node %d is away", node)
        log.debug("asking node %d", node)
    log.error("the group is away")
    now[0] = 10.0
    log.warning("node %d is away", 7)
    assert [each.getMessage() for each in caplog.records if each.levelno > logging.DEBUG] == [
        "node 0 is away",
        "the group is away",
        "node 7 is away",
    ]
    assert len([each for each in caplog.records if each.levelno == logging.DEBUG]) == 5


def test_what_a_line_is_about_may_hold_anything(clock, caplog):
    """A percent-encoded path, for example, is no format."""
    CountedLog(logging.getLogger("test.counted"), "%r: %d dropped", clock, arguments=("local:///a%20b%d",)).add()
    assert caplog.messages == ["'local:///a%20b%d': 1 dropped"]
