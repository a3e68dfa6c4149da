"""The classes of a package: which there are, how they are called, and what several declarations share."""

import ast
import json

import pytest
from generating import contents, run, written

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
        written(source.parent / "shared", name, content)
    result = run(source, "-o", tmp_path / f"out{number}")
    assert result.exit_code == 0, result.output
    return classes(tmp_path / f"out{number}")


def test_the_same_schema_gives_the_same_classes_wherever_it_stands(tmp_path):
    """In its place, among the definitions of the file, or in files beside it."""
    inline = {"queues": [{"name": name, "payload": order(CUSTOMER)} for name in ("orders", "refunds")]}
    by_reference = {**CUSTOMER, "properties": {name: {"$ref": "#/$defs/Address"} for name in ("home", "work")}}
    shared = {
        "queues": [{"name": name, "payload": order({"$ref": "#/$defs/Customer"})} for name in ("orders", "refunds")],
        "$defs": {"Customer": by_reference, "Address": ADDRESS},
    }
    beside = {
        "queues": [{"name": name, "payload": order({"$ref": "shared/customer.json"})} for name in ("orders", "refunds")]
    }
    customer = {**CUSTOMER, "properties": {name: {"$ref": "address.json"} for name in ("home", "work")}}
    found = generated(tmp_path, inline)
    assert found.keys() == {"Address", "AddressGeo", "Customer", "OrdersMessage", "RefundsMessage"}
    assert generated(tmp_path, shared) == found
    assert generated(tmp_path, beside, ("customer.json", customer), ("address.json", ADDRESS)) == found


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
    assert generated(tmp_path, document).keys() == {"AMessage", "AMessageTwo", "BMessage", "Thing"}


def test_different_things_of_one_title_are_told_apart(tmp_path):
    """Who is declared first has the name; the other's begins with its declaration's."""
    other = {"title": "Address", "properties": {"url": {"type": "string"}}}
    document = {
        "queues": [
            {"name": "z", "payload": order(ADDRESS)},
            {"name": "a", "payload": order(other)},
            {"name": "b", "payload": order(other)},
        ]
    }
    found = generated(tmp_path, document)
    assert found.keys() == {"ZMessage", "AMessage", "BMessage", "Address", "AddressGeo", "AMessageAddress"}
    assert "customer: NotRequired[AMessageAddress]" in found["BMessage"].replace("_t.", "")


def test_equal_outsides_with_different_insides_are_different(tmp_path):
    """Two of one title that differ in what they lead to, however far away, are two classes."""

    def chain(end):
        found = {"title": "End", "properties": {"end": {"type": end}}}
        for name in ("C", "B", "A"):
            found = {"title": name, "properties": {"next": found}}
        return found

    document = {
        "queues": [{"name": name, "payload": order(chain(end))} for name, end in (("p", "string"), ("q", "null"))]
    }
    found = generated(tmp_path, document)
    assert {"A", "B", "C", "End", "QMessageA", "QMessageB", "QMessageC", "QMessageEnd"} < found.keys()


def test_another_declaration_or_property_changes_no_class(tmp_path):
    """Whatever it is called, as long as it brings no other thing of the same title before."""
    first = {"name": "orders", "payload": order(CUSTOMER)}
    other = {"title": "Address", "properties": {"url": {"type": "string"}}}
    before = generated(tmp_path, {"queues": [first]})
    for further in (
        {"name": "a", "payload": order(CUSTOMER)},
        {"name": "z", "payload": order(other)},
        {"name": "address"},
    ):
        after = generated(tmp_path, {"queues": [first, further]})
        assert before.items() <= after.items()
    more = {**first, "payload": {"properties": {"customer": CUSTOMER, "more": {"properties": {"x": {}}}}}}
    after = generated(tmp_path, {"queues": [more]})
    assert {**before, "OrdersMessage": ""}.items() <= {**after, "OrdersMessage": ""}.items()


@pytest.mark.parametrize("where", ["declaration", "payload"])
def test_a_declaration_may_choose_its_class_name(tmp_path, where):
    """All that is called after it follows."""
    payload = {"properties": {"meta": {"properties": {"x": {}}}}}
    signal = {"name": "sent", "payload": payload, "returns": {"properties": {"y": {}}}}
    (signal if where == "declaration" else payload)["class_name"] = "Letter"
    found = generated(tmp_path, {"signals": [signal, {"name": "letter", "payload": {"properties": {"z": {}}}}]})
    assert found.keys() == {"Letter", "LetterMeta", "LetterResult", "Letter_"}


def test_a_schema_may_choose_its_class_name(tmp_path):
    """Before any title has it."""
    chosen = {"class_name": "Address", "title": "x", "properties": {"a": {"properties": {"b": {}}}}}
    found = generated(tmp_path, {"queues": [{"name": "a", "payload": {"properties": {"one": ADDRESS, "two": chosen}}}]})
    assert found.keys() == {"AMessage", "Address", "AddressA", "AMessageAddress", "AddressGeo"}
    assert "a: _t.NotRequired[AddressA]" in found["Address"]


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
    assert found.keys() == {"AMessage", "BMessage", "Back", "BMessageBack"}


def test_names_do_not_depend_on_the_order_of_sources(tmp_path):
    """Files are read in the order of their names, whatever the command line says."""
    other = {"title": "Address", "properties": {"url": {"type": "string"}}}
    one = written(tmp_path, "one.json", {"queues": [{"name": "z", "payload": order(ADDRESS)}]})
    two = written(tmp_path, "two.json", {"queues": [{"name": "a", "payload": order(other)}]})
    run(one, two, "-o", tmp_path / "first")
    run(two, one, "-o", tmp_path / "second")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert "street" in classes(tmp_path / "first")["Address"]
    assert json.dumps(sorted(classes(tmp_path / "first")))
