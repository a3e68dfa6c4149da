"""Findings about generated classes that code may import and that no longer exist."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from microagent.compat.findings import Finding, Kind
from microagent.compat.rules import RULES
from microagent.declarations import Declaration
from microagent_gen.classes import NameConflict
from microagent_gen.model import Contract, QueueModel, SignalModel, contract
from microagent_gen.sources import Collection

Models: TypeAlias = Sequence[SignalModel] | Sequence[QueueModel]


def renamed_classes(old: Collection, new: Collection, found: Sequence[Finding]) -> Iterator[Finding]:
    """
    A finding for each class that is gone or renamed.

    Declarations with another finding that breaks source are left out: that finding explains why the class is gone.
    """
    explained = {(finding.kind, finding.name) for finding in found if finding.source}
    try:
        before, after = _package(old), _package(new)
    except NameConflict:
        return  # one of the packages cannot be generated, so that code cannot import from both
    existing, former = _classes(after), _classes(before)
    declared: list[tuple[Kind, Models, Models, Mapping[str, Declaration]]] = [
        ("signal", before.signals, after.signals, new.signals),
        ("queue", before.queues, after.queues, new.queues),
    ]
    for kind, old_models, new_models, declarations in declared:
        counterparts = {model.name: model for model in new_models}
        for model in old_models:
            if (kind, model.name) not in explained and model.name in counterparts:
                gone, added = _names(model) - existing, _names(counterparts[model.name]) - former
                yield from _findings(kind, declarations[model.name], gone, added)


def _package(collection: Collection) -> Contract:
    return contract(collection.signals.values(), collection.queues.values(), ())


def _classes(package: Contract) -> set[str]:
    found = {record.name for record in package.shared}
    return found.union(*map(_names, package.signals), *map(_names, package.queues))


def _names(model: SignalModel | QueueModel) -> set[str]:
    return {record.name for record in model.records}.union(model.uses)


def _findings(kind: Kind, declared: Declaration, gone: set[str], added: set[str]) -> Iterator[Finding]:
    allowed: dict[str, str] = declared.compat.get("allow", {})
    for name in sorted(gone):
        change = f"is called {next(iter(added))} now" if len(gone) == len(added) == 1 else "is gone"
        message = f'{kind} "{declared.name}": the class {name} {change}'
        rule = RULES["CLASS_NO_RENAME"]
        yield Finding(rule, kind, declared.name, message, (), declared.origin, source=True, allowed=allowed)
