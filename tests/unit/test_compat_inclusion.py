"""Whether every value of one schema is a value of another."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from made_up import DEFS, INTEGER, NUMBER, SCHEMAS, STRING, TREE, VALUES, WIDE

from microagent.compat.finders import Unaided
from microagent.compat.inclusion import Included, Inclusion, Refuted, Undecided
from microagent.compat.scopes import Scope


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def verdict(one, other, **options):
    scopes = Scope(one, DEFS), Scope(other, DEFS)
    return Inclusion(*scopes, **options).verdict(scopes[0].schema, scopes[1].schema)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (INTEGER, NUMBER),
        (INTEGER, {}),
        (False, STRING),
        ({"enum": [1, 2.0]}, INTEGER),
        ({"type": "integer", "minimum": 1, "maximum": 3}, {"enum": [1, 2, 3]}),
        ({"type": "number", "exclusiveMinimum": 1}, {"minimum": 1}),
        ({"type": "number", "multipleOf": 0.3}, {"multipleOf": 0.1}),
        ({"type": "number", "multipleOf": 2}, INTEGER),
        ({"type": "boolean"}, {"enum": [True, False]}),
        ({"type": ["string", "integer"]}, {"anyOf": [STRING, NUMBER]}),
        ({"anyOf": [STRING, INTEGER]}, {"oneOf": [NUMBER, STRING]}),
        ({"oneOf": [INTEGER, STRING]}, {"type": ["string", "number"]}),
        ({"allOf": [{"minimum": 1}, INTEGER]}, {"type": "number", "minimum": 0}),
        (INTEGER, {"not": STRING}),
        ({"not": STRING}, {"not": STRING}),
        ({"if": STRING, "then": {"maxLength": 3}}, {"if": STRING, "then": {"maxLength": 3}}),
        ({"type": "string", "maxLength": 2}, {"if": STRING, "then": {"maxLength": 3}, "else": INTEGER}),
        ({"type": "string", "pattern": "^a", "maxLength": 2}, {"pattern": "^a", "maxLength": 3}),
        ({"type": "array", "items": INTEGER, "minItems": 2}, {"items": NUMBER, "contains": NUMBER, "minItems": 1}),
        ({"type": "array", "prefixItems": [STRING], "items": False}, {"maxItems": 1, "items": STRING}),
        ({"type": "array", "maxItems": 1}, {"uniqueItems": True}),
        (an_object("a", a=INTEGER, b=STRING), an_object("a", a=NUMBER)),
        ({**an_object(a=INTEGER), "additionalProperties": False}, {"propertyNames": {"maxLength": 1}}),
        (
            {**an_object(a=INTEGER), "unevaluatedProperties": False},
            {"additionalProperties": INTEGER, "maxProperties": 1},
        ),
        (an_object("a", "b"), {"minProperties": 2, "dependentRequired": {"a": ["b"]}}),
        ({"type": "object", "patternProperties": {"^x": INTEGER}}, {"patternProperties": {"^x": NUMBER}}),
        ({"type": "object", "additionalProperties": INTEGER}, {"patternProperties": {"^x": NUMBER}}),
        (an_object("a", a=False), False),
        (an_object("k", k={"enum": ["a", "b"]}), {"oneOf": [an_object("k", k={"const": one}) for one in "ab"]}),
        (
            {"oneOf": [an_object("k", "v", k={"const": "a"}, v=INTEGER), an_object("k", k={"const": "b"})]},
            {"oneOf": [an_object("k", k={"const": "b"}), an_object("k", "v", k={"const": "a"}, v=NUMBER)]},
        ),
        (TREE, WIDE),
        ({"$ref": "#/$defs/Count"}, {"type": "number", "minimum": 0}),
    ],
)
def test_what_is_included_is_proved(one, other):
    """The verdict is yes."""
    assert verdict(one, other) == Included()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NUMBER, INTEGER),
        ({}, STRING),
        (STRING, False),
        (INTEGER, {"enum": [1]}),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}),
        ({"minimum": 0}, {"exclusiveMinimum": 0}),
        ({"type": "integer", "maximum": 1001}, {"maximum": 1000}),
        ({"type": "number", "multipleOf": 2}, {"multipleOf": 4}),
        ({"type": "string", "minLength": 3, "maxLength": 90}, {"maxLength": 80}),
        ({"anyOf": [STRING, NUMBER]}, {"oneOf": [STRING, INTEGER]}),
        ({"anyOf": [STRING, NUMBER]}, {"oneOf": [INTEGER, NUMBER, STRING]}),
        ({"type": ["string", "null"]}, {"not": {"type": "null"}}),
        ({"type": "array", "items": NUMBER}, {"uniqueItems": True}),
        ({"type": "array", "items": {"enum": [1, "a"]}}, {"contains": STRING}),
        ({"type": "array", "prefixItems": [STRING]}, {"prefixItems": [STRING, INTEGER]}),
        ({"type": "array", "maxItems": 7}, {"maxItems": 6}),
        (an_object(a=INTEGER), an_object("a", a=INTEGER)),
        (an_object(a=INTEGER), an_object(a=INTEGER, b=STRING)),
        (an_object("a", a=an_object(b=an_object(c=NUMBER))), an_object(a=an_object(b=an_object(c=INTEGER)))),
        (an_object(a=INTEGER), {**an_object(a=INTEGER), "additionalProperties": False}),
        ({"additionalProperties": NUMBER}, {"additionalProperties": INTEGER}),
        (an_object(a=INTEGER, b=INTEGER), {"dependentRequired": {"a": ["b"]}}),
        ({"type": "object"}, {"maxProperties": 3}),
        (an_object("k", k={"enum": ["a", "b", "c"]}), {"anyOf": [an_object("k", k={"const": one}) for one in "ab"]}),
        (WIDE, TREE),
        ({"type": "string", "pattern": "^ab$"}, {"maxLength": 1}),
    ],
)
def test_what_is_not_included_has_a_counterexample(one, other):
    """The verdict is no, with a value that fits the one and not the other."""
    found = verdict(one, other)
    assert isinstance(found, Refuted)
    assert is_valid(one, found.example)
    assert not is_valid(other, found.example)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "string", "pattern": "^a+$"}, {"pattern": "^a*$"}),
        ({"$dynamicRef": "#one"}, {"$dynamicRef": "#other"}),
        (
            {"allOf": [{"anyOf": [{"minimum": each}, STRING]} for each in range(9)]},
            {"anyOf": [STRING, {"minimum": 1.5}, {"maximum": 9}]},
        ),
    ],
)
def test_what_nobody_can_tell_is_said_to_be_so(one, other):
    """Without a proof and without a counterexample there is no verdict."""
    assert isinstance(verdict(one, other), Undecided)


def test_good_faith():
    """In good faith nobody sends, under a name that is not declared yet, what is declared later; anything else, yes."""
    now, then = an_object(a=INTEGER), an_object(a=INTEGER, b=STRING)
    assert verdict(now, then, good_faith=True) == Included()
    assert verdict(an_object(o=now), an_object(o=then), good_faith=True) == Included()
    assert isinstance(verdict({**now, "additionalProperties": True}, then, good_faith=True), Refuted)
    assert isinstance(verdict(now, {**then, "additionalProperties": False}, good_faith=True), Refuted)


@pytest.mark.parametrize(
    "said",
    [
        {"dependentSchemas": {"b": {}}},
        {"dependentSchemas": {"a": {"required": ["b"]}}},
        {"dependentSchemas": {"a": {"patternProperties": {"^b": {}}}}},
        {"dependentRequired": {"a": ["b"]}},
        {"propertyNames": {"enum": ["a", "b"]}},
        {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": STRING},
    ],
)
def test_a_name_of_which_anything_is_said_may_be_sent(said):
    """Whichever word says it: then no faith helps, and what is declared under the name later may refuse it."""
    for then in ({"properties": {"b": INTEGER}}, {"patternProperties": {"^b": INTEGER}}):
        assert isinstance(verdict({"type": "object", **said}, then, good_faith=True), Refuted)


@pytest.mark.parametrize(
    "then", [{"dependentRequired": {"b": ["a"]}}, {"dependentSchemas": {"b": {"required": ["a"]}}}]
)
def test_whatever_declares_a_name_is_trusted_to_be_new(then):
    """What is said of a property that nobody has sent refuses nothing, be it by a word for dependencies."""
    assert verdict({"type": "object"}, {"not": STRING, **then}, good_faith=True) == Included()


# -- how long it takes


def test_properties_that_divide_an_object_are_not_tried_in_every_order():
    """Eight flags, one of which has to be set: a proof for each of their combinations, in each order, took for ever."""
    flags = {f"flag_{number}": {"type": "boolean"} for number in range(8)}
    one_is_set = {"anyOf": [{"properties": {flag: {"const": True}}} for flag in flags]}
    found = verdict(an_object(*flags, **flags), one_is_set)
    assert found == Refuted(dict.fromkeys(flags, False))


def test_values_that_are_made_up_in_vain_are_counted(monkeypatch):
    """Where parts of a value have none themselves, each level of them would multiply what is looked at."""
    looked_at = []
    accepts = Scope.accepts
    monkeypatch.setattr(Scope, "accepts", lambda *args: looked_at.append(1) or accepts(*args))
    nothing = {"type": "string", "not": {"minLength": 0}}
    for _ in range(8):
        nothing = {"type": "array", "minItems": 1, "items": nothing}
    assert verdict(nothing, {"type": "null"}, finder=Unaided(tries=10)) == Undecided(0)
    assert 100 < len(looked_at) < 1_000


# -- any two schemas


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas; often the second one is the first one changed a little, as contracts are."""
    one = draw(SCHEMAS)
    if draw(st.booleans()) or isinstance(one, bool) or not one:
        return one, draw(SCHEMAS)
    word = draw(st.sampled_from(sorted(one)))
    changed = draw(st.sampled_from(["left out", "added", "wrapped"]))
    if changed == "left out":
        return one, {key: value for key, value in one.items() if key != word}
    if changed == "wrapped":
        return one, {draw(st.sampled_from(["anyOf", "allOf", "oneOf"])): [one, draw(SCHEMAS)]}
    more = draw(SCHEMAS)
    return one, {**one, **(more if isinstance(more, dict) else {})}


