"""What the methods of an agent send and call, by a look at their source."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

from microagent.names import queue_name_problem, signal_name_problem

End = Literal["bus", "broker"]
Verb = Literal["send", "call"]

_VERBS: dict[str, dict[str, Verb]] = {
    "bus": {"send": "send", "call": "call", "waiter": "call"},
    "broker": {"send": "send"},
}
_FOREIGN = ("microagent", "typing", "typing_extensions", "builtins", "abc")  # whose classes send nothing of their own


@dataclass(frozen=True, slots=True, order=True)
class Sending:
    """``self.bus.NAME.send(...)``, ``self.bus.NAME.call(...)`` (or ``waiter``), ``self.broker.NAME.send(...)``."""

    end: End
    verb: Verb
    name: str


def sendings(cls: type) -> list[Sending] | None:
    """
    What stands in the source of a class and its bases, each once; ``self.bus["NAME"]`` is seen as well.

    Nothing is run, so what goes through a variable or a function of another class is not seen.

    :return: None if the source of one of them is not there
    """
    found: set[Sending] = set()
    for klass in cls.__mro__:
        if klass.__module__.partition(".")[0] not in _FOREIGN:
            tree = _tree(klass)
            if tree is None:
                return None
            found.update(_sendings(tree))
    return sorted(found)


def _tree(cls: type) -> ast.Module | None:
    try:
        return ast.parse(dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # made at run time, or from text that does not stand as it was written
        return None


def _sendings(tree: ast.Module) -> Iterator[Sending]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _sent_by(node.func)


def _sent_by(called: ast.expr) -> Iterator[Sending]:
    if (word := _word(called)) and word[0] == "broker":  # a bound queue can be called itself
        yield Sending("broker", "send", word[1])
    if isinstance(called, ast.Attribute) and (word := _word(called.value)):
        end, name = word
        if verb := _VERBS[end].get(called.attr):
            yield Sending(end, verb, name)


def _word(node: ast.expr) -> tuple[End, str] | None:
    """``self.bus.NAME`` or ``self.bus["NAME"]``, but for what bus and broker themselves are able to do."""
    end, name = _attribute(node) or ("bus", "")
    problem = signal_name_problem(name) if end == "bus" else queue_name_problem(name)
    return None if problem else (end, name)


def _attribute(node: ast.expr) -> tuple[End, str] | None:
    match node:
        case ast.Attribute(
            value=ast.Attribute(value=ast.Name(id="self"), attr="bus" | "broker" as end), attr=str(name)
        ):
            return end, name
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="self"), attr="bus" | "broker" as end),
            slice=ast.Constant(value=str(name)),
        ):
            return end, name
        case _:
            return None
