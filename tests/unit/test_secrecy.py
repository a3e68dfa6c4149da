"""The search for passwords in what tests print finds them."""

import re
import subprocess
import sys
from pathlib import Path

TESTS = """
import logging, subprocess, sys
import pytest
from secrecy import PASSWORD, WRITTEN

def test_silent():
    assert PASSWORD and WRITTEN

def test_prints():
    print("redis://:" + WRITTEN + "@h")

def test_writes_to_stderr_of_a_child():
    subprocess.run([sys.executable, "-c", "import sys; print(sys.argv[1], file=sys.stderr)", PASSWORD])

def test_warns():
    logging.getLogger("anybody").warning("connecting to %s", PASSWORD)

def test_debugs(caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("anybody").debug("connecting to %s", PASSWORD)

def test_logs_a_traceback():
    try:
        raise ValueError(WRITTEN)
    except ValueError:
        logging.exception("it failed")

def test_raises():
    raise ValueError(PASSWORD)

@pytest.fixture
def leaving():
    yield
    print(PASSWORD)

def test_shows_it_at_its_end(leaving):
    pass
"""
SHOWS = {
    "prints": "Captured stdout call",
    "writes_to_stderr_of_a_child": "Captured stderr call",
    "warns": "Captured log call",
    "debugs": "Captured log call",
    "logs_a_traceback": "Captured log call",
    "raises": "the traceback",
    "shows_it_at_its_end": "Captured stdout teardown",
}


def test_each_way_of_showing_a_password_fails(tmp_path: Path):
    """Whatever writes it, at whatever level; a test that keeps it to itself passes."""
    file = tmp_path / "test_shows.py"
    file.write_text(TESTS)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "secrecy", "-p", "no:cacheprovider", "--tb=line", str(file))
    told = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert dict(re.findall(r"::test_(\w+) shows the password of a DSN in ([\w ]+)", told.stdout)) == SHOWS
    assert "6 failed, 2 passed, 1 error" in told.stdout
