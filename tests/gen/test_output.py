"""A package is written whole or not at all."""

import os
from pathlib import Path

import pytest
from generating import contents

from microagent_gen import output
from microagent_gen.layout import MARK

BEFORE = {"__init__.py": f"{MARK}\nfrom .signals import A\n", "signals.py": f"{MARK}\nA = 1\n", "py.typed": ""}
AFTER = {"__init__.py": f"{MARK}\nfrom .signals import B\n", "signals.py": f"{MARK}\nB = 2\n", "py.typed": ""}


@pytest.fixture
def folder(tmp_path):
    """A folder that holds a package."""
    folder = tmp_path / "package"
    output.write(output.compare(folder, BEFORE))
    (folder / "_signals_001.py").write_text(f"{MARK}\n")
    return folder


def written(files):
    return {name: text.encode() for name, text in files.items()}


def test_a_package_takes_the_place_of_another(folder):
    """After writing, the folder holds exactly the new files; what is stale is gone, and nothing temporary is left."""
    output.write(output.compare(folder, AFTER))
    assert contents(folder) == written(AFTER)


@pytest.mark.parametrize("failing", ["open", "replace"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_failure_leaves_the_old_package(failing, call, folder, monkeypatch):
    """When the file system refuses one file in the middle, every file is as it was and nothing temporary is left."""
    before = contents(folder)
    calls = 0

    def refuse(real):
        def refusing(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == call:
                raise OSError(28, "No space left on device", str(arguments[0]))
            return real(*arguments, **options)

        return refusing

    plan = output.compare(folder, AFTER)
    with monkeypatch.context() as patched:
        if failing == "open":
            patched.setattr(Path, "open", refuse(Path.open))
        else:
            patched.setattr(os, "replace", refuse(os.replace))
        with pytest.raises(OSError, match="No space left"):
            output.write(plan)
    assert contents(folder) == before


def test_a_failure_of_a_first_run_leaves_no_package(tmp_path, monkeypatch):
    """When there was no package before, a failure leaves none of its files."""
    plan = output.compare(tmp_path / "package", AFTER)
    real, replaced = os.replace, []

    def refuse_the_last(source, target):
        if len(replaced) == len(AFTER) - 1:
            raise OSError(5, "Input/output error", str(target))
        replaced.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse_the_last)
    with pytest.raises(OSError, match="Input/output"):
        output.write(plan)
    assert not list(tmp_path.rglob("*.*"))


def test_the_package_itself_is_replaced_last(folder, monkeypatch):
    """Modules are in place before the __init__.py that imports them."""
    order, real = [], os.replace

    def replace(source, target):
        order.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    output.write(output.compare(folder, AFTER))
    assert order == ["signals.py", "__init__.py"]


def test_bytes_that_are_no_text_are_shown_in_a_diff(folder):
    """A diff of a file that was damaged is still a text."""
    (folder / "signals.py").write_bytes(MARK.encode() + b"\n\xff\xfe")
    text = output.diff(output.compare(folder, BEFORE))
    assert "-\ufffd\ufffd" in text
    assert "+A = 1" in text
