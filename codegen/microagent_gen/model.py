"""The model that templates render: a package with safe names, in its final order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.names import RESERVED_CLASSES, class_name_problem
from microagent.schemas.reading import Reading
from microagent.schemas.reading import shape as read
from microagent_gen import naming
from microagent_gen.classes import Classes, Scope, classes
from microagent_gen.payloads import Payload, is_free
from microagent_gen.pytypes import ANY, FREE
from microagent_gen.records import Record, documented, named_in

AnyDeclaration = TypeVar("AnyDeclaration", SignalDeclaration, QueueDeclaration)


@dataclass(frozen=True, slots=True)
class SignalModel:
    """
    A signal as generated.

    :ivar structure: of the declaration, as JSON
    :ivar records: its own classes
    :ivar uses: the names of the shared classes that it uses
    :ivar bound: the class of ``bus.NAME``
    :ivar handler: the protocol of its handlers
    :ivar send: the parameters of ``send``
    :ivar call: the parameters of ``call`` and ``waiter``
    :ivar handle: the parameters of a handler
    :ivar answer: the type that a caller gets from each handler
    :ivar returned: the type that a handler must return
    """

    name: str
    doc: str
    structure: str
    records: tuple[Record, ...]
    uses: tuple[str, ...]
    bound: str
    handler: str
    send: tuple[str, ...]
    call: tuple[str, ...]
    handle: tuple[str, ...]
    answer: str
    returned: str

    @property
    def maker(self) -> str:
        """The class of the declaration."""
        return "_m.TypedSignal"

    @property
    def type(self) -> str:
        """What type checkers take the declaration for."""
        return f"_m.TypedSignal[{self.bound}, {self.handler}]"


@dataclass(frozen=True, slots=True)
class QueueModel:
    """
    A queue as generated.

    ``bound`` is a class even where its base would do: type checkers look into the arguments of a generic type, and give
    up on overloads if one of them is ``Any``.

    :ivar structure: of the declaration, as JSON
    :ivar records: its own classes
    :ivar uses: the names of the shared classes that it uses
    :ivar message: the type of a message
    :ivar bound: the class of ``broker.NAME``
    :ivar handler: the protocol of its handlers; None if a message may be any object, and a handler any function
    :ivar handle: the parameters of a handler
    """

    name: str
    doc: str
    structure: str
    records: tuple[Record, ...]
    uses: tuple[str, ...]
    message: str
    bound: str
    handler: str | None
    handle: tuple[str, ...]

    @property
    def maker(self) -> str:
        """The class of the declaration."""
        return "_m.TypedQueue" if self.handler else "_m.Queue"

    @property
    def type(self) -> str:
        """What type checkers take the declaration for."""
        return f"_m.TypedQueue[{self.bound}, {self.handler}]" if self.handler else "_m.Queue"


@dataclass(frozen=True, slots=True)
class Contract:
    """A package; ``sources`` are the labels of its sources, ``shared`` the classes of no single declaration."""

    sources: tuple[str, ...]
    signals: tuple[SignalModel, ...]
    queues: tuple[QueueModel, ...]
    shared: tuple[Record, ...] = ()


def contract(
    signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration], sources: Iterable[str]
) -> Contract:
    """
    The package of these declarations.

    The class of a payload is named after its declaration, as are the classes nested in it; the class of a definition is
    named after the definition. So adding a declaration never renames a class.

    :raises NameConflict: if different types have the same name
    """
    rooted_signals, rooted_queues = _rooted(signals, ""), _rooted(queues, "Message")
    scopes: dict[tuple[str, str], Scope] = {}
    for signal, root in rooted_signals:
        scopes["signal", signal.name] = _scope(signal, root, "signal", signal.reading)
        if signal.returns is not None:
            answer = read(signal.returns, signal.definitions, signal.definition_names)
            scopes["answer", signal.name] = _scope(signal, f"{root}_Result", "signal", answer)
    for queue, root in rooted_queues:
        scopes["queue", queue.name] = _scope(queue, root, "queue", queue.reading)
    found = _Found({name: number for number, name in enumerate(scopes)}, classes([*scopes.values()]), scopes)
    return Contract(
        tuple(sorted(set(sources))),
        tuple(_signal(signal, found) for signal, _ in rooted_signals),
        tuple(_queue(queue, found) for queue, _ in rooted_queues),
        found.classes.shared,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The classes of all schemas, by kind and name of their declarations; the kind of ``returns`` is ``answer``."""

    numbers: Mapping[tuple[str, str], int]
    classes: Classes
    scopes: Mapping[tuple[str, str], Scope]

    def payload(self, kind: str, name: str) -> Payload | None:
        if (number := self.numbers.get((kind, name))) is None:
            return None
        scope = self.scopes[kind, name]
        return Payload(scope.root, scope.reading, self.classes.names[number])

    def records(self, *kinds: str, name: str) -> tuple[Record, ...]:
        numbers = [self.numbers[kind, name] for kind in kinds if (kind, name) in self.numbers]
        return tuple(record for number in numbers for record in self.classes.own[number])

    def uses(self, *kinds: str, name: str) -> tuple[str, ...]:
        numbers = [self.numbers[kind, name] for kind in kinds if (kind, name) in self.numbers]
        return tuple(sorted({used for number in numbers for used in self.classes.uses[number]}))


