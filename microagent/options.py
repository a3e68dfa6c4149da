"""The options of ``@consumer`` that all backends have in common."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microagent.errors import ConfigurationError
from microagent.queue import Consumer
from microagent.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class ConsumingOptions:
    """
    The options of one consumer.

    :ivar concurrency: number of handlers that run at once
    :ivar prefetch: most messages held at once, running ones included; None: adapted to how fast the handler is
    :ivar autoack: False: a handler with a ``delivery`` parameter settles it; what it leaves unsettled is retried
    :ivar retry: when a message whose handler failed comes again
    :ivar backend: the options that are not common to all backends
    """

    concurrency: int = 10
    prefetch: int | None = None
    autoack: bool = True
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    backend: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, consumer: Consumer, retry: RetryPolicy) -> "ConsumingOptions":
        """
        The options of ``consumer``.

        :param retry: the broker's policy, for a consumer without one of its own
        :raises ConfigurationError: if one of the common options has a wrong value
        """
        options: dict[str, Any] = {"retry": retry, **consumer.options}
        for problem in option_problems(options):
            raise ConfigurationError(f"{consumer.key}: {problem}")
        own = {name: options.pop(name) for name in _OWN_OPTIONS if name in options}
        return cls(**own, backend=options)


def option_problems(options: Mapping[str, Any]) -> Iterator[str]:
    """The problems of the common options among ``options``, one sentence each."""
    for name, (is_right, wanted) in _OWN_OPTIONS.items():
        if name in options and not is_right(options[name]):
            yield f"{name}={options[name]!r} has to be {wanted}"


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


_OWN_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "concurrency": (_is_count, "a whole number, 1 or more"),
    "prefetch": (lambda value: value is None or _is_count(value), "a whole number, 1 or more, or None"),
    "autoack": (lambda value: isinstance(value, bool), "True or False"),
    "retry": (lambda value: isinstance(value, RetryPolicy), "a RetryPolicy"),
}
COMMON = frozenset(_OWN_OPTIONS)
