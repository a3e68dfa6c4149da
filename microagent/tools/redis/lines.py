"""The connections that are used for one purpose: one to each server that it needs, opened when it is first needed."""

from collections.abc import Callable

from microagent.tools.redis.line import Line
from microagent.tools.redis.servers import Address, Servers


class Lines:
    """
    By server; a single server has one.

    :param left: called when one was ended by somebody else, while nobody waited for anything
    """

    def __init__(self, servers: Servers, left: Callable[[], None] = lambda: None) -> None:
        self._servers = servers
        self._left = left
        self._lines: dict[Address, Line] = {}

    def to(self, key: str) -> Line:
        """The one to the server that holds ``key``."""
        address = self._servers.address(key)
        if address not in self._lines:
            self._lines[address] = self._servers.line(address, self._left)
        return self._lines[address]

    async def close(self) -> None:
        while self._lines:
            _, line = self._lines.popitem()
            await line.drop()
