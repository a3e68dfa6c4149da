"""A package is written whole or not at all."""

import fcntl
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from generating import contents, run

from microagent_gen import writing
from microagent_gen.layout import MARK

BEFORE = {"__init__.py": f"{MARK}\nfrom .signals import A\n", "signals.py": f"{MARK}\nA = 1\n", "py.typed": ""}
AFTER = {"__init__.py": f"{MARK}\nfrom .signals import B\n", "signals.py": f"{MARK}\nB = 2\n", "py.typed": ""}


@pytest.fixture
def folder(tmp_path):
    """A folder that holds a package."""
    folder = tmp_path / "package"
    writing.write(writing.compare(folder, BEFORE))
    (folder / "_signals_001.py").write_text(f"{MARK}\n")
    return folder


def written(files):
    return {name: text.encode() for name, text in files.items()}


def test_a_package_takes_the_place_of_another(folder):
    """After writing, the folder holds exactly the new files; what is stale is gone, and nothing temporary is left."""
    writing.write(writing.compare(folder, AFTER))
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

    plan = writing.compare(folder, AFTER)
    with monkeypatch.context() as patched:
        if failing == "open":
            patched.setattr(Path, "open", refuse(Path.open))
        else:
            patched.setattr(os, "replace", refuse(os.replace))
        with pytest.raises(OSError, match="No space left"):
            writing.write(plan)
    assert contents(folder) == before


def test_a_failure_of_a_first_run_leaves_no_package(tmp_path, monkeypatch):
    """When there was no package before, a failure leaves none of its files."""
    plan = writing.compare(tmp_path / "package", AFTER)
    real, replaced = os.replace, []

    def refuse_the_last(source, target):
        if len(replaced) == len(AFTER) - 1:
            raise OSError(5, "Input/output error", str(target))
        replaced.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse_the_last)
    with pytest.raises(OSError, match="Input/output"):
        writing.write(plan)
    assert not list(tmp_path.rglob("*.*"))


def test_the_package_itself_is_replaced_last(folder, monkeypatch):
    """Modules are in place before the __init__.py that imports them."""
    order, real = [], os.replace

    def replace(source, target):
        order.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    writing.write(writing.compare(folder, AFTER))
    assert order == ["signals.py", "__init__.py", "signals.py"]  # the first one has also what the old package imports


def test_bytes_that_are_no_text_are_shown_in_a_diff(folder):
    """A diff of a file that was damaged is still a text."""
    (folder / "signals.py").write_bytes(MARK.encode() + b"\n\xff\xfe")
    text = writing.diff(writing.compare(folder, BEFORE))
    assert "-\ufffd\ufffd" in text
    assert "+A = 1" in text


KILLED = """
import os, signal, sys
from pathlib import Path
from microagent_gen import writing

replace, left = os.replace, int(sys.argv[2])

def replace_or_die(*arguments):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    replace(*arguments)

os.replace = replace_or_die
writing.write(writing.compare(Path(sys.argv[1]), {after!r}))
"""


@pytest.mark.parametrize("replaced", [0, 1])
def test_a_killed_run_is_completed_by_the_next(replaced, folder):
    """After kill -9 in the middle no file is half written; the next run does the rest and leaves nothing over."""
    command = [sys.executable, "-c", KILLED.format(after=AFTER), str(folder), str(replaced)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    found = contents(folder)
    assert any(name.startswith(".") for name in found)
    for name in BEFORE:
        assert found[name].startswith((written(BEFORE)[name], written(AFTER)[name]))
    plan = writing.compare(folder, AFTER)
    assert plan.changes
    writing.write(plan)
    assert contents(folder) == written(AFTER)


PAYLOAD = {"properties": {"inner": {"properties": {"n": {"type": "integer"}}}}}
TITLED = {"properties": {"at": {"title": "Place", "properties": {"page": {"type": "string"}}}}}
OLD = {
    "signals": [{"name": "removed", "payload": PAYLOAD}, {"name": "kept", "payload": TITLED}],
    "queues": [{"name": "removed", "payload": PAYLOAD}, {"name": "kept", "payload": TITLED}],
}
NEW = {
    "signals": [{"name": "added", "payload": PAYLOAD}, {"name": "kept", "payload": PAYLOAD}],
    "queues": [{"name": "added", "payload": TITLED}, {"name": "more", "payload": TITLED}],
}
MANY = {"signals": [{"name": f"s_{number}", "payload": TITLED} for number in range(201)]}


@pytest.mark.parametrize(("old", "new"), [(OLD, NEW), (MANY, OLD)])
def test_a_killed_run_leaves_a_package_that_can_be_imported(old, new, tmp_path):
    """After kill -9 between any two of its steps, the package imports; the next run makes it the new one."""
    source, out, kept = tmp_path / "declared.json", tmp_path / "contracts", tmp_path / "kept"
    source.write_text(json.dumps(old))
    assert run(source, "-o", out).exit_code == 0
    shutil.copytree(out, kept)
    source.write_text(json.dumps(new))
    for replaced in itertools.count():
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        killed = _killed_after(replaced, source, "-o", out)
        code = "import contracts; print(*(getattr(contracts, name) for name in contracts.__all__))"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (replaced, done.stderr)
        if not killed:
            break
    assert replaced > len(list(out.glob("*.py"))) - 1
    assert run(source, "-o", out).output.endswith("unchanged\n")


def _killed_after(replaced, *arguments):
    """Run the command in a process that dies when it has put so many files in place; whether it came to that."""
    child = os.fork()
    if not child:
        left, real = iter(range(replaced)), os.replace

        def replace_or_die(*names):
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*names)

        os.replace = replace_or_die
        os._exit(run(*arguments).exit_code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
    return os.WIFSIGNALED(status)


def test_only_own_leftovers_are_removed(folder):
    """A hidden file of somebody else stays, whatever it is called."""
    theirs = {".signals.py.swp": b"", ".signals.py.orig": b"", ".helpers.py.01234567": b""}
    for name in theirs:
        (folder / name).touch()
    (folder / ".signals.py.01234567").touch()
    writing.write(writing.compare(folder, AFTER))
    assert contents(folder) == {**written(AFTER), **theirs}


def test_one_process_writes_at_a_time(folder):
    """While another process is writing into the folder, a second one waits until that has ended."""
    code = f"""if True:
        from pathlib import Path
        from microagent_gen import writing
        plan = writing.compare(Path({str(folder)!r}), {AFTER!r})
        print("ready", flush=True)
        writing.write(plan)
    """
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        assert contents(folder)["signals.py"] == written(BEFORE)["signals.py"]
        os.close(descriptor)
        assert process.wait(30) == 0
    assert contents(folder) == written(AFTER)


def test_an_empty_file_is_nobodys(folder):
    """An empty file in the place of a generated one is overwritten: nothing is lost, and a crash may have left it."""
    (folder / "__init__.py").write_bytes(b"")
    writing.write(writing.compare(folder, AFTER))
    assert contents(folder) == written(AFTER)
