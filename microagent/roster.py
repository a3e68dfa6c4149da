"""The handlers of one agent, as the objects that bus, broker and timers work with."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from microagent.broker import Consumer
from microagent.bus import Receiver
from microagent.execution import Deadlines
from microagent.handlers import (
    ConsumerMark,
    CronMark,
    HookLabel,
    HookMark,
    Mark,
    MiddlewareMark,
    PeriodicMark,
    ReceiverMark,
    marked,
)
from microagent.middleware import Kind, surrounded
from microagent.tasks import Tasks
from microagent.timer import Agent, CRONTask, PeriodicTask

Timer: TypeAlias = PeriodicTask | CRONTask


class Roster:
    """The decorated methods of an agent's class, bound to the agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._marks = marked(type(agent))

    def hooks(self, label: HookLabel) -> list[Callable[[], Any]]:
        return [hook for hook, mark in self._marked(HookMark) if mark.label == label]

    def receivers(self) -> list[Receiver]:
        return [
            Receiver(self._agent, self._surrounded(handler, "receiver", signal.name), signal, mark.timeout)
            for handler, mark in self._marked(ReceiverMark)
            for signal in mark.signals
        ]

    def consumers(self) -> list[Consumer]:
        return [
            Consumer(
                self._agent,
                self._surrounded(handler, "consumer", mark.queue.name),
                mark.queue,
                mark.timeout,
                dict(mark.options),
                mark.dto_class,
                mark.dto_name,
            )
            for handler, mark in self._marked(ConsumerMark)
        ]

    def timers(self, tasks: Tasks | None = None, deadlines: Deadlines | None = None) -> list[Timer]:
        """
        The periodic and cron tasks, not started.

        :param tasks: owns their runs; None: each owns its own
        :param deadlines: ends their runs at the timeout; None: each has its own
        """
        owners: dict[str, Any] = {"tasks": tasks, "deadlines": deadlines}
        periodic = [
            PeriodicTask(
                self._agent,
                self._surrounded(handler, "periodic").__func__,
                mark.schedule.period,
                mark.timeout,
                mark.start_after,
                **owners,
            )
            for handler, mark in self._marked(PeriodicMark)
        ]
        cron = [
            CRONTask(self._agent, self._surrounded(handler, "cron").__func__, mark.schedule, mark.timeout, **owners)
            for handler, mark in self._marked(CronMark)
        ]
        return [*periodic, *cron]

    def describe(self) -> dict[str, Any]:
        """The handlers and what they are bound to, as JSON-compatible values."""
        return {
            "receivers": [
                {"handler": each.key, "signal": each.signal.name, "timeout": each.timeout} for each in self.receivers()
            ],
            "consumers": [
                {
                    "handler": each.key,
                    "queue": each.queue.name,
                    "timeout": each.timeout,
                    "options": {name: repr(value) for name, value in each.options.items()},
                }
                for each in self.consumers()
            ],
            "timers": [timer.describe() for timer in self.timers()],
            "middlewares": [middleware.__name__ for middleware in self._middlewares()],
            "hooks": [{"handler": hook.__name__, "label": mark.label} for hook, mark in self._marked(HookMark)],
        }

    def _surrounded(self, handler: Any, kind: Kind, source: str | None = None) -> Any:
        return surrounded(handler, kind, source, self._middlewares())

    def _middlewares(self) -> list[Any]:
        return [middleware for middleware, _ in self._marked(MiddlewareMark)]

    def _marked(self, kind: type[Mark]) -> Iterator[tuple[Any, Any]]:
        return ((getattr(self._agent, name), mark) for name, mark in self._marks if isinstance(mark, kind))
