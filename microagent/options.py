"""The options of a consumer that mean the same on every backend."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microagent.errors import ConfigurationError
from microagent.queue import Consumer
from microagent.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class ConsumingOptions:
    """
    What ``@consumer`` was told; ``backend`` holds what only some backends understand.

    :ivar concurrency: handlers that run at once
    :ivar prefetch: most messages held at once, running ones included; without it, found from how quick the handler is
    :ivar autoack: False: a handler that names ``delivery`` settles it, and what it leaves unsettled is retried
    :ivar retry: when a failed message comes again
    """

    concurrency: int = 10
    prefetch: int | None = None
    autoack: bool = True
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    backend: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, consumer: Consumer, retry: RetryPolicy) -> "ConsumingOptions":
        """
        Read them from a consumer; ``retry`` is the broker's own policy.

        :raises ConfigurationError: if one cannot be
        """
        options: dict[str, Any] = {"retry": retry, **consumer.options}
        for problem in option_problems(options):
            raise ConfigurationError(f"{consumer.key}: {problem}")
        own = {name: options.pop(name) for name in _OWN_OPTIONS if name in options}
        return cls(**own, backend=options)


def option_problems(options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with those options of ``@consumer`` that mean the same everywhere, a sentence for each."""
    for name, (is_right, wanted) in _OWN_OPTIONS.items():
        if name in options and not is_right(options[name]):
            yield f"{name}={options[name]!r} is to be {wanted}"


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


_OWN_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "concurrency": (_is_count, "a whole number from 1 on"),
    "prefetch": (lambda value: value is None or _is_count(value), "a whole number from 1 on, or None"),
    "autoack": (lambda value: isinstance(value, bool), "True or False"),
    "retry": (lambda value: isinstance(value, RetryPolicy), "a RetryPolicy"),
}
COMMON = frozenset(_OWN_OPTIONS)
