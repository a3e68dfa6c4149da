"""What the example agents tell: a line for people, and the same as a line of JSON for who wants to count."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Literal

Verb = Literal["is ready", "runs", "sent", "received", "answers", "answered", "consumed"]
Kind = Literal["agent", "timer", "signal", "call", "message"]


def note(log: logging.Logger, verb: Verb, kind: Kind, name: str, data: Mapping[str, object] | None = None) -> None:
    """
    Tell what just happened.

    :param verb: ``"answers"`` is what the called one does, ``"answered"`` what the caller then is
    :param kind: what it happened to
    :param name: of the signal, queue, handler or agent
    :param data: the payload
    """
    event = {"verb": verb, "kind": kind, "name": name, "data": dict(data or {})}
    log.info("%-8s  %-7s  %-18s  %s", verb, kind, name, _summary(event["data"]), extra={"event": event})


def _summary(data: object) -> str:
    text = json.dumps(data, default=str) if data else ""
    return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004 - a line of a terminal


class ForPeople(logging.Formatter):
    """``12:00:03.120  UserAgent     sent      signal   user_comment  {"user_id": 1}``."""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s  %(who)-12s  %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.who = _who(record)
        return super().format(record)


class ForPrograms(logging.FileHandler):
    """Appends ``{"who": ..., "verb": ..., "kind": ..., "name": ..., "data": ...}`` for each thing that was noted."""

    def filter(self, record: logging.LogRecord) -> bool:
        return hasattr(record, "event")

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"who": _who(record), **vars(record)["event"]})


def configure(path: str | None) -> None:
    """
    Let this process tell on stdout.

    :param path: of a file that gets the JSON lines; several processes may share it
    """
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(ForPeople())
    handlers: list[logging.Handler] = [console, ForPrograms(path)] if path else [console]
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)


def _who(record: logging.LogRecord) -> str:
    return record.name.rpartition(".")[2]
