"""Who checks what, as ``--explain`` tells it."""

import pytest
from generating import run, written

DOCUMENT = {
    "signals": [
        {
            "name": "paid",
            "payload": {
                "type": "object",
                "properties": {
                    "order": {"$ref": "#/$defs/Order"},
                    "total": {"type": "number", "minimum": 0, "multipleOf": 0.01},
                    "at": {"type": "string", "format": "date-time", "description": "When."},
                    "note": {"not": {"const": ""}},
                    "code": {"type": "string", "format": "colour"},
                },
                "required": ["order"],
                "if": {"required": ["note"]},
                "then": {"required": ["at"]},
            },
            "returns": {"type": "array", "uniqueItems": True},
        },
        {"name": "both"},
    ],
    "queues": [{"name": "both"}],
    "$defs": {
        "Order": {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[A-Z]"}}},
        "Other": {"type": "null"},
    },
}
DOCUMENT["signals"][1]["providing_args"] = ["x"]


@pytest.fixture
def source(tmp_path):
    return written(tmp_path, "app.json", DOCUMENT)


def explained(source, name):
    """The rows of the tables, by title: place and keyword, whether the type says it, and who checks it."""
    result = run(source, "--explain", name)
    assert (result.exit_code, result.stderr) == (0, "")
    tables = {}
    for line in result.stdout.splitlines():
        if line and not line.startswith(" "):
            rows = tables.setdefault(line, {})
        elif line.split()[:1] not in ([], ["place"]):
            place, keyword, typed, checker = (cell.strip() for cell in line.strip().split("  ") if cell.strip())
            rows[place, keyword] = typed, checker
    return tables


def test_every_keyword_is_told_with_who_checks_it(source):
    """The type checker, msgspec, jsonschema, or nothing."""
    payload = explained(source, "paid")["signal paid, payload:"]
    expected = {
        ("/", 'type: "object"'): ("yes", "msgspec"),
        ("/", "if"): ("-", "jsonschema"),
        ("/", "then"): ("-", "jsonschema"),
        ("/properties/order", '$ref: "#/$defs/Order"'): ("yes", "msgspec"),
        ("/properties/total", "minimum: 0"): ("-", "msgspec"),
        ("/properties/total", "multipleOf: 0.01"): ("-", "jsonschema"),
        ("/properties/at", 'format: "date-time"'): ("-", "nothing, or jsonschema with formats=True"),
        ("/properties/at", 'description: "When."'): ("-", "nothing: it is documentation"),
        ("/properties/code", 'format: "colour"'): ("-", "nothing: it is documentation"),
        ("/properties/note/not", 'const: ""'): ("-", "jsonschema"),
        ("/$defs/Order/properties/id", 'pattern: "^[A-Z]"'): ("-", "msgspec"),
    }
    assert expected.items() <= payload.items()
    assert not any(place.startswith("/$defs/Other") for place, _ in payload)


def test_answers_are_explained_too(source):
    """In a table of their own."""
    returns = explained(source, "paid")["signal paid, returns:"]
    assert returns == {("/", 'type: "array"'): ("yes", "msgspec"), ("/", "uniqueItems: true"): ("-", "jsonschema")}


def test_a_signal_and_a_queue_of_one_name_are_both_explained(source):
    """One after the other."""
    assert list(explained(source, "both")) == ["signal both, payload:", "queue both, payload:"]


def test_an_unknown_name_is_one_sentence_with_a_guess(source):
    """And the command line is wrong: status 2."""
    result = run(source, "--explain", "piad")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: --explain: no signal or queue 'piad' is declared, did you mean 'paid'?"
    )


def test_wrong_sources_are_told_first(tmp_path):
    """Status 1, as when they are generated from."""
    source = written(tmp_path, "app.json", {"queues": [{"name": "a", "payload": {"type": "strnig"}}]})
    result = run(source, "--explain", "a")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'strnig'" in result.stderr


@pytest.mark.parametrize("more", [["-o", "out"], ["--check"], ["--watch"], ["--lock", "a.lock"]])
def test_explaining_stands_alone(source, more):
    """It writes nothing, so nothing can be written or checked beside it."""
    result = run(source, "--explain", "paid", *more)
    assert result.exit_code == 2
    assert "--explain cannot be combined" in result.stderr


@pytest.mark.parametrize("payload", [{"allOf": [{"$ref": "#/$defs/Base"}]}, {"$ref": "#/$defs/Base"}])
def test_what_a_payload_is_put_together_from_is_in_its_type(tmp_path, payload):
    """``allOf`` and ``$ref`` as the first words of a payload are told as they are anywhere else in it."""
    base = {"properties": {"id": {"type": "string"}}, "required": ["id"]}
    source = written(tmp_path, "app.json", {"queues": [{"name": "a", "payload": payload}], "$defs": {"Base": base}})
    rows = [line.split() for line in run(source, "--explain", "a").stdout.splitlines()]
    assert {row[3] for row in rows if row[1:2] == ["$ref:"]} == {"yes"}
    assert {row[-2] for row in rows if row[1:2] == ["allOf:"]} <= {"yes"}
