"""
A parser for regular expressions of ECMA-262.

They are parsed as with the flag ``u``, which JSON Schema requires. A few forms that are only allowed without it are
accepted because their meaning is clear: ``\\-`` outside a class, a ``{`` that is no quantifier, ``[\\w-.]``.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

from microagent.names import shown
from microagent.schemas import charsets
from microagent.schemas.charsets import ANY, BY_LETTER, LINE_ENDS, Charset, charset, complement, in_any_case, union
from microagent.schemas.regexnodes import (
    Back,
    Characters,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    PatternError,
    Repeat,
    Sequence,
)

DEEPEST = 60  # groups inside each other
MOST = 2**31  # repetitions; no text is that long


@dataclass(frozen=True, slots=True)
class _Flags:
    any_case: bool = False
    lines: bool = False
    dot_all: bool = False


_FLAGS = {"i": "any_case", "m": "lines", "s": "dot_all"}
_LOOKS = {"?=": (True, False), "?!": (True, True), "?<=": (False, False), "?<!": (False, True)}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_ADVICE = {"A": "write ^", "Z": "write $", "z": "write $", "a": "write \\x07", "e": "write \\x1b", "h": "write [ \\t]"}
_FOREIGN = {
    "?P<": "a named group is written (?<name>...)",
    "?P=": "a reference to a group is written \\k<name>",
    "?#": "there are no comments",
    "?>": "there are no atomic groups",
}
_COUNT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_GROUP = re.compile(r"\?(?:[=!:]|<[=!]|(?P<on>[a-z]*)(?:-(?P<off>[a-z]*))?:|<(?P<name>[^>]*)>)")
_LONE_FLAGS = re.compile(r"\?[a-zA-Z]+\)")
_NAME = re.compile(r"<([^>]*)>")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_PROPERTY = re.compile(r"\{([A-Za-z_]+)(?:=([A-Za-z0-9_]+))?\}")
_HEX = {"x": re.compile(r"([0-9A-Fa-f]{2})"), "u": re.compile(r"([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]+)\}")}
_SECOND_HALF = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_OF_CATEGORIES = {"General_Category", "gc"}
_OF_SCRIPTS = {"Script", "sc", "Script_Extensions", "scx"}
_BACKSPACE = 8


def parsed(pattern: str) -> Node:
    """
    Parse a regular expression.

    :raises PatternError: if it is not valid
    """
    return _Parser(pattern).whole()


@lru_cache(1024)
def _single(code: int) -> Characters:
    return Characters(((code, code),))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._groups = 0
        self._flags = _Flags()

    def whole(self) -> Node:
        found = self._choice()
        if self._at < len(self._text):
            raise self._error("unmatched )")
        return found

    def _error(self, message: str, at: int | None = None) -> PatternError:
        place = self._at if at is None else at
        return PatternError(f"is not a regular expression of ECMA-262: {message}, at character {place + 1}")

    def _take(self, text: str) -> bool:
        is_there = self._text.startswith(text, self._at)
        self._at += len(text) if is_there else 0
        return is_there

    def _next(self) -> str:
        if self._at == len(self._text):
            raise self._error("unexpected end")
        self._at += 1
        return self._text[self._at - 1]

    # -- alternatives and sequences

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        start = self._at
        found = _COUNT.match(self._text, start)
        if found is not None:
            self._at = found.end()
            least = _number(found[1])
            most = least if found[2] is None else _number(found[3]) if found[3] else None
        elif self._text.startswith(("*", "+", "?"), start):
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._next()]
        else:
            return part
        if isinstance(part, Edge) or (isinstance(part, Look) and not part.ahead):
            raise self._error("nothing to repeat", start)
        if most is not None and most < least:
            raise self._error("the numbers of a quantifier are out of order", start)
        return Repeat(part, least, most, self._take("?"))

    # -- atoms

    def _atom(self) -> Node:
        start = self._at
        match sign := self._next():
            case "^" | "$":
                return Edge(sign, self._flags.lines, charsets.WORD)
            case ".":
                return Characters(ANY if self._flags.dot_all else complement(LINE_ENDS))
            case "\\":
                return self._escape()
            case "[":
                return self._class()
            case "(":
                with self._inside(start):
                    return self._group(start)
            case "*" | "+" | "?":
                raise self._error("nothing to repeat", start)
            case "{" if _COUNT.match(self._text, start):
                raise self._error("nothing to repeat", start)
            case _:
                return self._characters(((ord(sign), ord(sign)),))

    def _characters(self, found: Charset, *, is_negative: bool = False) -> Characters:
        if self._flags.any_case:
            found = in_any_case(found)
        if is_negative:
            found = complement(found)
        return _single(found[0][0]) if len(found) == 1 and found[0][0] == found[0][1] else Characters(found)

    @contextmanager
    def _inside(self, start: int) -> Generator[None]:
        self._depth += 1
        flags = self._flags
        if self._depth > DEEPEST:
            raise PatternError(f"cannot be checked: its groups are nested more than {DEEPEST} deep")
        yield
        if not self._take(")"):
            raise self._error("unclosed (", start)
        self._depth -= 1
        self._flags = flags

    def _group(self, start: int) -> Node:
        if not self._text.startswith("?", self._at):
            return self._numbered("")
        found = _GROUP.match(self._text, self._at)
        if found is None:
            foreign = next((say for sign, say in _FOREIGN.items() if self._text.startswith(sign, self._at)), None)
            flags = _LONE_FLAGS.match(self._text, self._at) and "flags need a group, as in (?i:...)"
            raise self._error(foreign or flags or "unknown kind of group", start)
        self._at = found.end()
        if (look := _LOOKS.get(found[0])) is not None:
            return Look(self._choice(), *look)
        if found["name"] is not None:
            if not found["name"].replace("$", "_").isidentifier():
                raise self._error(f"{shown(found['name'])} is not a valid name of a group", start)
            return self._numbered(found["name"])
        if found["on"] is not None:
            self._set_flags(found["on"], found["off"], start)
        return Sequence((self._choice(),))  # a node of its own, which can be repeated whatever it contains

    def _numbered(self, name: str) -> Group:
        self._groups += 1
        number = self._groups
        return Group(number, name, self._choice())

    def _set_flags(self, on: str, off: str | None, start: int) -> None:
        letters = on + (off or "")
        if len(set(letters)) < len(letters) or not set(letters) <= _FLAGS.keys() or (off is not None and not letters):
            raise self._error("the flags of a group are i, m and s, each at most once", start)
        changed = {_FLAGS[each]: each in on for each in letters}
        self._flags = replace(self._flags, **changed)

    # -- escapes

    def _escape(self) -> Node:
        start = self._at - 1
        match sign := self._next():
            case "b" | "B":
                word = in_any_case(charsets.WORD) if self._flags.any_case else charsets.WORD
                return Edge(sign, self._flags.lines, word)
            case "k":
                found = _NAME.match(self._text, self._at)
                if found is None:
                    raise self._error("\\k needs the name of a group, as in \\k<name>", start)
                self._at = found.end()
                return Back(found[1], self._flags.any_case, start)
            case _ if sign in "123456789":
                while self._text[self._at : self._at + 1] in set("0123456789"):
                    sign += self._next()
                return Back(_number(sign), self._flags.any_case, start)
            case _:
                return self._characters(self._set(sign, start))

    def _set(self, sign: str, start: int) -> Charset:
        """The characters that an escape stands for, in or outside a class."""
        if sign in BY_LETTER:
            found = BY_LETTER[sign]
            is_wide = self._flags.any_case and sign in "wW"
            return (
                found if not is_wide else in_any_case(found) if sign == "w" else complement(in_any_case(BY_LETTER["w"]))
            )
        if sign in "pP":
            found = self._property(start)
            return found if sign == "p" else complement(found)
        code = self._code(sign, start)
        return ((code, code),)

    def _code(self, sign: str, start: int) -> int:
        if sign in _HEX:
            return self._hexadecimal(sign, start)
        if sign == "c":
            letter = self._text[self._at : self._at + 1]
            if not (letter.isascii() and letter.isalpha()):
                raise self._error("\\c needs a letter", start)
            return ord(self._next()) % 32
        if sign == "0" and self._text[self._at : self._at + 1] not in set("0123456789"):
            return 0
        if sign in _CONTROLS and sign != "0":
            return ord(_CONTROLS[sign])
        if sign.isascii() and sign.isalnum():
            advice = (
                "write \\x and two digits" if sign.isdigit() else _ADVICE.get(sign, f"for the letter, write {sign}")
            )
            raise self._error(f"\\{sign} has no meaning: {advice}", start)
        return ord(sign)

    def _hexadecimal(self, sign: str, start: int) -> int:
        found = _HEX[sign].match(self._text, self._at)
        digits = found and (found[1] or found[found.re.groups])
        if found is None or not digits or (code := int(digits, 16)) > ANY[0][1]:
            raise self._error(f"\\{sign} needs the hexadecimal number of a character", start)
        self._at = found.end()
        half = _SECOND_HALF.match(self._text, self._at)
        if sign == "u" and found[1] and 0xD800 <= code < 0xDC00 and half is not None:  # noqa: PLR2004 - of a pair
            self._at = half.end()
            return 0x10000 + (code - 0xD800) * 0x400 + int(half[1], 16) - 0xDC00
        return code

    def _property(self, start: int) -> Charset:
        found = _PROPERTY.match(self._text, self._at)
        if found is None:
            raise self._error("\\p needs a property, as in \\p{L}", start)
        self._at = found.end()
        text, (name, value) = found[0][1:-1], found.groups()
        if value is None and name in _SIMPLE:
            return _SIMPLE[name]
        known = charsets.of_category(value or name) if value is None or name in _OF_CATEGORIES else None
        if known is None and ((value is None and len(name) > 2) or name in _OF_SCRIPTS):  # noqa: PLR2004 - Lu
            known = _other_property(text)
        if known is None:
            raise self._error(f"{shown(text)} is not a property of Unicode", start)
        return known

    # -- classes

    def _class(self) -> Node:
        start = self._at - 1
        is_negative = self._take("^")
        found: list[Charset] = []
        while not self._take("]"):
            if self._at == len(self._text):
                raise self._error("unclosed [", start)
            found.append(self._range())
        return self._characters(union(*found), is_negative=is_negative)

    def _range(self) -> Charset:
        start = self._at
        if posix := _POSIX.match(self._text, start):
            raise self._error(f"{posix[0]} has no meaning: write \\p{{L}}, \\d or a-z", start)
        first = self._member()
        if not self._text.startswith("-", self._at) or self._text.startswith("-]", self._at):
            return first
        self._at += 1
        last = self._member() if self._at < len(self._text) else charsets.NOTHING
        if any(len(each) != 1 or each[0][0] != each[0][1] for each in (first, last)):
            return union(first, last, charsets.of_texts("-"))
        if first[0][0] > last[0][0]:
            raise self._error(f"{shown(self._text[start : self._at])} is not a range: its end comes first", start)
        return charset((first[0][0], last[0][0]))

    def _member(self) -> Charset:
        start = self._at
        sign = self._next()
        if sign != "\\":
            return ((ord(sign), ord(sign)),)
        sign = self._next()
        return ((_BACKSPACE, _BACKSPACE),) if sign == "b" else self._set(sign, start)


_SIMPLE = {"Any": ANY, "ASCII": charset((0, 127))}


def _other_property(text: str) -> Charset | None:
    try:
        return charsets.of_property(text)
    except ImportError:
        raise PatternError(
            f"cannot be checked: for \\p{{{text}}}, install the package regex, as microagent[patterns] does"
        ) from None


def _number(digits: str) -> int:
    return min(int(digits[:20]), MOST)
