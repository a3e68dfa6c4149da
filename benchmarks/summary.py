"""The tables of README and of the findings."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.catalogue import FORGETS, SCENARIOS, SERVERS, US, VOLATILE, Scenario, less

FIRST = ("<!-- from benchmarks/results.json -->\n", "<!-- to here -->\n")
ALL = ("<!-- all, from results.json -->\n", "<!-- to here, all -->\n")
PACKAGES = ("<!-- packages, from results.json -->\n", "<!-- to here, packages -->\n")
STAR = "\\*"
Rows = Mapping[str, tuple[str, ...]]
FIRST_ROWS: Rows = {  # what people ask first
    "redis": ("signals.together", "calls.together", "queues.together", "queues.drain"),
    "amqp": ("queues.together", "queues.drain"),
    "kafka": ("queues.together", "queues.drain"),
    "local": ("queues.together", "queues.drain"),
}
ROWS: Rows = {
    "redis": (
        "signals.alone",
        "signals.together",
        "signals.receive",
        "calls.alone",
        "calls.together",
        "queues.alone",
        "queues.together",
        "queues.drain",
    ),
    "amqp": ("queues.alone", "queues.together", "queues.drain"),
    "kafka": ("queues.alone", "queues.together", "queues.drain"),
    "local": ("signals.deliver", "queues.alone", "queues.together", "queues.drain"),
}


def summary(data: Mapping[str, Any], chosen: Rows) -> str:
    """A table in Markdown: what we reach, and how many times that is what each peer does."""
    rows = ["| | microagent | compared with others |", "| --- | --- | --- |"]
    for server, names in chosen.items():
        for scenario in (each for each in SCENARIOS if each.name in names):
            peers = data["measured"].get(server, {}).get(scenario.name, {})
            if US in peers:
                cells = (_ours(scenario, peers[US]), _theirs(server, scenario, peers))
                rows.append(f"| {SERVERS[server]}: {scenario.title} | {' | '.join(cells)} |")
    return "\n".join((*rows, "", f"{STAR} {FORGETS}; on RabbitMQ, {VOLATILE}", ""))


def _ours(scenario: Scenario, figures: Mapping[str, Any]) -> str:
    return f"{figures[scenario.figure]['median']:,.0f} {scenario.unit}"


def _theirs(server: str, scenario: Scenario, peers: Mapping[str, Any]) -> str:
    compared = {peer: figures["better"] for peer, figures in peers.items() if "better" in figures}
    marks = {peer: STAR if less(server, scenario.name, peer) else "" for peer in compared}
    return ", ".join(f"{ratio:.1f}x {peer}{marks[peer]}" for peer, ratio in compared.items())


def packages(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A table in Markdown: what a package of so many signals takes, in seconds."""
    head = ("| signals | generate | import | mypy, first and again | pyright |", "| --- | --- | --- | --- | --- |")
    told = (
        f"| {int(size):,} | {row['generate']:.1f} | {row['import']:.2f} | {row['mypy']:.1f}, {row['mypy again']:.1f} "
        f"| {row['pyright']:.1f} |"
        for size, row in rows.items()
    )
    return "\n".join((*head, *told, ""))


def inserted(text: str, data: Mapping[str, Any]) -> str:
    """A page with the tables in their places."""
    tables = {
        FIRST: summary(data, FIRST_ROWS),
        ALL: summary(data, ROWS),
        PACKAGES: packages(data["packages"]),
    }
    for (begin, end), table in tables.items():
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        text = pattern.sub(partial(_between, begin, table, end), text, count=1)
    return text


def _between(begin: str, table: str, end: str, _: re.Match[str]) -> str:
    return f"{begin}\n{table}\n{end}"
