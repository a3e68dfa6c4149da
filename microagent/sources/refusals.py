"""Internal errors about documents; their messages are sentences without the name of the source."""


class DocumentError(Exception):
    """A document cannot be had."""


class UnavailableError(DocumentError):
    """A document cannot be had at the moment: its server is unreachable, or says that it is overloaded."""
