"""How marun and the processes of its agents log."""

import json
import logging
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import click

from microagent.colours import are_wanted
from microagent.printable import printable

LINE: Final = "%(levelname)-8s [pid#%(process)d] %(asctime)s %(name)s %(filename)s:%(lineno)d %(message)s"
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_WIDTH = 8  # of the level's name
_MOST_LINES = 1000  # of one record
_COLOURS = {"DEBUG": "blue", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


@dataclass(frozen=True, slots=True)
class Logs:
    """
    What the command line says of logging. Where it says nothing, a settings module decides; where that configures
    nothing either, INFO and above goes to stderr as lines for people, coloured on a terminal.

    :ivar level: of the root logger, ``"DEBUG"`` for example
    :ivar as_json: a JSON object a line on stderr, in place of what the settings configure
    """

    level: str | None = None
    as_json: bool = False

    def set_up(self, agent: str | None = None) -> None:
        """
        Called in each process, after its settings were imported.

        :param agent: whose process it is; None: marun's own
        """
        root = logging.getLogger()
        level = self.level or (None if root.handlers else "INFO")
        if self.as_json:
            logging.captureWarnings(True)
            logging.basicConfig(handlers=[_to_stderr(JSONLines(agent))], force=True)
        else:
            logging.basicConfig(handlers=[_to_stderr(ColouredLines(LINE) if _in_colours() else Lines(LINE))])
        if level is not None:
            root.setLevel(level)


class JSONLines(logging.Formatter):
    """
    A JSON object in one line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``agent`` (null: marun itself), ``pid``,
    ``message``, and ``exception`` with the traceback where there is one.
    """

    def __init__(self, agent: str | None) -> None:
        super().__init__()
        self._agent = agent

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "agent": self._agent,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


class Lines(logging.Formatter):
    """
    A line for each record. What else it holds, lines of a message or a traceback, is indented, and commands to a
    terminal are escaped, so that no text that came from elsewhere looks like a record.
    """

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).expandtabs(4).split("\n")
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"... ({len(lines) - _MOST_LINES} more lines)"]
        return "\n    ".join(map(printable, lines))


class ColouredLines(Lines):
    """Lines that begin with the name of the level, in its colour."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return click.style(text[:_WIDTH], fg=_COLOURS.get(record.levelname)) + text[_WIDTH:]


def _to_stderr(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    return handler


def _in_colours() -> bool:
    wanted = are_wanted(os.environ)
    return sys.stderr.isatty() if wanted is None else wanted
