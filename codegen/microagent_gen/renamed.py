"""Generated classes that code may import, and that are not there any more."""

from collections.abc import Iterator, Sequence

from microagent.compat.findings import Finding, Kind
from microagent.compat.rules import RULES
from microagent.declarations import Declaration
from microagent_gen.classes import NameConflict
from microagent_gen.model import Contract, QueueModel, SignalModel, contract
from microagent_gen.sources import Collection


def renamed_classes(old: Collection, new: Collection, found: Sequence[Finding]) -> Iterator[Finding]:
    """Those of declarations in which nothing else breaks source, for that would say why they are gone."""
    told = {(finding.kind, finding.name) for finding in found if finding.source}
    try:
        before, after = _package(old), _package(new)
    except NameConflict:
        return  # one of them cannot be generated, so there is nothing that code could have imported
    is_there, was_there = _classes(after), _classes(before)
    models = {model.name: model for model in after.signals}
    for model in before.signals:
        if ("signal", model.name) not in told and model.name in models:
            gone, added = _names(model) - is_there, _names(models[model.name]) - was_there
            yield from _told("signal", new.signals[model.name], gone, added)
    queues = {queue.name: queue for queue in after.queues}
    for queue in before.queues:
        if ("queue", queue.name) not in told and queue.name in queues:
            gone, added = _names(queue) - is_there, _names(queues[queue.name]) - was_there
            yield from _told("queue", new.queues[queue.name], gone, added)


def _package(collection: Collection) -> Contract:
    return contract(collection.signals.values(), collection.queues.values(), ())


def _classes(package: Contract) -> set[str]:
    found = {record.name for record in package.shared}
    return found.union(*map(_names, package.signals), *map(_names, package.queues))


def _names(model: SignalModel | QueueModel) -> set[str]:
    return {record.name for record in model.records}.union(model.uses)


def _told(kind: Kind, declared: Declaration, gone: set[str], added: set[str]) -> Iterator[Finding]:
    allowed: dict[str, str] = declared.compat.get("allow", {})
    for name in sorted(gone):
        does = f"is called {next(iter(added))} now" if len(gone) == len(added) == 1 else "is gone"
        message = f'{kind} "{declared.name}": the class {name} {does}'
        rule = RULES["CLASS_NO_RENAME"]
        yield Finding(rule, kind, declared.name, message, (), declared.origin, source=True, allowed=allowed)
