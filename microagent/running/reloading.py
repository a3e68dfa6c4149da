"""A command that is run again whenever the files around it change."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from microagent.running.agent_process import ORPHAN_END
from microagent.running.lifeline import Lifeline
from microagent.running.stop_signals import StopSignals
from microagent.watching import Snapshot, Watch, snapshot

INTERVAL = 0.5  # seconds between two looks
SUFFIXES = (".py", ".json")

log = logging.getLogger("microagent.launcher")


def sources(folder: Path) -> Iterator[Path]:
    """The ``.py`` and ``.json`` files below a folder, but for hidden folders, virtual environments and node_modules."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_source(Path(place, name))]
        yield from (Path(place, name) for name in files if name.endswith(SUFFIXES))


def _is_source(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name == "node_modules" or (folder / "pyvenv.cfg").exists())


class Reloader:
    """
    Runs a command in a process of its own; stops it and runs it again when a file changes.

    A command that ends is run again at the next change, whatever its status. Stop signals are passed on; then this
    ends with the command. The command does not outlive it.

    :param command: can be pickled; it stops when it gets SIGTERM, and at once when it gets that again
    :param folder: what is watched, with all that is below it
    """

    def __init__(self, command: Callable[[], None], folder: Path) -> None:
        self._command = command
        self._folder = folder

    def run(self) -> None:
        """Return when it was asked to stop, and the command has ended. Needs the main thread, for its signals."""
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # of two changes within a second it may keep the first
        watch = Watch(self._look)
        with StopSignals() as signals, closing(Lifeline(multiprocessing.get_context("spawn"))) as lifeline:
            while not signals.wishes:
                self._run_once(lifeline, signals, watch)

    def _look(self) -> Snapshot:
        return snapshot(sources(self._folder))

    def _run_once(self, lifeline: Lifeline, signals: StopSignals, watch: Watch) -> None:
        """Return when the command has ended, and either a file has changed or a stop signal has come."""
        process = SpawnProcess(target=_Led(self._command, lifeline))
        process.start()
        is_stale = _stay_with(process, signals, watch)
        if not (is_stale or signals.wishes):
            log.info("The group has ended; it starts again when a file changes")
        while not (is_stale or signals.wishes):
            wait([signals.fileno()], INTERVAL)
            signals.read()
            is_stale = watch.has_changed()


def _stay_with(process: SpawnProcess, signals: StopSignals, watch: Watch) -> bool:
    """Return when the process has ended, asked for it or not; whether a file has changed meanwhile."""
    is_stale, asked = False, 0
    while process.is_alive():
        wait([signals.fileno(), process.sentinel], INTERVAL)
        signals.read()
        if not is_stale and watch.has_changed():
            log.info("Files have changed, the group starts again")
            is_stale = True
        if max(signals.wishes, is_stale) > asked:
            asked += 1
            process.terminate()
    return is_stale


@dataclass(frozen=True, slots=True)
class _Led:
    """The command in its process: a terminal's signals reach only the one who leads it, whose end is its own."""

    command: Callable[[], None]
    lifeline: Lifeline

    def __call__(self) -> None:
        os.setpgid(0, 0)
        self.lifeline.hold()
        threading.Thread(target=self._follow, daemon=True).start()
        self.command()

    def _follow(self) -> None:
        self.lifeline.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_END)
        os._exit(1)
