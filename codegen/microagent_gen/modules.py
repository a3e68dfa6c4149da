"""The modules that a package consists of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from microagent_gen.model import QueueModel, SignalModel

Kind: TypeAlias = Literal["signals", "queues"]
Declared: TypeAlias = Sequence[SignalModel] | Sequence[QueueModel]

LARGEST = 200
"""Declarations in one module: pyright needs quadratic time, and silently stops checking far above this number."""

_FACES: dict[Kind, tuple[str, ...]] = {
    "signals": ("Bus", "Signals", "signals"),
    "queues": ("Broker", "Queues", "queues"),
}


@dataclass(frozen=True, slots=True)
class Module:
    """
    One file of signals or of queues.

    :ivar parts: the modules whose classes this module combines by inheritance
    :ivar instance: whether it has the object ``signals`` or ``queues``; a part has none
    """

    kind: Kind
    stem: str
    declared: Declared
    parts: tuple["Module", ...] = ()
    instance: bool = True

    @property
    def classes(self) -> list[str]:
        """The payload classes that this file defines, sorted."""
        return sorted(record.name for model in self.declared for record in model.records)

    @property
    def uses(self) -> list[str]:
        """The shared classes that this file imports, sorted."""
        return sorted({name for model in self.declared for name in model.uses})

    @property
    def exports(self) -> list[str]:
        """The names that the package re-exports from this module, sorted."""
        return sorted([*_FACES[self.kind], *self.classes, *(name for part in self.parts for name in part.classes)])

    @property
    def has_handlers(self) -> bool:
        """Whether there is a protocol for handlers."""
        return any(model.handler for model in self.declared)

    def bases(self, name: str, otherwise: str = "") -> str:
        """The bases of the class ``name``: the class of each part, or ``otherwise`` if there are no parts."""
        return ", ".join(f"_{name}{number}" for number, _ in enumerate(self.parts, 1)) or otherwise


def spread(kind: Kind, declared: Declared) -> list[Module]:
    """One module, or several parts followed by the module that combines them."""
    if len(declared) <= LARGEST:
        return [Module(kind, kind, declared)]
    chunks = [declared[start : start + LARGEST] for start in range(0, len(declared), LARGEST)]
    parts = [Module(kind, f"_{kind}_{number:03}", chunk, instance=False) for number, chunk in enumerate(chunks, 1)]
    return [*parts, Module(kind, kind, (), tuple(parts))]
