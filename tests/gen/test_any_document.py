"""Whatever a document declares: it is generated or told what is wrong with it, and what is generated is good Python."""

import ast
import json
import subprocess
import sys
import typing

import pytest
from declared import DOCUMENTS
from generating import contents, imported, run
from hints import Hint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import DEFS, SCHEMAS, VALUES

from microagent import Queue, Signal, codec

PACKAGES = 40
RANDOM = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))

ANY_SCHEMAS = st.fixed_dictionaries(
    {
        "signals": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["alpha", "beta", "list", "dict"]),
                    "payload": st.dictionaries(st.sampled_from(["a", "b", "str"]), SCHEMAS, max_size=3).map(
                        lambda found: {"properties": found, "required": sorted(found)[:1]}
                    ),
                    "returns": SCHEMAS,
                }
            ),
            max_size=2,
            unique_by=lambda entry: entry["name"],
        ),
        "queues": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["alpha", "gamma"]),
                    "payload": SCHEMAS.map(lambda found: {"type": "object", "properties": {"a": found, "x-y": found}}),
                }
            ),
            min_size=1,
            max_size=2,
            unique_by=lambda entry: entry["name"],
        ),
        "$defs": st.just(DEFS),
    }
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Packages of as many documents that hypothesis made up, side by side."""
    folder = tmp_path_factory.mktemp("packages")
    made = []

    @settings(RANDOM, max_examples=4 * PACKAGES)
    @given(DOCUMENTS | ANY_SCHEMAS)
    def generate(document):
        source, out = folder / "declared.json", folder / f"made_{len(made):03}"
        source.write_text(json.dumps(document))
        result = run(source, "-o", out)
        assert isinstance(result.exception, SystemExit | None), (document, result.exception)
        assert result.exit_code == (0 if out.exists() else 1), (document, result.output)
        if result.exit_code == 0:
            first = contents(out)
            assert run(source, "-o", out).exit_code == 0
            assert contents(out) == first
            made.append(out)

    generate()
    source = folder / "declared.json"
    source.unlink()
    assert len(made) > PACKAGES
    return made


def test_packages_import(packages, monkeypatch):
    """Every name that a package exports is there, and the annotations of its payloads mean something."""
    for out in packages:
        monkeypatch.setattr(Signal, "_register", {})  # they all declare the same names
        monkeypatch.setattr(Queue, "_register", {})
        with imported(out) as package:
            for name in package.__all__:
                found = getattr(package, name)
                if typing.is_typeddict(found):
                    typing.get_type_hints(found)


@pytest.fixture(scope="module")
def messages():
    """Objects that hypothesis made up, with keys that its documents have."""
    found = []

    @settings(RANDOM, max_examples=60)
    @given(st.dictionaries(st.sampled_from(["a", "b", "the key", "ü", "x-y"]), VALUES | st.integers(), max_size=3))
    def collect(message):
        found.append(message)

    collect()
    return found


def test_payloads_come_as_they_were_sent(packages, messages, monkeypatch):
    """What a generated queue takes is of its generated type, and has not changed when it has travelled."""
    taken = refused = 0
    for out in packages:
        monkeypatch.setattr(Queue, "_register", {})
        monkeypatch.setattr(Signal, "_register", {})
        with imported(out) as package:
            names = vars(sys.modules[f"{package.__name__}.queues"])
            for name, annotation in annotations((out / "queues.py").read_text()):
                queue, hint = getattr(package.queues, name), Hint(eval(annotation, names), names, of_kind_only=True)
                for message in messages:
                    fits = queue.problem(message) is None
                    taken, refused = taken + fits, refused + (not fits)
                    if fits:
                        assert codec.decode(codec.encode(message)) == message
                        assert hint.accepts(message), (annotation, message)
    assert taken > 500
    assert refused > 500


def annotations(source):
    """The queues of a module, and the annotation of what is sent to each."""
    bound = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Bound"):
            bound[node.name] = ast.unparse(node.bases[0].slice)
        elif isinstance(node, ast.ClassDef) and node.name == "Broker":
            fields = [(each.target.id, each.annotation.value) for each in node.body if isinstance(each, ast.AnnAssign)]
    return [(name, bound[of]) for name, of in fields]


def test_packages_type_check(packages):
    """mypy and pyright, both strict, find nothing in any of them."""
    folder, names = packages[0].parent, [out.name for out in packages[:: len(packages) // PACKAGES]]
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder}/.mypy_cache", *names]
    done = subprocess.run(mypy, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "include": names}))
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    done = subprocess.run(pyright, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
