"""Generated code is laid out as a formatter would lay it out."""

import json
import subprocess
import sys

import pytest
from generating import GOLDEN
from test_any_schema import Schemas

from microagent.errors import DeclarationError
from microagent.sources.parsing import parse
from microagent_gen.model import contract
from microagent_gen.render import render
from microagent_gen.wrapping import attribute, call, class_header, entry

LONG = "a_long_name_that_goes_on_and_on_until_no_line_could_hold_it"


def of_length(length):
    """A document whose names and values have about this length."""
    name = LONG[:length].rstrip("_")
    values = {"enum": ["x" * length, "y" * length, 1, None]}
    lists = {"type": ["string", "integer", "null", "array"], "items": values}
    objects = {"type": ["array", "null"], "items": {"type": "object", "properties": {name: {"type": "string"}}}}
    plain = {"properties": {name: values, "lists": lists, "objects": objects}, "required": [name, "lists"]}
    odd = {"properties": {f"{name}-": values, "b-": lists, "c-": objects}, "required": [f"{name}-", "b-"]}
    return {
        "signals": [
            {"name": f"a_{name}", "payload": plain, "returns": plain},
            {"name": f"b_{name}", "providing_args": [name], "returns": "integer"},
            {"name": f"c_{name}", "payload": {"oneOf": [{}]}},
        ],
        "queues": [
            {"name": f"d_{name}", "payload": odd},
            {"name": f"e_{name}"},
            {"name": f"f_{name}", "payload": plain, "description": "Words."},
        ],
    }


def many(count):
    names = [f"number_{number}" for number in range(count)]
    return {"signals": [{"name": name, "providing_args": []} for name in names], "queues": [{"name": "one"}]}


DOCUMENTS = [*(of_length(length) for length in range(15, len(LONG))), *(Schemas(seed).document() for seed in range(60))]


def rendered(document):
    """The files of a package, whose formatters are not told to keep away."""
    try:
        declared = parse(json.dumps(document), "declared.json")
    except DeclarationError:
        return {}
    files = render(contract(declared.signals, declared.queues, ["declared.json"]))
    return {name: text.replace("# fmt: off\n", "") for name, text in files.items()}


def test_a_formatter_changes_nothing(tmp_path):
    """What is generated is what ruff makes of it with its own settings: expected packages, long names, any schema."""
    packages = [rendered(document) for document in [*DOCUMENTS, many(1_700)]]
    for case in GOLDEN.iterdir():
        sources = {path.name: path.read_text().replace("# fmt: off\n", "") for path in case.glob("expected/*.py")}
        packages.append(sources)
    for number, files in enumerate(packages):
        (tmp_path / str(number)).mkdir()
        for name, text in files.items():
            (tmp_path / str(number) / name).write_text(text)
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "--quiet", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sum(map(len, packages)) > 300


def test_formatters_with_other_settings_keep_away():
    """A project whose lines are longer has its formatter leave generated files as they are."""
    files = render(contract([], [], ["declared.json"]))
    for name in ("__init__.py", "signals.py", "queues.py"):
        assert "# fmt: off" in files[name].splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (entry("a: ", "int", ",", 1), "a: int,"),
        (
            entry("a: ", f"int | list[{'A' * 70}] | str", " = ...,", 1),
            f"a: int\n    | list[{'A' * 70}]\n    | str = ...,",
        ),
        (
            entry("a: ", f'dict[str, _t.Literal["{"x, [" * 20}"]]', ",", 1),
            f'a: dict[\n        str,\n        _t.Literal[\n            "{"x, [" * 20}"\n        ],\n    ],',
        ),
        (attribute("a" * 10, f"{'A' * 50} | {'B' * 20}", 1), f"{'a' * 10}: (\n        {'A' * 50} | {'B' * 20}\n    )"),
        (attribute("a" * 82, '"B"', 1), f'{"a" * 82}: "B"'),
        (attribute("a" * 78, '"Bound"', 1), f'{"a" * 78}: (\n        "Bound"\n    )'),
        (class_header("A", "", ":", 0), "class A:"),
        (class_header("A", f"{'B' * 50}, {'C' * 50}", ":", 0), f"class A(\n    {'B' * 50},\n    {'C' * 50},\n):"),
        (call("a = ", "f", ["1"], 0), "a = f(\n    1,\n)"),
        (call(f"{'a' * 82} = ", "_m.f", ["1"], 0), f"{'a' * 82} = (\n    _m.f(\n        1,\n    )\n)"),
    ],
)
def test_long_lines_are_broken_at_the_outermost_place(text, expected):
    """A line that is too long is broken at its outermost operator or bracket, and further only if that does not do."""
    assert text == expected


def test_wide_characters_take_two_columns():
    """A line is as long as it looks."""
    key = '"' + "日" * 32 + '": '
    assert entry(key, "str", ",", 2) == f"{key}str,"
    assert entry(key, "list[str | int]", ",", 2) == f"{key}list[\n            str | int\n        ],"
