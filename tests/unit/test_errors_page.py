"""docs/errors.md knows the errors as the code does."""

import builtins
import re

import pytest
from pages import DOCS

import microagent

BASES = {"MicroAgentError", "SignalException", "QueueException"}  # they group others
RAISED_BY_OTHERS = {"ServerInterrupt", "GroupInterrupt"}
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \|", (DOCS / "errors.md").read_text("utf-8"), re.MULTILINE)


def named(name: str) -> type[BaseException]:
    found = getattr(microagent, name, None) or getattr(builtins, name)
    assert isinstance(found, type)
    assert issubclass(found, BaseException)
    return found


def test_every_error_has_a_row():
    """All public errors but for those that only group others, or that nobody catches."""
    public = {name for name in microagent.__all__ if isinstance(getattr(microagent, name), type)}
    errors = {name for name in public if issubclass(getattr(microagent, name), Exception)}
    assert [name for name, _ in ROWS] == list(dict(ROWS))
    assert dict(ROWS).keys() == errors - BASES - RAISED_BY_OTHERS


@pytest.mark.parametrize(("error", "kinds"), ROWS)
def test_errors_are_of_the_kinds_that_the_page_says(error: str, kinds: str):
    """Each is a MicroAgentError, and whatever else its row names: directly, and nothing is left out."""
    bases = {base.__name__ for base in named(error).__bases__} - {"MicroAgentError"}
    assert set(re.findall(r"`(\w+)`", kinds)) == bases
    assert issubclass(named(error), microagent.MicroAgentError)
