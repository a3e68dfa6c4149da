"""The overview of an agent that ``marun --check`` prints."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from microagent.errors import QueueNotFound, SignalNotFound
from microagent.queue import Queue
from microagent.running.blueprint import Blueprint
from microagent.running.send_calls import SendCall, send_calls
from microagent.running.tree import Tree
from microagent.signal import Signal


def overview(name: str, blueprint: Blueprint) -> Tree:
    """
    A tree of the agent's bus and broker (passwords masked), its handlers with what they are bound to, and what it sends
    according to its source.
    """
    told = blueprint.roster.describe()
    branches = [
        Tree(f"bus: {blueprint.bus or 'none'}"),
        Tree(f"broker: {blueprint.broker or 'none'}"),
        _branch("receives", (f"{each['signal']} → {_handler(each)}" for each in told["receivers"])),
        _branch("consumes", (f"{each['queue']} → {_handler(each)}" for each in told["consumers"])),
        _branch("runs", (f"{_when(each)} → {_handler(each)}" for each in told["timers"])),
        _branch("hooks and servers", (f"{each['label']} → {each['handler']}" for each in told["hooks"])),
        _sends(send_calls(blueprint.cls)),
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


def _sends(found: list[SendCall] | None) -> Tree | None:
    if found is None:
        return Tree("sends: unknown, its source cannot be read")
    return _branch("sends, according to its source", _sent(found))


def _sent(found: Iterable[SendCall]) -> Iterator[str]:
    for call in found:
        kind = "message" if call.target == "broker" else "signal" if call.verb == "send" else "call"
        yield f"{kind} {call.name}{_note(call)}"


def _note(call: SendCall) -> str:
    """A note on a name that is not declared; it may still be declared later, at run time."""
    try:
        (Signal if call.target == "bus" else Queue).get(call.name)
    except (SignalNotFound, QueueNotFound) as error:
        return f" (now {error})"
    return ""
