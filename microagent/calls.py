"""Calls over signals: their request ids, and who waits for which replies."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, cast

from typing_extensions import TypeVar

from microagent import codec
from microagent.channel import Channel
from microagent.errors import NoReceivers, RemoteError, SerializingError
from microagent.printable import printable
from microagent.wakeful import Wakeful

R = TypeVar("R", default=Any)

ERRORS = "#errors"
MOST = 10_000  # replies to one call; what comes beyond them is dropped
SOON = 500e-6  # seconds in which a call is answered, where nobody has much to do
UNDERSTANDS_ERRORS = "~2"  # a request id that ends so comes from a process that reads "#errors" in a reply


@dataclass(frozen=True, slots=True)
class Reply:
    """
    The answers of one process to one call.

    ``values`` maps ``Class.method`` to what it returned, ``errors`` maps ``Class.method`` to ``"Type: text"``.
    A caller that does not know of errors gets ``null`` in their place.
    """

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def encode(self, request_id: str) -> bytes:
        if not self.errors:
            return codec.encode(self.values)
        if request_id.endswith(UNDERSTANDS_ERRORS):
            return codec.encode({**self.values, ERRORS: self.errors})
        return codec.encode({**self.values, **dict.fromkeys(self.errors)})

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """
        The reply that was written as ``body``.

        :raises SerializingError: if it is none
        """
        values = codec.decode(body)
        if not isinstance(values, dict):
            raise SerializingError("a reply is a JSON object")
        values = cast("dict[str, Any]", values)
        errors = values.pop(ERRORS, {})
        if not isinstance(errors, Mapping):
            raise SerializingError(f"{ERRORS} of a reply is a JSON object")
        return cls(values, {name: str(text) for name, text in cast("Mapping[str, Any]", errors).items()})


class Calls:
    """
    The calls of one bus that wait for replies; one timer for all of them, which outlasts most.

    :param uid: of the bus; begins every request id, so a process can subscribe to its own replies alone
    """

    def __init__(self, uid: str, log: logging.Logger) -> None:
        self._uid = uid
        self._log = log
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Waiter[Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None  # at the first deadline, or before it
        self._wakeful: Wakeful | None = None
        self._is_open = False  # the last call that was alone

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, waiter: "Waiter[Any]") -> str:
        """The request id under which ``waiter`` gets its replies from now on, until its deadline."""
        request_id = f"{self._uid}.{next(self._numbers)}{UNDERSTANDS_ERRORS}"
        self._waiting[request_id] = waiter
        if self._timer is None or waiter.loop is not self._loop or waiter.deadline < self._timer.when():
            self._arm(waiter.loop, waiter.deadline)
        return request_id

    def leave(self, request_id: str) -> None:
        self._waiting.pop(request_id, None)

    def stay_awake(self, loop: asyncio.AbstractEventLoop) -> None:
        """A reply may come soon; of many calls, some have always come."""
        if len(self._waiting) > 1:
            return
        if self._wakeful is None or self._wakeful.loop is not loop:
            self._wakeful = Wakeful(loop, lambda: self._is_open, SOON)
        self._is_open = True
        self._wakeful.wait()

    def rest(self) -> None:
        """Leave no timer behind, unless somebody waits."""
        if not self._waiting:
            self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        self._disarm()
        self._loop = loop
        self._timer = loop.call_at(when, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for waiter in self._waiting.values():
            if waiter.deadline <= now:
                waiter.end()
        if later := [waiter.deadline for waiter in self._waiting.values() if waiter.deadline > now]:
            self._arm(loop, min(later))

    def reply(self, channel: Channel, body: bytes) -> None:
        """Hand a reply to whoever waits for it; late ones are dropped, and the second one of the same process."""
        if channel.request_id is None or (waiter := self._waiting.get(channel.request_id)) is None:
            return
        self._is_open = False
        try:
            waiter.add(Reply.decode(body), channel.sender)
        except SerializingError as error:
            self._log.warning("A reply that makes no sense is dropped: %s", error)


class Waiter(Generic[R]):
    """
    The replies to one call, as they come, until its timeout::

        async with bus.rpc_comments_count.waiter("user_agent", user_id=1) as replies:
            async for reply in replies:      # {"CommentAgent.count": 3}, one for each process
                break

    Iterating ends quietly at the timeout. A process in which every handler failed gives no reply here.

    :param publish: sends the call, with its request id, once replies to it are heard; how many processes it has reached
    :param begin: the same, on this loop, where replies are heard already; else it gives None
    :ivar receivers: how many processes the call has reached, None where the backend cannot tell
    :ivar loop: the one that it is used on
    :ivar deadline: when it ends, on the loop's clock
    """

    def __init__(
        self,
        calls: Calls,
        publish: Callable[[str], Awaitable[int | None]],
        timeout: float,
        begin: "Callable[[str, asyncio.AbstractEventLoop], asyncio.Future[int | None] | None] | None" = None,
    ) -> None:
        self._calls = calls
        self._publish = publish
        self._begin = begin
        self._timeout = timeout
        self._request_id = ""
        self.loop: asyncio.AbstractEventLoop
        self._replies: deque[Reply] = deque()
        self._repliers: set[str] = set()
        self._wake: asyncio.Future[None] | None = None
        self._sending: asyncio.Future[int | None] | None = None
        self._name = ""  # of the signal
        self._is_over = False
        self._fault: Exception | None = None  # why there will be no reply
        self.deadline = 0.0
        self.receivers: int | None = None

    async def __aenter__(self) -> Self:
        self._enter()
        try:
            await self._sent()
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _enter(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadline = self.loop.time() + self._timeout
        self._is_over = False
        self._request_id = self._calls.enter(self)

    async def _sent(self) -> None:
        try:
            async with asyncio.timeout_at(self.deadline):
                self.receivers = await self._publish(self._request_id)
        except TimeoutError as error:
            raise self._unsent() from error

    def _unsent(self) -> TimeoutError:
        return TimeoutError(f"the call could not be sent within {self._timeout:g} s")

    def _leave(self) -> None:
        self._calls.leave(self._request_id)
        if self._sending is not None and not self._sending.done():
            self._sending.remove_done_callback(self._told)  # nobody is to be woken by it
            self._sending.cancel()  # what is not on its way yet need not be sent
        self.end()

    async def ask(self, name: str) -> dict[str, R]:
        """
        Send the call, and wait for its first reply; nothing else wakes who waits.

        :param name: of the signal
        :raises TimeoutError: if none came in time
        :raises NoReceivers: if the call has reached nobody
        :raises RemoteError: if every handler of the first reply failed
        """
        self._enter()
        try:
            self._sending = self._begin and self._begin(self._request_id, self.loop)
            if self._sending is None:
                await self._sent()
                self._look_for_receivers(name)
            else:
                self._name = name
                self._sending.add_done_callback(self._told)
                self._calls.stay_awake(self.loop)
            return await self.first(name)
        finally:
            self._leave()

    def _told(self, sent: "asyncio.Future[int | None]") -> None:
        if sent.cancelled():
            return
        if (error := sent.exception()) is None:
            self.receivers = sent.result()
            self._look_for_receivers(self._name)
        else:
            self._fail(cast("Exception", error))

    def _look_for_receivers(self, name: str) -> None:
        if self.receivers == 0:
            self._fail(NoReceivers(f"nobody listens to signal '{name}'"))

    def _fail(self, fault: Exception) -> None:
        self._fault = fault
        self.end()

    def __aiter__(self) -> Self:
        self._check_entered()
        return self

    def _check_entered(self) -> None:
        if not self._request_id:
            raise TypeError("nothing is asked yet: write 'async with ...waiter(...) as replies', and iterate replies")

    async def __anext__(self) -> dict[str, R]:
        while (reply := await self.next_reply()) is not None:
            if reply.values or not reply.errors:
                return reply.values
        raise StopAsyncIteration

    async def first(self, name: str) -> dict[str, R]:
        """
        The first reply.

        :raises TimeoutError: if none came in time
        :raises RemoteError: if every handler of the first reply failed
        """
        reply = await self.next_reply()
        if reply is None:
            raise self._fault or self._unanswered(name)
        if reply.errors and not reply.values:
            told = printable("; ".join(f"{handler}: {text}" for handler, text in sorted(reply.errors.items())))
            raise RemoteError(f"every handler of signal '{name}' failed: {told}", reply.errors)
        return reply.values

    def _unanswered(self, name: str) -> TimeoutError:
        if self._sending is not None and not self._sending.done():
            return self._unsent()
        return TimeoutError(f"no answer to signal '{name}' within {self._timeout:g} s")

    async def next_reply(self) -> Reply | None:
        """The next reply, errors included; None at the timeout."""
        self._check_entered()
        if not self._replies and not self._is_over:
            self._wake = self.loop.create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        return self._replies.popleft() if self._replies else None

    def end(self) -> None:
        """Nothing more is waited for."""
        self._is_over = True
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def add(self, reply: Reply, replier: str) -> None:
        """The reply of a process; each has one."""
        if replier in self._repliers or len(self._repliers) == MOST:
            return
        self._repliers.add(replier)
        self._replies.append(reply)
        self._wake_up()
