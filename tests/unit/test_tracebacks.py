"""Where in a stack the user's own code is."""

import pytest

from microagent import Signal, SignalNotFound
from microagent.tracebacks import own_end, own_place


def ask() -> None:
    Signal.get("nobody_declares_this")


def test_place_is_the_line_that_ran_into_an_error_of_ours():
    """Not the line of this library that raised it."""
    with pytest.raises(SignalNotFound) as caught:
        ask()
    error = caught.value

    assert own_end(error) == (SignalNotFound, error, error.__traceback__)
    assert own_place(error) == f" (test_tracebacks.py, line {ask.__code__.co_firstlineno + 1})"


def test_error_that_no_code_of_somebody_ran_into_has_no_place():
    """It is microagent's from its beginning."""
    with pytest.raises(SignalNotFound) as caught:
        ask()
    error = caught.value
    inside = error.__traceback__.tb_next.tb_next  # in Signal.get

    assert own_place(error.with_traceback(inside)) == ""
    assert own_end(error)[2] is inside
