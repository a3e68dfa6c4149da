"""``--asyncapi``: a document for everybody else, and documents of everybody else as sources."""

import json
from pathlib import Path

import pytest
from generating import contents, run, written
from official import faults

DOCUMENT = {
    "signals": [
        {"name": "user_created", "providing_args": {"user_id": "integer"}, "description": "Somebody has signed up."},
        {"name": "user_count", "providing_args": [], "returns": "integer"},
    ],
    "queues": [{"name": "mailer", "payload": {"$ref": "#/$defs/Mail"}, "description": "To be sent: schön."}],
    "$defs": {"Mail": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
}
THEIRS = {
    "asyncapi": "3.0.0",
    "info": {"title": "Theirs", "version": "1"},
    "servers": {"main": {"host": "example.org", "protocol": "mqtt"}},
    "channels": {"userSignedUp": {"address": "user/signedup", "messages": {"m": {"payload": {"type": "object"}}}}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    written(tmp_path / "schemas", "shop.json", DOCUMENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_document_is_written(project: Path) -> None:
    """Alone, without a package; a second run changes nothing, and what is written is valid."""
    result = run("schemas", "--asyncapi", "docs/asyncapi.json")
    assert (result.stdout, result.stderr) == ("docs/asyncapi.json: 2 signals, 1 queue, 1 file written\n", "")
    found = json.loads(Path("docs/asyncapi.json").read_text("utf-8"))
    assert faults(found) == []
    assert found["info"]["title"] == "Signals and queues"
    assert "schön" in Path("docs/asyncapi.json").read_text("utf-8")
    assert run("schemas", "--asyncapi", "docs/asyncapi.json").stdout.endswith(", unchanged\n")


def test_the_title_is_the_name_of_the_project(project: Path) -> None:
    """The nearest one that has a name; a pyproject.toml that cannot be read is nobody's concern here."""
    Path("pyproject.toml").write_text('[project]\nname = "shop"\n')
    (project / "below").mkdir()
    (project / "below" / "pyproject.toml").write_text("[")
    assert json.loads(run("schemas", "--asyncapi", "-").stdout)["info"]["title"] == "shop"


def test_a_package_of_our_document_is_the_package_of_its_source(project: Path) -> None:
    """Nothing gets lost on the way, what is said to people included; only the name of the source differs."""
    assert run("schemas", "-o", "contracts", "--asyncapi", "asyncapi.json").exit_code == 0
    result = run("asyncapi.json", "-o", "again")
    assert (result.stdout, result.stderr) == ("again: 2 signals, 1 queue, 4 files written\n", "")
    first, second = (
        {name: text.replace(b"asyncapi.json", b"shop.json") for name, text in contents(Path(folder)).items()}
        for folder in ("contracts", "again")
    )
    assert first == second
    result = run("schemas", "asyncapi.json", "-o", "both")  # the same declarations twice
    assert (result.exit_code, result.stderr) == (0, "")


def test_the_document_of_somebody_else_is_a_source(project: Path) -> None:
    """In a folder too; what is left out is told, a line each, and --quiet is quiet."""
    written(project / "schemas", "theirs.json", THEIRS)
    result = run("schemas", "-o", "contracts")
    assert result.stdout == "contracts: 3 signals, 1 queue, 4 files written\n"
    places, notes = zip(*(line.split(" ", 1) for line in result.stderr.splitlines()), strict=True)
    assert all(place.startswith("schemas/theirs.json:1:") for place in places)
    assert list(notes) == [
        "/servers: left out: declarations cannot express it",
        "/channels/userSignedUp: 'userSignedUp' is called user_signed_up here",
        "/channels/userSignedUp/address: left out: the address is {prefix}:user_signed_up:{sender}, "
        "not 'user/signedup'",
    ]
    assert run("schemas", "-o", "contracts", "--quiet").output == ""


def test_check_compares_the_document(project: Path) -> None:
    """As it compares all that is written."""
    run("schemas", "--asyncapi", "asyncapi.json")
    assert run("schemas", "--asyncapi", "asyncapi.json", "--check").exit_code == 0
    written(project / "schemas", "shop.json", {**DOCUMENT, "signals": DOCUMENT["signals"][:1]})
    result = run("schemas", "--asyncapi", "asyncapi.json", "--check")
    assert result.exit_code == 1
    assert '-    "calls.user_count": {\n' in result.stdout
    assert result.stderr == "asyncapi.json is out of date: run microagent-gen again\n"


def test_a_document_that_was_written_by_hand_stays(project: Path) -> None:
    """Only one that says that it was generated is written again."""
    written(project, "theirs.json", THEIRS)
    before = Path("theirs.json").read_bytes()
    result = run("schemas", "--asyncapi", "theirs.json")
    assert (result.exit_code, Path("theirs.json").read_bytes()) == (1, before)
    assert result.stderr == "theirs.json: not written by microagent-gen; move it away, or choose another file\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--asyncapi", "schemas/asyncapi.json"],
        ["--asyncapi", "schemas/shop.json"],
        ["--lock", "schemas/lock.json"],
        ["--json-schema", "schemas"],
    ],
)
def test_what_is_written_is_no_source(arguments: list[str], project: Path) -> None:
    """The next run would read it: a wrong command line, before anything is written."""
    before = contents(project / "schemas")
    result = run("schemas", *arguments)
    assert result.exit_code == 2
    assert f"{arguments[1]} would be one of the sources: choose another folder" in result.stderr
    assert contents(project / "schemas") == before


def test_one_file_holds_one_thing(project: Path) -> None:
    """Also where it is the standard output."""
    for place in ("x.json", "-"):
        result = run("schemas", "--asyncapi", place, "--lock", place)
        assert result.exit_code == 2
        assert f"two outputs would go to {place}" in result.stderr


def test_everything_at_once_by_configuration(project: Path) -> None:
    """Package, lock, document and schemas; a run names each, --check compares each."""
    Path("pyproject.toml").write_text(
        '[tool.microagent-gen]\nsources = "schemas"\noutput = "contracts"\nlock = "contracts.lock"\n'
        'asyncapi = "docs/asyncapi.json"\njson-schema = "docs/schemas"\n'
    )
    assert run().stdout.splitlines() == [
        "contracts: 2 signals, 1 queue, 4 files written",
        "docs/schemas: 2 signals, 1 queue, 4 files written",
        "contracts.lock: 2 signals, 1 queue, 1 file written",
        "docs/asyncapi.json: 2 signals, 1 queue, 1 file written",
    ]
    assert run("--check").stdout.count("up to date") == 4
    for path in ("docs/schemas/signal.user_count.json", "contracts.lock"):
        Path(path).unlink()
    result = run("--check")
    assert result.stderr.splitlines() == [
        f"{place} is out of date: run microagent-gen again" for place in ("docs/schemas", "contracts.lock")
    ]


def test_a_document_without_anything_to_declare_is_told(project: Path) -> None:
    """With the reasons; a package of nothing helps nobody."""
    avro = {"m": {"contentType": "avro/binary"}}
    written(project, "avro.json", {**THEIRS, "channels": {"a": {"messages": avro}}})
    result = run("avro.json", "-o", "contracts")
    assert result.stdout == "contracts: 0 signals, 0 queues, 4 files written\n"
    assert "/channels/a/messages/m/contentType: left out: messages must be JSON, not 'avro/binary'" in result.stderr


def test_an_older_document_is_skipped(project: Path) -> None:
    """As any file of a folder that declares nothing is; alone, it is an error that nothing is declared."""
    written(project / "schemas", "old.json", {"asyncapi": "2.6.0", "info": {}, "channels": {}})
    result = run("schemas", "-o", "contracts")
    skipped = "schemas/old.json: skipped, AsyncAPI '2.6.0' is not supported, only 3: 'asyncapi convert' converts it\n"
    assert (result.exit_code, result.stderr) == (0, skipped)
    result = run("schemas/old.json", "-o", "contracts")
    assert result.exit_code == 1
    assert result.stderr == f"{skipped}the sources declare no signals or queues\n"


def test_yaml_is_told(project: Path) -> None:
    """In one line, with what to do."""
    Path("api.yaml").write_text("asyncapi: 3.0.0\n")
    result = run("api.yaml", "-o", "contracts")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("; YAML is not supported, convert it to JSON, for example with: yq -o json\n")
    assert result.stderr.startswith("api.yaml:1:1: not valid JSON: ")
