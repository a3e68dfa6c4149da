"""What can be seen of a payload at a glance."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import unique

from microagent import Queue, Signal
from microagent.codec import encode
from microagent.errors import SerializingError
from microagent.schemas.glances import MOST, WIDEST
from microagent.schemas.validation import Check


class Text(str):
    """No text of JSON's own."""

    __slots__ = ()


TYPES = ("string", "integer", "number", "boolean", "null")
properties = st.one_of(
    st.sampled_from(TYPES).map(lambda kind: {"type": kind}),
    st.lists(st.sampled_from(TYPES), min_size=1, unique=True).map(lambda kinds: {"type": kinds}),
    st.sampled_from(
        [{}, True, False, {"type": "array"}, {"enum": ["a", 1]}, {"minimum": 0}, {"type": "string", "minLength": 2}]
    ),
)
schemas = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), properties)},
    optional={"required": st.lists(st.sampled_from("abc"), unique=True), "additionalProperties": st.booleans()},
)
items = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([Text("a"), 1.0, 10**30, [], {}, (), {1}, "\ud800"]),
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c", "d", Text("a"), 1]), items)


def written(value: dict[str, Any], *, plain: bool) -> bytes | str:
    """As JSON, or why it cannot be."""
    try:
        return encode(value, plain=plain)
    except SerializingError as error:
        return str(error)


@settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(schemas, st.lists(objects, min_size=1, max_size=5))
def test_what_is_known_is_written_as_ever_and_fits(schema: dict[str, Any], values: list[dict[str, Any]]) -> None:
    """Whatever was seen before."""
    check = Check(schema, payload=True)
    glance = check.glance()
    for value in (*values, *values):
        if glance.knows(value):
            assert written(value, plain=True) == written(value, plain=False)
            assert check.problem(value) is None


@settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(schemas, objects)
def test_nothing_is_sent_that_was_known_and_does_not_fit(schema: dict[str, Any], value: dict[Any, Any]) -> None:
    """A sender is refused arguments that a receiver is given."""
    signal = Signal(unique("signal"), payload=schema)
    if signal.knows(value):
        assert signal.problem(value, sending=True) is None


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ({"id": 1, "name": "a", "at": 1.5}, True),
        ({"id": 1, "name": "a", "at": 1, "note": None}, True),
        ({"at": 1, "id": 1, "name": "a", "more": True}, True),
        ({"id": 1, "name": "a"}, False),
        ({"id": True, "name": "a", "at": 1}, False),
        ({"id": 1, "name": Text("a"), "at": 1}, False),
        ({"id": 1, "name": "a", "at": math.nan}, False),
        ({"id": 1, "name": "a", "at": -math.inf}, False),
        ({"id": 1, "name": "a", "at": 1, "more": []}, False),
        ({"id": 1, "name": "a", "at": 1, 2: "b"}, False),
        ({"id": 1, "name": "a", "at": 1, "level": 2}, False),
    ],
)
def test_most_of_what_is_sent_is_known(value: dict[str, Any], known: bool) -> None:
    """Plain values of the types that were declared; whatever more is to be asked needs a closer look."""
    payload = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "at": {"type": "number"},
            "note": {"type": ["string", "null"]},
            "level": {"enum": [1, 2]},
        },
        "required": ["id", "name", "at"],
    }
    queue = Queue(unique("queue"), payload=payload)
    assert [queue.knows(value), queue.knows(value)] == [known, known]


def test_an_argument_that_is_not_declared_is_not_known() -> None:
    """Unless the declaration is open."""
    data = {"id": 1, "more": 2}
    closed = Signal(unique("signal"), {"id": "integer"})
    payload = {"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": True}
    assert not closed.knows(data)
    assert Signal(unique("signal"), payload=payload).knows(data)


def test_formats_need_a_closer_look_where_they_are_checked() -> None:
    """And only there."""
    payload = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    queue = Queue(unique("queue"), payload=payload)
    assert queue.knows({"day": "never"})
    assert not queue.knows({"day": "never"}, formats=True)


def test_any_number_of_outlines_takes_little_memory() -> None:
    """Names may be made up for each message."""
    glance = Check({"type": "object"}).glance()
    assert all(glance.knows({f"name{number}": number}) for number in range(3 * MOST))
    assert len(glance._seen) <= MOST
    assert glance.knows({f"name{number}": number for number in range(WIDEST)})
    assert not glance.knows({f"name{number}": number for number in range(WIDEST + 1)})


def test_nothing_is_known_without_a_schema() -> None:
    """Then there is nothing to look up that would be quicker than to look."""
    assert not Queue(unique("queue")).knows({"a": 1})
