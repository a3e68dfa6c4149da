"""Foreign text of every kind in every place of a declaration: it stays text, or is refused in a sentence."""

import ast
import json
import re

import pytest
from generating import contents, imported, run, run_process, unique

RAN = "microagent_hostile_text_ran"
CODE = f"__import__('builtins').{RAN}"
LONG = 100_000  # characters, in thirty places of a file that may have 4 MiB
TEXTS = {
    "quotes": "'\"'''\"\"\"",
    "closed docstring": f'"""\n{CODE} = 1\n"""',
    "closed string": f'", {CODE}, "',
    "backslash": "\\",
    "backslashes": "\\\\\\' \\N{BULLET} \\x41 \\",
    "newlines": f"a\n{CODE} = 1\r\nb\rc",
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "coding": "# -*- coding: utf-7 -*-",
    "nul": "a\x00b",
    "surrogate": "a\ud800b",
    "ansi": "\x1b[31mred\x1b]0;title\x07",
    "bidi": "a\u202eb\u2066c",
    "template": "{{ 1/0 }} {% raise %} {# #}",
    "format": "%s %(x)s {0} {x.__class__}",
    "bracket": "]] = 1; [[",
    "path up": "../../x",
    "absolute path": "/tmp/x.json",
    "module": "typing",
    "dunder": "__init__",
    "long": "x" * LONG,
    "empty": "",
    "spaces": " \t ",
}


def document(text):
    """The text in every place where a declaration holds foreign text."""
    schema = {
        "title": text,
        "description": text,
        "$comment": text,
        "default": text,
        "examples": [text, {text: text}],
        "type": "object",
        "properties": {
            text: {"type": "string", "description": text},
            "in_enum": {"enum": [text, "other", 1]},
            "constant": {"const": text},
            "described": {"type": "object", "description": text, "properties": {text: {"const": text}}},
            "defined": {"$ref": "#/$defs/Defined"},
        },
        "required": [text, "in_enum"],
        "x-free": {text: text},
    }
    arguments = {"type": "object", "properties": {"plain": {"enum": [text]}, "other": {"description": text}}}
    return {
        "signals": [
            {"name": unique("signal"), "payload": arguments, "returns": {"enum": [text]}, "description": text},
            {"name": unique("signal"), "providing_args": ["a"], "description": text, "deprecated": True},
        ],
        "queues": [
            {"name": unique("queue"), "payload": schema, "description": text, "x-free": text},
            {"name": unique("queue"), "exchange": "events", "topics": ["*"]},
        ],
        "$defs": {"Defined": {"type": "object", "description": text, "properties": {"a": {"const": text}}}},
    }


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_stays_text(text, tmp_path):
    """The package is written, holds the text as text, and does nothing with it when it is imported."""
    source = tmp_path / "declared.json"
    source.write_text(json.dumps(document(text)))
    out = tmp_path / unique("contracts")
    result = run(source, "-o", out)
    assert result.exit_code == 0, result.output[:2000]
    with imported(out) as package:
        assert package.signals
        assert package.queues
    import builtins

    assert not hasattr(builtins, RAN)
    for name, content in contents(out).items():
        assert "\x1b" not in content.decode(), name
        assert content.decode().isprintable() or set(filter(_is_hidden, content.decode())) <= {"\n"}
    strings = {node.value for node in ast.walk(ast.parse((out / "queues.py").read_text())) if _is_string(node)}
    assert text in strings


def _is_hidden(character):
    return not character.isprintable()


def _is_string(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("place", ["signals", "queues", "providing_args", "defs", "ref", "type", "key", "exchange"])
def test_text_where_a_name_belongs_is_a_sentence(place, text, tmp_path):
    """A text in the place of a name, a type, a reference or a key is refused or kept; what is said is printable."""
    source = tmp_path / "declared.json"
    entry = {"name": unique("queue")}
    documents = {
        "signals": {"signals": [{"name": text, "providing_args": []}]},
        "queues": {"queues": [{"name": text}]},
        "providing_args": {"signals": [{"name": unique("signal"), "providing_args": {text: "string"}}]},
        "defs": {"queues": [entry], "$defs": {text: {"description": text}}},
        "ref": {"queues": [{**entry, "payload": {"properties": {"a": {"$ref": text}}}}]},
        "type": {"queues": [{**entry, "payload": {"properties": {"a": {"type": text, "pattern": text}}}}]},
        "key": {"queues": [{**entry, text: text}], text: 1},
        "exchange": {"queues": [{**entry, "exchange": text, "topics": [text]}]},
    }
    source.write_text(json.dumps(documents[place]))
    out = tmp_path / unique("contracts")
    result = run(source, "-o", out)
    assert result.exit_code in {0, 1}, result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert {*tmp_path.iterdir()} == ({source, out} if result.exit_code == 0 else {source}), (
        "nothing is written elsewhere"
    )
    assert len(result.output) < 20_000
    assert not re.search(r"[^\n -\ud7ff\ue000-\U0010ffff]|[\x7f-\x9f\u2028\u2029\u202e\u2066]", result.output)


@pytest.mark.parametrize(
    "text", [text for text in TEXTS.values() if 0 < len(text) < 100 and "/" not in text and "\x00" not in text]
)
def test_file_names_are_foreign_text_too(text, tmp_path):
    """Whatever a file is called, its name is neither code in the package nor a command to the terminal."""
    source = tmp_path / f"x{text}.json".encode(errors="replace").decode()
    source.write_text('{"queues": [{"name": "mailer", "unknown": 1}]}')
    done = run_process(source, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "warning" in done.stderr
    assert not set(done.stderr + done.stdout) & set("\x1b\x07\x00\r\x85\u2028\u2029\u202e")
    first, second, third, _ = (tmp_path / "out" / "queues.py").read_text().split("\n", 3)
    assert first.startswith("# Generated by microagent-gen from ")
    assert (second, third) == ("# fmt: off", "# ruff: noqa")
