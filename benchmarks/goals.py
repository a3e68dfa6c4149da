"""What we want to reach, as ratios in one run, and whether we do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.catalogue import CAREFUL, DRIVER, OLD, SCENARIOS, SERVERS, US

BEGIN, END = "<!-- goals, from results.json -->\n", "<!-- to here -->\n"
BOTH = (OLD, "faststream")
ANY = (DRIVER, OLD, "faststream", "taskiq", "arq")


@dataclass(frozen=True, slots=True)
class Goal:
    """
    :ivar peers: the best of them counts
    :ivar least: how many times we are better (or cheaper: in processor time), at least
    """

    server: str
    scenario: str
    peers: tuple[str, ...]
    least: float
    ratio: Literal["better", "cheaper"] = "better"


@dataclass(frozen=True, slots=True)
class Rate:
    """
    :ivar least: messages a second, at least
    """

    server: str
    scenario: str
    least: float
    between: str


@dataclass(frozen=True, slots=True)
class Alike:
    """
    :ivar than: another scenario of ours
    :ivar most: times its processor time
    """

    server: str
    scenario: str
    than: str
    most: float


GOALS = (
    Goal("redis", "signals.together", BOTH, 8),
    Goal("redis", "signals.together", (DRIVER,), 1),
    Goal("redis", "queues.together", BOTH, 8),
    Goal("redis", "queues.together", (DRIVER,), 1),
    Goal("redis", "signals.alone", ANY, 1.3),
    Goal("redis", "queues.alone", ANY, 1.3),
    Goal("redis", "signals.receive", BOTH, 5, "cheaper"),
    Goal("redis", "queues.drain", BOTH, 8),
    Goal("redis", "queues.drain", (DRIVER,), 0.5),
    Goal("redis", "calls.alone", BOTH, 2),
    Goal("redis", "calls.together", BOTH, 5),
    Goal("amqp", "queues.together", (DRIVER,), 0.9),
    Goal("amqp", "queues.together", ("faststream",), 1.4),
    Goal("amqp", "queues.drain", (DRIVER,), 0.9),
    Goal("amqp", "queues.drain", ("faststream",), 2.5),
    Goal("kafka", "queues.together", (DRIVER,), 0.9),
    Goal("kafka", "queues.drain", (DRIVER,), 0.9),
    Goal("kafka", "queues.drain", (CAREFUL,), 0.9),
    Goal("local", "queues.together", ("huey",), 8),
    Goal("local", "queues.drain", ("huey",), 8),
)
TITLES = {scenario.name: scenario.title for scenario in SCENARIOS}
ALIKE = (
    Alike("redis", "signals.thousand", "signals.single", 1.1),
    Alike("local", "signals.thousand", "signals.receive", 1.1),
)
RATES = (Rate("local", "signals.receive", 30_000, "two processes"),)


def table(data: Mapping[str, Any]) -> str:
    """In Markdown; a goal that is not reached says so."""
    rows = ["| | times that of | goal | reached | in processor time |", "| --- | --- | --- | --- | --- |"]
    return "\n".join((*rows, *_ratios(data), *_rates(data), *_alike(data), ""))


def _ratios(data: Mapping[str, Any]) -> Iterator[str]:
    for goal in GOALS:
        measured = data["measured"].get(goal.server, {}).get(goal.scenario, {})
        found = [measured[peer] for peer in goal.peers if goal.ratio in measured.get(peer, {})]
        if found:
            least = min(each[goal.ratio] for each in found)
            cheaper = min(each["cheaper"] for each in found)
            reached = "yes" if least >= goal.least else "**no**"
            what = f"{SERVERS[goal.server]}: {TITLES[goal.scenario]}"
            yield f"| {what} | {', '.join(goal.peers)} | {goal.least:g} | {least:.2f}, {reached} | {cheaper:.2f} |"


def _rates(data: Mapping[str, Any]) -> Iterator[str]:
    for rate in RATES:
        found = data["measured"].get(rate.server, {}).get(rate.scenario, {}).get(US)
        if found:
            median = found["rate"]["median"]
            reached = "yes" if median >= rate.least else "**no**"
            what = f"{SERVERS[rate.server]}: {TITLES[rate.scenario]}, between {rate.between}"
            yield f"| {what} | messages/s | {rate.least:,.0f} | {median:,.0f}, {reached} | |"


def _alike(data: Mapping[str, Any]) -> Iterator[str]:
    for alike in ALIKE:
        measured = data["measured"].get(alike.server, {})
        if {alike.scenario, alike.than} <= measured.keys():
            ratio = measured[alike.scenario][US]["cpu"]["median"] / measured[alike.than][US]["cpu"]["median"]
            reached = "yes" if ratio <= alike.most else "**no**"
            what = f"{SERVERS[alike.server]}: {TITLES['signals.receive']}, {TITLES[alike.scenario]}"
            yield f"| {what} | one receiver, at most | {alike.most:g} | | {ratio:.2f}, {reached} |"


def inserted(text: str, data: Mapping[str, Any]) -> str:
    """The text with the table between its marks."""
    head, begin, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{begin}\n{table(data)}\n{END}{tail}"
