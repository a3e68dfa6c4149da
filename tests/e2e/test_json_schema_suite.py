"""
What the public JSON-Schema-Test-Suite says of every draft, the strict runtime says too.

Each schema becomes the one property of three queues: written in the payload, shared in the file, in a file beside it.
``format`` is an annotation, unless ``formats=True`` asks for it: then all formats but those of IRIs are asked, too.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from json_schema_suite import DRAFTS, HOST, Group, copy_documents, files, format_files, groups
from support import unique

from microagent.declarations import QueueDeclaration
from microagent.errors import DeclarationError
from microagent.queue import Queue
from microagent.schemas.siblings import Siblings
from microagent.schemas.words import FORMATS
from microagent.sources.parsing import parse

CONTENTS = "draft 7 leaves it open whether contents are looked at (Validation, 8.2), later drafts say that they are not"
NO_SCHEMA = "what is known to be a value is no schema, and to refer to it is undefined (Core, 9.4.2): it is refused"
FRACTION = "optional: other languages write 1 as 1.0, which is an integer from draft 6 on, and here in draft 4 too"
OWN_METASCHEMA = "a $schema that is no draft's may mean anything: it is refused, with a sentence, and never guessed at"
EXCLUDED = {
    ("optional/content", "validation of string-encoded content based on media type"): CONTENTS,
    ("optional/content", "validation of binary string-encoding"): CONTENTS,
    ("optional/content", "validation of binary-encoded media type documents"): CONTENTS,
    ("optional/format-assertion", "schema that uses custom metaschema with format-assertion: false"): OWN_METASCHEMA,
    ("optional/format-assertion", "schema that uses custom metaschema with format-assertion: true"): OWN_METASCHEMA,
    ("optional/refOfUnknownKeyword", "reference internals of known non-applicator"): NO_SCHEMA,
    (
        "optional/zeroTerminatedFloats",
        "some languages do not distinguish between different types of numeric value",
    ): FRACTION,
    ("vocabulary", "ignore unrecognized optional vocabulary"): OWN_METASCHEMA,
    ("vocabulary", "schema that uses custom metaschema with with no validation vocabulary"): OWN_METASCHEMA,
}
"""What the suite says and the runtime does not, and why."""


PLACES = ("payload", "file", "sibling")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the documents that the suite wants to find on a server."""
    folder = tmp_path_factory.mktemp("suite")
    copy_documents(folder)
    return folder


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_runtime_says_what_the_suite_says(draft: str, folder: Path) -> None:
    """Of every value of every group, wherever the schema stands; what is excluded is really otherwise."""
    faults, needed, asked = list[str](), set[tuple[str, str]](), 0
    present = set[tuple[str, str]]()
    for file in files(draft):
        for group in groups(draft, file):
            found = list(wrong(group, folder))
            asked += len(group.tests)
            present.add((file, group.description))
            if found and (file, group.description) in EXCLUDED:
                needed.add((file, group.description))
            elif found:
                faults += [f"{draft} {file}: {fault}" for fault in found]
    assert faults == []
    assert (present & EXCLUDED.keys()) - needed == set(), "excluded, and there is no reason to"
    assert asked > 500, "the suite is there"


@pytest.mark.parametrize("draft", DRAFTS)
def test_what_is_on_another_server_is_refused(draft: str, folder: Path) -> None:
    """With a sentence; a copy beside the file is read instead (above)."""
    remote = [group for group in groups(draft, "refRemote") if f'"$ref": "{HOST}' in json.dumps(group.schema)]
    assert remote
    for group in remote:
        for place in PLACES:
            with pytest.raises(DeclarationError, match=r"only files below .* can be referred to, so keep a copy there"):
                declared(group.schema, place, folder)


@pytest.mark.parametrize("draft", DRAFTS)
def test_formats_are_those_of_the_suite(draft: str, folder: Path) -> None:
    """Where ``formats=True`` asks for them; where it does not, none of them refuses anything."""
    found, asked = list[str](), 0
    for group in (group for file in format_files(draft) for group in groups(draft, file)):
        if group.schema.get("format") not in FORMATS:
            continue
        queue = Queue.admit(unique("case"), declared(group.schema, "payload", folder).structure())
        for test in group.tests:
            asked += 1
            value = {"value": test["data"]}
            if (queue.problem(value, formats=True) is None) is not test["valid"] or queue.problem(value) is not None:
                found.append(f"{group.description}: {test['description']}: {test['data']!r}")
    assert found == []
    assert asked > 100


def test_what_is_refused_is_told(folder: Path) -> None:
    """Metaschemas of one's own, and references to what is known to be a value, are each a sentence with their place."""
    told = {
        OWN_METASCHEMA: "$schema names no known draft of JSON Schema",
        NO_SCHEMA: "leads to what is not a schema",
    }
    for (file, description), reason in EXCLUDED.items():
        for group in groups("draft2020-12", file) if reason in told else ():
            if group.description == description:
                with pytest.raises(DeclarationError, match=rf"/value/\$?\w+: .*{re.escape(told[reason])}"):
                    declared(group.schema, "payload", folder)


def test_every_exclusion_is_of_the_suite() -> None:
    """A group that is no more would be excluded for ever."""
    known = {(file, group.description) for draft in DRAFTS for file in files(draft) for group in groups(draft, file)}
    assert EXCLUDED.keys() <= known


def wrong(group: Group, folder: Path) -> Iterator[str]:
    """What the runtime says otherwise."""
    for place in PLACES:
        try:
            found = declared(group.schema, place, folder)
        except DeclarationError as exc:
            if "keep a copy there" not in str(exc):
                yield f"{group.description}, {place}: {exc}"
                continue
            found = declared(json.loads(json.dumps(group.schema).replace(HOST, "")), place, folder)
        queue = Queue.admit(unique("case"), found.structure() if place == "payload" else found)
        for test in group.tests:
            problem = queue.problem({"value": test["data"]})
            if (problem is None) is not test["valid"]:
                yield f"{group.description}, {place}: {test['description']}: {problem}"


def declared(schema: Any, place: str, folder: Path) -> QueueDeclaration:
    """A queue whose messages have one property, of this schema."""
    if place == "sibling":
        (folder / "case.json").write_text(json.dumps(schema), "utf-8")
    values = {"payload": schema, "file": {"$ref": "#/$defs/Case"}, "sibling": {"$ref": "case.json"}}
    payload = {"type": "object", "properties": {"value": values[place]}, "required": ["value"]}
    document = {
        "queues": [{"name": "a_case", "payload": payload}],
        "$defs": {"Case": schema} if place == "file" else {},
    }
    return parse(json.dumps(document), str(folder / "declared.json"), Siblings(folder)).queues[0]
