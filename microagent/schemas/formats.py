"""Checkers for ``format``: those of jsonschema, with our own where they are too lax or too strict."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker

from microagent.schemas.patterns import is_pattern

_Check: TypeAlias = Callable[[str], bool]

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~]|\\[ -~])*"')
_LEAP = re.compile(
    r"(?P<before>.*(?:^|[Tt ])([0-9]{2}):([0-9]{2})):60(?P<after>(?:\.[0-9]+)?([Zz]|[+-]))(?:([0-9]{2}):([0-9]{2}))?"
)
_DAY = 24 * 60  # minutes
_IPV6 = "IPv6:"


@cache
def format_checker() -> FormatChecker:
    """A checker of all formats for which the packages that it needs are installed."""
    found = FormatChecker(())
    found.checkers = dict(Draft202012Validator.FORMAT_CHECKER.checkers)
    for name, check in _OWN.items():
        if name in found.checkers:
            found.checkers[name] = (_of_texts(check), ())
    return found


def checked_formats() -> frozenset[str]:
    """The values of ``format`` that can be checked with the packages that are installed."""
    return frozenset(format_checker().checkers)


def _of_texts(check: _Check) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _is(name: str, text: str) -> bool:
    checker: Any = Draft202012Validator.FORMAT_CHECKER
    return bool(checker.conforms(text, name))


def _is_email(text: str) -> bool:
    """A mailbox of RFC 5321; jsonschema only looks for an @."""
    local, _, domain = text.rpartition("@")
    if not _LOCAL.fullmatch(local):
        return False
    if not (domain.startswith("[") and domain.endswith("]")):
        return _is("hostname", domain)
    literal = domain[1:-1]
    return _is("ipv6", literal.removeprefix(_IPV6)) if literal.startswith(_IPV6) else _is("ipv4", literal)


def _is_time(name: str) -> _Check:
    """A check that allows the leap second before midnight UTC, as RFC 3339 does."""

    def check(text: str) -> bool:
        found = _LEAP.fullmatch(text)
        if found is None:
            return _is(name, text)
        _, hour, minute, _, sign, of_hours, of_minutes = found.groups()
        offset = int(of_hours or 0) * 60 + int(of_minutes or 0)
        at = int(hour) * 60 + int(minute) + (offset if sign == "-" else -offset)
        whole_text = text[: found.end("before")] + ":59" + text[found.start("after") :]
        return at % _DAY == _DAY - 1 and _is(name, whole_text)

    return check


_OWN: dict[str, _Check] = {
    "email": _is_email,
    "date-time": _is_time("date-time"),
    "time": _is_time("time"),
    "regex": is_pattern,
}
