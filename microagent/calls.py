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
from microagent.errors import RemoteError, SerializingError
from microagent.printable import printable

R = TypeVar("R", default=Any)

ERRORS = "#errors"
MOST = 10_000  # replies to one call; what comes beyond them is dropped
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
    The calls of one bus that wait for replies.

    :param uid: of the bus; begins every request id, so a process can subscribe to its own replies alone
    """

    def __init__(self, uid: str, log: logging.Logger) -> None:
        self._uid = uid
        self._log = log
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Waiter[Any]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, waiter: "Waiter[Any]") -> str:
        """The request id under which ``waiter`` gets its replies from now on."""
        request_id = f"{self._uid}.{next(self._numbers)}{UNDERSTANDS_ERRORS}"
        self._waiting[request_id] = waiter
        return request_id

    def leave(self, request_id: str) -> None:
        self._waiting.pop(request_id, None)

    def reply(self, channel: Channel, body: bytes) -> None:
        """Hand a reply to whoever waits for it; late ones are dropped, and the second one of the same process."""
        if channel.request_id is None or (waiter := self._waiting.get(channel.request_id)) is None:
            return
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

    :ivar receivers: how many processes the call has reached, None where the backend cannot tell
    """

    def __init__(self, calls: Calls, publish: Callable[[str], Awaitable[int | None]], timeout: float) -> None:
        self._calls = calls
        self._publish = publish
        self._timeout = timeout
        self._request_id = ""
        self._deadline = 0.0
        self._replies: deque[Reply] = deque()
        self._repliers: set[str] = set()
        self._wake: asyncio.Future[None] | None = None
        self.receivers: int | None = None

    async def __aenter__(self) -> Self:
        self._deadline = asyncio.get_running_loop().time() + self._timeout
        self._request_id = self._calls.enter(self)
        try:
            async with asyncio.timeout_at(self._deadline):
                self.receivers = await self._publish(self._request_id)
        except BaseException as error:
            self._calls.leave(self._request_id)
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"the call could not be sent within {self._timeout:g} s") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.leave(self._request_id)

    def __aiter__(self) -> Self:
        if not self._request_id:
            raise TypeError("nothing is asked yet: write 'async with ...waiter(...) as replies', and iterate replies")
        return self

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
            raise TimeoutError(f"no answer to signal '{name}' within {self._timeout:g} s")
        if reply.errors and not reply.values:
            told = printable("; ".join(f"{handler}: {text}" for handler, text in sorted(reply.errors.items())))
            raise RemoteError(f"every handler of signal '{name}' failed: {told}", reply.errors)
        return reply.values

    async def next_reply(self) -> Reply | None:
        """The next reply, errors included; None at the timeout."""
        if not self._replies:
            loop = asyncio.get_running_loop()
            self._wake = loop.create_future()
            timer = loop.call_at(self._deadline, self._wake_up)
            try:
                await self._wake
            finally:
                timer.cancel()
                self._wake = None
        return self._replies.popleft() if self._replies else None

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
