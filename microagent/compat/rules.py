"""The rules that a change of contract can break: what each is about, whom it breaks, and how to change safely."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Party: TypeAlias = Literal["producers", "consumers", "backlog", "callers", "source"]

PARTIES: dict[Party, str] = {
    "producers": "whoever still sends by the old declaration: new consumers refuse it, or get something else",
    "consumers": "whoever still receives or answers by the old declaration: it refuses what is new, or answers wrongly",
    "backlog": "messages that wait in a queue, and dead letters: they were written by the old declaration",
    "callers": "whoever still calls by the old declaration: answers are no longer what it was promised",
    "source": "code that was right before: once contracts are generated anew, type checkers refuse it",
}
"""Whom a change breaks, each in a clause."""


Mode: TypeAlias = Literal["full", "backward", "forward", "source"]

MODES: dict[Mode, str] = {
    "full": "everybody",
    "backward": "what still sends by the old declarations, or was sent by them",
    "forward": "what still receives and calls by the old declarations",
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
            "take a name that nobody has used",
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
            "take a name that nobody has used",
        ),
        Rule(
            "ARG_NO_ADD_REQUIRED",
            "An argument or property is new, and required.",
            ("producers", "backlog", "source"),
            "add it as optional, let every producer send it, empty the queue if it is one, then require it",
        ),
        Rule(
            "ARG_NO_ADD_OPTIONAL",
            "An optional argument or property is new, where unknown ones were refused, or allowed with other values.",
            _WIRE,
            "open the object for other properties first and migrate consumers, or take a name that nobody sends",
        ),
        Rule(
            "ARG_NO_REMOVE",
            "An argument or property is no longer declared.",
            ("producers", "consumers", "backlog", "source"),
            "make it optional and migrate consumers, let no producer send it, then remove it and reserve its name",
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
            "take a name that nobody has used",
        ),
        Rule(
            "ARG_NO_REQUIRE",
            "An argument or property that was optional is required.",
            ("producers", "backlog", "source"),
            "let every producer send it, empty the queue if it is one, then require it",
        ),
        Rule(
            "ARG_NO_MAKE_OPTIONAL",
            "An argument or property that was required is optional.",
            ("consumers", "source"),
            "give it a default in every handler and migrate consumers, and only then let a producer leave it out",
        ),
        Rule(
            "ARG_SAME_TYPE",
            "A type has changed into another one, of which it is neither a part nor the whole.",
            ("producers", "consumers", "backlog", "source"),
            "add an optional argument of the new type under another name, migrate, then remove the old one",
        ),
        Rule(
            "ARG_NO_WIDEN",
            "A type takes more than before: integer is number now, or null is allowed.",
            ("consumers", "source"),
            "migrate consumers to the wider type first, and only then let a producer send what is new",
        ),
        Rule(
            "ARG_NO_NARROW",
            "A type takes less than before: number is integer now, or null is no longer allowed.",
            ("producers", "backlog", "source"),
            "migrate producers to the narrower type first, empty the queue if it is one, then narrow it",
        ),
        Rule(
            "ARG_NO_TYPE",
            "What had no type has one.",
            ("producers", "backlog", "source"),
            "make sure that all producers send the type already, empty the queue if it is one, then declare it",
        ),
        Rule(
            "ARG_NO_UNTYPE",
            "What had a type has none.",
            ("consumers",),
            "migrate consumers first, and only then let a producer send something else",
        ),
        Rule(
            "LIMIT_NO_TIGHTEN",
            "A bound, a length, a pattern or another constraint takes less than before.",
            _BACK,
            "let producers keep to the new limit first, empty the queue if it is one, then declare it",
        ),
        Rule(
            "LIMIT_NO_LOOSEN",
            "A bound, a length, a pattern or another constraint takes more than before.",
            ("consumers",),
            "migrate consumers first, and only then let a producer use the new room",
        ),
        Rule(
            "LIMIT_SAME",
            "A constraint has changed into another one: some values are new, some are no longer taken.",
            _WIRE,
            "loosen it to what both take, migrate everybody, then tighten it",
        ),
        Rule(
            "ENUM_NO_ADD",
            "An enum has a new value.",
            ("consumers", "source"),
            "migrate consumers first, and only then let a producer send the new value",
        ),
        Rule(
            "ENUM_NO_REMOVE",
            "An enum has lost a value.",
            ("producers", "backlog", "source"),
            "let no producer send the value, empty the queue if it is one, then remove it",
        ),
        Rule(
            "ENUM_NO_OPEN",
            "What was an enum takes any value of its type.",
            ("consumers", "source"),
            "migrate consumers first, and only then let a producer send another value",
        ),
        Rule(
            "ENUM_NO_CLOSE",
            "What took any value of its type is an enum.",
            ("producers", "backlog", "source"),
            "let producers send these values alone, empty the queue if it is one, then declare the enum",
        ),
        Rule(
            "OBJECT_NO_OPEN",
            "An object that refused other properties takes them.",
            ("consumers",),
            "migrate consumers first, and only then let a producer send other properties",
        ),
        Rule(
            "OBJECT_NO_CLOSE",
            "An object that took other properties refuses them.",
            ("producers", "backlog", "source"),
            "let producers send what is declared alone, empty the queue if it is one, then close the object",
        ),
        Rule(
            "RETURNS_NO_ADD",
            "Answers that had no type have one.",
            ("consumers", "source"),
            "make sure that every handler answers in this type already, then declare it",
        ),
        Rule(
            "RETURNS_NO_REMOVE",
            "Answers that had a type have none.",
            ("callers",),
            "migrate callers first, and only then let a handler answer otherwise",
        ),
        Rule(
            "RETURNS_SAME_TYPE",
            "Answers have another type, or lack what code reads.",
            ("consumers", "callers", "source"),
            "declare a new signal with the new answer, migrate callers, then remove the old one",
        ),
        Rule(
            "RETURNS_NO_WIDEN",
            "Answers may be more than before.",
            ("callers", "source"),
            "migrate callers first, and only then let a handler answer what is new",
        ),
        Rule(
            "RETURNS_NO_NARROW",
            "Answers must be less than before.",
            ("consumers", "source"),
            "let every handler keep to it first, then declare it",
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
            "start a new consumer first, it binds the topic; then let producers send it",
        ),
        Rule(
            "TOPIC_NO_REMOVE",
            "A queue gets fewer topics of its exchange.",
            ("producers",),
            "let no producer send the topic, then remove it, and unbind it on the server",
        ),
        Rule(
            "QUORUM_SAME",
            "A queue is to be replicated, or no longer: on the server it stays what it is.",
            ("backlog",),
            "declare a new queue of the new kind, migrate producers, empty the old one, then remove it",
        ),
        Rule(
            "CLASS_NO_RENAME",
            "A generated class is gone or has another name, after a title, a definition or a place that has changed.",
            ("source",),
            "keep the title or the definition that it is called after, or change the code that imports it as well",
        ),
        Rule(
            "UNDECIDED",
            "A schema has changed, it cannot be decided whether messages still fit, and none was found that does not.",
            _WIRE,
            "say it without the words that hide it (`not`, `pattern`...), or look at it yourself, and allow the rule",
        ),
    )
}
"""Every rule, by its id, in the order of the documentation."""

NEVER_BREAKING = {
    "descriptions": "`description`, `$comment`, keys that begin with `x-`; `title`, unless a class is called after it",
    "order": "the order of declarations, arguments, properties, types, enum values; the file they stand in",
    "examples": "`examples` and `default`",
    "deprecation": "`deprecated`, `readOnly`, `writeOnly`",
    "spelling": "the same in other words, through `$ref`, `allOf` or `anyOf`, as long as classes keep their names",
    "optional": "a new optional argument: unknown ones reach handlers that take `**kwargs`, and no others",
}
"""Changes that are never a finding."""
