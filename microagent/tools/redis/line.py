"""One connection to a Redis server: a batch of commands goes out in one write, its answers come back in order."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, cast

from redis.exceptions import RedisError

from microagent.errors import BackendConnectionError, BackendError
from microagent.tools.redis.faults import translated, unanswered
from microagent.tools.redis.stream import Command, Stream
from microagent.trust import doubted, untrusted

__all__ = ["ANSWER", "Command", "Line", "checked"]

CONNECT = 4.0  # seconds until a server that does not let us in counts as away
ANSWER = 10.0  # seconds until a server that does not answer counts as away


class Parser(Protocol):
    """And of their parsers."""

    def parse_error(self, response: str) -> RedisError: ...


class Connection(Protocol):
    """What a line needs of the driver's connections, which know servers, passwords and encryption."""

    _writer: asyncio.StreamWriter
    _parser: "Parser"

    @property
    def is_connected(self) -> bool: ...

    async def connect(self) -> None: ...

    async def disconnect(self, nowait: bool = False) -> None: ...


class Line:
    """
    A connection that closes when its state is in doubt.

    Either it is asked (:meth:`ask`), or it is opened, spoken to and listened to (:meth:`open`, :meth:`say`,
    :meth:`hear`), for answers that come when they like. The driver connects; what travels then is our own
    (:class:`Stream`).

    :param connection: of the driver, not connected yet
    :param left: called when the server, or what is in between, ends it while nobody asks or listens
    """

    def __init__(self, connection: Connection, left: Callable[[], None] = lambda: None) -> None:
        self._connection = connection
        self._left = left
        self._stream: Stream | None = None
        self._opening = asyncio.Lock()

    async def ask(self, *commands: Command) -> list[Any]:
        """
        The answer to each command, or a BackendError in its place; connects when it is not connected.

        :raises BackendConnectionError: if nothing was written
        :raises Unanswered: if the connection was lost after that
        """
        if self._stream is not None and self._stream.has_news:  # it may have ended while the loop stood still
            await asyncio.sleep(0)  # the loop sees it
            await asyncio.sleep(0)  # and reads it
        stream = self._stream
        if stream is None or self.has_more():
            stream = await self._opened()
        try:
            answers = await stream.ask(commands, ANSWER)
        except (RedisError, OSError) as error:
            await self._drop(stream)
            raise unanswered(error) from error
        return _all_translated(answers)

    def begin(
        self, commands: Sequence[Command], told: Callable[[list[Any] | BackendError], None], *, idly: bool = False
    ) -> bool:
        """
        Ask without waiting for anything, if it is open; whether it is.

        :param told: called with the answer to each command, or with why there are none
        :param idly: nobody is in a hurry for the answers
        """
        stream = self._stream
        if stream is None or self.has_more() or stream.has_news:
            return False
        stream.put(commands, ANSWER, partial(_tell, unanswered, told), idly=idly)
        return True

    async def check(self) -> None:
        """
        See that the server is there and lets us work.

        :raises BackendError: if not
        """
        checked(await self.ask(("PING",)))

    async def open(self) -> None:
        """
        Connect, unless it is connected and has nothing to read.

        :raises BackendConnectionError: if the server is away
        :raises AuthError: if it refuses us
        :raises ConfigurationError: if it is not to be trusted, or does not speak TLS
        """
        await self._opened()

    async def _opened(self) -> Stream:
        async with self._opening:
            if self._stream is None or self.has_more():
                self._stream = await self._connected()
            return self._stream

    async def _connected(self) -> Stream:
        try:
            await self.drop()
            async with asyncio.timeout(CONNECT):
                await self._connection.connect()
            transport = cast("asyncio.Transport", self._connection._writer.transport)
            return Stream(transport, self._connection._parser.parse_error, self._ended)
        except (RedisError, OSError) as error:
            await self.drop()
            fault = translated(error)
            raise untrusted(error) or (doubted(fault) if self._speaks_tls else fault) from error
        except asyncio.CancelledError:
            await self.drop()
            raise

    def _ended(self, stream: Stream) -> None:
        if stream is self._stream:  # and was not closed by us
            self._left()

    @property
    def _speaks_tls(self) -> bool:
        return hasattr(self._connection, "ssl_context")

    async def say(self, *commands: Command) -> None:
        """
        Write without waiting for answers; :meth:`hear` gives them.

        :raises BackendConnectionError: if it is not open
        """
        if self._stream is None or not self._stream.is_open:
            raise BackendConnectionError("the connection is closed")
        self._stream.say(commands)

    async def hear(self, until: float | None = None) -> list[Any]:
        """
        What the server says next, all that has come; cancelled, it is said again to the next who listens.

        :param until: on the loop's clock; when a silent server counts as away
        :raises BackendConnectionError: if the connection is lost
        :raises BackendError: if what it says is an error
        """
        if self._stream is None:
            raise BackendConnectionError("the connection is closed")
        try:
            said = await self._stream.hear(until)
        except (RedisError, OSError) as error:
            await self.drop()
            raise translated(error) from error
        for each in said:
            if isinstance(each, RedisError):
                raise _translated(each)
        return said

    def listen(self, told: Callable[[list[Any] | BackendError], None]) -> None:
        """
        Have ``told`` called with all that the server says from now on, errors in their places, and with its end.

        :raises BackendConnectionError: if it is not open
        """
        if self._stream is None:
            raise BackendConnectionError("the connection is closed")
        self._stream.listen(partial(_tell, translated, told))

    def keep_awake(self, quiet: float, patience: float) -> None:
        """Ask a server that is silent for ``quiet`` seconds for a sign; after ``patience`` more it counts as away."""
        if self._stream is not None:
            self._stream.keep_awake(quiet, patience, ("PING",))

    def has_more(self) -> bool:
        """Whether there is something to hear without waiting for it; the end of the connection counts too."""
        return self._stream is not None and (self._stream.has_said or not self._stream.is_open)

    async def _drop(self, stream: Stream) -> None:
        """Close the connection, unless another one has taken its place."""
        if stream is self._stream:
            await self.drop()

    async def drop(self) -> None:
        """Close the connection, at once."""
        self._stream = None
        with suppress(RuntimeError):  # its loop is closed, and has closed it
            await self._connection.disconnect(nowait=True)


def _tell(
    translate: Callable[[Exception], BackendError],
    told: Callable[[list[Any] | BackendError], None],
    said: list[Any] | Exception,
) -> None:
    if not isinstance(said, Exception):
        told(_all_translated(said))
        return
    fault = translate(said)
    fault.__cause__ = said
    told(fault)


def _all_translated(answers: Iterable[Any]) -> list[Any]:
    return [_translated(answer) if isinstance(answer, RedisError) else answer for answer in answers]


def _translated(error: RedisError) -> BackendError:
    """What the server said: not all of that is a ResponseError, LOADING is not."""
    fault = translated(error)
    fault.__cause__ = error
    return fault


def checked(answers: Iterable[Any]) -> list[Any]:
    """
    The answers, none of which is an error.

    :raises BackendError: the first that is one
    """
    answers = list(answers)
    for answer in answers:
        if isinstance(answer, BackendError):
            raise answer
    return answers
