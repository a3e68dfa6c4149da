"""Files beside a source of declarations: what is read, and what never is."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support import unique

from microagent.errors import DeclarationError
from microagent.loading import load_queues
from microagent.schemas.siblings import Siblings
from microagent.sources.parsing import parse


def reason(folder: Path, reference: str, **options: Any) -> str:
    """Why a reference is not followed, as it is told with the place of the reference."""
    text = json.dumps({"queues": [{"name": "a", "payload": {"properties": {"x": {"$ref": reference}}}}]})
    with pytest.raises(DeclarationError) as caught:
        parse(text, str(folder / "declared.json"), Siblings(folder, **options))
    (problem,) = caught.value.problems
    assert (problem.source, problem.line) == (str(folder / "declared.json"), 1)
    assert problem.pointer == "/queues/0/payload/properties/x/$ref"
    return problem.message.replace(str(folder), "FOLDER")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "schemas").mkdir()
    return tmp_path / "schemas"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("nothing.json", "cannot be read: FOLDER/nothing.json: No such file or directory"),
        (".", "cannot be read: FOLDER: Is a directory"),
        ("../secret.json", "leads out of FOLDER: only files below it can be referred to"),
        ("%2e%2e/secret.json", "leads out of FOLDER: only files below it can be referred to"),
        ("a/../../secret.json", "leads out of FOLDER: only files below it can be referred to"),
        ("/etc/passwd", "is an absolute path: make it relative to this file"),
        ("file:///etc/passwd", "is an absolute path: make it relative to this file"),
        ("FILE:/etc/passwd", "is an absolute path: make it relative to this file"),
        ("//server/x.json", "is an absolute path: make it relative to this file"),
        ("http://[", "is not a valid reference"),
        ("https://e.org/x", "is another document: only files below FOLDER can be referred to, so keep a copy there"),
        ("ftp://e.org/x", "is another document: only files below FOLDER can be referred to, so keep a copy there"),
        ("urn:x:y", "is another document: only files below FOLDER can be referred to, so keep a copy there"),
    ],
)
def test_only_files_below_the_folder_are_read(folder: Path, reference: str, told: str) -> None:
    """Whatever a reference says, in whatever spelling."""
    assert reason(folder, reference) == f"$ref {reference!r} {told}"


@pytest.mark.parametrize("target", ["../secret.json", "/etc/passwd", "/dev/zero", ".."])
def test_links_that_lead_out_are_not_followed(folder: Path, target: str) -> None:
    """Nor folders that are such links."""
    (folder / "link").symlink_to(target)
    reference = "link/secret.json" if target == ".." else "link"
    assert reason(folder, reference) == f"$ref {reference!r} is a link that leads out of FOLDER"


def test_links_that_stay_inside_are_followed(folder: Path) -> None:
    """As ``current.json`` that is a link to one of several versions."""
    (folder / "v1.json").write_text('{"type": "null"}')
    (folder / "current.json").symlink_to("v1.json")
    text = json.dumps({"queues": [{"name": "a", "payload": {"properties": {"x": {"$ref": "current.json"}}}}]})
    found = parse(text, str(folder / "declared.json"), Siblings(folder))
    assert found.queues[0].definitions == {"current": {"type": "null"}}


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    """A pipe that nobody writes to keeps nobody waiting."""
    os.mkfifo(folder / "pipe")
    assert reason(folder, "pipe") == "$ref 'pipe' cannot be read: FOLDER/pipe: not a regular file"


def test_files_have_a_limit_together(folder: Path) -> None:
    """A file may not be what is too much for its source."""
    (folder / "large.json").write_text(json.dumps({"description": "x" * 1_000}))
    assert reason(folder, "large.json", limit=900) == (
        "$ref 'large.json' cannot be read: FOLDER/large.json: larger than 900 bytes"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{\n,}", ":2:1: not valid JSON: expecting property name enclosed in double quotes"),
        (b"[" * 100_000, ":1:101: brackets are nested more than 100 deep"),
        (b'{"a": "\xff"}', ":1:8: not valid UTF-8"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(folder: Path, content: bytes, told: str) -> None:
    """Of the file that was referred to, at the reference."""
    (folder / "other.json").write_bytes(content)
    assert reason(folder, "other.json") == f"$ref 'other.json' cannot be read: FOLDER/other.json{told}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"type": "object",\n "type": "object"}', "2:2 /type: duplicate key 'type'"),
        ('{"type": "objekt"}', "1:10 /type: unknown type 'objekt', did you mean 'object'?"),
        ('{"items":\n {"$ref": "#/x"}}', "2:11 /items/$ref: $ref '#/x' leads nowhere"),
        ('{"$schema": "draft 1"}', "1:13 /$schema: $schema names no known draft of JSON Schema: 'draft 1'"),
        (
            '{"anyOf":\n [{"$ref": "#"}]}',
            "2:12 /anyOf/0/$ref: $ref '#' leads back to itself, and into no property or item of the value",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_told_there(folder: Path, content: str, told: str) -> None:
    """With the name, line and column of the file that was referred to."""
    (folder / "other.json").write_text(content)
    text = json.dumps({"queues": [{"name": "a", "payload": {"properties": {"x": {"$ref": "other.json"}}}}]})
    with pytest.raises(DeclarationError) as caught:
        parse(text, str(folder / "declared.json"), Siblings(folder))
    assert str(caught.value) == f"{folder}/other.json:{told}"


def test_what_is_loaded_refers_to_files_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the working directory or elsewhere; the limit is one for all of them."""
    name = unique("queue")
    (folder / "size.json").write_text('{"type": "integer"}')
    payload = {"properties": {"x": {"$ref": "size.json"}}}
    (folder / "queues.json").write_text(json.dumps({"queues": [{"name": name, "payload": payload}]}))
    monkeypatch.chdir(folder)
    (queue,) = load_queues("file://queues.json")
    assert queue.declaration.definitions == {"size": {"type": "integer"}}
    assert queue.problem({"x": "y"}) == "$.x: expected an integer, got a string"
    assert load_queues(f"file://{folder}/queues.json")[0] is queue
    with pytest.raises(DeclarationError, match=r"size\.json: larger than \d+ bytes"):
        load_queues("file://queues.json", limit=(folder / "queues.json").stat().st_size + 5)


def test_a_pinned_file_is_all_that_is_read(folder: Path) -> None:
    """What its digest does not cover could be changed by somebody else."""
    payload = {"properties": {"x": {"$ref": "size.json"}}}
    (folder / "size.json").write_text("{}")
    (folder / "queues.json").write_text(json.dumps({"queues": [{"name": unique("queue"), "payload": payload}]}))
    from hashlib import sha256

    pin = sha256((folder / "queues.json").read_bytes()).hexdigest()
    with pytest.raises(DeclarationError, match="sha256= pins only this one"):
        load_queues(f"file://{folder}/queues.json", sha256=pin)
