"""The rules that a change of contract can break: what each is about, whom it breaks, and how to change safely."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Party: TypeAlias = Literal["producers", "consumers", "backlog", "callers", "source"]

PARTIES: dict[Party, str] = {
    "producers": "services that send by the old declaration: new consumers refuse or misread what they send",
    "consumers": "services that receive or answer by the old declaration: they refuse new payloads, or answer wrongly",
    "backlog": "messages that wait in a queue, and dead letters: they were written by the old declaration",
    "callers": "services that call by the old declaration: answers no longer have the promised type",
    "source": "code that was correct before: type checkers refuse it once the contracts are regenerated",
}
"""Whom a change breaks, each in a clause."""


Mode: TypeAlias = Literal["full", "backward", "forward", "source"]

MODES: dict[Mode, str] = {
    "full": "everybody",
    "backward": "services that still send by the old declarations, and messages that they have sent",
    "forward": "services that still receive and call by the old declarations",
    "source": "code that is checked against the new declarations",
}
"""Whom to look for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule.

    :ivar id: its name, which stays
    :ivar about: the change that it is about
    :ivar breaks: whom such a change can break; a finding says whom it does
    :ivar safe: how to come to the same end without breaking anybody
    """

    id: str
    about: str
    breaks: tuple[Party, ...]
    safe: str


EMPTY_IT = ", empty the queue if it is one"
"""A step that is for queues alone."""

_ADD_FIRST = "declare the new one beside the old one, migrate everybody, then remove the old one"
_WIRE: tuple[Party, ...] = ("producers", "consumers", "backlog")
_BACK: tuple[Party, ...] = ("producers", "backlog")

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule(
            "SIGNAL_NO_REMOVE",
            "A signal is no longer declared.",
            ("producers", "consumers", "callers", "source"),
            "deprecate it, wait until nobody sends or receives it, then remove it",
        ),
        Rule(
            "SIGNAL_NO_RENAME",
            "A signal is gone and a very similar one is new (a guess).",
            ("producers", "consumers", "callers", "source"),
            _ADD_FIRST,
        ),
        Rule(
            "SIGNAL_NO_READD",
            "A signal is declared under a name that was reserved when an earlier one was removed.",
            ("producers", "consumers"),
            "choose a name that was never used",
        ),
        Rule(
            "QUEUE_NO_REMOVE",
            "A queue is no longer declared.",
            ("producers", "consumers", "backlog", "source"),
            "deprecate it, stop sending, wait until it is empty, then remove it",
        ),
        Rule(
            "QUEUE_NO_RENAME",
            "A queue is gone and a very similar one is new (a guess).",
            ("producers", "consumers", "backlog", "source"),
            "declare the new one beside the old one, migrate producers, empty the old one, then remove it",
        ),
        Rule(
            "QUEUE_NO_READD",
            "A queue is declared under a name that was reserved when an earlier one was removed.",
            _WIRE,
            "choose a name that was never used",
        ),
        Rule(
            "ARG_NO_ADD_REQUIRED",
            "A required argument or property is new.",
            ("producers", "backlog", "source"),
            "add it as optional, let every producer send it, empty the queue if it is one, then require it",
        ),
        Rule(
            "ARG_NO_ADD_OPTIONAL",
            "An optional argument or property is new, and it was refused before, or allowed with other values.",
            _WIRE,
            "allow other properties first and migrate consumers, or choose a name that nobody sends",
        ),
        Rule(
            "ARG_NO_REMOVE",
            "An argument or property is no longer declared.",
            ("producers", "consumers", "backlog", "source"),
            "make it optional, migrate consumers, stop all producers sending it, then remove it and reserve its name",
        ),
        Rule(
            "ARG_NO_RENAME",
            "An argument or property is gone and a very similar one is new (a guess).",
            ("producers", "consumers", "backlog", "source"),
            "add the new name as optional, let producers send both, migrate consumers, then remove the old one",
        ),
        Rule(
            "ARG_NO_READD",
            "An argument or property is declared under a name that was reserved when an earlier one was removed.",
            _WIRE,
            "choose a name that was never used",
        ),
        Rule(
            "ARG_NO_REQUIRE",
            "An optional argument or property is now required.",
            ("producers", "backlog", "source"),
            "let every producer send it, empty the queue if it is one, then require it",
        ),
        Rule(
            "ARG_NO_MAKE_OPTIONAL",
            "A required argument or property is now optional.",
            ("consumers", "source"),
            "give it a default in every handler and migrate consumers; only then let a producer omit it",
        ),
        Rule(
            "ARG_SAME_TYPE",
            "A type has changed to one that accepts some other values and refuses some old ones.",
            ("producers", "consumers", "backlog", "source"),
            "add an optional argument of the new type under another name, migrate, then remove the old one",
        ),
        Rule(
            "ARG_NO_WIDEN",
            "A type accepts more than before: number instead of integer, or also null.",
            ("consumers", "source"),
            "migrate consumers to the wider type first; only then let a producer send new values",
        ),
        Rule(
            "ARG_NO_NARROW",
            "A type accepts less than before: integer instead of number, or no longer null.",
            ("producers", "backlog", "source"),
            "migrate producers to the narrower type first, empty the queue if it is one, then narrow it",
        ),
        Rule(
            "ARG_NO_TYPE",
            "Something without a type now has one.",
            ("producers", "backlog", "source"),
            "make sure that all producers already send this type, empty the queue if it is one, then declare it",
        ),
        Rule(
            "ARG_NO_UNTYPE",
            "Something with a type now has none.",
            ("consumers",),
            "migrate consumers first; only then let a producer send other types",
        ),
        Rule(
            "LIMIT_NO_TIGHTEN",
            "A bound, a length, a pattern or another constraint accepts less than before.",
            _BACK,
            "make producers respect the new limit first, empty the queue if it is one, then declare it",
        ),
        Rule(
            "LIMIT_NO_LOOSEN",
            "A bound, a length, a pattern or another constraint accepts more than before.",
            ("consumers",),
            "migrate consumers first; only then let a producer send values beyond the old limit",
        ),
        Rule(
            "LIMIT_SAME",
            "A constraint has changed: it accepts some new values and refuses some old ones.",
            _WIRE,
            "loosen it to accept both, migrate everybody, then tighten it",
        ),
        Rule(
            "ENUM_NO_ADD",
            "An enum has a new value.",
            ("consumers", "source"),
            "migrate consumers first; only then let a producer send the new value",
        ),
        Rule(
            "ENUM_NO_REMOVE",
            "An enum has lost a value.",
            ("producers", "backlog", "source"),
            "stop all producers sending the value, empty the queue if it is one, then remove it",
        ),
        Rule(
            "ENUM_NO_OPEN",
            "An enum now accepts any value of its type.",
            ("consumers", "source"),
            "migrate consumers first; only then let a producer send another value",
        ),
        Rule(
            "ENUM_NO_CLOSE",
            "Something that accepted any value of its type is now an enum.",
            ("producers", "backlog", "source"),
            "make producers send only these values, empty the queue if it is one, then declare the enum",
        ),
        Rule(
            "OBJECT_NO_OPEN",
            "An object that refused other properties now accepts them.",
            ("consumers",),
            "migrate consumers first; only then let a producer send other properties",
        ),
        Rule(
            "OBJECT_NO_CLOSE",
            "An object that accepted other properties now refuses them.",
            ("producers", "backlog", "source"),
            "make producers send only declared properties, empty the queue if it is one, then close the object",
        ),
        Rule(
            "RETURNS_NO_ADD",
            "Answers without a type now have one.",
            ("consumers", "source"),
            "make sure that every handler already returns this type, then declare it",
        ),
        Rule(
            "RETURNS_NO_REMOVE",
            "Answers with a type now have none.",
            ("callers",),
            "migrate callers first; only then let a handler return other types",
        ),
        Rule(
            "RETURNS_SAME_TYPE",
            "Answers have another type, or lack something that code reads.",
            ("consumers", "callers", "source"),
            "declare a new signal with the new answer, migrate callers, then remove the old one",
        ),
        Rule(
            "RETURNS_NO_WIDEN",
            "Answers may have more values than before.",
            ("callers", "source"),
            "migrate callers first; only then let a handler return new values",
        ),
        Rule(
            "RETURNS_NO_NARROW",
            "Answers may have fewer values than before.",
            ("consumers", "source"),
            "make every handler respect it first, then declare it",
        ),
        Rule(
            "EXCHANGE_SAME",
            "A queue gets its messages from another exchange, or from none.",
            ("producers", "consumers"),
            "declare a new queue for the new exchange, migrate consumers, then producers, then remove the old one",
        ),
        Rule(
            "TOPIC_NO_ADD",
            "A queue gets more topics of its exchange.",
            ("consumers",),
            "start a new consumer first, which binds the topic; then let producers send it",
        ),
        Rule(
            "TOPIC_NO_REMOVE",
            "A queue gets fewer topics of its exchange.",
            ("producers",),
            "stop all producers sending the topic, then remove it, and unbind it on the server",
        ),
        Rule(
            "QUORUM_SAME",
            "`quorum` has changed: on the server, an existing queue keeps its kind.",
            ("backlog",),
            "declare a new queue of the new kind, migrate producers, empty the old one, then remove it",
        ),
        Rule(
            "CLASS_NO_RENAME",
            "A generated class is gone or has another name, because a title, a definition or a place has changed.",
            ("source",),
            "keep the title or definition that it is named after, or also change the code that imports it",
        ),
        Rule(
            "UNDECIDED",
            "A schema has changed in a way that cannot be decided: no proof was found, and no counterexample.",
            _WIRE,
            "rewrite it without the keywords that hide it (`not`, `pattern`...), or review it and allow the rule",
        ),
    )
}
"""Every rule, by its id, in the order of the documentation."""

NEVER_BREAKING = {
    "descriptions": "`description`, `$comment`, keys that begin with `x-`; `title`, unless a class is named after it",
    "order": "the order of declarations, arguments, properties, types and enum values; the file that contains them",
    "examples": "`examples` and `default`",
    "deprecation": "`deprecated`, `readOnly`, `writeOnly`",
    "spelling": "the same schema in other words, with `$ref`, `allOf` or `anyOf`, as long as classes keep their names",
    "optional": "a new optional argument: unknown arguments are passed only to handlers that take `**kwargs`",
}
"""Changes that are never a finding."""
