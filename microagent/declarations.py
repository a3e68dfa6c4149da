"""Declarations of signals and queues: from JSON text to frozen objects, with every problem and its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from microagent.errors import Problem

Schema: TypeAlias = Mapping[str, Any] | bool


@dataclass(frozen=True)
class SignalDeclaration:
    """
    A signal as its file declares it.

    ``payload`` is always an object schema: ``providing_args`` in either form is rewritten as one (an argument without a
    type has the schema ``{}``, and every argument of ``providing_args`` is required).
    ``definitions`` are the ``$defs`` of the payload's file that the payload or ``returns`` refer to.
    """

    name: str
    payload: Mapping[str, Any]
    returns: Schema | None = None
    description: str = ""
    deprecated: bool = False
    definitions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    origin: Problem | None = field(default=None, compare=False)


@dataclass(frozen=True)
class QueueDeclaration:
    """A queue as its file declares it. ``payload`` None: a free structure, any JSON object."""

    name: str
    payload: Schema | None = None
    exchange: str | None = None
    topics: tuple[str, ...] = ()
    description: str = ""
    deprecated: bool = False
    definitions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    origin: Problem | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Declarations:
    """All that one source declares, in its order, and what it should be warned of."""

    signals: tuple[SignalDeclaration, ...] = ()
    queues: tuple[QueueDeclaration, ...] = ()
    warnings: tuple[Problem, ...] = ()
