"""What was measured: medians, ratios and spread, as a table and as a file."""

import json
import os
import platform
import statistics
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import goals
from benchmarks.catalogue import SCENARIOS, SERVERS, US, Scenario, less
from benchmarks.picture import drawn
from benchmarks.summary import inserted

RATIOS = ("better", "cheaper")  # how many times we are, than a peer
FIGURES = ("rate", "cpu", "p50", "p99", "p99.9", "share", "grown", "start", "idle", "memory", "lost")
HEAD = "{:<52}                      median   +-%   CPU us      p99    p99.9    ratio      CPU"
TRIES = 2  # failures of a peer in a scenario until it is not asked again


@dataclass(slots=True)
class Line:
    """One peer in one scenario: the figures of all rounds."""

    rounds: dict[int, dict[str, float]] = field(default_factory=dict[int, dict[str, float]])
    failures: int = 0

    def median(self, figure: str) -> float | None:
        values = [each[figure] for each in self.rounds.values() if figure in each]
        return statistics.median(values) if values else None

    def spread(self, figure: str) -> float:
        """The median distance from the median, in %."""
        middle = self.median(figure)
        if not middle:
            return 0.0
        return (
            statistics.median(abs(each[figure] - middle) for each in self.rounds.values() if figure in each)
            / middle
            * 100
        )

    def over(self, other: "Line", figure: str) -> float | None:
        """
        The ratio of the two, as the median of the rounds: what one does in the same second as the other is comparable,
        however busy the machine is with other things in that second.
        """
        pairs = [(self.rounds[number], other.rounds[number]) for number in self.rounds.keys() & other.rounds.keys()]
        ratios = [ours[figure] / theirs[figure] for ours, theirs in pairs if ours.get(figure) and theirs.get(figure)]
        return statistics.median(ratios) if ratios else None


class Results:
    """By server, scenario and peer."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._lines: dict[tuple[str, str, str], Line] = {}
        self.packages: dict[str, dict[str, float]] = {}

    def _line(self, server: str, scenario: Scenario, peer: str) -> Line:
        return self._lines.setdefault((server, scenario.name, peer), Line())

    def add(self, server: str, scenario: Scenario, peer: str, number: int, figures: dict[str, float]) -> None:
        """In the round of that number."""
        self._line(server, scenario, peer).rounds[number] = figures

    def fail(self, server: str, scenario: Scenario, peer: str) -> None:
        self._line(server, scenario, peer).failures += 1

    def given_up(self, server: str, scenario: Scenario, peer: str) -> bool:
        return self._line(server, scenario, peer).failures >= TRIES

    def table(self, server: str) -> str:
        """A row for each peer in each scenario."""
        rows, notes = [HEAD.format(SERVERS[server])], set[str]()
        for scenario in SCENARIOS:
            title = f"{scenario.title}, {scenario.unit}"
            for peer in (peer for at, name, peer in self._lines if (at, name) == (server, scenario.name)):
                lacking = less(server, scenario.name, peer)
                rows.append(f"{title:<52}{peer + '*' * bool(lacking):<18}{self._cells(server, scenario, peer)}")
                notes |= {f"* {peer}: {lacking}"} if lacking else set()
                title = ""
        return "\n".join((*rows, *sorted(notes)))

    def _cells(self, server: str, scenario: Scenario, peer: str) -> str:
        line = self._lines[server, scenario.name, peer]
        median = line.median(scenario.figure)
        if median is None:
            return f"{'failed':>10}"
        cells = [f"{_shown(median):>10}", f"{line.spread(scenario.figure):>6.0f}"]
        cells += [f"{_shown(line.median(figure)):>9}" for figure in ("cpu", "p99", "p99.9")]
        if peer != US:
            cells += [f"{_shown(ratio):>9}" for ratio in self.ratios(server, scenario, peer)]
        lost = line.median("lost")
        return "".join(cells) + (f"  lost {lost:.0f}" if lost else "")

    def ratios(self, server: str, scenario: Scenario, peer: str) -> tuple[float | None, float | None]:
        """How many times better we are than the peer, and how many times less processor time we take."""
        ours = self._lines.get((server, scenario.name, US), Line())
        theirs = self._lines[server, scenario.name, peer]
        better = ours.over(theirs, scenario.figure)
        cheaper = theirs.over(ours, "cpu")
        return (better if scenario.more or better is None else 1 / better), cheaper

    def as_data(self) -> dict[str, Any]:
        measured: dict[str, Any] = {}
        for (server, name, peer), line in self._lines.items():
            scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
            told = measured.setdefault(server, {}).setdefault(name, {})
            told[peer] = self._figures(server, scenario, peer, line)
        return {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "uvloop": self._options.uvloop,
            "rounds": self._options.rounds,
            "seconds": self._options.seconds,
            "measured": measured,
            "packages": self.packages,
        }

    def _figures(self, server: str, scenario: Scenario, peer: str, line: Line) -> dict[str, Any]:
        told: dict[str, Any] = {
            figure: {"median": _short(median), "spread": round(line.spread(figure), 1)}
            for figure in FIGURES
            if (median := line.median(figure)) is not None
        }
        if peer != US:
            ratios = self.ratios(server, scenario, peer)
            told |= {name: _short(value) for name, value in zip(RATIOS, ratios, strict=True) if value is not None}
        return told

    def save(self, path: Path, picture: Path, readme: Path) -> None:
        """Here, as a picture, in README and in the findings; what was not measured this time stays as it was."""
        data = self.as_data()
        if path.exists():
            before = json.loads(path.read_text())
            for server, scenarios in before["measured"].items():
                data["measured"][server] = {**scenarios, **data["measured"].get(server, {})}
            data["packages"] = data["packages"] or before.get("packages", {})
        path.write_text(json.dumps(data, indent=1) + "\n")
        picture.write_text(drawn(data))
        readme.write_text(inserted(readme.read_text(), data))
        findings = path.with_name("README.md")
        findings.write_text(goals.inserted(inserted(findings.read_text(), data), data))


def _short(value: float) -> float:
    """Four digits."""
    return float(f"{value:.4g}")


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004 - three digits are enough
