"""Schemas that want all the memory, the time or the disk there is: they end in a package or in an error."""

import resource
import subprocess
import sys

import pytest
from generating import contents, run, written

MEMORY = 700 * 2**20  # bytes of addresses, a third of which an idle run has
SECONDS = 120  # that a run may take, on a machine that does much else
LONG = 2**20


def limited(folder, *arguments, **limits):
    """The command in a process that may have no more of something."""

    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    command = [sys.executable, "-m", "microagent_gen", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False, preexec_fn=limit
    )


def to(name):
    return {"$ref": f"#/$defs/{name}"}


def nested(depth, *words):
    found = {"type": "string"}
    for number in range(depth):
        found = {words[number % len(words)]: found}
    return found


def chain(length, link, end=None):
    """Definitions that each lead to the next one."""
    return {**{f"D{number}": link(to(f"D{number + 1}")) for number in range(length)}, f"D{length}": end or {}}


def objects(width):
    return {
        f"k{number}": {"type": "object", "properties": {f"p{number}": {"const": number}}} for number in range(width)
    }


BOMBS = {
    "deep": ({"properties": {"a": nested(40, "items", "not", "additionalProperties")}}, {}),
    "circle": (to("A"), {"A": to("B"), "B": {"allOf": [to("A")]}}),
    "wide circle": (to("D0"), chain(200, lambda inner: {"properties": {"x": inner, "y": to("D0")}})),
    "allOf that multiplies": (to("D0"), chain(40, lambda inner: {"allOf": [inner, inner]})),
    "anyOf that multiplies": (to("D0"), chain(40, lambda inner: {"anyOf": [inner, {"title": "b", **inner}]})),
    "properties that multiply": (to("D0"), chain(40, lambda inner: {"properties": {"a": inner, "b": inner}})),
    "tuples that multiply": (to("D0"), chain(40, lambda inner: {"prefixItems": [inner] * 9, "minItems": 9})),
    "choices that multiply": ({"allOf": [{"anyOf": [*objects(9).values()]} for _ in range(40)]}, {}),
    "many definitions": (to("D0"), chain(6_000, lambda inner: {"properties": {"x": inner}})),
    "many properties": ({"properties": objects(4_000)}, {}),
    "many values": ({"properties": {"a": {"enum": [f"value {number}" for number in range(100_000)]}}}, {}),
    "one enum by many": ({"properties": {f"p{n}": to("E") for n in range(5_000)}}, {"E": {"enum": [*range(499)]}}),
    "long pattern": ({"properties": {"a": {"pattern": r"(?i:[\w\p{L}])" * 60_000}}}, {}),
    "pattern that multiplies": ({"properties": {"a": {"pattern": "(?<=" + "(?:a|bb){1,9}" * 9 + ")"}}}, {}),
    "large numbers": ({"properties": {"a": {"maximum": 10**4000, "multipleOf": 10**300, "maxLength": 10**4000}}}, {}),
    "dynamic": (
        {"$dynamicRef": "#n", "$defs": {f"N{n}": {"$id": f"{n}", "$dynamicAnchor": "n", **to("X")} for n in range(99)}},
        {"X": {"$dynamicRef": "#n"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_end_in_bounded_memory(bomb, tmp_path):
    """In a package that mypy could read, or in an error that is a sentence; never in a traceback."""
    payload, definitions = BOMBS[bomb]
    source = written(tmp_path, "bomb.json", {"queues": [{"name": "bomb", "payload": payload}], "$defs": definitions})
    done = limited(tmp_path, source, "-o", "out", RLIMIT_AS=MEMORY)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out").exists() == (done.returncode == 0)
    assert len(done.stderr) < 20_000
    if done.returncode == 0:
        assert sum(map(len, contents(tmp_path / "out").values())) < 20 * 2**20


@pytest.mark.parametrize(
    "place", ["description", "title", "enum", "default", "pattern", "key", "definition", "required"]
)
def test_a_megabyte_is_a_text_like_any_other(place, tmp_path):
    """It is written, or told in few words."""
    text = "x" * LONG
    schemas = {
        "enum": {"enum": [text]},
        "key": {"properties": {text: {"properties": {"a": {}}}}},
        "definition": {"$ref": f"#/$defs/{text}"},
        "required": {"required": [text]},
    }
    schema = schemas.get(place, {"type": "object", "properties": {"b": {}}, place: text})
    queue = {"name": "large", "payload": {"type": "object", "properties": {"a": schema}}}
    definitions = {text: {"properties": {"c": {}}}} if place == "definition" else {}
    source = written(tmp_path, "large.json", {"queues": [queue], "$defs": definitions})
    done = limited(tmp_path, source, "-o", "out", RLIMIT_AS=MEMORY)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    assert len(done.stderr) < 2_000
    assert (tmp_path / "out").exists() == (done.returncode == 0)


@pytest.mark.parametrize("size", [0, 5_000])
def test_a_disk_that_is_full_in_the_middle_of_a_file(size, tmp_path):
    """All is as it was, and nothing is left behind; when there is room, it is done."""
    properties = {f"p{number}": {"properties": {"a": {"const": "x" * 60}}} for number in range(50)}
    source = written(tmp_path, "app.json", {"queues": [{"name": "grown", "payload": {"properties": {"p0": {}}}}]})
    assert run(source, "-o", tmp_path / "contracts").exit_code == 0
    before = contents(tmp_path / "contracts")
    written(tmp_path, "app.json", {"queues": [{"name": "grown", "payload": {"properties": properties}}]})
    done = limited(tmp_path, source, "-o", "contracts", RLIMIT_FSIZE=size)
    assert (done.returncode, done.stderr) == (1, "contracts/queues.py: cannot be written: File too large\n")
    assert contents(tmp_path / "contracts") == before
    assert run(source, "-o", tmp_path / "contracts").exit_code == 0
    assert contents(tmp_path / "contracts") != before
