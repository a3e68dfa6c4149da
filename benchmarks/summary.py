"""The short table of README."""

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.catalogue import FORGETS, SCENARIOS, SERVERS, US, VOLATILE, Scenario, less

BEGIN, END = "<!-- from benchmarks/results.json -->\n", "<!-- to here -->\n"
STAR = "\\*"
ROWS = {
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


def summary(data: Mapping[str, Any]) -> str:
    """A table in Markdown: what we reach, and how many times that is what each peer does."""
    rows = ["| | microagent | times its peers |", "| --- | --- | --- |"]
    for server, names in ROWS.items():
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
    return ", ".join(f"{peer}{marks[peer]} {ratio:.1f}" for peer, ratio in compared.items())


def inserted(text: str, data: Mapping[str, Any]) -> str:
    """README with the table in its place."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{summary(data)}\n{END}", text, count=1)
