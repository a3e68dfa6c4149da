"""The classes of a package: which there are, how they are called, and what several declarations share."""

import ast

import pytest
from generating import contents, run, written

THING, OTHER = {"properties": {"x": {}}}, {"properties": {"y": {}}}
ADDRESS = {
    "title": "Address",
    "type": "object",
    "properties": {"street": {"type": "string"}, "geo": {"properties": {"lat": {}}}},
}
CUSTOMER = {
    "title": "Customer",
    "type": "object",
    "properties": {"home": ADDRESS, "work": ADDRESS},
    "required": ["home"],
}


def order(customer):
    return {"type": "object", "properties": {"customer": customer}}


def classes(folder):
    """Every class of a package, with its text, whichever module it is in."""
    found = {}
    for name, source in contents(folder).items():
        for node in ast.parse(source).body if name.endswith(".py") else ():
            if isinstance(node, ast.ClassDef) and "TypedDict" in ast.dump(node):
                found[node.name] = ast.unparse(node)
    return found


def generated(tmp_path, document, *siblings):
    """The classes that are generated from a document and those beside it."""
    number = len(list(tmp_path.iterdir()))
    source = written(tmp_path / f"case{number}", "app.json", document)
    for name, content in siblings:
        written(source.parent, name, content)
    result = run(source, "-o", tmp_path / f"out{number}")
    assert result.exit_code == 0, result.output
    return classes(tmp_path / f"out{number}")


def test_the_same_schema_gives_the_same_classes_wherever_it_stands(tmp_path):
    """Among the definitions of the file, or in files beside it."""
    by_reference = {**CUSTOMER, "properties": {name: {"$ref": "#/$defs/Address"} for name in ("home", "work")}}
    shared = {
        "queues": [{"name": name, "payload": order({"$ref": "#/$defs/Customer"})} for name in ("orders", "refunds")],
        "$defs": {"Customer": by_reference, "Address": ADDRESS},
    }
    found = generated(tmp_path, shared)
    assert found.keys() == {"Address", "Address_Geo", "Customer", "OrdersMessage", "RefundsMessage"}
    beside = [{"name": name, "payload": order({"$ref": "customer.json"})} for name in ("orders", "refunds")]
    customer = {**CUSTOMER, "properties": {name: {"$ref": "address.json"} for name in ("home", "work")}}
    siblings = ("customer.json", customer), ("address.json", ADDRESS)
    assert generated(tmp_path, {"queues": beside}, *siblings) == found


def test_what_a_declaration_has_for_itself_is_called_after_it(tmp_path):
    """In its place, or among definitions of its own: the same classes but for what their names begin with."""
    inline = {"queues": [{"name": "orders", "payload": order(CUSTOMER)}]}
    by_reference = {**CUSTOMER, "properties": {name: {"$ref": "#/$defs/Address"} for name in ("home", "work")}}
    own = {**order({"$ref": "#/$defs/Customer"}), "$defs": {"Customer": by_reference, "Address": ADDRESS}}
    found = generated(tmp_path, inline)
    assert found.keys() == {"OrdersMessage", *(f"OrdersMessage_{name}" for name in ("Customer", "Address", "Geo"))} - {
        "OrdersMessage_Geo"
    } | {"OrdersMessage_Address_Geo"}
    assert generated(tmp_path, {"queues": [{"name": "orders", "payload": own}]}) == found
    shared = {"queues": [{"name": "orders", "payload": order({"$ref": "#/$defs/Customer"})}], "$defs": own["$defs"]}
    found = {name: text.replace("OrdersMessage_", "") for name, text in found.items()}
    assert generated(tmp_path, shared) == {name.removeprefix("OrdersMessage_"): text for name, text in found.items()}


def test_a_part_of_a_file_that_is_a_schema_is_called_after_both(tmp_path):
    """And after its folders: files of others have all the same inner names."""
    parts = {"definitions": {"status": OTHER, "kind": {"title": "Odd", **OTHER}}}
    beside = {**ADDRESS, **parts, "properties": {"status": {"$ref": "#/definitions/status"}}}
    other = {"properties": {"status": {"$ref": "#/definitions/status"}}, "definitions": {"status": THING}}
    payload = {name: {"$ref": f"shared/{name}.json"} for name in ("one", "other")}
    payload["kind"] = {"$ref": "shared/one.json#/definitions/kind"}
    document = {"queues": [{"name": "a", "payload": {"properties": payload}}]}
    found = generated(tmp_path, document, ("shared/one.json", beside), ("shared/other.json", other))
    assert found.keys() == {"AMessage"} | {
        f"Shared_{name}" for name in ("One", "One_Status", "One_Kind", "Other", "Other_Status")
    }


