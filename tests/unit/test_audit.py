"""What ``make audit`` makes of pip-audit's reports."""

import runpy
from pathlib import Path
from typing import Any

import pytest

verdict = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "audit.py"))["verdict"]

FINE = {"name": "click", "version": "8.1.0", "vulns": []}
SKIPPED = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (3.1.0)"}
WEAK = {
    "name": "redis",
    "version": "4.5.0",
    "vulns": [{"id": "PYSEC-2023-45", "fix_versions": ["4.5.3"]}, {"id": "GHSA-1", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("packages", "lines", "status"),
    [
        ([FINE, FINE], ["audit: 2 packages, nothing is known against them"], 0),
        ([FINE, SKIPPED], ["audit: 1 packages, nothing is known against them; NOT AUDITED: jinja2"], 0),
        ([SKIPPED], ["audit: NOTHING IS AUDITED: the advisories of no package can be had from here"], 0),
        (
            [FINE, WEAK, SKIPPED],
            ["audit: redis 4.5.0: PYSEC-2023-45, mended in 4.5.3", "audit: redis 4.5.0: GHSA-1, mended in none"],
            1,
        ),
    ],
)
def test_report(packages: list[dict[str, Any]], lines: list[str], status: int):
    """A finding fails; what could not be looked up is said, and never called clean."""
    assert verdict({"dependencies": packages}, "") == (lines, status)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Traceback\nrequests.exceptions.ConnectionError: no route", 0),
        ("ERROR:pip_audit._cli:ServiceError: 503", 0),
        ("Traceback\nKeyError: 'vulns'", 1),
        ("", 1),
    ],
)
def test_no_report(said: str, status: int):
    """A service that is away is a line; a program that is broken fails."""
    (line,), found = verdict(None, said)
    assert line.startswith("audit: NOTHING IS AUDITED: ")
    assert found == status
