"""Foreign text as a line of output can hold it."""


def printable(text: str, longest: int = 2_000) -> str:
    """
    The text in one line that nothing can be hidden in, and that means nothing to a terminal.

    What is not printable is escaped as Python does: ``\\n``, ``\\x1b``, ``\\u202e``, also halves of surrogate pairs.

    :param longest: characters; of what is longer, the beginning is shown and the length told
    """
    if len(text) > longest:
        return f"{printable(text[:longest])}... ({len(text)} characters)"
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
