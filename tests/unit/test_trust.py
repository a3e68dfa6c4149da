"""What TLS says when a connection fails: the part of it that does not get better by trying again."""

import ssl
from itertools import pairwise

from microagent.trust import untrusted


def failed(*causes):
    """The first of these errors, each caused by the next one."""
    for error, cause in pairwise(causes):
        error.__cause__ = cause
    return causes[0]


def test_reason_is_found_below_other_errors():
    """However a driver has wrapped it."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    problem = untrusted(failed(ConnectionError("lost"), OSError("broken"), error))
    assert str(problem) == "the server does not speak TLS at this port"


def test_what_may_be_better_the_next_time_is_no_problem():
    """A connection that is refused, for example."""
    assert untrusted(failed(ConnectionError("lost"), ConnectionRefusedError("nobody there"))) is None


def test_errors_that_led_to_each_other_come_to_an_end():
    """A driver raised one while it handled the other, and that one again."""
    first, second = ConnectionError("lost"), RuntimeError("closed")
    first.__context__, second.__context__ = second, first
    assert untrusted(first) is None
