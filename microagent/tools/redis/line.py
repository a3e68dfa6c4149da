"""One connection to a Redis server: a batch of commands goes out in one write, its answers come back in order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeAlias

from redis.exceptions import RedisError, ResponseError

from microagent.errors import BackendConnectionError, BackendError
from microagent.tools.redis.faults import translated, unanswered

CONNECT = 4.0  # seconds until a server that does not let us in counts as away
ANSWER = 10.0  # seconds until a server that does not answer counts as away
SLOWEST = 1 << 20  # bytes per second that a connection is expected to carry

Command: TypeAlias = tuple[str | bytes | int | float, ...]


class Connection(Protocol):
    """What a line needs of the driver's connections."""

    _reader: asyncio.StreamReader

    @property
    def is_connected(self) -> bool: ...

    async def connect(self) -> None: ...

    async def disconnect(self, nowait: bool = False) -> None: ...

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> Sequence[bytes]: ...

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None: ...

    async def read_response(self, *, disconnect_on_error: bool = True) -> Any: ...


class Line:
    """
    A connection that closes when its state is in doubt.

    Either it is asked (:meth:`ask`), or it is opened, spoken to and listened to (:meth:`open`, :meth:`say`,
    :meth:`hear`), for answers that come when they like.

    :param connection: of the driver, not connected yet
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    async def ask(self, *commands: Command) -> list[Any]:
        """
        The answer to each command, or a BackendError in its place; connects when it is not connected.

        :raises BackendConnectionError: if nothing was written
        :raises Unanswered: if the connection was lost after that
        """
        async with self._turn:
            await self.open()
            packed = self._connection.pack_commands(commands)
            async with self._patience(ANSWER + sum(map(len, packed)) / SLOWEST) as patience:
                await self._connection.send_packed_command(packed, check_health=False)
                return [await self._answer(patience) for _ in commands]

    async def _answer(self, patience: asyncio.Timeout) -> Any:
        try:
            answer = await self._read()
        except ResponseError as error:
            answer = translated(error)
            answer.__cause__ = error
        patience.reschedule(asyncio.get_running_loop().time() + ANSWER)
        return answer

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
        """
        try:
            async with asyncio.timeout(CONNECT):
                if self._connection.is_connected and await self.has_more():
                    await self.drop()
                await self._connection.connect()
        except (RedisError, OSError) as error:
            await self.drop()
            raise translated(error) from error
        except asyncio.CancelledError:
            await self.drop()
            raise

    async def say(self, *commands: Command) -> None:
        """
        Write without waiting for answers; :meth:`hear` gives them.

        :raises BackendConnectionError: if it is not open
        :raises Unanswered: if the connection was lost
        """
        if not self._connection.is_connected:
            raise BackendConnectionError("the connection is closed")
        async with self._patience(ANSWER):
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    async def hear(self, until: float | None = None) -> Any:
        """
        The next thing that the server says; cancelled, it is said again to the next who listens.

        :param until: on the loop's clock; when a silent server counts as away
        :raises BackendConnectionError: if the connection is lost
        :raises BackendError: if what it says is an error
        """
        try:
            async with asyncio.timeout_at(until):
                return await self._read()
        except ResponseError as error:
            raise translated(error) from error
        except (RedisError, OSError) as error:
            await self.drop()
            raise translated(error) from error

    async def has_more(self) -> bool:
        """Whether there is something to hear without waiting for it; the end of the connection counts too."""
        look: Callable[[], Awaitable[bool]] | None = getattr(self._connection, "can_read", None)
        try:
            # Before redis-py 8 looking means taking; but whether the connection has ended can be told.
            return self._connection._reader.at_eof() if look is None else await look()
        except (RedisError, OSError):
            return True

    async def _read(self) -> Any:
        return await self._connection.read_response(disconnect_on_error=False)

    @asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncGenerator[asyncio.Timeout, None]:
        """So long may it take; whoever leaves by an error, or is cancelled, leaves the connection in doubt."""
        try:
            async with asyncio.timeout(seconds) as timeout:
                yield timeout
        except (RedisError, OSError) as error:
            await self.drop()
            raise unanswered(error) from error
        except BaseException:
            await self.drop()
            raise

    async def drop(self) -> None:
        """Close the connection, at once."""
        with suppress(RuntimeError):  # its loop is closed, and has closed it
            await self._connection.disconnect(nowait=True)


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
