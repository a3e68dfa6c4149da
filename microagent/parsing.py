"""From JSON text to declarations, or to every problem of the text."""

from collections.abc import Mapping, Sequence
from typing import Any

from microagent.declarations import QueueDeclaration, SignalDeclaration


def declared_signal(
    name: str, providing_args: Sequence[str] | Mapping[str, Any], type_map: Any, known: Mapping[str, Any]
) -> SignalDeclaration:
    if known["payload"] is not None:
        payload = known["payload"]
    else:
        types = (
            {arg: {"type": kind} for arg, kind in providing_args.items()}
            if isinstance(providing_args, Mapping)
            else {arg: {} for arg in providing_args}
        )
        payload = {"type": "object", "properties": types, "required": list(types)}
    returns = known["returns"]
    if isinstance(returns, (str, list)):
        returns = {"type": returns}
    return SignalDeclaration(name, payload, returns, known["description"], known["deprecated"])


def declared_queue(name: str, known: Mapping[str, Any]) -> QueueDeclaration:
    return QueueDeclaration(
        name, known["payload"], known["exchange"], tuple(known["topics"]), known["description"], known["deprecated"]
    )
