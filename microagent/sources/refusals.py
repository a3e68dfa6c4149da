"""Why there is no document, as a sentence."""


class Refused(Exception):
    """A sentence on why there is no document."""


class Away(Refused):
    """A sentence on why there is no document now: the server is away, or says that it is."""
