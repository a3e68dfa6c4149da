"""Documents of the usual form are recognised, and only such that the published schema accepts."""

import json
from itertools import product

import pytest
from jsonschema import Draft202012Validator

from microagent.schemas.declarationformat import format_text
from microagent.schemas.plainformat import is_plain

VALUES = [
    None, True, 1, 1.5, "", "a", "string", "strng", [], {}, ["a"], ["a", "a"], [""], [1], ["string", "null"],
    ["string", "string"], ["strng"], {"a": "string"}, {"a": "strng"}, {"a": ["string"]}, {"a": []}, {"a": {}},
    {"a": ["string", "string"]}, {"a": 1}, [{}], [{"name": "a"}], [{"name": 1}],
]  # fmt: skip
SIGNAL = {"name": "a", "providing_args": ["a"]}
QUEUE = {"name": "a", "exchange": "e"}
KEYS = {
    "signals": ["name", "providing_args", "payload", "returns", "description", "deprecated", "x-own", "exchange"],
    "queues": ["name", "payload", "exchange", "topics", "quorum", "deprecated", "x-own", "returns"],
    "": ["$schema", "description", "signals", "queues", "$defs", "x-own"],
}
DOCUMENTS = [
    {key: value} if not kind else {kind: [{**(SIGNAL if kind == "signals" else QUEUE), key: value}]}
    for kind in KEYS
    for key, value in product(KEYS[kind], VALUES)
]


def is_accepted(document: object) -> bool:
    errors = Draft202012Validator(json.loads(format_text())).iter_errors(document)
    return all(error.validator in {"pattern", "not", "const"} for error in errors)


def test_what_is_plain_is_accepted():
    """No document that the published schema refuses is taken for a plain one; all the others are plain."""
    assert [document for document in DOCUMENTS if is_plain(document) != is_accepted(document)] == []


@pytest.mark.parametrize(
    "document",
    [
        {"signals": [{"name": "a"}]},
        {"signals": [{"providing_args": []}]},
        {"queues": [{"name": "a", "topics": ["t"]}]},
        {"queues": [{}]},
        [],
        None,
    ],
)
def test_what_lacks_something_is_not_plain(document):
    """A name, arguments or a payload, the exchange of topics: where one is missing, the schema is asked."""
    assert not is_plain(document)
    assert not is_accepted(document)


def test_names_and_version_are_not_looked_at():
    """What other checks say more about is none of this one's business."""
    assert is_plain({"version": 3, "signals": [{"name": "No name!", "payload": {"properties": {"self": {}}}}]})
