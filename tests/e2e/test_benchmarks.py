"""The benchmarks run, and README says what they found."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
FINDINGS = ROOT / "benchmarks" / "README.md"
RESULTS = ROOT / "benchmarks" / "results.json"
HEADS = {
    "measured": "\n| | microagent | compared with others |\n",
    "packages": "\n| signals | generate | import |",
    "goals": "\n| | times that of | goal | reached |",
}


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


def printed(code: str) -> str:
    """What Python prints that has read results.json as ``data``."""
    command = (sys.executable, "-c", f"import json; data = json.load(open({str(RESULTS)!r})); {code}")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_readme_tells_what_was_measured():
    """Its figures are those of results.json, which ``make bench`` writes."""
    told = printed(
        f"from benchmarks.summary import inserted; print(inserted(open({str(README)!r}).read(), data), end='')"
    )
    assert told == README.read_text()
    ours = json.loads(RESULTS.read_text())["measured"]["redis"]["queues.together"]["microagent"]["rate"]["median"]
    assert f"{ours:,.0f} messages/s" in told


def test_findings_tell_all_that_was_measured():
    """Its tables are made from the same file; goals that are not reached are among them."""
    told = printed(
        "from benchmarks import goals, summary; "
        f"print(goals.inserted(summary.inserted(open({str(FINDINGS)!r}).read(), data), data), end='')"
    )
    assert told == FINDINGS.read_text()
    for table in ("measured", "packages", "goals"):
        assert told.count(HEADS[table]) == 1
    assert told.count("| Redis: ") > 15


def test_picture_shows_the_same():
    """It is drawn from the same file, as XML that a browser reads."""
    told = printed("from benchmarks.picture import drawn; print(drawn(data), end='')")
    assert told == (ROOT / "benchmarks" / "speed.svg").read_text()
