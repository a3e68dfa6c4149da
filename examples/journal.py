"""Records what the example agents do: as log lines for people, and as JSON lines for the demo."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal

from microagent import MicroAgent

Verb = Literal["runs", "sent", "received", "answers", "answered", "consumed"]
Kind = Literal["timer", "signal", "call", "message"]


def note(log: logging.Logger, verb: Verb, kind: Kind, name: str, data: Mapping[str, object] | None = None) -> None:
    """
    Record what just happened.

    :param verb: ``"answers"`` is recorded by the called agent, ``"answered"`` by the caller
    :param kind: what it happened to
    :param name: name of the signal, queue or handler
    :param data: the payload
    """
    event = {"verb": verb, "kind": kind, "name": name}
    text = " ".join(f"{key}={value!r}" for key, value in (data or {}).items())
    log.info("%-8s  %-7s  %-18s  %s", verb, kind, name, text, extra={"event": event})


def introduce(agent: MicroAgent[Any, Any]) -> None:
    """Record that an agent is ready, and what it does."""
    info = agent.info()
    does = {
        "receives": [receiver["signal"] for receiver in info["receivers"]],
        "consumes": [consumer["queue"] for consumer in info["consumers"]],
        "runs": [timer["handler"].rpartition(".")[2] for timer in info["timers"]],
    }
    text = "; ".join(f"{verb} {', '.join(names)}" for verb, names in does.items() if names)
    agent.log.info("is ready: %s", text, extra={"event": {"verb": "is ready", **does}})


class ForPeople(logging.Formatter):
    """``12:00:03.120  UserAgent     sent      signal   user_comment  user_id=1``."""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s  %(who)-12s  %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.who = _who(record)
        return super().format(record)


class ForPrograms(logging.FileHandler):
    """Appends lines such as ``{"who": "UserAgent", "verb": "sent", "kind": "signal", "name": "user_comment"}``."""

    def filter(self, record: logging.LogRecord) -> bool:
        return hasattr(record, "event")

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"who": _who(record), **vars(record)["event"]})


def configure(path: str | None) -> None:
    """
    Write the records of this process to stdout.

    :param path: a file for the JSON lines, which several processes can share
    """
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(ForPeople())
    handlers: list[logging.Handler] = [console, ForPrograms(path)] if path else [console]
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)


def _who(record: logging.LogRecord) -> str:
    return record.name.rpartition(".")[2]
