"""How marun logs."""

import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import click
import pytest

from microagent.running.logs import LINE, ColouredLines, JSONLines, Lines, Logs


class Stream(io.StringIO):
    """A stderr that may be a terminal."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal


@contextmanager
def fresh(variables: Mapping[str, str] = MappingProxyType({}), *, is_terminal: bool = False) -> Generator[Stream]:
    """What goes to stderr of a process in which nobody has configured logging yet."""
    root, stream = logging.getLogger(), Stream()
    stream.is_terminal = is_terminal
    handlers, level = root.handlers[:], root.level
    root.handlers, root.level = [], logging.WARNING
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            patch.setattr(os, "environ", {"TERM": "xterm", **variables})
            yield stream
    finally:
        logging.captureWarnings(False)
        root.handlers = handlers
        root.setLevel(level)


log = logging.getLogger("test.logs")


def test_lines_for_people_are_the_default() -> None:
    """
    INFO and above, without colours where there is no terminal.
    """
    with fresh() as said:
        Logs().set_up("anna")

        log.debug("quiet")
        log.info("hello")

    assert said.getvalue().startswith("INFO     [pid#")
    assert said.getvalue().endswith(" hello\n")
    assert said.getvalue().count("\n") == 1


@pytest.mark.parametrize("agent", ["anna", "100% of it", "{}"])
def test_lines_of_an_agent_have_its_name(agent: str) -> None:
    """
    Several agents may be of one class; a forked process goes on with what marun has set up, and names its own.
    """
    with fresh() as said:
        Logs().set_up()
        log.info("from marun")
        Logs().set_up(agent)
        log.info("from %s", "the agent")

    first, second = said.getvalue().splitlines()
    assert first.startswith(f"INFO     [pid#{os.getpid()}] ")
    assert second.startswith(f"INFO     [pid#{os.getpid()} {agent}] ")
    assert second.endswith(" from the agent")


def test_settings_are_obeyed() -> None:
    """
    What a settings module has configured stays, when the command line says nothing.
    """
    with fresh() as said:
        logging.basicConfig(format="! %(message)s", level="ERROR")

        Logs().set_up()
        log.warning("quiet")
        log.error("hello")

    assert said.getvalue() == "! hello\n"


def test_level_of_the_command_line_counts() -> None:
    """
    More than that of the settings.
    """
    with fresh() as said:
        logging.basicConfig(format="! %(message)s", level="ERROR")

        Logs(level="DEBUG").set_up()
        log.debug("hello")

    assert said.getvalue() == "! hello\n"


def test_json_is_an_object_a_line() -> None:
    """
    Whatever the settings have configured: time, level, logger, agent, pid and message, and the traceback in the same
    line.
    """
    with fresh() as said:
        logging.basicConfig(format="! %(message)s", level="ERROR")

        Logs(level="INFO", as_json=True).set_up("anna")
        log.info("two\n%s", "línes")
        try:
            raise ValueError("wrong")
        except ValueError:
            log.exception("failed")

    first, second = map(json.loads, said.getvalue().splitlines())
    assert list(first) == ["time", "level", "logger", "agent", "pid", "message"]
    assert (first["level"], first["logger"], first["agent"]) == ("INFO", "test.logs", "anna")
    assert first["message"] == "two\nlínes"
    assert first["time"].endswith("+00:00")
    assert second["exception"].startswith("Traceback")
    assert second["exception"].endswith("ValueError: wrong")


def test_warnings_are_json_too() -> None:
    """
    So that every line can be read.
    """
    with fresh() as said:
        Logs(as_json=True).set_up()

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn("old", UserWarning, stacklevel=1)

    (line,) = said.getvalue().splitlines()
    assert json.loads(line)["level"] == "WARNING"
    assert json.loads(line)["agent"] is None


@pytest.mark.parametrize(
    ("variables", "is_terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_colours_are_for_terminals(variables: dict[str, str], is_terminal: bool, coloured: bool) -> None:
    """
    And for people who want them: NO_COLOR and FORCE_COLOR decide where they are set.
    """
    with fresh(variables, is_terminal=is_terminal) as said:
        Logs().set_up()
        log.error("hello")

    assert said.getvalue().startswith("\x1b[31mERROR   \x1b[0m [pid#") is coloured
    assert ("\x1b" in said.getvalue()) is coloured


def test_formatters_take_any_level() -> None:
    """
    Also one that somebody has made up.
    """
    record = logging.LogRecord("test", 5, "file", 1, "hello", None, None)

    assert json.loads(JSONLines(None).format(record))["level"] == "Level 5"
    assert ColouredLines("%(levelname)-8s %(message)s").format(record).endswith("hello")


FORGERY = "x\nCRITICAL [pid#1] all is lost\r\x1b[2J\u2028\u202eCRITICAL\x85"


def forged() -> logging.LogRecord:
    """A record whose message and error hold what would pass for other records."""
    try:
        raise ValueError(FORGERY)
    except ValueError:
        return logging.LogRecord("a.logger", logging.ERROR, "a.py", 1, "from %s", (FORGERY,), sys.exc_info())


@pytest.mark.parametrize("formatter", [Lines(LINE), ColouredLines(LINE)])
def test_no_text_looks_like_a_record(formatter: logging.Formatter) -> None:
    """
    Lines of a message and of a traceback are indented; what moves a cursor or ends a line elsewhere is escaped.
    """
    text = click.unstyle(formatter.format(forged()))
    first, *rest = text.split("\n")
    assert first.startswith("ERROR")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert all(line.isprintable() for line in (first, *rest))
    assert "all is lost" in text


def test_object_a_line_whatever_the_text() -> None:
    """
    A record in JSON is one line of ASCII, and has the text as it was.
    """
    line = JSONLines("agent").format(forged())
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert told["message"] == f"from {FORGERY}"
    assert FORGERY in told["exception"]


def test_text_without_end_is_cut() -> None:
    """
    Neither long lines nor many of them fill a log.
    """
    record = logging.LogRecord("a.logger", logging.ERROR, "a.py", 1, "x" * 1_000_000 + "\ny" * 1_000_000, (), None)
    text = Lines(LINE).format(record)
    assert len(text) < 20_000
    assert text.endswith("... (999001 more lines)")
