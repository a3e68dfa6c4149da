"""The record of what was sent, with assertions on it."""

from collections import defaultdict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from microagent.faces import TypedBoundQueue, TypedQueue, TypedSignal
from microagent.queue import Queue
from microagent.signal import Signal

P = ParamSpec("P")
M = TypeVar("M")
T = TypeVar("T")


class Sends(Protocol[P]):
    """A bound signal; its ``send`` gives the assertions their parameter types."""

    def send(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class SentItem:
    """One signal or message that was sent; ``sender`` is None for a message, ``delay`` 0 for a signal."""

    payload: Mapping[str, Any]
    sender: str | None = None
    delay: float = 0.0

    def __str__(self) -> str:
        if self.sender is None:
            return f"{self.payload!r}, delay={self.delay}" if self.delay else repr(self.payload)
        return ", ".join([repr(self.sender), *(f"{name}={value!r}" for name, value in self.payload.items())])


class SentPayloads(list[T], Generic[P, T]):
    """
    A list of the payloads of one signal or queue, in the order in which they were sent.

    Its assertions take the arguments of ``send``, checked by type checkers where the contracts are generated.
    """

    def __init__(self, word: Signal | Queue, items: list[SentItem]) -> None:
        super().__init__(cast("list[T]", [item.payload for item in items]))
        self._word = word
        self._items = items

    def assert_once(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Assert that exactly one was sent, with these arguments::

            sent(signals.user_created).assert_once("user_agent", user_id=1)
            sent(queues.mailer).assert_once({"text": "Hi", "email": "user@example.org"})
        """
        self._assert(self._items == [_item(self._word, *args, **kwargs)], "once", *args, **kwargs)

    def assert_any(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Assert that at least one was sent with these arguments, among any others."""
        self._assert(_item(self._word, *args, **kwargs) in self._items, "among others", *args, **kwargs)

    def _assert(self, is_so: bool, how: str, *args: P.args, **kwargs: P.kwargs) -> None:
        if not is_so:
            found = "".join(f"\n    {self._word.name}: {item}" for item in self._items) or " nothing"
            expected = _item(self._word, *args, **kwargs)
            raise AssertionError(f"expected {how}\n    {self._word.name}: {expected}\nbut sent was{found}")


class SentMessages(SentPayloads[..., M], Generic[M]):
    """A list of the messages of one queue, in the order in which they were sent."""

    def assert_once(self, message: M, *, delay: float = 0) -> None:
        """Assert that exactly one was sent, this one and with this delay."""
        super().assert_once(message, delay=delay)

    def assert_any(self, message: M, *, delay: float = 0) -> None:
        """Assert that at least one was sent with this delay and this content, among any others."""
        super().assert_any(message, delay=delay)


def _item(word: Signal | Queue, *args: Any, **kwargs: Any) -> SentItem:
    """What ``send(*args, **kwargs)`` would have recorded."""

    def send(sender: str, **payload: Any) -> SentItem:  # named so, because a TypeError names it
        return SentItem(payload, sender)

    return send(*args, **kwargs) if isinstance(word, Signal) else SentItem(*args, **kwargs)


class Sent:
    """
    Records what is sent; called with a signal or a queue, returns what was sent of it so far::

        assert sent(queues.mailer) == [{"text": "Hi", "email": "user@example.org"}]
        sent(signals.user_created).assert_once("user_agent", user_id=1)

    Calls are recorded as signals. Payloads are as they were transmitted: tuples have become lists, for example.
    """

    def __init__(self) -> None:
        self._items: defaultdict[Signal | Queue, list[SentItem]] = defaultdict(list)

    @overload
    def __call__(self, word: "TypedSignal[Sends[P], Any]") -> SentPayloads[P, dict[str, Any]]: ...  # type: ignore[overload-overlap]  # a Signal, too: the first one counts
    @overload
    def __call__(self, word: "TypedQueue[TypedBoundQueue[M], Any]") -> SentMessages[M]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload] - likewise
    @overload
    def __call__(self, word: Signal) -> SentPayloads[..., dict[str, Any]]: ...
    @overload
    def __call__(self, word: Queue) -> SentMessages[dict[str, Any]]: ...
    def __call__(self, word: Signal | Queue) -> Any:
        """
        The payloads sent so far.

        :param word: a signal or a queue
        :raises TypeError: if it is neither
        """
        if not isinstance(word, Signal | Queue):  # pyright: ignore[reportUnnecessaryIsInstance] - tests may be untyped
            raise TypeError(f"sent takes a signal or a queue, not {word!r}")
        of_word = SentMessages[Any] if isinstance(word, Queue) else SentPayloads[..., Any]
        return of_word(word, list(self._items[word]))

    def clear(self) -> None:
        """Forget everything recorded so far."""
        self._items.clear()

    def add(self, word: Signal | Queue, item: SentItem) -> None:
        """Record one more."""
        self._items[word].append(item)
