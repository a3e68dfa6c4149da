"""Restarts a command when source files change."""

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

INTERVAL = 0.5  # seconds between two scans
SUFFIXES = (".py", ".json")

log = logging.getLogger("microagent.launcher")


def sources(folder: Path) -> Iterator[Path]:
    """The ``.py`` and ``.json`` files below a folder, except in hidden folders, virtual environments, node_modules."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_source(Path(place, name))]
        yield from (Path(place, name) for name in files if name.endswith(SUFFIXES))


def _is_source(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name == "node_modules" or (folder / "pyvenv.cfg").exists())


class Reloader:
    """
    Runs a command in a process of its own, and restarts it when a file changes.

    A command that ends, with whatever status, is started again at the next change. Stop signals are passed on to the
    command, and end the reloader with it. The command does not outlive the reloader.

    :param command: picklable; has to stop on SIGTERM, and at once on a second one
    :param folder: watched recursively
    """

    def __init__(self, command: Callable[[], None], folder: Path) -> None:
        self._command = command
        self._folder = folder

    def run(self) -> None:
        """Return when a stop signal has come and the command has ended. Has to be called in the main thread."""
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # cached bytecode would hide the second of two changes in a second
        watch = Watch(self._scan)
        with StopSignals() as signals, closing(Lifeline(multiprocessing.get_context("spawn"))) as lifeline:
            while not signals.requests:
                self._run_once(lifeline, signals, watch)

    def _scan(self) -> Snapshot:
        return snapshot(sources(self._folder))

    def _run_once(self, lifeline: Lifeline, signals: StopSignals, watch: Watch) -> None:
        """Run the command; return when it has ended and a file has changed or a stop signal has come."""
        process = SpawnProcess(target=_Command(self._command, lifeline))
        process.start()
        is_stale = _wait_for(process, signals, watch)
        if not (is_stale or signals.requests):
            log.info("The group has ended; it starts again when a file changes")
        while not (is_stale or signals.requests):
            wait([signals.fileno()], INTERVAL)
            signals.read()
            is_stale = watch.has_changed()


def _wait_for(process: SpawnProcess, signals: StopSignals, watch: Watch) -> bool:
    """Return when the process has ended, by itself or because of a change or a stop signal; whether files changed."""
    is_stale, asked = False, 0
    while process.is_alive():
        wait([signals.fileno(), process.sentinel], INTERVAL)
        signals.read()
        if not is_stale and watch.has_changed():
            log.info("Files have changed, the group starts again")
            is_stale = True
        if max(signals.requests, is_stale) > asked:
            asked += 1
            process.terminate()
    return is_stale


@dataclass(frozen=True, slots=True)
class _Command:
    """
    The command in its process, which ends with its parent.

    It leads a process group of its own, so that a signal from the terminal reaches only the reloader.
    """

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
