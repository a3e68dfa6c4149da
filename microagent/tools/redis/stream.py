"""What travels on a connection that is open: commands out in one write, answers in, in the order of the questions."""

import asyncio
import select
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

import hiredis
from hiredis import Reader
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse

from microagent.wakeful import Wakeful

SLOWEST = 1 << 20  # bytes per second that a connection is expected to carry
IDLY = 0.01  # seconds until answers are read that nobody is in a hurry for
UNHEARD = 10_000  # things that nobody has listened to yet until the server has to wait
UNHEARD_BYTES = 16 << 20  # likewise

Command: TypeAlias = tuple[str | bytes | int | float, ...] | bytes
"""Its words; or all of it, as it is written."""
Told: TypeAlias = Callable[[list[Any] | Exception], None]
"""What is called with the answer to each command, or with what ended the connection before they came."""
_pack = cast("Callable[[Command], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType] - it says less than it takes


def _polling(transport: asyncio.Transport) -> "select.poll | None":
    """What looks at a connection without waiting for it, where there is such a thing."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None or not hasattr(select, "poll"):
        return None
    polling = select.poll()
    polling.register(connection.fileno(), select.POLLIN)
    return polling


class _Question:
    __slots__ = ("answers", "commands", "told")

    def __init__(self, commands: int, told: Told) -> None:
        self.commands = commands
        self.answers: list[Any] = []
        self.told = told


def _settle(future: "asyncio.Future[list[Any]]", answers: list[Any] | Exception) -> None:
    if future.done():
        return
    if isinstance(answers, Exception):
        future.set_exception(answers)
    else:
        future.set_result(answers)


class Stream(asyncio.Protocol):
    """
    Takes the place of the driver's own reader, which costs more for each command than Redis does.

    What the server says answers the oldest question; where none is open, it waits until somebody listens. Errors of the
    server are answers, as the driver's exceptions.

    :param transport: of a connection on which nothing is under way
    :param error: makes an exception of what the server says of a mistake
    :param left: called when it ends while nobody asks or listens
    :ivar fault: why it ended, if it has
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        error: Callable[[str], Exception],
        left: "Callable[[Stream], None]" = lambda stream: None,
    ) -> None:
        self._left = left
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(protocolError=InvalidResponse, replyError=error)
        self._asked: deque[_Question] = deque()
        self._wakeful = Wakeful(self._loop, self._asked.__len__)
        self._said: deque[Any] = deque()
        self._listener: asyncio.Future[None] | None = None
        self._hearing: Told | None = None
        self._unheard = 0  # bytes
        self._paused = False
        self._patience = 0.0
        self._due = 0.0  # when the next answer is late, on the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._loop.time()  # when the server last said something
        self._vigil: asyncio.TimerHandle | None = None
        self._nap: asyncio.TimerHandle | None = None  # nothing is read until then
        self._poll = _polling(transport)
        self.fault: Exception | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether it can be asked and listened to."""
        return self.fault is None and not self._transport.is_closing()

    @property
    def has_news(self) -> bool:
        """Whether something has come that the loop has not seen: where nothing was asked, the end of the connection."""
        return not self._asked and self._poll is not None and bool(self._poll.poll(0))

    @property
    def has_said(self) -> bool:
        """Whether there is something to hear without waiting for it."""
        return bool(self._said)

    # -- asking

    def ask(self, commands: Sequence[Command], patience: float) -> "asyncio.Future[list[Any]]":
        """
        The answer to each command; cancelled, what the server answers is for nobody.

        :param patience: seconds of silence after which the connection counts as lost
        """
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self.put(commands, patience, partial(_settle, future))
        return future

    def put(self, commands: Sequence[Command], patience: float, told: Told, *, idly: bool = False) -> None:
        """
        The same for who is told as soon as the answers are read, in the same turn of the loop.

        :param idly: nobody is in a hurry: they are read after a while, or with others that come before. A process is
            not woken by them alone, which takes longer than most of what it does for a message
        """
        if self.fault is not None:
            told(self.fault)
            return
        if idly:
            self._take_a_nap()
        else:
            self._read_on()
        size = self.say(commands)
        self._expect(size, patience)
        self._asked.append(_Question(len(commands), told))
        if not idly:
            self._wakeful.wait(len(commands))

    def _take_a_nap(self) -> None:
        if not self._asked and self._nap is None and not self._paused and self.is_open:
            self._transport.pause_reading()
            self._nap = self._loop.call_later(IDLY, self._read_on)

    def _read_on(self) -> None:
        if self._nap is not None:
            self._nap.cancel()
            self._nap = None
            if self.is_open and not self._paused:
                self._transport.resume_reading()

    def say(self, commands: Iterable[Command]) -> int:
        """Write, in one go, what no answer is awaited to; how many bytes."""
        packed = b"".join([each if type(each) is bytes else _pack(each) for each in commands])
        self._transport.write(packed)
        return len(packed)

    def _expect(self, size: int, patience: float) -> None:
        due = self._loop.time() + patience + size / SLOWEST
        self._due = max(self._due, due) if self._asked else due
        self._patience = patience
        if self._timer is None or self._due < self._timer.when():
            self._arm()

    def _arm(self) -> None:
        """One timer, which outlasts many questions: it looks again when it finds that it came too early."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._asked:
            return
        if self._loop.time() >= self._due:
            self._end(TimeoutError())
            self._transport.abort()
        else:
            self._arm()

    # -- listening

    async def hear(self, until: float | None = None) -> list[Any]:
        """
        All that has been said, at least one thing; may be cancelled without loss.

        :param until: on the loop's clock; when a silent server counts as lost
        :raises Exception: as the driver would, if it ends before
        """
        while not self._said:
            if self.fault is not None:
                raise self.fault
            self._listener = self._loop.create_future()
            if until is None:
                await self._listener
            else:
                async with asyncio.timeout_at(until):
                    await self._listener
        said = list(self._said)
        self._said.clear()
        self._unheard = 0
        if self._paused and self.is_open:
            self._transport.resume_reading()
        self._paused = False
        return said

    def listen(self, told: Told) -> None:
        """Have ``told`` called with all that is said from now on, in the turn that reads it, and with its end."""
        self._hearing = told

    def keep_awake(self, quiet: float, patience: float, sign: Command) -> None:
        """
        From now on, ask for a sign whenever the server is silent.

        :param quiet: seconds of silence after which it is asked
        :param patience: seconds more of it after which the connection counts as lost
        :param sign: a command that it answers at once
        """
        now = self._loop.time()
        if self._said:  # it may have to wait until somebody listens
            self._heard = now
        if now - self._heard >= quiet + patience:
            self._end(TimeoutError())
            self._transport.abort()
            return
        if now - self._heard >= quiet:
            self.say([sign])
        due = max(now, self._heard) + quiet
        self._vigil = self._loop.call_at(due, self.keep_awake, quiet, patience, sign)

    def _wake(self) -> None:
        if self._listener is not None and not self._listener.done():
            self._listener.set_result(None)

    # -- what the loop calls

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._unheard = self._unheard + len(data) if self._said else 0
        try:
            self._read()
        except InvalidResponse as error:
            self._end(error)
            self._transport.abort()
        self._heard = self._loop.time()
        self._due = self._heard + self._patience

    def _read(self) -> None:
        """Give out what has come as a whole."""
        gets, asked = self._reader.gets, self._asked
        while asked:
            question = asked[0]
            answers, commands = question.answers, question.commands
            while len(answers) < commands:
                if (answer := gets()) is False:
                    return
                answers.append(answer)
            asked.popleft()
            question.told(answers)
        while (said := gets()) is not False:
            self._said.append(said)
        if self._said and self._hearing is not None:
            heard = list(self._said)
            self._said.clear()
            self._hearing(heard)
        elif self._said:
            self._wake()
        if (len(self._said) > UNHEARD or self._unheard > UNHEARD_BYTES) and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RedisConnectionError("Connection closed by server."))

    def _end(self, fault: Exception) -> None:
        if self.fault is not None:
            return
        self.fault = fault
        for timer in (self._timer, self._vigil, self._nap):
            if timer is not None:
                timer.cancel()
        is_idle = not self._asked and self._hearing is None and (self._listener is None or self._listener.done())
        while self._asked:
            self._asked.popleft().told(fault)
        self._wake()
        if self._hearing is not None:
            self._hearing(fault)
        if is_idle:
            self._left(self)
