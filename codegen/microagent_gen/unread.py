"""What Python's types cannot say of the schemas of declarations, and where."""

from collections.abc import Iterator, Mapping

from microagent.declarations import Declarations, QueueDeclaration, SignalDeclaration
from microagent.errors import Problem
from microagent.reading import Reading, shape
from microagent.schema import Schema


def unread(declared: Declarations) -> list[Problem]:
    """Each keyword that changes a type and is not read: the type is ``Any`` there."""
    return list(dict.fromkeys(_all_unread(declared)))


def _all_unread(declared: Declarations) -> Iterator[Problem]:
    for signal in declared.signals:
        yield from _of_reading(signal, "payload", signal.payload, signal.reading)
        if signal.returns is not None:
            yield from _of_reading(signal, "returns", signal.returns, shape(signal.returns, signal.definitions))
    for queue in declared.queues:
        yield from _of_reading(queue, "payload", queue.payload, queue.reading)


def _of_reading(
    declaration: SignalDeclaration | QueueDeclaration, key: str, schema: Schema | None, reading: Reading
) -> Iterator[Problem]:
    origin = declaration.origin or Problem("")
    for pointer, word in reading.ignored:
        message = f"{word!r} is not understood yet: the type is Any here"
        if _is_of_file(pointer, schema):
            yield Problem(message, origin.source, pointer)
        else:
            yield Problem(message, origin.source, f"{origin.pointer}/{key}{pointer}", origin.line, origin.column)


def _is_of_file(pointer: str, schema: Schema | None) -> bool:
    """Whether the place is among the definitions that a file's declarations share."""
    return pointer.startswith("/$defs/") and not (isinstance(schema, Mapping) and "$defs" in schema)