def is_valid(schema: Any, value: object) -> bool:
    """What jsonschema says of the schema as it stands, with its file around it."""
    return Draft202012Validator({"allOf": [schema], "$defs": DEFS}).is_valid(value)


def test_no_verdict_is_wrong():
    """Most pairs of schemas get a verdict: after a yes no value contradicts, after a no there is a counterexample."""
    counted = Counter[type]()

    @settings(max_examples=500, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(pairs(), st.lists(VALUES, min_size=10, max_size=40))
    def look(pair, values):
        one, other = pair
        found = verdict(one, other)
        counted[type(found)] += 1
        if isinstance(found, Refuted):
            assert is_valid(one, found.example)
            assert not is_valid(other, found.example)
        if isinstance(found, Included):
            assert all(is_valid(other, value) or not is_valid(one, value) for value in values)

    look()
    assert min(counted[Included], counted[Refuted]) > counted.total() / 5
    assert counted[Undecided] < counted.total() / 5


@pytest.mark.parametrize(
    ("value", "fits"), [(7, True), (7.0, True), (True, False), ("7", False), (3, False), (99, False)]
)
def test_long_enums_are_what_short_ones_are(value, fits):
    """Numbers are told by what they are worth, true is no 1, and all other words of the schema count."""
    schema = {"enum": [*range(1, 90), "x"], "minimum": 5}
    assert Scope(schema, {}).accepts(Scope(schema, {}).schema, value) is fits
    assert is_valid(schema, value) is fits


def test_a_long_enum_that_changes_has_a_counterexample():
    """In either direction, and none where only the order differs."""
    values = [f"value {number}" for number in range(1_000)]
    assert isinstance(verdict({"enum": values}, {"enum": values[::-1]}), Included)
    assert verdict({"enum": values}, {"enum": values[1:]}) == Refuted("value 0")
