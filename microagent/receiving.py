"""
``receiver``, the decorator that a type checker holds against the contract.

Each signal of a generated module brings a Protocol of the methods that can receive it. A method has to fit the
Protocols of all signals that its decorator names, and to keep its own signature: an intersection of types, which Python
cannot say. An overloaded ``__call__`` can: ``HandlerOf2`` has one overload for each of two signals, with its arguments
``P`` and its answer ``A``, and one that captures the method itself (``Q``, ``X``; ``self`` is a part of ``Q``).
"""

# mypy: disable-error-code="overload-overlap"
# The overloads overlap on purpose: a signal of a generated module is a Signal too, and the first that fits counts.

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from microagent.faces import TypedSignal
from microagent.marks import ReceiverMark, leave, refuse_bare
from microagent.signal import Signal

P1 = ParamSpec("P1")
P2 = ParamSpec("P2")
P3 = ParamSpec("P3")
P4 = ParamSpec("P4")
P5 = ParamSpec("P5")
P6 = ParamSpec("P6")
P7 = ParamSpec("P7")
P8 = ParamSpec("P8")
A1_co = TypeVar("A1_co", bound=Awaitable[object], covariant=True)
A2_co = TypeVar("A2_co", bound=Awaitable[object], covariant=True)
A3_co = TypeVar("A3_co", bound=Awaitable[object], covariant=True)
A4_co = TypeVar("A4_co", bound=Awaitable[object], covariant=True)
A5_co = TypeVar("A5_co", bound=Awaitable[object], covariant=True)
A6_co = TypeVar("A6_co", bound=Awaitable[object], covariant=True)
A7_co = TypeVar("A7_co", bound=Awaitable[object], covariant=True)
A8_co = TypeVar("A8_co", bound=Awaitable[object], covariant=True)
Q = ParamSpec("Q")
X_co = TypeVar("X_co", bound=Awaitable[object], covariant=True)
F = TypeVar("F", bound=Callable[..., Awaitable[object]])

SignalOf: TypeAlias = TypedSignal[Any, Callable[P1, A1_co]]


