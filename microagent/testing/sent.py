"""What was sent, and asserting that it was what it should be."""

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
    """A bound signal, and what its ``send`` takes."""

    def send(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class Sending:
    """One signal or message that was sent; a message has no sender."""

    payload: Mapping[str, Any]
    sender: str | None = None

    def __str__(self) -> str:
        if self.sender is None:
            return repr(self.payload)
        return ", ".join([repr(self.sender), *(f"{name}={value!r}" for name, value in self.payload.items())])


class Sendings(list[T], Generic[P, T]):
    """The payloads that were sent of one signal or queue, in order; and assertions that take what ``send`` takes."""

    def __init__(self, word: Signal | Queue, sendings: list[Sending]) -> None:
        super().__init__(cast("list[T]", [sending.payload for sending in sendings]))
        self._word = word
        self._sendings = sendings

    def assert_once(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        It was sent just once, and so::

            sent(signals.user_created).assert_once("user_agent", user_id=1)
            sent(queues.mailer).assert_once({"text": "Hi", "email": "user@example.org"})
        """
        self._assert(self._sendings == [_sending(self._word, *args, **kwargs)], "once", *args, **kwargs)

    def assert_any(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """It was sent so at least once, whatever else was."""
        self._assert(_sending(self._word, *args, **kwargs) in self._sendings, "among others", *args, **kwargs)

    def _assert(self, is_so: bool, how: str, *args: P.args, **kwargs: P.kwargs) -> None:
        if not is_so:
            found = "".join(f"\n    {self._word.name}: {sending}" for sending in self._sendings) or " nothing"
            expected = _sending(self._word, *args, **kwargs)
            raise AssertionError(f"expected {how}\n    {self._word.name}: {expected}\nbut sent was{found}")


def _sending(word: Signal | Queue, *args: Any, **kwargs: Any) -> Sending:
    """What ``send(*args, **kwargs)`` would have sent."""

    def send(sender: str, **payload: Any) -> Sending:  # its name is in the TypeError of a call that send would refuse
        return Sending(payload, sender)

    return send(*args, **kwargs) if isinstance(word, Signal) else Sending(*args, **kwargs)


class Sent:
    """
    Remembers what was sent, and gives it by signal or queue::

        assert sent(queues.mailer) == [{"text": "Hi", "email": "user@example.org"}]
        sent(signals.user_created).assert_once("user_agent", user_id=1)

    A call is a signal, too. Payloads are as they travelled: what JSON makes of them.
    """

    def __init__(self) -> None:
        self._sendings: defaultdict[Signal | Queue, list[Sending]] = defaultdict(list)

    @overload
    def __call__(self, word: "TypedSignal[Sends[P], Any]") -> Sendings[P, dict[str, Any]]: ...  # type: ignore[overload-overlap]  # a Signal, too: the first one counts
    @overload
    def __call__(self, word: "TypedQueue[TypedBoundQueue[M], Any]") -> Sendings[[M], M]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload] - likewise
    @overload
    def __call__(self, word: Signal) -> Sendings[..., dict[str, Any]]: ...
    @overload
    def __call__(self, word: Queue) -> Sendings[[Mapping[str, Any]], dict[str, Any]]: ...
    def __call__(self, word: Signal | Queue) -> Any:
        """
        What was sent of ``word`` until now.

        :raises TypeError: if it is no signal or queue, of which nothing could ever be sent
        """
        if not isinstance(word, Signal | Queue):  # pyright: ignore[reportUnnecessaryIsInstance] - tests may be untyped
            raise TypeError(f"sent takes a signal or a queue, not {word!r}")
        return Sendings[..., Any](word, list(self._sendings[word]))

    def clear(self) -> None:
        """Forget all of it."""
        self._sendings.clear()

    def add(self, word: Signal | Queue, sending: Sending) -> None:
        """Remember one more."""
        self._sendings[word].append(sending)
