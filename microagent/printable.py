"""Makes text from outside safe to print in one line."""


def printable(text: str, longest: int = 2_000) -> str:
    """
    The text in one line, without control characters that a terminal would interpret or that would hide something.

    Characters that are not printable are escaped as in Python: ``\\n``, ``\\x1b``, ``\\u202e``, and lone surrogates.

    :param longest: characters of the result; a longer text is cut, and its length is added
    """
    head = text[:longest]
    line = head if head.isprintable() else "".join(map(_escaped, head))
    if len(text) > longest or len(line) > longest:
        return f"{line[:longest]}... ({len(text)} characters)"
    return line


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
