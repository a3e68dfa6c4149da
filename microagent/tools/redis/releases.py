"""Checks that a server is new enough for queues."""

import re

from microagent.errors import ConfigurationError
from microagent.tools.redis.line import Line

OLDEST = (6, 2)  # has BLMOVE
_VERSION = re.compile(rb"redis_version:((\d+)\.(\d+)[\w.-]*)")


async def check_release(line: Line) -> None:
    """
    Check the version of the server; one that does not tell it, or forbids INFO, is accepted.

    :raises ConfigurationError: if it is too old
    """
    (told,) = await line.ask(("INFO", "server"))
    found = _VERSION.search(told) if isinstance(told, bytes) else None
    if found is not None and (int(found[2]), int(found[3])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigurationError(f"the server is Redis {found[1].decode()}, and queues need {oldest} or newer")
