"""How a contract is spread over files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from microagent_gen.model import QueueModel, SignalModel

Kind: TypeAlias = Literal["signals", "queues"]
Declared: TypeAlias = Sequence[SignalModel] | Sequence[QueueModel]

LARGEST = 200
"""Declarations in one module: the time that pyright takes grows with the square, and far above this it gives up."""

_FACES: dict[Kind, tuple[str, ...]] = {
    "signals": ("Bus", "Signals", "signals"),
    "queues": ("Broker", "Queues", "queues"),
}


@dataclass(frozen=True, slots=True)
class Module:
    """
    One file of signals or of queues.

    ``parts`` are the modules whose classes this one's are made of; a module that is itself a part has no ``instance``.
    """

    kind: Kind
    stem: str
    declared: Declared
    parts: tuple["Module", ...] = ()
    instance: bool = True

    @property
    def classes(self) -> list[str]:
        """The payload classes that this file defines, in the order of the alphabet."""
        return sorted(record.name for model in self.declared for record in model.records)

    @property
    def uses(self) -> list[str]:
        """The shared classes that are named here, in the order of the alphabet."""
        return sorted({name for model in self.declared for name in model.uses})

    @property
    def exports(self) -> list[str]:
        """All that the package offers of this module, in the order of the alphabet."""
        return sorted([*_FACES[self.kind], *self.classes, *(name for part in self.parts for name in part.classes)])

    @property
    def has_handlers(self) -> bool:
        """Whether anything declared here says what its handlers take."""
        return any(model.handler for model in self.declared)

    def bases(self, name: str, otherwise: str = "") -> str:
        """The bases of the class ``name``: those of all parts, or another one."""
        return ", ".join(f"_{name}{number}" for number, _ in enumerate(self.parts, 1)) or otherwise


def spread(kind: Kind, declared: Declared) -> list[Module]:
    """One module, or several parts and then the module that puts them together."""
    if len(declared) <= LARGEST:
        return [Module(kind, kind, declared)]
    chunks = [declared[start : start + LARGEST] for start in range(0, len(declared), LARGEST)]
    parts = [Module(kind, f"_{kind}_{number:03}", chunk, instance=False) for number, chunk in enumerate(chunks, 1)]
    return [*parts, Module(kind, kind, (), tuple(parts))]
