"""The wheel, in an environment that has nothing else."""

import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SIGNALS = '{"version": 2, "signals": [{"name": "word", "providing_args": {"text": "string"}}]}'
QUEUES = '{"version": 2, "queues": [{"name": "letter", "payload": {"type": "object", "required": ["text"]}}]}'
AGENTS = """
from microagent import consumer, on, periodic, receiver
from myproj.contracts import Agent, queues, signals

class Talking(Agent):
    @periodic(period=0.1)
    async def speak(self) -> None:
        await self.bus.word.send("talking", text="hello")
        await self.broker.letter.send({"text": "dear"})

class Listening(Agent):
    @receiver(signals.word)
    async def hear(self, text: str, **kwargs: object) -> None:
        print(f"heard {text}", flush=True)

    @consumer(queues.letter)
    async def read(self, text: str, **kwargs: object) -> None:
        print(f"read {text}", flush=True)
"""
SETTINGS = """
AGENT = {name: {"backend": f"myproj.agents.{name.title()}"} for name in ("talking", "listening")}
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that has to succeed."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COVERAGE", "COV_"))
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``make dist`` builds."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The one wheel of the distribution."""
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def bin_(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The commands of an environment that was empty before ``pip install 'microagent[gen]'``."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=True)
    run(environment / "bin" / "pip", "install", "--quiet", f"{wheel}[gen]", cwd=environment)
    return environment / "bin"


def test_project_runs_from_the_wheel(bin_: Path, tmp_path: Path) -> None:
    """
    Declarations, generator, agents, marun: a project of its own needs nothing but the wheel.
    """
    for name, text in {
        "schemas/signals.json": SIGNALS,
        "schemas/queues.json": QUEUES,
        "myproj/__init__.py": "",
        "myproj/agents.py": AGENTS,
        "myproj/settings.py": SETTINGS,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    run(bin_ / "microagent-gen", "schemas/", "-o", "myproj/contracts", cwd=tmp_path)
    output = tmp_path / "output"
    with output.open("w") as sink:
        marun = subprocess.Popen([bin_ / "marun", "myproj.settings"], cwd=tmp_path, stdout=sink, stderr=sink)
    try:
        deadline = time.monotonic() + 30
        while not ("heard hello" in output.read_text() and "read dear" in output.read_text()):
            assert marun.poll() is None and time.monotonic() < deadline, output.read_text()  # noqa: PT018 - one wait
            time.sleep(0.05)
        marun.send_signal(signal.SIGTERM)
        assert marun.wait(timeout=30) == 0, output.read_text()
        run(bin_ / "microagent-queues", "myproj.settings", cwd=tmp_path)
    finally:
        marun.kill()
        marun.wait()


def test_nothing_called_codegen_is_installed(bin_: Path, tmp_path: Path) -> None:
    """
    The source root ``codegen`` is none of the installed names: a package of that name on PyPI would collide.
    """
    code = "import importlib.util as u; print([u.find_spec(n) is not None for n in ('microagent_gen', 'codegen')])"

    assert run(bin_ / "python", "-c", code, cwd=tmp_path) == "[True, False]\n"


def test_library_works_without_the_generator(bin_: Path, tmp_path: Path) -> None:
    """
    Importing microagent imports neither the extras nor jsonschema.
    """
    code = "import microagent, sys; print({'jinja2', 'jsonschema', 'microagent_gen'} & set(sys.modules))"

    assert run(bin_ / "python", "-c", code, cwd=tmp_path) == "set()\n"


def test_wheel_holds_data_files(wheel: Path) -> None:
    """
    The format's schema, the templates and the markers of typed packages are in the wheel; tests and examples are not.
    """
    names = zipfile.ZipFile(wheel).namelist()

    assert {"microagent/format.schema.json", "microagent/py.typed", "microagent_gen/py.typed"} <= set(names)
    assert any(name.startswith("microagent_gen/templates/") for name in names)
    assert {name.split("/")[0] for name in names} == {"microagent", "microagent_gen", "microagent-2.0.0.dist-info"}


def test_description_stands_alone(wheel: Path) -> None:
    """
    Of README, a package index shows what leads somewhere there: its text, links to its own headings and to the web.
    """
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    description = archive.read(metadata).decode()

    assert "\nDescription-Content-Type: text/markdown\n" in description
    assert "\n# microagent\n" in description
    assert "](#features)" in description
    assert re.findall(r"\]\((?!https:|#)[^)]*\)", description) == []


def test_source_distribution_holds_all_that_tests_need(dist: Path) -> None:
    """
    From the source distribution one can run the tests and the demo.
    """
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "Makefile",
        "pyproject.toml",
        "schemas/signals.json",
        "examples/demo.py",
        "tests/e2e/test_dist.py",
        "README.md",
        "docs/README.md",
    } <= names
