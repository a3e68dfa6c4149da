"""What an agent is made of, as a tree to look at."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from microagent.errors import QueueNotFound, SignalNotFound
from microagent.queue import Queue
from microagent.running.blueprint import Blueprint
from microagent.running.sendings import Sending, sendings
from microagent.running.tree import Tree
from microagent.signal import Signal


def overview(name: str, blueprint: Blueprint) -> Tree:
    """
    The agent of this name: its bus and broker without passwords, its handlers with what they are bound to, and what its
    source says that it sends.
    """
    told = blueprint.roster.describe()
    branches = [
        Tree(f"bus: {blueprint.bus or 'none'}"),
        Tree(f"broker: {blueprint.broker or 'none'}"),
        _branch("receives", (f"{each['signal']} → {_handler(each)}" for each in told["receivers"])),
        _branch("consumes", (f"{each['queue']} → {_handler(each)}" for each in told["consumers"])),
        _branch("by the clock", (f"{_when(each)} → {_handler(each)}" for each in told["timers"])),
        _branch("hooks and servers", (f"{each['label']} → {each['handler']}" for each in told["hooks"])),
        _sends(sendings(blueprint.cls)),
    ]
    return Tree(f"{name}: {blueprint.backend}", [branch for branch in branches if branch is not None])


def _branch(title: str, leaves: Iterable[str]) -> Tree | None:
    grown = [Tree(leaf) for leaf in leaves]
    return Tree(title, grown) if grown else None


def _handler(told: Mapping[str, Any]) -> str:
    """``method (timeout 60 s, concurrency=4)``."""
    options = [f", {name}={value}" for name, value in told.get("options", {}).items()]
    return f"{told['handler'].rpartition('.')[2]} (timeout {told['timeout']:g} s{''.join(options)})"


def _when(timer: Mapping[str, Any]) -> str:
    if "cron" in timer:
        return f"{timer['cron']} {timer['tz']}"
    first = f", first after {timer['start_after']:g} s" if timer["start_after"] else ""
    return f"every {timer['period']:g} s{first}"


def _sends(found: list[Sending] | None) -> Tree | None:
    if found is None:
        return Tree("sends: its source cannot be read")
    return _branch("sends, by a look at its source", _sent(found))


def _sent(found: Iterable[Sending]) -> Iterator[str]:
    for sending in found:
        kind = "message" if sending.end == "broker" else "signal" if sending.verb == "send" else "call"
        yield f"{kind} {sending.name}{_doubt(sending)}"


def _doubt(sending: Sending) -> str:
    """What an undeclared name is told; a declaration may also be loaded later."""
    try:
        (Signal if sending.end == "bus" else Queue).get(sending.name)
    except (SignalNotFound, QueueNotFound) as error:
        return f" (now {error})"
    return ""
