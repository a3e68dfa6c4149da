"""Changes of contract, each with what shows whom it breaks: messages, answers, and code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOTHING = object()


@dataclass(frozen=True)
class Case:
    """
    One change of one declaration.

    :ivar rule: which rule it falls under; a key of NEVER_BREAKING for a change that breaks nobody
    :ivar breaks: whom it breaks, and nobody else
    :ivar old_message: what fits the old declaration, and not the new one; ``new_message`` the other way
    :ivar old_answer: likewise for answers
    :ivar send: how code sends it; ``take`` and ``answer`` how code takes it, and what it answers
    :ivar before: the declaration before the old one, where names are used again
    """

    rule: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    breaks: str = ""
    old_message: Any = NOTHING
    new_message: Any = NOTHING
    old_answer: Any = NOTHING
    new_answer: Any = NOTHING
    send: str = ""
    take: str = ""
    answer: tuple[str, str] = ("None", "return None")
    kind: str = "signal"
    before: Mapping[str, Any] = field(default_factory=dict)
    read: str = ""


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


def args(**types: Any) -> dict[str, Any]:
    return {"providing_args": types}


def payload(*required: str, **properties: Any) -> dict[str, Any]:
    return {"payload": an_object(*required, **properties)}


INTEGER, NUMBER, STRING = {"type": "integer"}, {"type": "number"}, {"type": "string"}
PLACE = an_object("page", page=STRING)
STATES = {"enum": ["on", "off"]}

BREAKING = {
    # -- arguments
    "add_required": Case(
        "ARG_NO_ADD_REQUIRED",
        args(user_id="integer"),
        args(user_id="integer", email="string"),
        "producers source",
        old_message={"user_id": 1},
        send="user_id=1",
        take="user_id: int",
    ),
    "add_required_inside": Case(
        "ARG_NO_ADD_REQUIRED",
        payload(place=PLACE),
        payload(place=an_object("page", "line", page=STRING, line=INTEGER)),
        "producers source",
        old_message={"place": {"page": "/"}},
        send="place={'page': '/'}",
    ),
    "add_required_to_message": Case(
        "ARG_NO_ADD_REQUIRED",
        payload("text", text=STRING),
        payload("text", "email", text=STRING, email=STRING),
        "producers backlog source",
        old_message={"text": "Hi"},
        send="{'text': 'Hi'}",
        take="text: str",
        kind="queue",
    ),
    "add_optional_to_closed": Case(
        "ARG_NO_ADD_OPTIONAL",
        {"payload": closed(an_object("text", text=STRING))},
        {"payload": closed(an_object("text", text=STRING, email=STRING))},
        "consumers",
        new_message={"text": "Hi", "email": "a@example.org"},
        send="{'text': 'Hi'}",
        take="text: str",
        kind="queue",
    ),
    "add_optional_to_open": Case(
        "ARG_NO_ADD_OPTIONAL",
        {"payload": {**an_object("text", text=STRING), "additionalProperties": True}},
        {"payload": {**an_object("text", text=STRING, email=STRING), "additionalProperties": True}},
        "producers backlog",
        old_message={"text": "Hi", "email": 7},
        take="text: str",
        kind="queue",
    ),
    "remove_required": Case(
        "ARG_NO_REMOVE",
        args(user_id="integer", email="string"),
        args(user_id="integer"),
        "consumers source",
        new_message={"user_id": 1},
        send="user_id=1, email='a@example.org'",
        take="email: str",
    ),
    "remove_optional": Case(
        "ARG_NO_REMOVE",
        payload("text", text=STRING, email=STRING),
        payload("text", text=STRING),
        "source",
        send="{'text': 'Hi', 'email': 'a@example.org'}",
        take="text: str",
        kind="queue",
    ),
    "remove_from_closed": Case(
        "ARG_NO_REMOVE",
        {"payload": closed(an_object("text", text=STRING, email=STRING))},
        {"payload": closed(an_object("text", text=STRING))},
        "producers backlog source",
        old_message={"text": "Hi", "email": "a@example.org"},
        send="{'text': 'Hi', 'email': 'a@example.org'}",
        kind="queue",
    ),
    "rename": Case(
        "ARG_NO_RENAME",
        args(mail="string"),
        args(email="string"),
        "producers consumers source",
        old_message={"mail": "a@example.org"},
        new_message={"email": "a@example.org"},
        send="mail='a@example.org'",
        take="mail: str",
    ),
    "readd": Case(
        "ARG_NO_READD",
        {**payload("text", text=STRING), "compat": {"reserved": ["email"]}},
        {**payload("text", text=STRING, email=an_object("host", host=STRING)), "compat": {"reserved": ["email"]}},
        "producers consumers backlog",
        old_message={"text": "Hi", "email": "a@example.org"},
        new_message={"text": "Hi", "email": {"host": "example.org"}},
        before=payload("text", text=STRING, email=STRING),
        send="{'text': 'Hi'}",
        take="text: str",
        kind="queue",
    ),
    "require": Case(
        "ARG_NO_REQUIRE",
        payload(text=STRING),
        payload("text", text=STRING),
        "producers backlog source",
        old_message={},
        send="{}",
        take="text: str = ''",
        kind="queue",
    ),
    "make_optional": Case(
        "ARG_NO_MAKE_OPTIONAL",
        payload("text", text=STRING),
        payload(text=STRING),
        "consumers source",
        new_message={},
        send="text='Hi'",
        take="text: str",
    ),
    # -- types
    "same_type": Case(
        "ARG_SAME_TYPE",
        args(user_id="integer"),
        args(user_id="string"),
        "producers consumers source",
        old_message={"user_id": 1},
        new_message={"user_id": "1"},
        send="user_id=1",
        take="user_id: int",
    ),
    "widen": Case(
        "ARG_NO_WIDEN",
        args(total="integer"),
        args(total="number"),
        "consumers source",
        new_message={"total": 0.5},
        send="total=1",
        take="total: int",
    ),
    "widen_by_null": Case(
        "ARG_NO_WIDEN",
        args(total="integer"),
        args(total=["integer", "null"]),
        "consumers source",
        new_message={"total": None},
        send="total=1",
        take="total: int",
    ),
    "narrow_in_items": Case(
        "ARG_NO_NARROW",
        payload("lines", lines={"type": "array", "items": an_object("price", price=NUMBER)}),
        payload("lines", lines={"type": "array", "items": an_object("price", price=INTEGER)}),
        "producers backlog source",
        old_message={"lines": [{"price": 1}, {"price": 0.5}]},
        send="{'lines': [{'price': 0.5}]}",
        kind="queue",
    ),
    "type": Case(
        "ARG_NO_TYPE",
        {"providing_args": ["user_id"]},
        args(user_id="integer"),
        "producers source",
        old_message={"user_id": "1"},
        send="user_id='1'",
        take="user_id: int",
    ),
    "type_of_message": Case(
        "ARG_NO_ADD_REQUIRED",
        {},
        payload("text", text=STRING),
        "producers backlog source",
        old_message={"subject": "Hi"},
        send="{'subject': 'Hi'}",
        kind="queue",
    ),
    "untype": Case(
        "ARG_NO_UNTYPE",
        args(user_id="integer"),
        {"providing_args": ["user_id"]},
        "consumers",
        new_message={"user_id": "1"},
        send="user_id=1",
        take="user_id: int",
    ),
    # -- limits
    "tighten": Case(
        "LIMIT_NO_TIGHTEN",
        payload("text", text={"type": "string", "maxLength": 80}),
        payload("text", text={"type": "string", "maxLength": 40}),
        "producers backlog",
        old_message={"text": "a" * 41},
        send="{'text': 'Hi'}",
        take="text: str",
        kind="queue",
    ),
    "loosen": Case(
        "LIMIT_NO_LOOSEN",
        payload("count", count={"type": "integer", "minimum": 1}),
        payload("count", count={"type": "integer"}),
        "consumers",
        new_message={"count": 0},
        send="count=1",
        take="count: int",
    ),
    "other_limit": Case(
        "LIMIT_SAME",
        payload("count", count={"type": "integer", "multipleOf": 2}),
        payload("count", count={"type": "integer", "multipleOf": 3}),
        "producers consumers",
        old_message={"count": 2},
        new_message={"count": 3},
        send="count=6",
        take="count: int",
    ),
    # -- enums
    "enum_add": Case(
        "ENUM_NO_ADD",
        payload("state", state=STATES),
        payload("state", state={"enum": ["on", "off", "idle"]}),
        "consumers source",
        new_message={"state": "idle"},
        send="state='on'",
        take="state: Literal['on', 'off']",
    ),
    "enum_remove": Case(
        "ENUM_NO_REMOVE",
        payload("state", state=STATES),
        payload("state", state={"enum": ["on"]}),
        "producers backlog source",
        old_message={"state": "off"},
        send="{'state': 'off'}",
        take="state: str",
        kind="queue",
    ),
    "enum_open": Case(
        "ENUM_NO_OPEN",
        payload("state", state=STATES),
        payload("state", state=STRING),
        "consumers source",
        new_message={"state": "idle"},
        send="state='on'",
        take="state: Literal['on', 'off']",
    ),
    "enum_close": Case(
        "ENUM_NO_CLOSE",
        payload("state", state=STRING),
        payload("state", state=STATES),
        "producers source",
        old_message={"state": "idle"},
        send="state='idle'",
        take="state: str",
    ),
    # -- other properties
    "object_open": Case(
        "OBJECT_NO_OPEN",
        payload("place", place=closed(PLACE)),
        payload("place", place=PLACE),
        "consumers",
        new_message={"place": {"page": "/", "more": 1}},
        send="place={'page': '/'}",
    ),
    "object_close": Case(
        "OBJECT_NO_CLOSE",
        payload("place", place=PLACE),
        payload("place", place=closed(PLACE)),
        "producers backlog",
        old_message={"place": {"page": "/", "more": 1}},
        send="{'place': {'page': '/'}}",
        kind="queue",
    ),
    "map_close": Case(
        "OBJECT_NO_CLOSE",
        payload("place", place={**PLACE, "additionalProperties": INTEGER}),
        payload("place", place=closed(PLACE)),
        "producers",
        old_message={"place": {"page": "/", "more": 1}},
        send="place={'page': '/'}",
    ),
    "arguments_close": Case(
        "OBJECT_NO_CLOSE",
        {"payload": {**an_object(a=INTEGER), "additionalProperties": True}},
        payload(a=INTEGER),
        "source",
        send="a=1, more=2",
        take="a: int = 0",
    ),
    "arguments_type": Case(
        "ARG_NO_TYPE",
        {"payload": {**an_object(a=INTEGER), "additionalProperties": True}},
        {"payload": {**an_object(a=INTEGER), "additionalProperties": INTEGER}},
        "producers source",
        old_message={"a": 1, "more": "x"},
        send="a=1, more='x'",
        take="a: int = 0",
    ),
    "arguments_untype": Case(
        "ARG_NO_UNTYPE",
        {"payload": {**an_object(a=INTEGER), "additionalProperties": INTEGER}},
        {"payload": {**an_object(a=INTEGER), "additionalProperties": True}},
        "consumers",
        new_message={"a": 1, "more": "x"},
        send="a=1, more=2",
        take="a: int = 0",
    ),
    "arguments_close_in_part": Case(
        "OBJECT_NO_CLOSE",
        {"payload": {**an_object(a=INTEGER), "additionalProperties": True}},
        {"payload": {"allOf": [closed(an_object(a=INTEGER))]}},
        "producers source",
        old_message={"a": 1, "more": 2},
        send="a=1, more=2",
        take="a: int = 0",
    ),
    "mapping_close": Case(
        "OBJECT_NO_CLOSE",
        payload("sums", sums={"type": "object", "additionalProperties": INTEGER}),
        payload("sums", sums={"type": "object", "additionalProperties": False}),
        "producers source",
        old_message={"sums": {"a": 1}},
        send="sums={'a': 1}",
    ),
    # -- answers
    "returns_add": Case(
        "RETURNS_NO_ADD",
        args(),
        {**args(), "returns": "integer"},
        "consumers source",
        old_answer="7",
        answer=("str", "return '7'"),
    ),
    "returns_remove": Case(
        "RETURNS_NO_REMOVE",
        {**args(), "returns": "integer"},
        args(),
        "callers",
        new_answer="7",
        answer=("int", "return 7"),
    ),
    "returns_other": Case(
        "RETURNS_SAME_TYPE",
        {**args(), "returns": "integer"},
        {**args(), "returns": "string"},
        "consumers callers source",
        old_answer=7,
        new_answer="7",
        answer=("int", "return 7"),
    ),
    "returns_widen": Case(
        "RETURNS_NO_WIDEN",
        {**args(), "returns": "integer"},
        {**args(), "returns": ["integer", "null"]},
        "callers source",
        new_answer=None,
        answer=("int", "return 7"),
        read="value: int = max((await self.bus.$name.call('me')).values())",
    ),
    "returns_narrow": Case(
        "RETURNS_NO_NARROW",
        {**args(), "returns": an_object(total=INTEGER)},
        {**args(), "returns": an_object("total", total=INTEGER)},
        "consumers source",
        old_answer={},
        answer=("Any", "return {}"),
        read="sums: list[signals_of_old.ReturnsNarrow_Result] = [{}]",
    ),
}

HARMLESS = {
    "descriptions": Case(
        "descriptions",
        payload("a", a={**INTEGER, "description": "One.", "title": "A", "$comment": "?", "x-unit": "m"}),
        {**payload("a", a={**INTEGER, "description": "Another."}), "description": "New.", "x-team": "b"},
        send="a=1",
        take="a: int",
    ),
    "order": Case(
        "order",
        payload("a", "b", a={"type": ["integer", "null"]}, b={"enum": ["x", "y"]}),
        payload("b", "a", b={"enum": ["y", "x"]}, a={"type": ["null", "integer"]}),
        send="a=1, b='x'",
        take="a: int | None, b: str",
    ),
    "examples": Case(
        "examples",
        payload("a", a={**INTEGER, "examples": [1], "default": 1}),
        payload("a", a={**INTEGER, "examples": [2], "default": 2}),
        send="a=1",
        take="a: int",
    ),
    "deprecation": Case(
        "deprecation",
        payload("a", a=INTEGER),
        {**payload("a", a={**INTEGER, "deprecated": True, "readOnly": True, "writeOnly": False}), "deprecated": True},
        send="a=1",
        take="a: int",
    ),
    "spelling": Case(
        "spelling",
        args(a="integer"),
        payload("a", a={"anyOf": [{"$ref": "#/$defs/Count"}]}),
        send="a=1",
        take="a: int",
    ),
    "optional": Case(
        "optional",
        payload("a", a=INTEGER),
        payload("a", a=INTEGER, b=STRING),
        send="a=1",
        take="a: int",
    ),
    "optional_in_message": Case(
        "optional",
        payload("a", a=an_object("b", b=INTEGER)),
        payload("a", a=an_object("b", b=INTEGER, c=STRING), d=STRING),
        send="{'a': {'b': 1}}",
        kind="queue",
    ),
}
