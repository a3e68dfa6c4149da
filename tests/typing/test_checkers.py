"""
What type checkers say of agents, line by line.

The files beside this one are for mypy and pyright to read. In ``good_*.py`` they find nothing. In ``bad_*.py`` they
report the lines marked ``# E: mypy[codes] pyright[rules]`` with these codes and no others; a mark on a line of its own is
of the line below it.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("good_*.py"), *HERE.glob("bad_*.py")])
MARK = re.compile(r"(?P<before>.*)# E: mypy\[(?P<mypy>[\w,-]*)\] pyright\[(?P<pyright>\w*(?:,\w+)*)\]$")

Line: TypeAlias = tuple[str, int]
Codes: TypeAlias = Mapping[Line, frozenset[str]]


def expected(checker: str) -> dict[Line, frozenset[str]]:
    """The codes that each marked line is to be reported with."""
    return {
        (path.name, number + (not found["before"].strip())): frozenset(found[checker].split(","))
        for path in FILES
        for number, text in enumerate(path.read_text().splitlines(), 1)
        if (found := MARK.fullmatch(text))
    }


def output(*command: str) -> str:
    """What a checker prints; it may find mistakes (1), and must not fail itself (2 and more)."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=HERE, capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def by_line(reports: list[tuple[str, int, str]]) -> Codes:
    codes: dict[Line, set[str]] = defaultdict(set)
    for file, line, code in reports:
        codes[Path(file).name, line].add(code)
    return {line: frozenset(found) for line, found in codes.items()}


@pytest.fixture(scope="session")
def mypy() -> Codes:
    cache = HERE.parent.parent / ".mypy_cache"
    names = [path.name for path in FILES]
    text = output("mypy", "--config-file=", "--strict", "--output=json", f"--cache-dir={cache}", *names)
    reports = [json.loads(line) for line in text.splitlines()]
    return by_line([(one["file"], one["line"], one["code"]) for one in reports if one["severity"] == "error"])


@pytest.fixture(scope="session")
def pyright() -> Codes:
    report: dict[str, Any] = json.loads(output("pyright", "--outputjson", "--pythonpath", sys.executable))
    assert report["summary"]["filesAnalyzed"] >= len(FILES)
    return by_line(
        [(one["file"], one["range"]["start"]["line"] + 1, one["rule"]) for one in report["generalDiagnostics"]]
    )


@pytest.fixture(params=["mypy", "pyright"])
def checker(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def reported(checker: str, request: pytest.FixtureRequest) -> Codes:
    codes: Codes = request.getfixturevalue(checker)
    return codes


@pytest.mark.parametrize("line", sorted(expected("mypy")), ids=lambda line: f"{line[0]}:{line[1]}")
def test_every_mistake_is_reported(line: Line, checker: str, reported: Codes) -> None:
    """A marked line is reported, with the codes of its mark."""
    assert reported.get(line, frozenset()) == expected(checker)[line]


def test_nothing_else_is_reported(checker: str, reported: Codes) -> None:
    """No line without a mark is reported: no false alarm in what is good, and nothing in the generated contracts."""
    assert {line: codes for line, codes in reported.items() if line not in expected(checker)} == {}


def test_contracts_are_generated() -> None:
    """What the files import is what microagent-gen writes today."""
    command = [sys.executable, "-m", "microagent_gen", "schemas", "-o", "contracts", "--check"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_bad_line_is_bad_to_both() -> None:
    """A mistake that only one of the checkers found would be a hole for the users of the other."""
    assert all(codes != {""} for checker in ("mypy", "pyright") for codes in expected(checker).values())
    assert expected("mypy")


@pytest.mark.parametrize("name", ["good_agents.py", "good_calls.py"])
def test_what_checkers_accept_is_accepted_at_run_time(name: str) -> None:
    """The check that is made when a class is created refuses nothing that checkers let pass."""
    done = subprocess.run([sys.executable, "-W", "error", name], cwd=HERE, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