def test_files_are_called_by_all_but_their_format(tmp_path):
    """Versions of a file that stand side by side are different classes."""
    files = {"order.v1.json": THING, "order.v2.schema.json": OTHER, "line.schema.json": {"properties": {"z": {}}}}
    payload = {"properties": {f"of_{number}": {"$ref": name} for number, name in enumerate(files)}}
    found = generated(tmp_path, {"queues": [{"name": "a", "payload": payload}]}, *files.items())
    assert found.keys() == {"AMessage", "OrderV1", "OrderV2", "Line"}


def test_what_is_in_a_definition_is_called_after_it(tmp_path):
    """Whether the file has the definition or the payload; a title says where in it, and a definition in it its name."""
    inner = {
        "$defs": {"Part": OTHER},
        "properties": {"a": {"title": "Titled", **THING}, "b": {"$ref": "#/$defs/X/$defs/Part"}},
    }
    payload = {"properties": {"x": {"$ref": "#/$defs/X"}}}
    shared = {"queues": [{"name": "q", "payload": payload}], "$defs": {"X": inner}}
    assert generated(tmp_path, shared).keys() == {"QMessage", "X", "X_Titled", "X_Part"}
    own = {"queues": [{"name": "q", "payload": {**payload, "$defs": {"X": inner}}}]}
    assert generated(tmp_path, own).keys() == {"QMessage", "QMessage_X", "QMessage_X_Titled", "QMessage_X_Part"}


def test_what_has_no_title_is_called_by_its_definition_or_its_place(tmp_path):
    """A definition is one class for all who refer to it; what stands in a payload is called after that."""
    inner = {"properties": {"x": {}}}
    document = {
        "queues": [
            {"name": "a", "payload": {"properties": {"one": {"$ref": "#/$defs/thing"}, "two": inner}}},
            {"name": "b", "payload": {"properties": {"one": {"$ref": "#/$defs/thing"}}}},
        ],
        "$defs": {"thing": inner},
    }
    assert generated(tmp_path, document).keys() == {"AMessage", "AMessage_Two", "BMessage", "Thing"}


def test_different_things_of_one_title_are_told_apart(tmp_path):
    """By their declarations; within one by their places, except for the first one."""
    other = {"title": "Address", "properties": {"url": {"type": "string"}}}
    document = {
        "queues": [
            {"name": "z", "payload": order(ADDRESS)},
            {"name": "a", "payload": {"properties": {"home": other, "work": ADDRESS}}},
        ]
    }
    found = generated(tmp_path, document)
    theirs = {"AMessage_Address", "AMessage_Work", "AMessage_Address_Geo"}
    assert found.keys() == {"ZMessage", "ZMessage_Address", "ZMessage_Address_Geo", "AMessage", *theirs}
    assert "work: NotRequired[AMessage_Work]" in found["AMessage"].replace("_t.", "")


def test_equal_outsides_with_different_insides_are_different(tmp_path):
    """Two of one title that differ in what they lead to, however far away, are two classes."""

    def chain(end, *names):
        found = {"title": "End", "properties": {"end": {"type": end}}}
        for name in names:
            found = {"title": name, "properties": {"next": found}}
        return found

    payload = {"properties": {end: chain(end, "B", "A") for end in ("string", "null")}}
    found = generated(tmp_path, {"queues": [{"name": "p", "payload": payload}]})
    firsts = {f"PMessage_{name}" for name in ("A", "B", "End")}
    assert found.keys() == {"PMessage", *firsts, "PMessage_Null", "PMessage_A_Next", "PMessage_B_Next"}


@pytest.mark.parametrize("where", ["declaration", "payload"])
def test_a_declaration_may_choose_its_class_name(tmp_path, where):
    """All that is called after it follows."""
    payload = {"properties": {"meta": {"properties": {"x": {}}}}}
    signal = {"name": "sent", "payload": payload, "returns": {"properties": {"y": {}}}}
    (signal if where == "declaration" else payload)["class_name"] = "Letter"
    found = generated(tmp_path, {"signals": [signal, {"name": "sheet", "payload": {"properties": {"z": {}}}}]})
    assert found.keys() == {"Letter", "Letter_Meta", "Letter_Result", "Sheet"}


