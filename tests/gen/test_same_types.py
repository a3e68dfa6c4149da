"""
A schema gives the same types wherever what it refers to stands.

That is among the definitions of the file, in files beside it, among definitions of the payload's own, or in the very
place of each reference. The first two give the same classes; in the others the classes belong to the declaration, and
their names begin with its name.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, unquote

import pytest
from catalogues import CATALOGUES, part
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import SCALARS, composed

from microagent.errors import DeclarationError
from microagent.schemas.siblings import Siblings
from microagent.sources.parsing import parse
from microagent_gen.classes import NameConflict
from microagent_gen.model import QueueModel, contract
from microagent_gen.records import Record

SHARED = "#/$defs/"
LARGEST = 100_000  # characters of a payload whose references are written out
SAMPLE = 10  # payloads of a catalogue that are looked at

_LITERAL = re.compile(r"_t\.Literal\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*\]")
Document = Mapping[str, Any]


# -- the four forms of a document


def in_files(document: Document, folder: Path) -> Document:
    """Each definition in a file of its own, and the document that refers to these."""

    def refer(reference: str) -> Any:
        return {"$ref": f"{quote(name_of(reference))}.json"}

    for name, schema in document["$defs"].items():
        (folder / f"{name}.json").write_text(json.dumps(replaced(schema, refer)), "utf-8")
    return changed(document, lambda payload: replaced(payload, refer))


def of_payloads(document: Document) -> Document:
    """What each payload needs, among definitions of its own."""
    needed = {each["name"]: part(document, [each["name"]])["$defs"] for each in document["queues"]}
    return {
        "queues": [
            {**each, "payload": {**each["payload"], "$defs": needed[each["name"]]}} for each in document["queues"]
        ]
    }


def in_place(document: Document) -> Document:
    """What is referred to in the places of the references."""
    return changed(document, lambda payload: written_out(payload, document["$defs"]))


def changed(document: Document, change: Callable[[Any], Any]) -> Document:
    """Other payloads, and nothing shared."""
    return {"queues": [{**each, "payload": change(each["payload"])} for each in document["queues"]]}


def written_out(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """
    The schema without references.

    :raises RecursionError: if it would have no end, or a very late one
    """
    left = LARGEST

    def expand(reference: str) -> Any:
        nonlocal left
        left -= len(json.dumps(definitions[name_of(reference)]))
        if left < 0:
            raise RecursionError
        return replaced(definitions[name_of(reference)], expand)

    return replaced(schema, expand)


def replaced(found: Any, change: Callable[[str], Any]) -> Any:
    """A schema with something else in the place of each reference; what is said beside it is said of that, too."""
    if isinstance(found, list):
        return [replaced(each, change) for each in found]
    if not isinstance(found, dict):
        return found
    copy = {key: value if is_reference(key, value) else replaced(value, change) for key, value in found.items()}
    if not is_reference("$ref", copy.get("$ref")):
        return copy
    others = {key: value for key, value in copy.items() if key != "$ref"}
    new = change(copy["$ref"])
    if isinstance(new, dict) and not new.keys() & others.keys():
        return {**new, **others}
    return {"allOf": [new], **others}


def is_reference(key: str, value: object) -> bool:
    return key == "$ref" and isinstance(value, str)


def name_of(reference: str) -> str:
    assert reference.startswith(SHARED), reference
    return unquote(reference.removeprefix(SHARED))


# -- what is generated from them


class Types:
    """The classes of a package, by their names, and the queues by theirs."""

    def __init__(self, document: Document, folder: Path | None = None) -> None:
        siblings = Siblings(folder) if folder else None
        declared = parse(json.dumps(document), str((folder or Path()) / "declared here.json"), siblings)
        package = contract(declared.signals, declared.queues, ["declared here.json"])
        self.queues: Mapping[str, QueueModel] = {each.name: each for each in package.queues}
        records = [*package.shared, *(record for each in package.queues for record in each.records)]
        self.records: Mapping[str, Record] = {record.name: record for record in records}

    def texts(self) -> Mapping[str, str]:
        """Every class; whether a name in it has quotes is a matter of order."""
        return {name: repr(record).replace('"', "") for name, record in self.records.items()}

    def texts_of(self, queue: QueueModel) -> Mapping[str, str]:
        """Every class that a queue has and uses, without what tells whose it is."""
        own = re.compile(rf"\b{self.root(queue)}_(?=[A-Z])")
        found: dict[str, str] = {}
        waiting = [queue.message]
        while waiting:
            for each in named(waiting.pop()):
                if each in self.records and each not in found:
                    record = self.records[each]
                    found[each] = repr(record).replace('"', "")
                    waiting += filter(None, [record.alias, *(entry.annotation for entry in record.entries)])
        return {own.sub("", each): own.sub("", text) for each, text in found.items()}

    @staticmethod
    def root(queue: QueueModel) -> str:
        return f"{''.join(map(str.capitalize, queue.name.split('_')))}Message"


@cache
def parsed(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body


def named(annotation: str) -> Iterator[str]:
    """The names in an annotation, those in quotes too."""
    for node in ast.walk(ast.parse(_LITERAL.sub("None", annotation))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from named(node.value)


def structures(*packages: Types) -> list[Mapping[str, Hashable]]:
    """
    What each queue of each package says, whatever its classes are called: equal where the types are the same.

    All classes are taken for equal at first; each round tells apart those that differ in what they refer to.
    """
    classes = [(number, name) for number, each in enumerate(packages) for name in each.records]
    groups: dict[tuple[int, str], int] = dict.fromkeys(classes, 0)
    while True:
        numbers: dict[Hashable, int] = {}
        finer = {}
        for number, name in classes:
            outline = Outline(
                packages[number].records, {each: groups[number, each] for each in packages[number].records}
            )
            finer[number, name] = numbers.setdefault((groups[number, name], outline.of_class(name)), len(numbers))
        if len(numbers) == len(set(groups.values())):
            break
        groups = finer
    found: list[Mapping[str, Hashable]] = []
    for number, each in enumerate(packages):
        outline = Outline(each.records, {name: groups[number, name] for name in each.records})
        found.append({name: outline.of_type(queue.message) for name, queue in each.queues.items()})
    return found


class Outline:
    """What an annotation says, with the groups of the classes that it names; aliases are what they stand for."""

    def __init__(self, records: Mapping[str, Record], groups: Mapping[str, int]) -> None:
        self._records = records
        self._groups = groups
        self._open: list[str] = []

    def of_class(self, name: str) -> Hashable:
        record = self._records[name]
        if record.alias is not None:
            return None
        return tuple((each.name, self.of_type(each.annotation)) for each in record.entries)

    def of_type(self, annotation: str) -> Hashable:
        return self._several(parsed(annotation))

    def _several(self, node: ast.expr) -> Hashable:
        found = frozenset(self._options(node))
        if ("name", "Any") in found:
            return "Any"
        absorbed = {
            type_ for name, type_ in (("str", "str"), ("int", "int"), ("bool", "bool")) if ("name", name) in found
        }
        return frozenset(
            each for each in found if not (isinstance(each, tuple) and each[0] == "value" and each[1] in absorbed)
        )

    def _options(self, node: ast.expr) -> Iterator[Hashable]:
        match node:
            case ast.BinOp(left=left, right=right):
                yield from self._options(left)
                yield from self._options(right)
            case ast.Constant(value=str(text)):
                yield from self._options(parsed(text))
            case ast.Name(id=name) if name in self._records:
                yield from self._named(name)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield "name", name
            case ast.Constant(value=None):
                yield "name", "None"
            case ast.Subscript(value=ast.Attribute(attr="Literal"), slice=inner):
                for each in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                    value = ast.literal_eval(each)
                    yield ("name", "None") if value is None else ("value", type(value).__name__, value)
            case ast.Subscript(value=outer, slice=inner):
                items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                yield (ast.unparse(outer), *map(self._several, items))
            case _:
                raise AssertionError(ast.dump(node))

    def _named(self, name: str) -> Iterator[Hashable]:
        alias = self._records[name].alias
        if alias is None:
            yield "class", self._groups[name]
        elif name in self._open:
            yield "again", self._open.index(name)
        else:
            self._open.append(name)
            yield from self._options(parsed(alias))
            self._open.pop()


# -- real ones


@pytest.fixture(scope="module", params=CATALOGUES)
def catalogue(request: pytest.FixtureRequest) -> Document:
    return CATALOGUES[request.param]()


def test_files_beside_a_catalogue_give_the_same_classes(catalogue: Document, tmp_path: Path) -> None:
    """By the same names and with the same docstrings, as when it holds its definitions itself."""
    if any(map(is_odd, catalogue["$defs"])):
        pytest.skip("its definitions have names that no file should have")
    document = sample(catalogue)
    one, other = Types(document), Types(in_files(document, tmp_path), tmp_path)
    assert one.texts() == other.texts()
    assert [each.message for each in one.queues.values()] == [each.message for each in other.queues.values()]


def test_definitions_of_payloads_give_the_same_classes(catalogue: Document) -> None:
    """With the same docstrings; only their names begin with that of the declaration."""
    document = sample(catalogue)
    shared, own = Types(document), Types(of_payloads(document))
    one, other = structures(shared, own)
    assert one == other
    for name in [] if any(map(is_odd, document["$defs"])) else shared.queues:
        assert shared.texts_of(shared.queues[name]) == own.texts_of(own.queues[name])


def test_what_is_written_in_place_gives_the_same_types(catalogue: Document) -> None:
    """Wherever that comes to an end: the same properties in the same order, required or not, of the same types."""
    document = sample(catalogue, lambda payload: ends(payload, catalogue["$defs"]))
    shared, there = structures(Types(document), Types(in_place(document)))
    assert shared == there
    assert document["queues"]


def sample(catalogue: Document, wanted: Callable[[Any], bool] = lambda payload: True) -> Document:
    """Some of its payloads, from everywhere."""
    names = [each["name"] for each in catalogue["queues"] if wanted(each["payload"])]
    return part(catalogue, names[:: len(names) // SAMPLE + 1])


def is_odd(name: str) -> bool:
    """Whether a name has signs that tell it from others: what stands for them in Python is not always the same."""
    return re.fullmatch(r"[\w.$-]+", name) is None


def ends(schema: Any, definitions: Mapping[str, Any]) -> bool:
    try:
        written_out(schema, definitions)
    except RecursionError:
        return False
    return True


# -- any


NAMES = ["Alpha", "Beta", "Gamma", "Delta"]
TITLES = st.sampled_from(["Alpha", "Inner", "beta gamma"])


def referring(names: list[str]) -> st.SearchStrategy[Any]:
    """Schemas that refer to some of these definitions."""
    leaves = SCALARS | st.sampled_from([*names]).map(lambda name: {"$ref": f"{SHARED}{name}"}) if names else SCALARS
    plain = leaves.filter(lambda schema: "Tree" not in str(schema) and "Wide" not in str(schema))
    titled = st.tuples(TITLES, st.dictionaries(st.sampled_from("abc"), plain, min_size=1, max_size=3)).map(
        lambda found: {"title": found[0], "type": "object", "properties": found[1], "required": sorted(found[1])[:1]}
    )
    return st.recursive(plain | titled, composed, max_leaves=6)


def documents(*, cyclic: bool) -> st.SearchStrategy[Document]:
    """Two queues, and definitions that lead to each other: in circles, or only to later ones."""
    definitions = {name: referring(NAMES if cyclic else NAMES[index + 1 :]) for index, name in enumerate(NAMES)}
    payload = st.dictionaries(st.sampled_from("abc"), referring(NAMES), min_size=1, max_size=3).map(
        lambda found: {"type": "object", "properties": found, "required": sorted(found)[:1]}
    )
    queues = st.tuples(payload, payload).map(
        lambda found: [{"name": name, "payload": each} for name, each in zip(("one", "two"), found, strict=True)]
    )
    return st.fixed_dictionaries({"queues": queues, "$defs": st.fixed_dictionaries(definitions)})


RANDOM = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def taken(document: Document, folder: Path | None = None) -> Types | None:
    """The types; None if they are refused, such as references that lead in a circle."""
    try:
        return Types(document, folder)
    except (DeclarationError, NameConflict):
        return None


def test_definitions_may_stand_anywhere() -> None:
    """Whatever they are, in circles too: in the file, beside it and in payloads they are the same classes."""
    counted = Counter[bool]()

    @RANDOM
    @given(documents(cyclic=True))
    def look(document: Document) -> None:
        shared, own = taken(document), taken(of_payloads(document))
        with TemporaryDirectory() as name:
            beside = taken(in_files(document, Path(name)), Path(name))
        counted[shared is not None] += 1
        if shared is None:
            return  # perhaps for a definition that nobody needs: in a file of its own, nobody reads that
        assert beside is not None, document
        assert own is not None, document
        assert shared.texts() == beside.texts(), document
        for name, queue in shared.queues.items():
            assert shared.texts_of(queue) == own.texts_of(own.queues[name]), document

    look()
    assert counted[True] > counted[False]


def test_references_may_be_written_out() -> None:
    """Whatever they lead to, and wherever: the types are the same."""
    counted = Counter[bool]()

    @RANDOM
    @given(documents(cyclic=False))
    def look(document: Document) -> None:
        shared, there = taken(document), taken(in_place(document))
        counted[shared is not None] += 1
        if shared is None:
            return
        assert there is not None, document
        one, other = structures(shared, there)
        assert one == other, document

    look()
    assert counted[True] > counted[False]


def test_other_types_are_noticed() -> None:
    """Or the tests above could not fail."""
    some = [{"type": "string"}, {"type": ["string", "null"]}, {"enum": ["a"]}, {"items": {"type": "string"}}, {}]
    for index, one in enumerate(some):
        for other in some[index + 1 :]:
            packages = [
                Types({"queues": [{"name": "q", "payload": {"properties": {"a": each}}}]}) for each in (one, other)
            ]
            first, second = structures(*packages)
            assert first != second
