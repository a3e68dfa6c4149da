"""The benchmarks run, and README says what they found."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results.json"


def benchmarks(*arguments: str) -> str:
    command = (sys.executable, "-m", "benchmarks", *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_needs_no_server_is_measured(record_property):
    """The core on the memory backend: its figures are printed, and nothing is asserted of them."""
    table = benchmarks("--only", "memory", "--rounds", "1", "--seconds", "0.2")
    record_property("figures", table.rstrip())
    assert "failed" not in table
    for title in (
        "send a signal, one at a time",
        "send and receive",
        "send a message, 40 at once",
        "consume a backlog",
    ):
        assert title in table


def test_readme_tells_what_was_measured():
    """Its figures are those of results.json, which ``make bench`` writes."""
    printed = f"import json; from benchmarks.summary import inserted; data = json.load(open({str(RESULTS)!r}));"
    command = (sys.executable, "-c", f"{printed} print(inserted(open({str(README)!r}).read(), data), end='')")
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == README.read_text()
    ours = json.loads(RESULTS.read_text())["measured"]["redis"]["queues.together"]["microagent"]["rate"]["median"]
    assert f"{ours:,.0f} messages/s" in told


def test_findings_tell_which_goals_are_reached():
    """In a table made from the same file; those that are not reached are in it."""
    findings = ROOT / "benchmarks" / "README.md"
    printed = f"import json; from benchmarks.goals import inserted; data = json.load(open({str(RESULTS)!r}));"
    command = (sys.executable, "-c", f"{printed} print(inserted(open({str(findings)!r}).read(), data), end='')")
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == findings.read_text()
    assert told.count("| Redis: ") > 10


def test_picture_shows_the_same():
    """It is drawn from the same file, as XML that a browser reads."""
    command = (
        sys.executable,
        "-c",
        f"import json; from benchmarks.picture import drawn; print(drawn(json.load(open({str(RESULTS)!r}))), end='')",
    )
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == (ROOT / "benchmarks" / "speed.svg").read_text()
