"""References of a source to the files beside it."""

from generating import contents, imported, run, unique, written


def queue(reference):
    return {"name": unique("queue"), "payload": {"properties": {"size": {"$ref": reference}}}}


def test_files_that_are_referred_to_are_no_sources(tmp_path):
    """They stand in the folder, declare nothing, and are not told to be left aside; others are."""
    written(
        tmp_path / "schemas", "queues.json", {"queues": [queue("size.json"), queue("deep/size.json#/definitions/Size")]}
    )
    written(tmp_path / "schemas", "size.json", {"type": "integer"})
    written(tmp_path / "schemas", "other.json", {"type": "integer"})
    written(tmp_path / "schemas/deep", "size.json", {"definitions": {"Size": {"type": "integer"}}})
    result = run(tmp_path / "schemas", "-o", tmp_path / unique("out"))
    assert result.exit_code == 0, result.output
    assert "/other.json: skipped" in result.output
    assert "size.json" not in result.output


def test_what_is_generated_says_the_same_where_the_files_are_not(tmp_path):
    """A declaration takes along what it refers to: the package needs none of the files."""
    declared = queue("size.json")
    written(tmp_path / "schemas", "queues.json", {"queues": [declared]})
    written(tmp_path / "schemas", "size.json", {"type": "integer", "minimum": 3})
    out = tmp_path / unique("out")
    assert run(tmp_path / "schemas", "-o", out).exit_code == 0
    (tmp_path / "schemas/size.json").unlink()
    with imported(out) as package:
        made = getattr(package.queues, declared["name"])
        assert made.problem({"size": 3}) is None
        assert made.problem({"size": 2}) == "$.size: does not fit minimum: 3"


def test_problems_of_other_files_are_told_there(tmp_path):
    """With file, line, column and pointer, once for all that refer to it; nothing is written."""
    written(tmp_path / "schemas", "a.json", {"queues": [queue("size.json"), queue("size.json")]})
    (tmp_path / "schemas/size.json").write_text('{\n "items": {"$ref": "nothing.json"},\n "type": "text"}')
    result = run(tmp_path / "schemas", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{tmp_path}/schemas/size.json:3:10 /type: unknown type 'text'",
    ]
    assert not (tmp_path / "out").exists()


def test_the_order_of_files_does_not_matter(tmp_path):
    """Nor does what else is declared: a definition has its name from where it stands."""
    first, second = queue("size.json"), queue("deep/size.json")
    written(tmp_path / "schemas", "size.json", {"type": "object", "properties": {"a": {"type": "integer"}}})
    written(tmp_path / "schemas/deep", "size.json", {"type": "object", "properties": {"b": {"type": "integer"}}})
    alone, both = tmp_path / unique("out"), tmp_path / unique("out")
    one = written(tmp_path / "schemas", "b.json", {"queues": [second]})
    assert run(one, "-o", alone).exit_code == 0
    assert run(one, written(tmp_path / "schemas", "a.json", {"queues": [first]}), "-o", both).exit_code == 0
    (declared,) = declarations(alone)
    assert declared in declarations(both)


def declarations(package):
    lines = contents(package)["queues.py"].decode().splitlines()
    return [line.strip() for line in lines if "declared=" in line]
