"""The command in a terminal: colours, completion, a help that can be copied."""

import os
import pty
import shlex
import shutil
import subprocess
import sys

import click
import pytest
from generating import committed, contents, run, run_process, written

from microagent_gen.colours import difference

DOCUMENT = {"signals": [{"name": "user_created", "providing_args": ["user_id"]}], "sginals": []}
RED, YELLOW, GREEN = "\x1b[31m", "\x1b[33m", "\x1b[32m"
BASH = shutil.which("bash")


@pytest.fixture
def project(tmp_path):
    written(tmp_path / "schemas", "a.json", DOCUMENT)
    return tmp_path


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "TERM"}}
    return {**kept, **variables}


# -- colours


def said_on_a_terminal(*arguments: str, cwd, **variables: str) -> str:
    """What the command prints where its output is a terminal."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "microagent_gen", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=its, stderr=its, env=environment(**variables)) as process:
        os.close(its)
        said = b""
        try:
            while chunk := os.read(ours, 10_000):
                said += chunk
        except OSError:  # what Linux says at the end of a terminal
            pass
        process.wait(30)
    os.close(ours)
    return said.decode()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_a_terminal_shows_colours_unless_they_are_not_wanted(variables, coloured, project):
    """On a terminal warnings are yellow and problems red; NO_COLOR, when it says something, turns that off."""
    said = said_on_a_terminal("schemas", "-o", "out", "--check", cwd=project, **variables)
    assert [colour in said for colour in (RED, YELLOW, GREEN)] == [coloured] * 3
    assert "warning: " in said


@pytest.mark.parametrize(("variables", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_a_pipe_shows_no_colours_unless_they_are_forced(variables, coloured, project):
    """What another program reads has no colours; FORCE_COLOR turns them on, as CI logs want them."""
    done = run_process("schemas", "-o", "out", "--check", cwd=project, env=environment(**variables))
    assert [RED in done.stderr, YELLOW in done.stderr, GREEN in done.stdout] == [coloured] * 3


def test_a_coloured_difference_is_the_same_text():
    """Colours are put around the lines of a diff, and nothing else is changed."""
    text = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same\n"
    coloured = difference(text)
    assert coloured.endswith("\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n same\n")
    assert click.unstyle(coloured) == text


# -- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell, tmp_path):
    """For each shell the script names the command and asks it again for what is possible."""
    done = run_process(env=environment(_MICROAGENT_GEN_COMPLETE=f"{shell}_source"))
    assert done.returncode == 0, done.stderr
    assert "microagent-gen" in done.stdout
    assert f"_MICROAGENT_GEN_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("shell", "words", "current", "expected"),
    [
        ("bash", "microagent-gen --wa", "1", "plain,--watch"),
        ("bash", "microagent-gen sche", "1", "file,sche"),
        ("bash", "microagent-gen schemas -o my", "3", "dir,my"),
        ("zsh", "microagent-gen --print", "1", "plain\n--print-schema\nPrint the JSON Schema of declaration files"),
        ("fish", "microagent-gen --qu", "--qu", "plain,--quiet\tPrint errors only."),
    ],
)
def test_options_and_paths_are_completed(shell, words, current, expected):
    """Asked as the script asks, the command answers with options, files for sources and folders for -o."""
    variables = {"_MICROAGENT_GEN_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": current}
    done = run_process(env=environment(**variables))
    assert expected in done.stdout
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_bash_completes_with_the_script(project):
    """In bash, after the line of the help text, Tab completes an option."""
    script = """
        eval "$(_MICROAGENT_GEN_COMPLETE=bash_source microagent-gen)"
        COMP_WORDS=(microagent-gen --che); COMP_CWORD=1
        "$(complete -p microagent-gen | sed 's/.*-F \\([^ ]*\\).*/\\1/')" microagent-gen
        echo "${COMPREPLY[@]}"
    """
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run([BASH, "-c", script], capture_output=True, text=True, env=environment(PATH=path), check=False)
    assert done.stdout == "--check\n", done.stderr


# -- help


def test_examples_of_the_help_can_be_copied(project, monkeypatch):
    """Every command of the help text that needs no network and ends by itself works as it stands there."""
    lines = [line.strip() for line in run("--help").output.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("microagent-gen ")]
    monkeypatch.chdir(committed(project))
    tried = [words for words in commands if "--watch" not in words and ">" not in words and "https:" not in str(words)]
    assert len(commands) - len(tried) == 3
    for _, *arguments in tried:
        assert run(*arguments).exit_code == 0
    assert "signals.py" in contents(project / "myproj" / "contracts")


def test_the_configuration_of_the_help_works(project, monkeypatch):
    """The lines for pyproject.toml can be copied too."""
    lines = [line.strip() for line in run("--help").output.splitlines()]
    start = lines.index("[tool.microagent-gen]")
    (project / "pyproject.toml").write_text("\n".join(lines[start : start + 3]))
    monkeypatch.chdir(project)
    assert run().exit_code == 0
    assert "signals.py" in contents(project / "myproj" / "contracts")


INTERRUPTED = """
import sys

class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == "microagent_gen.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder)
from microagent_gen.__main__ import main
main()
"""


def test_interrupt_while_it_starts_is_no_traceback() -> None:
    """Ctrl-C before the command itself can hear of it says what it says later."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Aborted!\n")
