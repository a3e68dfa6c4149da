"""
Measure the generator on catalogues of events and other large payloads: ``make catalogues``.

For each: how long it takes to generate and to import, whether a second run gives the same bytes, and what mypy and
pyright, both strict, say of it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "gen")]

from catalogues import CATALOGUES  # noqa: E402 - it is a test's own

GENERATING, IMPORTING = 5.0, 0.5  # seconds that it may take
_IMPORT = (
    "import time, microagent; started = time.perf_counter(); import contracts; print(time.perf_counter() - started)"
)
_LINE = "{:<12} {:>9} {:>9} {:>8} {:>10} {:>8} {:>6} {:>6} {:>8}"


def main() -> None:
    print(_LINE.format("", "payloads", "classes", "lines", "generate", "import", "same", "mypy", "pyright"))
    results = [measured(name) for name in sys.argv[1:] or CATALOGUES]
    sys.exit(not all(results))


def measured(name: str) -> bool:
    """Measure one catalogue, print its line, and tell whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        document = CATALOGUES[name]()
        (place / "catalogue.json").write_text(json.dumps(document, indent=1))
        generate(place)
        first = contents(place)
        seconds = generate(place)
        is_same = contents(place) == first
        importing = imported(place)
        lines = sum(text.count(b"\n") for text in first.values())
        classes = sum(text.count(b"(_t.TypedDict)") + text.count(b"_t.TypedDict(\n") for text in first.values())
        mypy = succeeds(place, "-m", "mypy", "--strict", "contracts")
        (place / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["contracts"]}')
        pyright = succeeds(place, "-m", "pyright", "--warnings", "--pythonpath", sys.executable)
        counts = (len(document["queues"]), classes, lines, f"{seconds:.1f} s", f"{importing:.2f} s")
        print(_LINE.format(name, *counts, *("yes" if fine else "NO" for fine in (is_same, mypy, pyright))), flush=True)
        return seconds < GENERATING and importing < IMPORTING and is_same and mypy and pyright


def generate(place: Path) -> float:
    """Seconds that the command takes."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "microagent_gen", "-q", "catalogue.json", "-o", "contracts"]
    subprocess.run(command, cwd=place, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def imported(place: Path) -> float:
    """Seconds that it takes to import the package, once it is compiled."""
    command = [sys.executable, "-c", _IMPORT]
    runs = [subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    return float(runs[-1])


def contents(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (place / "contracts").glob("*.py")}


def succeeds(place: Path, *arguments: str) -> bool:
    done = subprocess.run([sys.executable, *arguments], cwd=place, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[:2000], file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    main()
