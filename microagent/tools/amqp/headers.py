"""The header table of a message: what its sender said there, and what others did."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from microagent.headers import OURS, as_text

SERVERS_COUNT = "x-delivery-count"  # set by quorum queues: how often it came back since it was written

_SERVERS = frozenset({"x-death", SERVERS_COUNT, "x-acquired-count", "CC", "BCC"})
_SERVERS_BEGIN = ("x-first-death-", "x-last-death-")


def is_servers(name: str) -> bool:
    """Whether the server writes it, or would route by it: nothing to go into a copy."""
    return name in _SERVERS or name.startswith(_SERVERS_BEGIN)


def said(table: Mapping[str, Any]) -> dict[str, str]:
    """What can be told as a text; tables, arrays and nothing are left out, as is what is ours or the server's."""
    texts = {name: _text(value) for name, value in table.items() if not (name.startswith(OURS) or is_servers(name))}
    return {name: text for name, text in texts.items() if text is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, str | bytes | bytearray):
        return as_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else None