class HandlerOf1(Protocol[P1, A1_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf2(Protocol[P1, A1_co, P2, A2_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf3(Protocol[P1, A1_co, P2, A2_co, P3, A3_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf4(Protocol[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: P4.args, **kwargs: P4.kwargs) -> A4_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf5(Protocol[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: P4.args, **kwargs: P4.kwargs) -> A4_co: ...
    @overload
    def __call__(self, *args: P5.args, **kwargs: P5.kwargs) -> A5_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf6(Protocol[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: P4.args, **kwargs: P4.kwargs) -> A4_co: ...
    @overload
    def __call__(self, *args: P5.args, **kwargs: P5.kwargs) -> A5_co: ...
    @overload
    def __call__(self, *args: P6.args, **kwargs: P6.kwargs) -> A6_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf7(Protocol[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, P7, A7_co, Q, X_co]):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: P4.args, **kwargs: P4.kwargs) -> A4_co: ...
    @overload
    def __call__(self, *args: P5.args, **kwargs: P5.kwargs) -> A5_co: ...
    @overload
    def __call__(self, *args: P6.args, **kwargs: P6.kwargs) -> A6_co: ...
    @overload
    def __call__(self, *args: P7.args, **kwargs: P7.kwargs) -> A7_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOf8(
    Protocol[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, P7, A7_co, P8, A8_co, Q, X_co]
):
    @overload
    def __call__(self, *args: P1.args, **kwargs: P1.kwargs) -> A1_co: ...
    @overload
    def __call__(self, *args: P2.args, **kwargs: P2.kwargs) -> A2_co: ...
    @overload
    def __call__(self, *args: P3.args, **kwargs: P3.kwargs) -> A3_co: ...
    @overload
    def __call__(self, *args: P4.args, **kwargs: P4.kwargs) -> A4_co: ...
    @overload
    def __call__(self, *args: P5.args, **kwargs: P5.kwargs) -> A5_co: ...
    @overload
    def __call__(self, *args: P6.args, **kwargs: P6.kwargs) -> A6_co: ...
    @overload
    def __call__(self, *args: P7.args, **kwargs: P7.kwargs) -> A7_co: ...
    @overload
    def __call__(self, *args: P8.args, **kwargs: P8.kwargs) -> A8_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


@overload
def receiver(
    s1: SignalOf[P1, A1_co], /, *, timeout: float = 60
) -> Callable[[HandlerOf1[P1, A1_co, Q, X_co]], Callable[Q, X_co]]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co], s2: SignalOf[P2, A2_co], /, *, timeout: float = 60
) -> Callable[[HandlerOf2[P1, A1_co, P2, A2_co, Q, X_co]], Callable[Q, X_co]]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co], s2: SignalOf[P2, A2_co], s3: SignalOf[P3, A3_co], /, *, timeout: float = 60
) -> Callable[[HandlerOf3[P1, A1_co, P2, A2_co, P3, A3_co, Q, X_co]], Callable[Q, X_co]]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co],
    s2: SignalOf[P2, A2_co],
    s3: SignalOf[P3, A3_co],
    s4: SignalOf[P4, A4_co],
    /,
    *,
    timeout: float = 60,
) -> Callable[[HandlerOf4[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, Q, X_co]], Callable[Q, X_co]]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co],
    s2: SignalOf[P2, A2_co],
    s3: SignalOf[P3, A3_co],
    s4: SignalOf[P4, A4_co],
    s5: SignalOf[P5, A5_co],
    /,
    *,
    timeout: float = 60,
) -> Callable[[HandlerOf5[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, Q, X_co]], Callable[Q, X_co]]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co],
    s2: SignalOf[P2, A2_co],
    s3: SignalOf[P3, A3_co],
    s4: SignalOf[P4, A4_co],
    s5: SignalOf[P5, A5_co],
    s6: SignalOf[P6, A6_co],
    /,
    *,
    timeout: float = 60,
) -> Callable[
    [HandlerOf6[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, Q, X_co]], Callable[Q, X_co]
]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co],
    s2: SignalOf[P2, A2_co],
    s3: SignalOf[P3, A3_co],
    s4: SignalOf[P4, A4_co],
    s5: SignalOf[P5, A5_co],
    s6: SignalOf[P6, A6_co],
    s7: SignalOf[P7, A7_co],
    /,
    *,
    timeout: float = 60,
) -> Callable[
    [HandlerOf7[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, P7, A7_co, Q, X_co]],
    Callable[Q, X_co],
]: ...
@overload
def receiver(
    s1: SignalOf[P1, A1_co],
    s2: SignalOf[P2, A2_co],
    s3: SignalOf[P3, A3_co],
    s4: SignalOf[P4, A4_co],
    s5: SignalOf[P5, A5_co],
    s6: SignalOf[P6, A6_co],
    s7: SignalOf[P7, A7_co],
    s8: SignalOf[P8, A8_co],
    /,
    *,
    timeout: float = 60,
) -> Callable[
    [HandlerOf8[P1, A1_co, P2, A2_co, P3, A3_co, P4, A4_co, P5, A5_co, P6, A6_co, P7, A7_co, P8, A8_co, Q, X_co]],
    Callable[Q, X_co],
]: ...
@overload
def receiver(*signals: Signal, timeout: float = 60) -> Callable[[F], F]: ...
def receiver(*signals: Signal, timeout: float = 60) -> Any:
    """
    Bind a method to signals; many methods may receive the same one.

    The method gets the arguments of the signal, and with them ``signal`` and ``sender``.

    :param timeout: seconds that one run may take
    :raises HandlerError: if there is no signal, one of them twice, or something else than a signal
    """
    for signal in signals:
        refuse_bare("@receiver(signal)", signal)
    return leave(ReceiverMark(signals, timeout))
