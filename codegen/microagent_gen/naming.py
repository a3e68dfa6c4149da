"""Safe names for generated Python: identifiers, class names and string literals from any text."""

import keyword
import re
import sys
import unicodedata
from collections.abc import Container
from functools import lru_cache

from microagent.names import camel_case, digest

_BUILTINS_USED = frozenset({"str", "int", "float", "bool", "list", "dict"})


def is_plain(key: str) -> bool:
    """
    Whether ``key`` can be used as a name anywhere, unchanged.

    That excludes keywords, what Python mangles in a class (``__key``), and what it normalises to another name (NFKC,
    PEP 3131).
    """
    return (
        key.isidentifier()
        and not keyword.iskeyword(key)
        and not key.startswith("__")
        and unicodedata.is_normalized("NFKC", key)
    )


def fits_class_body(key: str, classes: Container[str]) -> bool:
    """
    Whether ``key`` can be an attribute of a class without hiding a name that other annotations of the class may use.

    :param classes: the generated classes that those annotations may use
    """
    return is_plain(key) and not hides_builtin(key) and key not in {"_t", "_m"} and key not in classes


def hides_builtin(name: str) -> bool:
    """Whether an attribute of this name would hide a builtin that annotations of the same class may use."""
    return name in _BUILTINS_USED


def hides_module(name: str) -> bool:
    """Whether a package of this name could be imported in place of a standard library module, or of this library."""
    return name in sys.stdlib_module_names or name in {"microagent", "microagent_gen"}


def class_name(declared: str) -> str:
    """
    The class name of a declaration: ``UserCreated`` for ``user_created``.

    It is unique: an underscore stays where no letter follows (``User_1`` for ``user_1``).
    """
    return re.sub(r"(?:^|_)([a-z])", lambda match: match[1].upper(), declared)


@lru_cache(maxsize=10_000)
def key_part(key: str) -> str:
    """``key`` as a part of a class name: ``UserId`` for ``user-id``; a digest if it has no letters or digits."""
    part = camel_case(key)
    return part if part and f"X{part}".isidentifier() else f"X{digest(key)}"


def class_part(title: str) -> str:
    """``title`` as the beginning of a class name: ``OrderLine`` for ``order line``; an ``X`` goes before a digit."""
    part = key_part(title)
    return part if part.isidentifier() else f"X{part}"


def unused(name: str, taken: Container[str]) -> str:
    """``name`` with as many underscores added as it takes not to be in ``taken``."""
    while name in taken:
        name += "_"
    return name


def escaped(text: str) -> str:
    """``text`` as the inside of a string literal in one printable line; its quotes are not escaped."""
    inner = repr(text + "\"'")[1:-4]  # a text with both kinds of quotes: repr() escapes only the single ones
    return re.sub(r"\\.", lambda match: "'" if match[0] == "\\'" else match[0], inner)


def literal(text: str) -> str:
    """``text`` as a string literal in the quotes that need fewer escapes, preferably double ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + escaped(text).replace(quote, f"\\{quote}") + quote
