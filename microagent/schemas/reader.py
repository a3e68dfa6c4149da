"""The reader that turns a JSON Schema into shapes, taking all schemas that check the same value together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import cast

from microagent.schemas.conjunctions import (
    ALTERNATIVES,
    OF_OBJECTS,
    Conjunctions,
    Place,
    Source,
    deciding,
    is_transparent,
    named_source,
    source,
    visible,
)
from microagent.schemas.documentation import documentation_of
from microagent.schemas.jsonvalues import common_kinds, is_of, listed_values
from microagent.schemas.literals import shape_of_values
from microagent.schemas.shapes import (
    ROOT,
    Anything,
    Array,
    Documentation,
    Field,
    Key,
    NamedType,
    Nothing,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Tuple,
    TypeName,
    TypeRef,
    Union,
    inside,
    type_refs,
    united,
)
from microagent.schemas.shapes import Mapping as MappingShape
from microagent.schemas.unions import DEEPEST, distinguishable, label, stands_alone
from microagent.schemas.words import ANNOTATIONS, Schema

MOST_NAMED = 20_000
"""Named types of one payload; objects beyond are mappings of anything."""

_LARGEST_UNNAMED = 8  # scalars and values of a definition that is written out where it is used
_SCALARS: dict[str, Scalar] = {
    "string": Scalar("string"),
    "integer": Scalar("integer"),
    "number": Scalar("number"),
    "boolean": Scalar("boolean"),
    "null": Scalar("null"),
}
_NOT_SHAPING = ANNOTATIONS | {"format"}
_NO_KEYWORDS: frozenset[str] = frozenset()
_IMPLIED_KINDS = {
    "properties": "object",
    "patternProperties": "object",
    "items": "array",
    "prefixItems": "array",
}
"""The kinds that a schema without ``type`` is meant for, by its keywords."""


class Reader:
    """
    Reads one schema, or the definitions that several schemas share.

    A *conjunction* is a list of schemas that check the same value; it becomes one shape. A shape gets a name, and is
    then a named type, if it is an object, if it refers to itself, or if it is a definition that is worth one.

    :ivar named_types: the named types found so far, by the places of their conjunctions
    :ivar typed_keywords: the keywords that the shapes express, with the places of their schemas; None if not asked for
    """

    def __init__(
        self, conjunctions: Conjunctions, *, payload: bool = False, notes: bool = False, shared: "Reader | None" = None
    ) -> None:
        """
        :param payload: whether the schema is a payload
        :param notes: whether to collect ``typed_keywords``
        :param shared: the reader of the definitions, if other readers use it too
        """
        self.payload = payload
        self.named_types: dict[Key, NamedType] = {}
        self.typed_keywords: set[tuple[Place, str]] | None = set() if notes else None
        self._shared = shared
        self._conjunctions = conjunctions
        self._read: dict[Key, Shape] = {}
        self._open: set[Key] = set()
        self._targets: dict[tuple[bool, str], Shape] = {}
        self._recursive: set[Key] = set()
        self._incomplete: dict[Key, list[Source]] = {}

    def whole(self, schema: Schema) -> Shape:
        """The shape of a whole schema. Nested objects are read in a loop, so that their depth is not limited."""
        start = named_source(schema, (False, ()), TypeName())
        found = self._payload(self._conjunctions.of([start])) if self.payload else self._shape([start], 0)
        self._complete_all()
        if self.payload and ROOT not in self.named_types and (ROOT in self._recursive or isinstance(found, Union)):
            self.named_types[ROOT] = NamedType(found, (TypeName(),), _documentation([start]))
            found = TypeRef(ROOT)
        if self._shared:
            self._adopt(self._shared, found)
        return found

    def _complete_all(self) -> None:
        while self._incomplete:
            key = next(iter(self._incomplete))
            self._complete(key, self._incomplete.pop(key))

    def _adopt(self, shared: "Reader", found: Shape) -> None:
        """Add the named types of the shared definitions that the shapes refer to."""
        shared._complete_all()
        waiting = [
            each
            for shape in (found, *(known.shape for known in self.named_types.values()))
            for each in type_refs(shape)
        ]
        for key in waiting:
            if key not in self.named_types:
                self.named_types[key] = shared.named_types[key]
                waiting += type_refs(shared.named_types[key].shape)

    def _payload(self, conjunction: list[Source]) -> Shape:
        """The shape of a payload: an object named after its declaration, even if it is only a ``$ref``."""
        if any(each.schema is False for each in conjunction):
            return Nothing()
        if groups := distinguishable(conjunction, self._conjunctions):
            first = replace(conjunction[0], schema={"type": "object", **conjunction[0].keywords})
            return self._distributed([first, *conjunction[1:]], groups, 0)
        kinds = common_kinds(each.keywords for each in conjunction)
        if kinds is not None and "object" not in kinds:
            return Nothing()
        self._note(conjunction, "$ref", "allOf", "type")
        made_of = [each for each in conjunction if OF_OBJECTS & each.keywords.keys()]
        return self._object(made_of or conjunction, conjunction, 0, key=ROOT)

    # -- conjunctions

    def _shape(self, sources: list[Source], depth: int) -> Shape:
        """The shape of a conjunction; quickly for the most frequent ones, a scalar type or a ``$ref`` alone."""
        only = sources[0]
        words = only.keywords.keys() - _NOT_SHAPING if len(sources) == 1 else _NO_KEYWORDS
        if words == {"type"} and isinstance(kind := only.keywords["type"], str) and kind in _SCALARS:
            self._note(sources, "type")
            return _SCALARS[kind]
        if words != {"$ref"}:
            return self._conjunction_shape(sources, depth)
        self._note(sources, "$ref")
        reference = (only.place[0], cast("str", only.keywords["$ref"]))
        if reference not in self._targets:
            found = self._conjunction_shape(sources, depth)
            if isinstance(found, TypeRef) and found.key not in self.named_types:
                return found
            self._targets[reference] = found
        return self._targets[reference]

    def _conjunction_shape(self, sources: list[Source], depth: int) -> Shape:
        conjunction = self._conjunctions.of(sources)
        self._note(conjunction, "$ref", "allOf")
        parts = deciding(conjunction)
        key = tuple(each.place for each in parts)
        if self.payload and key == ((False, ()),):
            self._recursive.add(ROOT)
            return TypeRef(ROOT)
        if not parts:
            return self._unnamed(conjunction, depth)
        if self._shared and all(in_file for in_file, _ in key):
            conjunction = [each for each in conjunction if each.place[0] or not is_transparent(each)]
            return self._shared._defined(key, parts, conjunction)
        return self._defined(key, parts, conjunction, depth)

    def _defined(self, key: Key, parts: list[Source], conjunction: list[Source], depth: int = 0) -> Shape:
        """The shape of a conjunction that is read once, however often it is referred to."""
        if key in self._open:
            self._recursive.add(key)
            return TypeRef(key)
        if key not in self._read:
            self._open.add(key)
            found = self._unnamed(conjunction, depth) if depth < DEEPEST else Anything()
            self._open.remove(key)
            self._read[key] = self._named(key, self._head(parts, conjunction), parts, found)
        return self._read[key]

    def _head(self, parts: list[Source], conjunction: list[Source]) -> Source:
        """The schema that names the type: the first part if it leads to all others, else the one that combines them."""
        if len(parts) == 1:
            return parts[0]
        found = visible(conjunction) or parts
        reached = {each.place for each in self._conjunctions.of(found[:1])}
        return found[0] if all(each.place in reached for each in parts) else conjunction[0]

    def _named(self, key: Key, head: Source, parts: list[Source], found: Shape) -> Shape:
        """A reference to the shape as a named type, if it refers to itself or is a definition that is worth a name."""
        if key in self.named_types:
            return found
        if key in self._recursive or (head.by_reference and _is_worth_a_name(found)):
            self.named_types[key] = NamedType(found, head.names, _documentation(parts))
            return TypeRef(key)
        return found

    def _unnamed(self, conjunction: list[Source], depth: int, type_name: TypeName | None = None) -> Shape:
        """The shape of a conjunction itself; ``type_name`` is for an object that several schemas make up."""
        if any(each.schema is False for each in conjunction):
            return Nothing()
        if groups := distinguishable(conjunction, self._conjunctions):
            return self._distributed(conjunction, groups, depth, type_name)
        return self._plain(conjunction, depth, type_name)

    def _distributed(
        self, conjunction: list[Source], groups: list[list[Source]], depth: int, type_name: TypeName | None = None
    ) -> Shape:
        """The union of a shape for each choice of alternatives, combined with the rest of the conjunction."""
        if depth >= DEEPEST:
            return Anything()
        if self.typed_keywords is not None:
            for in_file, (*above, word, _) in {group[0].place for group in groups}:
                self.typed_keywords.add(((in_file, tuple(above)), word))
        common = [each.without(*ALTERNATIVES) for each in conjunction]
        if type_name is None and any(OF_OBJECTS & each.keywords.keys() for each in common):
            type_name = TypeName() if self._is_payload(conjunction) else visible(conjunction)[0].type_name
        found: list[Shape] = []
        for options in product(*groups):
            if len(options) == 1 and stands_alone(options[0], common, self._conjunctions):
                found.append(self._shape([options[0]], depth + 1))
                continue
            whole = {each.place: each for each in [*common, *self._conjunctions.of(options)]}
            steps = (step for option in options for step in label(option, self._conjunctions))
            found.append(self._unnamed([*whole.values()], depth + 1, type_name and type_name.below(*steps)))
        return united(found)

    def _is_payload(self, conjunction: list[Source]) -> bool:
        return self.payload and conjunction[0].place == (False, ())

    # -- conjunctions without alternatives

    def _plain(self, conjunction: list[Source], depth: int, type_name: TypeName | None) -> Shape:
        schemas = [each.keywords for each in conjunction]
        kinds = common_kinds(schemas)
        self._note(conjunction, "type")
        if (values := listed_values(schemas)) is not None:
            return self._values([value for value in values if _fits(value, kinds)], conjunction)
        if kinds is None:
            kinds = tuple(
                dict.fromkeys(kind for word, kind in _IMPLIED_KINDS.items() if any(word in each for each in schemas))
            )
            return (
                Anything() if not kinds else united(self._kind(each, conjunction, depth, type_name) for each in kinds)
            )
        return united(self._kind(each, conjunction, depth, type_name) for each in kinds)

    def _kind(self, kind: str, conjunction: list[Source], depth: int, type_name: TypeName | None) -> Shape:
        if kind == "array":
            return self._array(conjunction, depth)
        if kind == "object":
            made_of = [each for each in conjunction if OF_OBJECTS & each.keywords.keys()]
            return self._object(made_of, conjunction, depth, type_name) if made_of else MappingShape(Anything())
        return _SCALARS[kind]

    def _note(self, conjunction: Iterable[Source], *words: str) -> None:
        """Add these keywords to those that the shape expresses."""
        if self.typed_keywords is not None:
            self.typed_keywords.update(
                (each.place, word) for each in conjunction for word in words if word in each.keywords
            )

    def _values(self, values: list[object], conjunction: list[Source]) -> Shape:
        found, is_exact = shape_of_values(values)
        if is_exact:
            self._note(conjunction, "const", "enum")
        return found

    # -- arrays

    def _array(self, conjunction: list[Source], depth: int) -> Shape:
        heads = [each for each in conjunction if "prefixItems" in each.keywords]
        length = max((len(each.keywords["prefixItems"]) for each in heads), default=0)
        rest = [
            each.inner(each.keywords["items"], "items", type_name=each.type_name.below("[]"))
            for each in conjunction
            if "items" in each.keywords
        ]
        items = [self._shape(_at(heads, index) or rest, depth + 1) for index in range(length)]
        if length and _is_exact(conjunction, length):
            self._note(conjunction, "prefixItems", "items")
            return Tuple(tuple(items))
        if length == 0:
            self._note(conjunction, "items")
        if any(each.schema is False for each in rest):
            return Array(united(items))
        return Array(united([*items, self._shape(rest, depth + 1) if rest else Anything()]))

    # -- objects

    def _object(
        self,
        made_of: list[Source],
        conjunction: list[Source],
        depth: int,
        type_name: TypeName | None = None,
        key: Key | None = None,
    ) -> Shape:
        if key is None:
            key = tuple(each.place for each in made_of)
        if key in self.named_types:
            return TypeRef(key)
        if (mapping := self._mapping(made_of, depth, is_payload=key == ROOT)) is not None:
            return mapping
        if len(self.named_types) >= MOST_NAMED:
            return MappingShape(Anything())
        head = self._head(made_of, conjunction)
        names = (TypeName(),) if key == ROOT else (type_name,) if type_name and len(made_of) > 1 else head.names
        self.named_types[key] = NamedType(Object(()), names, _documentation([head] if key != ROOT else conjunction))
        self._incomplete[key] = made_of
        return TypeRef(key)

    def _mapping(self, made_of: list[Source], depth: int, *, is_payload: bool) -> Shape | None:
        """The shape of an object without named properties; None if it is no mapping, as a payload without keywords."""
        if any(each.keywords.get("properties") or each.keywords.get("required") for each in made_of):
            return None
        extra, closed = self._extra(made_of, depth)
        if extra is None and (closed or is_payload):
            return None
        return MappingShape(Anything() if extra is None else extra)

    def _complete(self, key: Key, made_of: list[Source]) -> None:
        known = self.named_types[key]
        extra, closed = self._extra(made_of, 0)
        fields = tuple(self._fields(made_of, known.names[0], extra))
        self._note(made_of, "properties", "required")
        self.named_types[key] = NamedType(Object(fields, extra, closed), known.names, known.documentation)

    def _fields(self, made_of: list[Source], type_name: TypeName, extra: Shape | None) -> Iterator[Field]:
        named: dict[str, list[Source]] = {}
        for each in made_of:
            for name, found in cast("Mapping[str, Schema]", each.keywords.get("properties", {})).items():
                inner = each.inner(found, "properties", name, type_name=each.type_name.below(name))
                named.setdefault(name, []).append(inner)
        required = dict.fromkeys(
            name for each in made_of for name in cast("list[str]", each.keywords.get("required", []))
        )
        for name, sources in named.items():
            if len(sources) > 1:
                sources[0] = source(sources[0].schema, sources[0].place, type_name.below(name))
            yield Field(name, self._shape(sources, 0), name in required, _documentation(sources))
        yield from (Field(name, extra or Anything(), True) for name in required if name not in named)

    def _extra(self, made_of: list[Source], depth: int) -> tuple[Shape | None, bool]:
        """The shape of all other properties, None if there is none, and whether they are refused."""
        closed = [each for each in made_of if each.keywords.get("additionalProperties") is False]
        patterns = self._patterns(closed or made_of, depth)
        self._note(made_of, "additionalProperties")
        if closed:
            return (united(patterns) if patterns else None), not patterns
        found = [
            each.inner(
                each.keywords["additionalProperties"], "additionalProperties", type_name=each.type_name.below("{}")
            )
            for each in made_of
            if "additionalProperties" in each.keywords
        ]
        if not found:
            return (Anything() if patterns else None), False
        return united([self._shape(found, depth + 1), *patterns]), False

    def _patterns(self, made_of: list[Source], depth: int) -> list[Shape]:
        return [
            self._shape(
                [each.inner(found, "patternProperties", pattern, type_name=each.type_name.below("{}"))], depth + 1
            )
            for each in made_of
            for pattern, found in cast("Mapping[str, Schema]", each.keywords.get("patternProperties", {})).items()
        ]


def _is_worth_a_name(found: Shape) -> bool:
    """Whether a definition is long enough for an alias: a union of objects, several values, or a large shape."""
    if isinstance(found, OneOfValues):
        return len(found.values) > 1
    options = found.options if isinstance(found, Union) else ()
    return sum(isinstance(option, TypeRef) for option in options) > 1 or _size(found) > _LARGEST_UNNAMED


def _size(found: Shape) -> int:
    own = len(found.values) if isinstance(found, OneOfValues) else 1
    return own + sum(map(_size, inside(found)))


def _at(heads: list[Source], index: int) -> list[Source]:
    """The schemas of one position of an array."""
    return [
        each.inner(each.keywords["prefixItems"][index], "prefixItems", str(index), type_name=_item_name(each, index))
        for each in heads
        if index < len(each.keywords["prefixItems"])
    ]


def _item_name(each: Source, index: int) -> TypeName:
    return each.type_name.below("[]", str(index + 1))


def _is_exact(conjunction: list[Source], length: int) -> bool:
    """Whether an array must have exactly this length."""
    least = max((each.keywords["minItems"] for each in conjunction if "minItems" in each.keywords), default=0)
    most = [each.keywords["maxItems"] for each in conjunction if "maxItems" in each.keywords]
    most += [len(each.keywords.get("prefixItems", ())) for each in conjunction if each.keywords.get("items") is False]
    return least >= length and min(most, default=length + 1) <= length


def _fits(value: object, kinds: tuple[str, ...] | None) -> bool:
    return kinds is None or any(is_of(value, kind) for kind in kinds)


def _documentation(sources: Iterable[Source]) -> Documentation:
    return documentation_of(each.keywords for each in sources)