def _rooted(declarations: Iterable[AnyDeclaration], ending: str) -> list[tuple[AnyDeclaration, str]]:
    """The declarations sorted by name, each with the class name of its payload."""
    ordered = sorted(declarations, key=lambda declaration: declaration.name)
    return [(each, _chosen_name(each) or _class_name(each.name, ending)) for each in ordered]


def _class_name(declared: str, ending: str) -> str:
    return naming.unused(naming.class_name(declared) + ending, RESERVED_CLASSES)


def _chosen_name(declaration: SignalDeclaration | QueueDeclaration) -> str:
    """The ``class_name`` of a declaration or of its payload; empty if there is none that Python can use."""
    payload = declaration.payload
    own = "" if payload is None or isinstance(payload, bool) else payload.get("class_name")
    name = declaration.class_name or own
    return name if isinstance(name, str) and class_name_problem(name) is None else ""


def _scope(declaration: SignalDeclaration | QueueDeclaration, root: str, kind: str, reading: Reading) -> Scope:
    owner = f"{kind} {declaration.name!r}"
    return Scope(root, reading, owner, _doc(declaration), declaration.origin)


def _doc(declaration: SignalDeclaration | QueueDeclaration) -> str:
    return documented(declaration.description, "Deprecated." if declaration.deprecated else "")


def _signal(declaration: SignalDeclaration, found: _Found) -> SignalModel:
    payload, answer = found.payload("signal", declaration.name), found.payload("answer", declaration.name)
    assert payload is not None, "every signal has a payload"
    agent = f"{payload.unused('agent')}: {ANY}"
    records = found.records("signal", "answer", name=declaration.name)
    send = payload.sent("self", "sender: str")
    handle = payload.handed("self", agent, "/", also=["signal: _m.Signal", "sender: str"])
    answered = answer.type if answer else ANY
    shared = found.uses("signal", "answer", name=declaration.name)
    return SignalModel(
        name=declaration.name,
        doc=_doc(declaration),
        structure=declaration.structure(),
        records=records,
        uses=named_in(shared, records, *send, *handle, answered),
        bound=f"_{naming.class_name(declaration.name)}Bound",
        handler=f"_{naming.class_name(declaration.name)}Handler",
        send=send,
        call=payload.sent("self", "sender: str", also="timeout: float = 60"),
        handle=handle,
        answer=answered,
        returned=answer.type if answer else "object",
    )


def _queue(declaration: QueueDeclaration, found: _Found) -> QueueModel:
    payload = found.payload("queue", declaration.name)
    assert payload is not None, "every queue has a payload"
    free = is_free(payload.reading)
    records = () if free else found.records("queue", name=declaration.name)
    message = FREE if free else payload.type
    handle = payload.handed(payload.unused("self", "_self"), f"{payload.unused('agent')}: {ANY}", "/")
    return QueueModel(
        name=declaration.name,
        doc=_doc(declaration),
        structure=declaration.structure(),
        records=records,
        uses=() if free else named_in(found.uses("queue", name=declaration.name), records, message, *handle),
        message=message,
        bound=f"_{naming.class_name(declaration.name)}Bound",
        handler=None if free else f"_{naming.class_name(declaration.name)}Handler",
        handle=handle,
    )
