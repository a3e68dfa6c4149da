"""This project beside what people would use instead: ``python -m benchmarks --help``."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.catalogue import LIBRARIES, SCENARIOS, SERVERS, Library, Scenario, Use, measured
from benchmarks.driving import Crew, Process, Stuck, crews
from benchmarks.places import environment, server
from benchmarks.results import Results

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
PICTURE = FOLDER / "speed.svg"
README = FOLDER.with_name("README.md")


class Turn(NamedTuple):
    """One peer's go at one scenario."""

    scenario: Scenario
    library: Library
    number: int


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(SERVERS)
    parser.add_argument("--only", nargs="*", default=list(SERVERS), metavar="SERVER", help=f"some of: {known}")
    parser.add_argument("--scenario", nargs="*", default=[], help="those whose names begin so, such as signals.")
    parser.add_argument("--peer", nargs="*", help="only these, by name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="that one peer measures one thing in one round")
    parser.add_argument("--uvloop", action="store_true", help="for all of them")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} and {PICTURE.name} anew")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    results = Results(options)
    with tempfile.TemporaryDirectory(prefix="microagent-bench-") as folder:
        for name in options.only:
            with server(name, Path(folder)) as dsn:
                if dsn is None:
                    print(f"no {SERVERS[name]} on this machine, and none could be installed", file=sys.stderr)
                else:
                    measure(name, dsn, Path(folder), options, results)
                    print(results.table(name), flush=True)
    if options.save:
        results.save(RESULTS, PICTURE, README)


def measure(name: str, dsn: str, folder: Path, options: argparse.Namespace, results: Results) -> None:
    """All rounds on one server; in each, the peers take turns at each scenario."""
    members = [
        (library.name, use, partial(start, library, use, dsn, options.uvloop, folder))
        for library, use in members_of(name, options.peer)
    ]
    with crews(members, dsn if name == "redis" else None) as made:
        for turn in turns(name, options):
            if turn.library.name in made:
                take(name, turn, made[turn.library.name], options.seconds, results)


def members_of(name: str, chosen: list[str] | None) -> list[tuple[Library, Use]]:
    return [
        (library, library.uses[name])
        for library in LIBRARIES
        if name in library.uses and (chosen is None or library.name in chosen)
    ]


def turns(name: str, options: argparse.Namespace) -> Iterator[Turn]:
    for number in range(options.rounds):
        for scenario in SCENARIOS:
            if not options.scenario or scenario.name.startswith(tuple(options.scenario)):
                for library, _ in measured(name, scenario):
                    yield Turn(scenario, library, number)


def take(name: str, turn: Turn, crew: Crew, seconds: float, results: Results) -> None:
    if results.given_up(name, turn.scenario, turn.library.name):
        return
    tag = f"{turn.library.name}_{turn.scenario.name}_{turn.number}".replace(" ", "_").replace(".", "_").lower()
    try:
        results.add(name, turn.scenario, turn.library.name, crew.run(turn.scenario, tag, seconds))
    except Stuck as error:
        print(f"{SERVERS[name]}, {turn.scenario.title}, {turn.library.name}: {error}", file=sys.stderr)
        results.fail(name, turn.scenario, turn.library.name)


def start(library: Library, use: Use, dsn: str, uvloop: bool, folder: Path) -> Process:
    packages = (*library.packages, "uvloop") if uvloop else library.packages
    python = environment(*packages) if library.packages else sys.executable
    if python is None:
        raise Stuck("its environment cannot be made")
    return Process(
        python, use.adapter, use.dsn or dsn, uvloop, Path(tempfile.gettempdir()) / f"bench-{use.adapter}.log"
    )


if __name__ == "__main__":
    main()
