"""Finds in the source of an agent what its methods send and call."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

from microagent.names import queue_name_problem, signal_name_problem

Target = Literal["bus", "broker"]
Verb = Literal["send", "call"]

_VERBS: dict[str, dict[str, Verb]] = {
    "bus": {"send": "send", "call": "call", "waiter": "call"},
    "broker": {"send": "send"},
}
_FOREIGN = ("microagent", "typing", "typing_extensions", "builtins", "abc")  # packages whose classes send nothing


@dataclass(frozen=True, slots=True, order=True)
class SendCall:
    """``self.bus.NAME.send(...)``, ``self.bus.NAME.call(...)`` (or ``waiter``), ``self.broker.NAME.send(...)``."""

    target: Target
    verb: Verb
    name: str


def send_calls(cls: type) -> list[SendCall] | None:
    """
    The send calls in the source of a class and its bases, sorted, each once; ``self.bus["NAME"]`` is found as well.

    Nothing is executed, so calls through a variable or in another class are not found.

    :return: None if the source of one of the classes is not available
    """
    found: set[SendCall] = set()
    for klass in cls.__mro__:
        if klass.__module__.partition(".")[0] not in _FOREIGN:
            tree = _tree(klass)
            if tree is None:
                return None
            found.update(_send_calls(tree))
    return sorted(found)


def _tree(cls: type) -> ast.Module | None:
    try:
        return ast.parse(dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # made at run time, or from text that is no longer there
        return None


def _send_calls(tree: ast.Module) -> Iterator[SendCall]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _sent_by(node.func)


def _sent_by(called: ast.expr) -> Iterator[SendCall]:
    if (word := _word(called)) and word[0] == "broker":  # broker.mailer(...) is short for send
        yield SendCall("broker", "send", word[1])
    if isinstance(called, ast.Attribute) and (word := _word(called.value)):
        target, name = word
        if verb := _VERBS[target].get(called.attr):
            yield SendCall(target, verb, name)


def _word(node: ast.expr) -> tuple[Target, str] | None:
    """The NAME in ``self.bus.NAME`` or ``self.bus["NAME"]``, unless it is a method of bus or broker."""
    target, name = _attribute(node) or ("bus", "")
    problem = signal_name_problem(name) if target == "bus" else queue_name_problem(name)
    return None if problem else (target, name)


def _attribute(node: ast.expr) -> tuple[Target, str] | None:
    match node:
        case ast.Attribute(
            value=ast.Attribute(value=ast.Name(id="self"), attr="bus" | "broker" as target), attr=str(name)
        ):
            return target, name
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="self"), attr="bus" | "broker" as target),
            slice=ast.Constant(value=str(name)),
        ):
            return target, name
        case _:
            return None
