"""Arguments that a caller may get wrong, each told in a sentence and not by what breaks on it later."""

import math

from microagent.errors import ConfigurationError
from microagent.printable import printable


def check_seconds(name: str, value: object) -> None:
    """
    Refuse what is no time to wait.

    :raises ConfigurationError: if ``value`` is no number from 0 on
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value < 0:
        raise ConfigurationError(f"{name}={printable(repr(value), 100)} is to be a number of seconds from 0 on")
