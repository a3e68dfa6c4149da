"""Connecting to RabbitMQ."""

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import aiormq
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from yarl import URL

from microagent.dsn import DSN, masked
from microagent.errors import AuthError, BackendConnectionError, ConfigurationError
from microagent.names import guess
from microagent.tools.amqp.errors import translated
from microagent.tools.amqp.lenience import read_leniently
from microagent.tools.amqp.sieve import Listener
from microagent.tools.amqp.transport import SiftedTransport, is_welcome
from microagent.trust import untrusted, unusable

CONNECT_TIMEOUT = 5.0  # seconds for a server to take us
CLOSE_TIMEOUT = 5.0  # seconds for it to take leave
LAST_TURNS = 5  # of the loop, for a task that the driver leaves behind and lets nobody wait for
HEARTBEAT = 15  # seconds; a server that is silent for three of them is gone
NUMBERS = frozenset({"heartbeat", "timeout"})
OLDEST = (3, 10)  # hands messages from queue to queue without losing any
_VERSION = re.compile(r"(\d+)\.(\d+)[\w.+-]*")
OPTIONS = NUMBERS | {"cafile", "capath", "cadata", "keyfile", "certfile", "no_verify_ssl", "name", "auth"}

read_leniently()


def address(dsn: str) -> URL:
    """
    The DSN as the driver reads it: ``amqp://user:password@host:port/vhost?heartbeat=15&cafile=...``.

    :raises ConfigurationError: if it is none, or has an option that the driver would not heed
    """
    parsed = DSN.parse(dsn)
    if not parsed.hosts:
        raise ConfigurationError(f"{masked(dsn)!r} names no host")
    for name, value in parsed.options.items():
        if name not in OPTIONS:
            raise ConfigurationError(f"a DSN of RabbitMQ has no option {name!r}{guess(name, OPTIONS)}")
        if name in NUMBERS and not value.isdecimal():
            raise ConfigurationError(f"{name}={value!r} of a DSN of RabbitMQ has to be a whole number of seconds")
    try:
        url = URL(dsn)
        return url if "heartbeat" in url.query else url.update_query(heartbeat=HEARTBEAT)
    except ValueError:
        raise ConfigurationError(f"{masked(dsn)!r} is no DSN: it cannot be read") from None


class Connection(aiormq.Connection):
    """
    The driver's connection, on which frames can be had before it reads them.

    :param url: see :func:`address`
    :param name: that the server lists it under
    :param context: in place of the files that the url names
    """

    def __init__(self, url: URL, name: str, context: ssl.SSLContext | None) -> None:
        self._sifted = SiftedTransport()
        options: dict[str, Any] = {"transport_factory": self._sifted} if is_welcome() else {}
        super().__init__(url, context=context, client_properties={"connection_name": name}, **options)

    def listen(self, channel: aiormq.Channel, listener: Listener) -> None:
        """Offer it the frames of a channel until that closes; where that cannot be done, the driver gets them all."""
        sieve, number = self._sifted.sieve, channel.number
        if sieve is not None:
            sieve.agree(self.connection_tune.frame_max)
            sieve.listen(number, listener)
            closing: asyncio.Future[Any] = channel.closing  # pyright: ignore - the driver does not say of what
            closing.add_done_callback(lambda _: sieve.leave(number, listener))


async def connect(url: URL, name: str, context: ssl.SSLContext | None) -> Connection:
    """
    A connection that the server lists under ``name``.

    :raises BackendConnectionError: if the server is away
    :raises AuthError: if it refuses user, password or virtual host
    :raises ConfigurationError: if the certificates cannot be used, or the server is too old
    """
    connection = Connection(url, name, context)
    try:
        with translated():
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.connect()  # pyright: ignore[reportUnknownMemberType] - decorated, unannotated
    except BackendConnectionError as error:
        raise _clearer(error, url) from error.__cause__
    try:
        check_release(connection.server_properties)
    except ConfigurationError:
        await disconnect(connection)
        raise
    return connection


def check_release(told: Mapping[str, Any]) -> None:
    """
    See that the server is not too old, by what it says of itself. One that says something else gets a try.

    :raises ConfigurationError: if it is
    """
    found = _VERSION.match(str(told.get("version")))
    if told.get("product") == "RabbitMQ" and found is not None and (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigurationError(f"the server is RabbitMQ {found[0]}, and queues need {oldest} or newer")


async def open_channel(connection: aiormq.Connection, confirms: bool = False) -> aiormq.Channel:
    """
    A new channel; with ``confirms``, the server says of each message that it has it.

    :raises BackendConnectionError: if the connection is lost
    """
    with translated():
        return cast("aiormq.Channel", await connection.channel(publisher_confirms=confirms))


def _clearer(error: BackendConnectionError, url: URL) -> Exception:
    """What of a failed connection will not get better by trying again."""
    cause = error.__cause__
    origin = cause.__cause__ or cause if cause is not None else error
    if isinstance(cause, InvalidFrameError) and "Connection.Close" in str(cause):  # all the driver tells of it
        return AuthError(f"the server refuses virtual host {url.path[1:] or '/'!r} to user {url.user or 'guest'!r}")
    if isinstance(origin, FileNotFoundError | PermissionError | IsADirectoryError):
        return unusable(origin)
    return untrusted(error) or error


async def disconnect(connection: aiormq.Connection) -> None:
    """Take leave, and wait for the server to say so, but not for ever."""
    if connection.loop is asyncio.get_running_loop():  # what was opened on another loop ended with it
        with suppress(TimeoutError):
            await connection.close(timeout=CLOSE_TIMEOUT)
        for _ in range(LAST_TURNS):
            await asyncio.sleep(0)


def _is_no_loss(record: logging.LogRecord) -> bool:
    """The driver tells of a connection that is lost, or not to be had; the one who uses it says it in a sentence."""
    told = [record.exc_info[1]] if record.exc_info else record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(error, AMQPConnectionError | OSError) for error in told)


logging.getLogger("aiormq.connection").addFilter(_is_no_loss)
