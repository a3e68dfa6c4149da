"""What the templates see: all that will be generated, its names already safe, in its final order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent_gen import naming
from microagent_gen.payloads import Claim, Payload
from microagent_gen.pytypes import ANY, FREE, is_free
from microagent_gen.records import Record, documented

AnyDeclaration = TypeVar("AnyDeclaration", SignalDeclaration, QueueDeclaration)


@dataclass(frozen=True, slots=True)
class SignalModel:
    """
    A signal as generated.

    ``send``, ``call`` and ``handle`` are the parameters of these methods, each as it is written; ``answer`` is the type
    of what a caller gets, ``returned`` of what a handler must return.
    """

    name: str
    doc: str
    structure: str
    records: tuple[Record, ...]
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
    """A whole package; ``sources`` are the names of what it was made from."""

    sources: tuple[str, ...]
    signals: tuple[SignalModel, ...]
    queues: tuple[QueueModel, ...]


def contract(
    signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration], sources: Iterable[str]
) -> Contract:
    """
    The package of these declarations.

    Class names come from declared names and nothing else. Where two would be equal, the later one ends in ``_``:
    payloads of signals come first, then messages of queues, what is nested in them, what only type checkers see. So
    another declaration never renames a class, unless its own name is that of a nested class or a message.
    """
    claim = _claims()
    rooted_signals = _rooted(signals, "", claim)
    rooted_queues = _rooted(queues, "Message", claim)
    read_signals = [(signal, *_signal_payloads(signal, root, claim)) for signal, root in rooted_signals]
    read_queues = [(queue, _queue_payload(queue, root, claim)) for queue, root in rooted_queues]
    return Contract(
        tuple(sorted(set(sources))),
        tuple(_signal(*read, claim) for read in read_signals),
        tuple(_queue(*read, claim) for read in read_queues),
    )


def _claims() -> Claim:
    taken = set(naming.RESERVED_CLASSES)

    def claim(name: str) -> str:
        name = naming.unused(name, taken)
        taken.add(name)
        return name

    return claim


def _rooted(declarations: Iterable[AnyDeclaration], ending: str, claim: Claim) -> list[tuple[AnyDeclaration, str]]:
    """The declarations in their order, each with the class name of its payload."""
    ordered = sorted(declarations, key=lambda declaration: declaration.name)
    return [(declaration, claim(naming.class_name(declaration.name) + ending)) for declaration in ordered]


def _signal_payloads(declaration: SignalDeclaration, root: str, claim: Claim) -> tuple[Payload, Payload | None]:
    doc = documented(declaration.description, declaration.deprecated)
    payload = Payload.of(declaration.reading.shape, root, claim, doc)
    if declaration.returns is None:
        return payload, None
    return payload, Payload.answer(declaration.returns, declaration.definitions, root, claim)


def _queue_payload(declaration: QueueDeclaration, root: str, claim: Claim) -> Payload:
    doc = documented(declaration.description, declaration.deprecated)
    return Payload.of(declaration.reading.shape, root, claim, doc)


def _signal(declaration: SignalDeclaration, payload: Payload, answer: Payload | None, claim: Claim) -> SignalModel:
    agent = f"{payload.unused('agent')}: {ANY}"
    return SignalModel(
        name=declaration.name,
        doc=documented(declaration.description, declaration.deprecated),
        structure=declaration.structure(),
        records=payload.records + (answer.records if answer else ()),
        bound=claim(f"{payload.root}Bound"),
        handler=claim(f"{payload.root}Handler"),
        send=payload.sent("self", "sender: str"),
        call=payload.sent("self", "sender: str", also="timeout: float = 60"),
        handle=payload.handed("self", agent, "/", also=["signal: _m.Signal", "sender: str"]),
        answer=answer.type if answer else ANY,
        returned=answer.type if answer else "object",
    )


def _queue(declaration: QueueDeclaration, payload: Payload, claim: Claim) -> QueueModel:
    free = is_free(payload.shape)
    name = naming.class_name(declaration.name)
    return QueueModel(
        name=declaration.name,
        doc=documented(declaration.description, declaration.deprecated),
        structure=declaration.structure(),
        records=() if free else payload.records,
        message=FREE if free else payload.type,
        bound=claim(f"{name}Bound"),
        handler=None if free else claim(f"{name}Handler"),
        handle=payload.handed(payload.unused("self", "_self"), f"{payload.unused('agent')}: {ANY}", "/"),
    )
