"""This project beside what people would use instead: ``python -m benchmarks --help``."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import groups, packages
from benchmarks.catalogue import LIBRARIES, SCENARIOS, SERVERS, US, Library, Scenario, Use, measured
from benchmarks.driving import Crew, Process, Stuck, crews
from benchmarks.places import environment, own_packages, server
from benchmarks.results import Results

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
PICTURE = FOLDER / "speed.svg"
README = FOLDER.with_name("README.md")
GENERATOR = "generator"
ONCE = ("stock", "group")  # ways that take long, and vary little


class Turn(NamedTuple):
    """One peer's go at one scenario."""

    scenario: Scenario
    library: Library
    number: int

    @property
    def tag(self) -> str:
        """A part of all names that it uses."""
        text = f"{self.library.name}_{self.scenario.name}_{self.number}"
        return text.replace(" ", "_").replace(".", "_").lower()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*SERVERS, GENERATOR]
    parser.add_argument("--only", nargs="*", default=known, choices=known, metavar="PART", help=", ".join(known))
    parser.add_argument("--scenario", nargs="*", default=[], help="those whose names begin so, such as signals.")
    peers = [library.name for library in LIBRARIES]
    parser.add_argument("--peer", nargs="*", choices=peers, metavar="NAME", help=f"only these: {', '.join(peers)}")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.3, help="that one peer measures one thing in one round")
    parser.add_argument("--uvloop", action="store_true", help="for all of them")
    parser.add_argument("--save", action="store_true", help="write results.json, the picture and README's tables anew")
    options = parser.parse_args()
    for beginning in options.scenario:
        if not any(scenario.name.startswith(beginning) for scenario in SCENARIOS):
            parser.error(f"no scenario begins with {beginning!r}: {', '.join(scenario.name for scenario in SCENARIOS)}")
    if options.save and options.peer:
        parser.error("--save with --peer would forget what the other peers did")
    return options


def main() -> None:
    options = arguments()
    results = Results(options)
    with tempfile.TemporaryDirectory(prefix="microagent-bench-") as folder:
        for name in options.only:
            if name == GENERATOR:
                results.packages = dict(packages.rows(packages.SIZES))
                continue
            with server(name, Path(folder)) as dsn:
                if dsn is None:
                    print(f"no {SERVERS[name]} on this machine, and none could be installed", file=sys.stderr)
                else:
                    Place(name, dsn, Path(folder), options, results).measure()
                    print(results.table(name), flush=True)
    if options.save:
        results.save(RESULTS, PICTURE, README)


class Place:
    """One server, where all peers are measured."""

    def __init__(self, name: str, dsn: str, folder: Path, options: argparse.Namespace, results: Results) -> None:
        self._name = name
        self._dsn = dsn
        self._folder = folder
        self._options = options
        self._results = results

    def measure(self) -> None:
        """All rounds; in each, the peers take turns at each scenario."""
        members = [(library.name, use, partial(self._start, library, use)) for library, use in self._members()]
        with crews(members, self._dsn if self._name == "redis" else None) as made:
            for turn in self._turns():
                if turn.library.name in made:
                    self._take(turn, made[turn.library.name])

    def _members(self) -> list[tuple[Library, Use]]:
        chosen = self._options.peer
        return [
            (library, library.uses[self._name])
            for library in LIBRARIES
            if self._name in library.uses and (chosen is None or library.name in chosen)
        ]

    def _turns(self) -> Iterator[Turn]:
        chosen = tuple(self._options.scenario)
        for number in range(self._options.rounds):
            for scenario in SCENARIOS:
                if (not chosen or scenario.name.startswith(chosen)) and (number == 0 or scenario.way not in ONCE):
                    for library, _ in measured(self._name, scenario):
                        yield Turn(scenario, library, number)

    def _take(self, turn: Turn, crew: Crew) -> None:
        library, scenario = turn.library.name, turn.scenario
        if self._results.given_up(self._name, scenario, library):
            return
        try:
            figures = (
                self._group(turn) if scenario.way == "group" else crew.run(scenario, turn.tag, self._options.seconds)
            )
        except Stuck as error:
            print(f"{SERVERS[self._name]}, {scenario.title}, {library}: {error}", file=sys.stderr)
            self._results.fail(self._name, scenario, library)
        else:
            self._results.add(self._name, scenario, library, turn.number, figures)
            for told in (each for each in SCENARIOS if each.way == "told" and each.figure in figures):
                self._results.add(self._name, told, library, turn.number, {told.figure: figures[told.figure]})

    def _group(self, turn: Turn) -> dict[str, float]:
        try:
            return groups.measure(
                self._python(turn.library), self._name, self._dsn, self._folder, f"{self._name}_{turn.tag}"
            )
        except (TimeoutError, OSError) as error:
            raise Stuck(str(error)) from error

    def _python(self, library: Library) -> str:
        uvloop = ("uvloop",) if self._options.uvloop else ()
        packages = own_packages() if uvloop and library.name == US else (*library.packages, *uvloop)
        if not packages:
            return sys.executable
        python = environment(*packages)
        if python is None:
            raise Stuck(f"{' '.join(packages)} cannot be installed")
        return python

    def _start(self, library: Library, use: Use) -> Process:
        log = Path(tempfile.gettempdir()) / f"bench-{use.adapter}.log"
        path = str(FOLDER.parent) if library.name == US else ""
        return Process(self._python(library), use.adapter, use.dsn or self._dsn, self._options.uvloop, log, path=path)


if __name__ == "__main__":
    main()
