"""Logging of marun and of the processes of its agents."""

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

_WIDTH = 8  # characters of the level name
_MOST_LINES = 1000  # shown of one record
_COLOURS = {"DEBUG": "blue", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


@dataclass(frozen=True, slots=True)
class Logs:
    """
    The logging options of the command line.

    What they leave open, the settings module decides; where it configures no handlers either, INFO and above is written
    to stderr as plain text, coloured on a terminal.

    :ivar level: the level of the root logger, such as ``"DEBUG"``; None: what the settings say, or INFO
    :ivar as_json: write one JSON object per line to stderr, replacing the handlers that the settings configure
    """

    level: str | None = None
    as_json: bool = False

    def set_up(self, agent: str | None = None) -> None:
        """
        Configure the root logger; called in each process after the settings have been imported.

        :param agent: name of the agent whose process this is; None: marun's own process
        """
        root = logging.getLogger()
        level = self.level or (None if root.handlers else "INFO")
        if self.as_json:
            logging.captureWarnings(True)
            logging.basicConfig(handlers=[_to_stderr(JSONLines(agent))], force=True)
        else:
            line = LINE if agent is None else LINE.replace("]", f" {agent.replace('%', '%%')}]", 1)
            formatter = ColouredLines(line) if _in_colours() else Lines(line)
            logging.basicConfig(handlers=[_to_stderr(formatter)])
            for handler in root.handlers:  # in a forked process those of marun, which know no agent
                if isinstance(handler.formatter, Lines):
                    handler.setFormatter(formatter)
        if level is not None:
            root.setLevel(level)


class JSONLines(logging.Formatter):
    """
    One JSON object per line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``agent`` (null for marun itself),
    ``pid``, ``message``, and ``exception`` with the traceback if there is one.
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
    One line per record; further lines of a message or a traceback are indented, and control characters are escaped, so
    that no logged text can pass for a record of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).expandtabs(4).split("\n")
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"... ({len(lines) - _MOST_LINES} more lines)"]
        return "\n    ".join(map(printable, lines))


class ColouredLines(Lines):
    """The same, with the name of the level coloured."""

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
