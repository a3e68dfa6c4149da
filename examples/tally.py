"""Counts what the example agents have recorded, and finds what did not arrive."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

COLUMNS = ("sent", "received", "answered", "consumed")


@dataclass
class Tally:
    """
    What was recorded so far.

    :ivar counts: numbers of records by (kind, name, verb)
    :ivar agents: what each agent receives, consumes and runs; everything that is expected follows from this
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    agents: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> Self:
        tally = cls()
        for event in events:
            if event["verb"] == "is ready":
                tally.agents[event["who"]] = event
            else:
                tally.counts[event["kind"], event["name"], event["verb"]] += 1
        return tally

    def _handlers(self, verb: str) -> Counter[str]:
        """How many handlers the agents have for each signal, queue or timer."""
        return Counter(name for agent in self.agents.values() for name in agent[verb])

    def unseen(self) -> list[str]:
        """What the agents have handlers for but has not been seen at all."""
        timers = {("timer", name, "runs") for name in self._handlers("runs")}
        queues = {("message", name, "consumed") for name in self._handlers("consumes")}
        signals = {(self._kind(name), name, "received") for name in self._handlers("receives")}
        missing = {flow for flow in timers | queues | signals if not self.counts[flow]}
        return [f"{kind} {name} was not seen" for kind, name, _ in sorted(missing)]

    def _kind(self, signal: str) -> str:
        return "call" if self.counts["call", signal, "sent"] else "signal"

    def missing(self) -> list[str]:
        """What was sent but has not arrived, or was called but not answered."""
        return [
            f"{kind} {name}: {arrived} were {verb} where {number} should have been"
            for kind, name, verb, number in self._expected()
            if (arrived := self.counts[kind, name, verb]) < number
        ]

    def _expected(self) -> Iterator[tuple[str, str, str, int]]:
        """How often each sent item should have been received, answered or consumed."""
        receivers = self._handlers("receives")
        for kind, name in self._flows("sent"):
            sent = self.counts[kind, name, "sent"]
            if kind == "message":
                yield kind, name, "consumed", sent
            else:
                yield kind, name, "received", sent * receivers[name]
            if kind == "call":
                yield kind, name, "answered", sent

    def _flows(self, *verbs: str) -> list[tuple[str, str]]:
        return sorted({(kind, name) for kind, name, verb in self.counts if verb in verbs})

    def table(self) -> str:
        """A table with a line for each signal, call, queue and timer."""
        timers = [_row(name, self.counts["timer", name, "runs"], "runs") for _, name in self._flows("runs")]
        flows = [
            _row(f"{kind} {name}", *(self.counts[kind, name, verb] or "-" for verb in COLUMNS))
            for kind, name in self._flows(*COLUMNS)
        ]
        return "\n".join([_row("", *COLUMNS), *flows, "", *timers])


def _row(title: str, *cells: object) -> str:
    return f"  {title:<34}" + "".join(f"{cell!s:>10}" for cell in cells)
