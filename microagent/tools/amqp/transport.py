"""The way to the server: the driver's own, with a reader that sorts."""

import asyncio
import inspect
import ssl
from typing import Any, Protocol

import aiormq.connection
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from microagent.tools.amqp.sieve import Sieve


class ContextProvider(Protocol):
    """The driver's: it makes a context of what the DSN says of certificates."""

    async def get_context(self) -> ssl.SSLContext: ...


class SiftedTransport:
    """
    Opens a transport as the driver does.

    :ivar sieve: its reader, once it is open
    """

    def __init__(self) -> None:
        self.sieve: Sieve | None = None

    async def create(
        self, url: URL, *, ssl_context_provider: ContextProvider, **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """What the driver asks for; what it lays down is that a failure is an error of its own."""
        loop = asyncio.get_running_loop()
        context = await ssl_context_provider.get_context() if url.scheme == "amqps" else None
        sieve = self.sieve = Sieve()
        protocol = asyncio.StreamReaderProtocol(sieve, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, str(url.host), int(url.port or 0), ssl=context, **options
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        return sieve, asyncio.StreamWriter(transport, protocol, sieve, loop)


def is_welcome() -> bool:
    """Whether the driver takes another's transport, and tells it about certificates; if not, it opens its own."""
    taken = inspect.signature(aiormq.Connection.__init__).parameters
    return "transport_factory" in taken and hasattr(aiormq.connection, "SSLContextProvider")
