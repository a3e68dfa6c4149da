"""What is told to a caller that is wrong."""

import math

import pytest

from microagent import ConfigurationError
from microagent.arguments import check_seconds


@pytest.mark.parametrize("value", ["1", None, True, math.nan, -0.1, [], "x" * 1000, "\n"])
def test_what_is_no_time_is_refused(value):
    """In one short sentence that has it in it."""
    with pytest.raises(ConfigurationError, match=r"^timeout=.* is to be a number of seconds from 0 on$") as caught:
        check_seconds("timeout", value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [0, 1, 0.5, math.inf])
def test_times_are_accepted(value):
    """For ever is one, too."""
    check_seconds("timeout", value)
