"""What the templates see: all that will be generated, its names already safe, in its final order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.names import class_name_problem
from microagent.reading import shape as read
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

    ``records`` are the classes of its own, ``uses`` the names of those that it shares with others. ``send``, ``call``
    and ``handle`` are the parameters of these methods, each as it is written; ``answer`` is the type of what a caller
    gets, ``returned`` of what a handler must return.
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

    ``message`` is the type of what is sent. ``bound`` is a class even where the base would do: type checkers look into
    the arguments of a generic type, and give up on overloads where they find ``Any``. ``handler`` is None when any
    handler will do, because a message may be any object.
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
    """A whole package; ``sources`` are the names of what it was made from, ``shared`` the classes of no declaration."""

    sources: tuple[str, ...]
    signals: tuple[SignalModel, ...]
    queues: tuple[QueueModel, ...]
    shared: tuple[Record, ...] = ()


def contract(
    signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration], sources: Iterable[str]
) -> Contract:
    """
    The package of these declarations.

    The class of a payload is called after its declaration, and so is what is nested in it, unless it has a title or is
    a definition: then it is called after that, and is one class wherever it is the same. So another declaration never
    renames a class, unless it brings a different one of the same title, or its own name is that of a nested class.
    """
    taken = _Taken()
    rooted_signals = _rooted(signals, "", taken)
    rooted_queues = _rooted(queues, "Message", taken)
    scopes: dict[tuple[str, str], Scope] = {}
    for number, (signal, root) in enumerate(rooted_signals):
        scopes["signal", signal.name] = _scope(signal, root, (0, number))
        if signal.returns is not None:
            scopes["answer", signal.name] = _answer_scope(signal, root, (0, number))
    for number, (queue, root) in enumerate(rooted_queues):
        scopes["queue", queue.name] = _scope(queue, root, (1, number))
    found = _Found(
        {name: number for number, name in enumerate(scopes)}, classes([*scopes.values()], taken.claim), scopes
    )
    return Contract(
        tuple(sorted(set(sources))),
        tuple(_signal(signal, found, taken) for signal, _ in rooted_signals),
        tuple(_queue(queue, found, taken) for queue, _ in rooted_queues),
        found.classes.shared,
    )


class _Taken:
    """The class names of a package."""

    def __init__(self) -> None:
        self._names = set(naming.RESERVED_CLASSES)

    def claim(self, name: str) -> str | None:
        """The name for good, or None if somebody has it."""
        if name in self._names:
            return None
        self._names.add(name)
        return name

    def made(self, name: str) -> str:
        """The name for good, made different from all others."""
        name = naming.unused(name, self._names)
        self._names.add(name)
        return name


@dataclass(frozen=True, slots=True)
class _Found:
    """The classes of all schemas, by declaration."""

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


def _rooted(declarations: Iterable[AnyDeclaration], ending: str, taken: _Taken) -> list[tuple[AnyDeclaration, str]]:
    """The declarations in the order of their names, each with the class name of its payload."""
    ordered = sorted(declarations, key=lambda declaration: declaration.name)
    chosen = {each.name: taken.made(name) for each in ordered if (name := _chosen_name(each))}
    return [(each, chosen.get(each.name) or taken.made(naming.class_name(each.name) + ending)) for each in ordered]


def _chosen_name(declaration: SignalDeclaration | QueueDeclaration) -> str:
    """The class name that a declaration or its payload asks for; "" if none."""
    payload = declaration.payload
    own = "" if payload is None or isinstance(payload, bool) else payload.get("class_name")
    name = declaration.class_name or own
    return name if isinstance(name, str) and class_name_problem(name) is None else ""


def _scope(declaration: SignalDeclaration | QueueDeclaration, root: str, position: tuple[int, int]) -> Scope:
    return Scope(root, declaration.reading, _doc(declaration), place=_place(declaration, position))


def _answer_scope(signal: SignalDeclaration, root: str, position: tuple[int, int]) -> Scope:
    reading = read(signal.returns or {}, signal.definitions)
    return Scope(f"{root}Result", reading, is_claimed=False, place=_place(signal, position))


def _place(
    declaration: SignalDeclaration | QueueDeclaration, position: tuple[int, int]
) -> tuple[str, int, int, int, int]:
    """Where it is declared; without a file, in the order of the alphabet."""
    origin = declaration.origin
    if origin is None or origin.line is None:
        return (origin.source if origin else "", 0, 0, *position)
    return (origin.source.rpartition("/")[2], origin.line, origin.column or 0, *position)


def _doc(declaration: SignalDeclaration | QueueDeclaration) -> str:
    return documented(declaration.description, "Deprecated." if declaration.deprecated else "")


def _signal(declaration: SignalDeclaration, found: _Found, taken: _Taken) -> SignalModel:
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
        bound=taken.made(f"{payload.root}Bound"),
        handler=taken.made(f"{payload.root}Handler"),
        send=send,
        call=payload.sent("self", "sender: str", also="timeout: float = 60"),
        handle=handle,
        answer=answered,
        returned=answer.type if answer else "object",
    )


def _queue(declaration: QueueDeclaration, found: _Found, taken: _Taken) -> QueueModel:
    payload = found.payload("queue", declaration.name)
    assert payload is not None, "every queue has a payload"
    free = is_free(payload.reading)
    name = payload.root.removesuffix("Message") or payload.root
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
        bound=taken.made(f"{name}Bound"),
        handler=None if free else taken.made(f"{name}Handler"),
        handle=handle,
    )
