"""Foreign text as a line of output can hold it."""


def printable(text: str, longest: int = 2_000) -> str:
    """
    The text in one line that nothing can be hidden in, and that means nothing to a terminal.

    What is not printable is escaped as Python does: ``\\n``, ``\\x1b``, ``\\u202e``, also halves of surrogate pairs.

    :param longest: characters; of what is longer, escapes included, the beginning is shown and the length told
    """
    head = text[:longest]
    line = head if head.isprintable() else "".join(map(_escaped, head))
    if len(text) > longest or len(line) > longest:
        return f"{line[:longest]}... ({len(text)} characters)"
    return line


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
