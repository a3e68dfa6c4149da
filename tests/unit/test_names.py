"""Names of signals, queues and arguments."""

import json
import keyword

import pytest

from microagent.names import (
    RESERVED_ARGUMENTS,
    RESERVED_QUEUES,
    RESERVED_SIGNALS,
    argument_problem,
    guess,
    queue_name_problem,
    shown,
    signal_name_problem,
)
from microagent.schemas.declarationformat import format_text


@pytest.mark.parametrize("name", ["a", "user_created", "s1", "rpc__x_", "a" * 200])
def test_lower_case_words_are_names(name: str) -> None:
    """A name has a-z, 0-9 and _, and begins with a letter."""
    assert signal_name_problem(name) is None
    assert queue_name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "A", "user-created", "_x", "1a", "a b", "a.b", "a\n", "é", "__import__", "x);import os", "\uff41"]
)
def test_anything_else_is_no_name(name: str) -> None:
    """What could be code, or another name in other places, is refused with a sentence that quotes it."""
    assert "is not a valid name" in (signal_name_problem(name) or "")
    assert "is not a valid name" in (queue_name_problem(name) or "")


def test_words_of_python_are_no_names() -> None:
    """A keyword cannot be an attribute of the bus."""
    assert "is a Python keyword" in (signal_name_problem("class") or "")


@pytest.mark.parametrize("name", sorted(RESERVED_SIGNALS))
def test_attributes_of_the_bus_are_reserved(name: str) -> None:
    """A signal may not hide what the bus has."""
    assert "the bus has an attribute of this name" in (signal_name_problem(name) or "")


@pytest.mark.parametrize("name", sorted(RESERVED_QUEUES))
def test_attributes_of_the_broker_are_reserved(name: str) -> None:
    """A queue may not hide what the broker has."""
    assert "the broker has an attribute of this name" in (queue_name_problem(name) or "")


def test_each_kind_has_its_own_reserved_names() -> None:
    """A queue may be called what only a signal may not, and the other way round."""
    assert queue_name_problem("response") is None
    assert signal_name_problem("dead") is None


@pytest.mark.parametrize("name", ["user_id", "_x", "UserId", "größe", "type", "__x"])
def test_arguments_are_identifiers(name: str) -> None:
    """An argument is called what a parameter of Python may be called."""
    assert argument_problem(name) is None


@pytest.mark.parametrize("name", ["", "user-id", "1a", "a b", "class", "None", *sorted(RESERVED_ARGUMENTS)])
def test_no_handler_could_take_other_arguments(name: str) -> None:
    """Keywords, what is no identifier and what handlers get anyway are refused."""
    assert argument_problem(name) is not None


def test_an_argument_that_python_would_spell_otherwise_is_refused() -> None:
    """Python reads the ligature of f and i as two letters, so a handler could never be given it by name."""
    assert "Python reads it as 'fi'" in (argument_problem("\ufb01") or "")


def test_guess_names_the_nearest_word() -> None:
    """A misspelt word is answered with the known one; a strange one with nothing."""
    assert guess("nubmer", ["number", "string"]) == ", did you mean 'number'?"
    assert guess("zzz", ["number", "string"]) == ""


def test_foreign_words_are_shown_escaped_and_cut() -> None:
    """A message never carries control characters or kilobytes of somebody else's text."""
    assert shown("a\x1b[31m\u2028") == r"'a\x1b[31m\u2028'"
    assert len(shown("x" * 10_000)) < 80


def test_the_published_format_reserves_the_same_names() -> None:
    """Editors, who know only the JSON Schema, refuse what the library refuses."""
    definitions = json.loads(format_text())["$defs"]
    signals, queues = (definitions[key]["anyOf"][0]["enum"] for key in ("reservedSignals", "reservedQueues"))
    arguments = definitions["argument"]["not"]["anyOf"][0]["enum"]
    assert (set(signals), set(queues), set(arguments)) == (RESERVED_SIGNALS, RESERVED_QUEUES, RESERVED_ARGUMENTS)
    assert set(definitions["keywords"]["enum"]) == set(keyword.kwlist)