def test_a_schema_may_choose_its_class_name(tmp_path):
    """It and all that is in it are then called so, and are one class for all declarations that have it."""
    chosen = {"class_name": "Address", "title": "x", "properties": {"a": {"properties": {"b": {}}}}}
    payload = {"properties": {"one": ADDRESS, "two": chosen}}
    found = generated(tmp_path, {"queues": [{"name": name, "payload": payload} for name in ("a", "b")]})
    own = {f"{name}Message{part}" for name in "AB" for part in ("", "_Address", "_Address_Geo")}
    assert found.keys() == {"Address", "Address_A", *own}
    assert "a: _t.NotRequired[Address_A]" in found["Address"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            {"signals": [{"name": "letter", "providing_args": []}]},
            {"queues": [{"name": "sent", "class_name": "Letter", "payload": THING}]},
            "queue 'sent' and signal 'letter' would both be the class Letter",
        ),
        (
            {"queues": [{"name": "a", "payload": order({"$ref": "#/$defs/Thing"})}], "$defs": {"Thing": THING}},
            {"queues": [{"name": "b", "payload": order({"$ref": "#/$defs/thing"})}], "$defs": {"thing": OTHER}},
            "definition 'thing' in queue 'b' and definition 'Thing' in queue 'a' would both be the class Thing",
        ),
        (
            {"queues": [{"name": "a", "payload": order({**THING, "class_name": "Thing"})}]},
            {"queues": [{"name": "b", "payload": order({**OTHER, "class_name": "Thing"})}]},
            "\"class_name\" 'Thing' in queue 'b' and \"class_name\" 'Thing' in queue 'a' would both be the class Thing",
        ),
    ],
    ids=["declarations", "definitions", "class names"],
)
def test_what_people_called_alike_is_theirs_to_tell_apart(first, second, said, tmp_path):
    """For whoever of them got another name would change it when the other one comes."""
    for name, document in (("one.json", first), ("two.json", second)):
        written(tmp_path / "schemas", name, document)
    result = run(tmp_path / "schemas", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert said + ': give one of them a "class_name"' in result.output
    assert "two.json:1:" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["no class", "lower", 1, "Agent", "KeyError"])
def test_a_class_name_that_cannot_be_one_is_told(name, tmp_path):
    """With its place, wherever it is said."""
    document = {"queues": [{"name": "a", "payload": order({**THING, "class_name": name})}]}
    result = run(written(tmp_path, "app.json", document), "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "/queues/0/payload/properties/customer/class_name: " in result.output
    assert "class" in result.output.partition("class_name: ")[2]


def test_a_definition_that_is_a_payload_too_is_one_class(tmp_path):
    """Where both have the same name."""
    signal = {"name": "user_created", "payload": {"$ref": "#/$defs/UserCreated"}}
    queue = {"name": "seen", "payload": order({"$ref": "#/$defs/UserCreated"})}
    document = {"signals": [signal], "queues": [queue], "$defs": {"UserCreated": CUSTOMER}}
    found = generated(tmp_path, document)
    assert found.keys() == {"SeenMessage", "UserCreated", "UserCreated_Address", "UserCreated_Address_Geo"}


def test_recursion_through_two_declarations_is_shared(tmp_path):
    """Things that lead to each other are one class each, for all declarations."""
    definitions = {
        "Folder": {"type": "object", "properties": {"files": {"type": "array", "items": {"$ref": "#/$defs/File"}}}},
        "File": {"type": "object", "properties": {"within": {"$ref": "#/$defs/Folder"}}},
    }
    queues = [{"name": name, "payload": order({"$ref": f"#/$defs/{name.title()}"})} for name in ("file", "folder")]
    found = generated(tmp_path, {"queues": queues, "$defs": definitions})
    assert found.keys() == {"FileMessage", "FolderMessage", "File", "Folder"}


def test_a_class_that_leads_to_its_payload_belongs_to_it(tmp_path):
    """It cannot be shared, whatever its title."""
    back = {"title": "Back", "type": "object", "properties": {"top": {"$ref": "#"}}}
    document = {
        "queues": [
            {"name": name, "payload": {"properties": {"back": back, "own": {"type": t}}}}
            for name, t in (("a", "null"), ("b", "string"))
        ]
    }
    found = generated(tmp_path, document)
    assert found.keys() == {"AMessage", "BMessage", "AMessage_Back", "BMessage_Back"}


def test_names_do_not_depend_on_the_order_of_sources(tmp_path):
    """The command line may name files in any order."""
    other = {"title": "Address", "properties": {"url": {"type": "string"}}}
    one = written(tmp_path, "one.json", {"queues": [{"name": "z", "payload": order(ADDRESS)}]})
    two = written(tmp_path, "two.json", {"queues": [{"name": "a", "payload": order(other)}]})
    run(one, two, "-o", tmp_path / "first")
    run(two, one, "-o", tmp_path / "second")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert "street" in classes(tmp_path / "first")["ZMessage_Address"]
