"""How a JSON Schema is read: schema by schema, what checks the same value together."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, cast

from microagent.schemas.conjunctions import (
    ALTERNATIVES,
    OF_OBJECTS,
    SHAPING,
    Conjunctions,
    Place,
    Source,
    alternatives,
    is_transparent,
    named_source,
    source,
)
from microagent.schemas.jsonvalues import KINDS, common_kinds, is_of, listed_values, without_fraction
from microagent.schemas.shapes import (
    ROOT,
    Anything,
    Array,
    Called,
    Field,
    Key,
    Known,
    Named,
    Nothing,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Told,
    Tuple,
    Union,
    inside,
    named,
    united,
)
from microagent.schemas.shapes import Mapping as MappingShape
from microagent.schemas.words import ANNOTATIONS, Schema

MOST_OPTIONS = 100
"""Alternatives that a type lists; where several choices multiply to more, some of them are left to the runtime."""

MOST_VALUES = 500
"""Values that a ``Literal`` lists."""

LONGEST_VALUE = 200
"""Characters of a text in a ``Literal``."""

LARGEST_VALUE = 2**63
"""Integers in a ``Literal`` are smaller than this, with either sign: mypy reads no others."""

MOST_NAMED = 20_000
"""Objects and named shapes of one payload; what is beyond is anything."""

DEEPEST = 40
"""Arrays, mappings and alternatives in each other without a name between them."""

_LARGEST_UNNAMED = 8
_SCALARS: dict[str, Scalar] = {
    "string": Scalar("string"),
    "integer": Scalar("integer"),
    "number": Scalar("number"),
    "boolean": Scalar("boolean"),
    "null": Scalar("null"),
}
_TELLING = ANNOTATIONS | {"format"}
_NOTHING_TOLD = Told()
_NO_WORDS: frozenset[str] = frozenset()
_MEANT = {
    "properties": "object",
    "patternProperties": "object",
    "items": "array",
    "prefixItems": "array",
}
"""What a schema without ``type`` is meant for."""


class Reader:
    """
    Reads one schema, or the definitions that several schemas share.

    :ivar known: what was found that has a name
    :ivar said: the keywords that the shapes say, each with the place of its schema; None where nobody asks
    """

    def __init__(
        self, conjunctions: Conjunctions, *, payload: bool = False, notes: bool = False, shared: "Reader | None" = None
    ) -> None:
        """
        :param payload: the schema is a payload
        :param notes: remember what is said
        :param shared: who reads what is among the definitions
        """
        self.payload = payload
        self.known: dict[Key, Known] = {}
        self.said: set[tuple[Place, str]] | None = set() if notes else None
        self._shared = shared
        self._conjunctions = conjunctions
        self._read: dict[Key, Shape] = {}
        self._open: set[Key] = set()
        self._followed: dict[tuple[bool, str], Shape] = {}
        self._recursive: set[Key] = set()
        self._incomplete: dict[Key, list[Source]] = {}

    def whole(self, schema: Schema) -> Shape:
        """The shape of the whole; objects are read one after the other, however deep they are in each other."""
        start = named_source(schema, (False, ()), Called())
        found = self._payload(self._conjunctions.of([start])) if self.payload else self._shape([start], 0)
        self._complete_all()
        if self.payload and ROOT not in self.known and (ROOT in self._recursive or isinstance(found, Union)):
            self.known[ROOT] = Known(found, (Called(),), _told([start]))
            found = Named(ROOT)
        if self._shared:
            self._take_along(self._shared, found)
        return found

    def _complete_all(self) -> None:
        while self._incomplete:
            key = next(iter(self._incomplete))
            self._complete(key, self._incomplete.pop(key))

    def _take_along(self, shared: "Reader", found: Shape) -> None:
        """What the shapes name, as far as it is among the definitions that others share."""
        shared._complete_all()
        waiting = [each for shape in (found, *(known.shape for known in self.known.values())) for each in named(shape)]
        for key in waiting:
            if key not in self.known:
                self.known[key] = shared.known[key]
                waiting += named(shared.known[key].shape)

    def _payload(self, conjunction: list[Source]) -> Shape:
        """The payload itself is an object of its own, called as its declaration, also where it is only a reference."""
        if any(each.schema is False for each in conjunction):
            return Nothing()
        if groups := self._groups(conjunction):
            first = replace(conjunction[0], schema={"type": "object", **conjunction[0].said})
            return self._distributed([first, *conjunction[1:]], groups, 0)
        kinds = common_kinds(each.said for each in conjunction)
        if kinds is not None and "object" not in kinds:
            return Nothing()
        self._say(conjunction, "$ref", "allOf", "type")
        made_of = [each for each in conjunction if OF_OBJECTS & each.said.keys()]
        return self._object(made_of or conjunction, conjunction, 0, key=ROOT)

    # -- conjunctions

    def _shape(self, sources: list[Source], depth: int) -> Shape:
        """What fits all of these schemas."""
        only = sources[0]
        words = only.said.keys() - _TELLING if len(sources) == 1 else _NO_WORDS
        if words == {"type"} and isinstance(kind := only.said["type"], str) and kind in _SCALARS:
            self._say(sources, "type")
            return _SCALARS[kind]
        if words != {"$ref"}:
            return self._conjunction_shape(sources, depth)
        self._say(sources, "$ref")
        reference = (only.place[0], cast("str", only.said["$ref"]))
        if reference not in self._followed:
            found = self._conjunction_shape(sources, depth)
            if isinstance(found, Named) and found.key not in self.known:
                return found
            self._followed[reference] = found
        return self._followed[reference]

    def _conjunction_shape(self, sources: list[Source], depth: int) -> Shape:
        conjunction = self._conjunctions.of(sources)
        self._say(conjunction, "$ref", "allOf")
        visible = _deciding(conjunction)
        key = tuple(each.place for each in visible)
        if self.payload and key == ((False, ()),):
            self._recursive.add(ROOT)
            return Named(ROOT)
        if not visible:
            return self._of(conjunction, depth)
        if self._shared and all(in_file for in_file, _ in key):
            conjunction = [each for each in conjunction if each.place[0] or not is_transparent(each)]
            return self._shared._defined(key, visible, conjunction)
        return self._defined(key, visible, conjunction, depth)

    def _defined(self, key: Key, visible: list[Source], conjunction: list[Source], depth: int = 0) -> Shape:
        """What fits all of these schemas, which is looked at once."""
        if key in self._open:
            self._recursive.add(key)
            return Named(key)
        if key not in self._read:
            self._open.add(key)
            found = self._of(conjunction, depth) if depth < DEEPEST else Anything()
            self._open.remove(key)
            self._read[key] = self._named(key, self._head(visible, conjunction), visible, found)
        return self._read[key]

    def _head(self, parts: list[Source], conjunction: list[Source]) -> Source:
        """What the whole is called after: the first part if it leads to all others, or what brings them together."""
        if len(parts) == 1:
            return parts[0]
        visible = _visible(conjunction) or parts
        reached = {each.place for each in self._conjunctions.of(visible[:1])}
        return visible[0] if all(each.place in reached for each in parts) else conjunction[0]

    def _named(self, key: Key, head: Source, visible: list[Source], found: Shape) -> Shape:
        """The shape by a name of its own, where it is one that is used again, or that comes back to itself."""
        if key in self.known:
            return found
        if key in self._recursive or (head.by_reference and _is_worth_a_name(found)):
            self.known[key] = Known(found, head.ways, _told(visible))
            return Named(key)
        return found

    def _of(self, conjunction: list[Source], depth: int, called: Called | None = None) -> Shape:
        if any(each.schema is False for each in conjunction):
            return Nothing()
        if groups := self._groups(conjunction):
            return self._distributed(conjunction, groups, depth, called)
        return self._plain(conjunction, depth, called)

    def _groups(self, conjunction: list[Source]) -> list[list[Source]]:
        """The alternatives that a type can tell apart: each of them says something, and they are not too many."""
        kinds = common_kinds(each.said for each in conjunction)
        groups = [
            group
            for each in conjunction
            for group in alternatives(each)
            if all(self._says(one, kinds) for one in group)
        ]
        while groups and math.prod(map(len, groups)) > MOST_OPTIONS:
            groups.remove(max(groups, key=len))
        return groups

    def _says(self, option: Source, kinds: tuple[str, ...] | None, depth: int = 0) -> bool:
        """Whether an alternative says more of the type than that it is one of these kinds."""
        if option.schema is False:
            return True
        for each in self._conjunctions.of([option]):
            words = (SHAPING - {"required"}) & each.said.keys()
            if words - {"type"} or ("type" in words and common_kinds([{"type": kinds or KINDS}, each.said]) != kinds):
                return True
            nested = alternatives(each) if depth < DEEPEST else ()
            if any(all(self._says(one, kinds, depth + 1) for one in group) for group in nested):
                return True
        return False

    def _distributed(
        self, conjunction: list[Source], groups: list[list[Source]], depth: int, called: Called | None = None
    ) -> Shape:
        """One shape for each choice of alternatives, together with what is said of all of them."""
        if depth >= DEEPEST:
            return Anything()
        if self.said is not None:
            for in_file, (*above, word, _) in {group[0].place for group in groups}:
                self.said.add(((in_file, tuple(above)), word))
        common = [each.without(*ALTERNATIVES) for each in conjunction]
        if called is None and any(OF_OBJECTS & each.said.keys() for each in common):
            called = Called() if self._is_payload(conjunction) else _visible(conjunction)[0].called
        found: list[Shape] = []
        for options in product(*groups):
            if len(options) == 1 and self._stands_alone(options[0], common):
                found.append(self._shape([options[0]], depth + 1))
                continue
            whole = {each.place: each for each in [*common, *self._conjunctions.of(options)]}
            further = called and called.below(*(step for option in options for step in self._label(option)))
            found.append(self._of([*whole.values()], depth + 1, further))
        return united(found)

    def _stands_alone(self, option: Source, common: list[Source]) -> bool:
        """Whether what is said of all alternatives adds nothing to this one."""
        if _visible(common):
            return False
        kinds = common_kinds(each.said for each in self._conjunctions.of([option]))
        all_kinds = common_kinds(each.said for each in common)
        return all_kinds is None or (
            kinds is not None and common_kinds([{"type": kinds}, {"type": all_kinds}]) == kinds
        )

    def _is_payload(self, conjunction: list[Source]) -> bool:
        return self.payload and conjunction[0].place == (False, ())

    def _label(self, option: Source) -> tuple[str, ...]:
        """How an alternative is called where it is put together with something else."""
        visible = _visible(self._conjunctions.of([option]))
        called = visible[0].called if visible else option.called
        return ("|", called.anchor[-1]) if called.anchor and not called.path else called.path[-2:]

    # -- one schema, or some that are one

    def _plain(self, conjunction: list[Source], depth: int, called: Called | None) -> Shape:
        schemas = [each.said for each in conjunction]
        kinds = common_kinds(schemas)
        self._say(conjunction, "type")
        if (values := listed_values(schemas)) is not None:
            return self._values([value for value in values if _fits(value, kinds)], conjunction)
        if kinds is None:
            kinds = tuple(dict.fromkeys(kind for word, kind in _MEANT.items() if any(word in each for each in schemas)))
            return Anything() if not kinds else united(self._kind(each, conjunction, depth, called) for each in kinds)
        return united(self._kind(each, conjunction, depth, called) for each in kinds)

    def _kind(self, kind: str, conjunction: list[Source], depth: int, called: Called | None) -> Shape:
        if kind == "array":
            return self._array(conjunction, depth)
        if kind == "object":
            made_of = [each for each in conjunction if OF_OBJECTS & each.said.keys()]
            return self._object(made_of, conjunction, depth, called) if made_of else MappingShape(Anything())
        return _SCALARS[kind]

    def _say(self, conjunction: Iterable[Source], *words: str) -> None:
        """Remember that the shape says these words."""
        if self.said is not None:
            self.said.update((each.place, word) for each in conjunction for word in words if word in each.said)

    def _values(self, values: list[object], conjunction: list[Source]) -> Shape:
        shapes = [_value_shape(value) for value in values]
        if len(values) > MOST_VALUES:
            return united(map(_without_values, shapes))
        if all(isinstance(each, OneOfValues) for each in shapes):
            self._say(conjunction, "const", "enum")
        return united(shapes)

    # -- arrays

    def _array(self, conjunction: list[Source], depth: int) -> Shape:
        heads = [each for each in conjunction if "prefixItems" in each.said]
        length = max((len(each.said["prefixItems"]) for each in heads), default=0)
        rest = [
            each.inner(each.said["items"], "items", called=each.called.below("[]"))
            for each in conjunction
            if "items" in each.said
        ]
        items = [self._shape(_at(heads, index) or rest, depth + 1) for index in range(length)]
        if length and _is_exact(conjunction, length):
            self._say(conjunction, "prefixItems", "items")
            return Tuple(tuple(items))
        if length == 0:
            self._say(conjunction, "items")
        if any(each.schema is False for each in rest):
            return Array(united(items))
        return Array(united([*items, self._shape(rest, depth + 1) if rest else Anything()]))

    # -- objects

    def _object(
        self,
        made_of: list[Source],
        conjunction: list[Source],
        depth: int,
        called: Called | None = None,
        key: Key | None = None,
    ) -> Shape:
        if key is None:
            key = tuple(each.place for each in made_of)
        if key in self.known:
            return Named(key)
        if (mapping := self._mapping(made_of, depth, is_payload=key == ROOT)) is not None:
            return mapping
        if len(self.known) >= MOST_NAMED:
            return MappingShape(Anything())
        head = self._head(made_of, conjunction)
        ways = (Called(),) if key == ROOT else (called,) if called and len(made_of) > 1 else head.ways
        self.known[key] = Known(Object(()), ways, _told([head] if key != ROOT else conjunction))
        self._incomplete[key] = made_of
        return Named(key)

    def _mapping(self, made_of: list[Source], depth: int, *, is_payload: bool) -> Shape | None:
        """The shape of an object that names no property; a payload of which nothing is said is no mapping."""
        if any(each.said.get("properties") or each.said.get("required") for each in made_of):
            return None
        extra, closed = self._extra(made_of, depth)
        if extra is None and (closed or is_payload):
            return None
        return MappingShape(Anything() if extra is None else extra)

    def _complete(self, key: Key, made_of: list[Source]) -> None:
        known = self.known[key]
        extra, closed = self._extra(made_of, 0)
        fields = tuple(self._fields(made_of, known.ways[0], extra))
        self._say(made_of, "properties", "required")
        self.known[key] = Known(Object(fields, extra, closed), known.ways, known.told)

    def _fields(self, made_of: list[Source], called: Called, extra: Shape | None) -> Iterator[Field]:
        named: dict[str, list[Source]] = {}
        for each in made_of:
            for name, found in cast("Mapping[str, Schema]", each.said.get("properties", {})).items():
                inner = each.inner(found, "properties", name, called=each.called.below(name))
                named.setdefault(name, []).append(inner)
        required = dict.fromkeys(name for each in made_of for name in cast("list[str]", each.said.get("required", [])))
        for name, sources in named.items():
            if len(sources) > 1:
                sources[0] = source(sources[0].schema, sources[0].place, called.below(name))
            yield Field(name, self._shape(sources, 0), name in required, _told(sources))
        yield from (Field(name, extra or Anything(), True) for name in required if name not in named)

    def _extra(self, made_of: list[Source], depth: int) -> tuple[Shape | None, bool]:
        """The shape of other properties, and whether all are refused."""
        closed = [each for each in made_of if each.said.get("additionalProperties") is False]
        patterns = self._patterns(closed or made_of, depth)
        self._say(made_of, "additionalProperties")
        if closed:
            return (united(patterns) if patterns else None), not patterns
        found = [
            each.inner(each.said["additionalProperties"], "additionalProperties", called=each.called.below("{}"))
            for each in made_of
            if "additionalProperties" in each.said
        ]
        if not found:
            return (Anything() if patterns else None), False
        return united([self._shape(found, depth + 1), *patterns]), False

    def _patterns(self, made_of: list[Source], depth: int) -> list[Shape]:
        return [
            self._shape([each.inner(found, "patternProperties", pattern, called=each.called.below("{}"))], depth + 1)
            for each in made_of
            for pattern, found in cast("Mapping[str, Schema]", each.said.get("patternProperties", {})).items()
        ]


def _visible(conjunction: Iterable[Source]) -> list[Source]:
    """Those that say something themselves."""
    return [each for each in conjunction if not is_transparent(each)]


def _deciding(conjunction: list[Source]) -> list[Source]:
    """Those that say something themselves, also if it is only that there are fewer types than the others have."""
    visible = _visible(conjunction)
    if not visible or len(visible) == len(conjunction):
        return visible
    said = [each.said for each in visible]
    kinds = common_kinds(said)
    return [
        each
        for each in conjunction
        if not is_transparent(each) or ("type" in each.said and common_kinds([*said, each.said]) != kinds)
    ]


def _is_worth_a_name(found: Shape) -> bool:
    """Whether a definition is more than a word or two: objects to choose from, values, anything long."""
    if isinstance(found, OneOfValues):
        return len(found.values) > 1
    options = found.options if isinstance(found, Union) else ()
    return sum(isinstance(option, Named) for option in options) > 1 or _size(found) > _LARGEST_UNNAMED


def _size(found: Shape) -> int:
    own = len(found.values) if isinstance(found, OneOfValues) else 1
    return own + sum(map(_size, inside(found)))


def _at(heads: list[Source], index: int) -> list[Source]:
    """What is said of one place of an array."""
    return [
        each.inner(each.said["prefixItems"][index], "prefixItems", str(index), called=_place_called(each, index))
        for each in heads
        if index < len(each.said["prefixItems"])
    ]


def _place_called(each: Source, index: int) -> Called:
    return each.called.below("[]", str(index + 1))


def _is_exact(conjunction: list[Source], length: int) -> bool:
    """Whether an array must have exactly this length."""
    least = max((each.said["minItems"] for each in conjunction if "minItems" in each.said), default=0)
    most = [each.said["maxItems"] for each in conjunction if "maxItems" in each.said]
    most += [len(each.said.get("prefixItems", ())) for each in conjunction if each.said.get("items") is False]
    return least >= length and min(most, default=length + 1) <= length


def _fits(value: object, kinds: tuple[str, ...] | None) -> bool:
    return kinds is None or any(is_of(value, kind) for kind in kinds)


def _value_shape(value: object) -> Shape:
    """A value that a ``Literal`` can hold, or the type of another one."""
    match without_fraction(value):
        case str() as text if len(text) > LONGEST_VALUE:
            return Scalar("string")
        case int() as number if abs(number) >= LARGEST_VALUE:
            return Scalar("integer")
        case str() | int() | None as plain:
            return OneOfValues((plain,))
        case float():
            return Scalar("number")
        case list():
            return Array(Anything())
        case _:
            return MappingShape(Anything())


def _without_values(found: Shape) -> Shape:
    if not isinstance(found, OneOfValues):
        return found
    match found.values[0]:
        case bool():
            return Scalar("boolean")
        case int():
            return Scalar("integer")
        case str():
            return Scalar("string")
        case None:
            return Scalar("null")


def _told(sources: Iterable[Source]) -> Told:
    """What the schemas tell people; of each thing, what the first one says."""
    said: dict[str, Any] = {}
    for each in sources:
        if not ANNOTATIONS.isdisjoint(each.said):
            said = {**each.said, **said}
    if not said:
        return _NOTHING_TOLD
    examples = said.get("examples", [])
    return Told(
        _text(said.get("title")),
        _text(said.get("description")),
        said.get("deprecated") is True,
        said.get("readOnly") is True,
        said.get("writeOnly") is True,
        json.dumps(said["default"], ensure_ascii=False) if "default" in said else None,
        tuple(json.dumps(each, ensure_ascii=False) for each in cast("list[object]", examples))
        if isinstance(examples, list)
        else (),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
