"""The password of all servers that tests start, and its search in all that tests print: whoever shows it fails."""

from collections.abc import Generator
from urllib.parse import quote

import pytest

MARK = "Plugh7"  # what is looked for; escaping leaves it as it is
PASSWORD = f"{MARK}/@:"
WRITTEN = quote(PASSWORD, safe="")  # in a DSN


def places(report: pytest.TestReport) -> list[str]:
    """Where a phase of a test shows it: what it wrote, what it logged at any level it asked for, and its traceback."""
    written = [(title, text) for title, text in report.sections if title.endswith(report.when)]
    return [title for title, text in (*written, ("the traceback", report.longreprtext)) if MARK in text]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that shows the password has failed, whatever else it says."""
    report = yield
    if found := places(report):
        report.outcome = "failed"
        report.longrepr = f"{report.longreprtext}\n{report.nodeid} shows the password of a DSN in {', '.join(found)}"
    return report
