"""The groups that back references of a regular expression can refer to."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from microagent.schemas.regexnodes import Back, Choice, Group, Look, Node, PatternError, Repeat, Sequence

MOST_OF_ONE_NAME = 100

Trail: TypeAlias = tuple[tuple[Node, int], ...]
"""The path from the root to a node: its ancestors, each with the index of the child that the path goes through."""


def referred(whole: Node) -> Mapping[Back, Mapping[Group, bool]]:
    """
    For each back reference the groups that may have matched before it, and whether each of them must have.

    ECMA-262 resets a group with each new iteration of a repetition around it; Python does not. Expressions for which
    this would make a difference are refused.

    :raises PatternError: if there is no such group, or Python cannot express the reference
    """
    groups: dict[Group, Trail] = {}
    references: dict[Back, Trail] = {}
    for node, trail in _placed(whole, ()):
        if isinstance(node, Group):
            groups[node] = trail
        else:
            references[node] = trail
    named: dict[int | str, list[Group]] = {group.number: [group] for group in groups}
    for group in groups:
        if group.name:
            named.setdefault(group.name, []).append(group)
    for name, several in named.items():
        _check_name(name, [groups[each] for each in several])
    return {
        reference: dict(_possible(reference, trail, {group: groups[group] for group in named.get(reference.group, ())}))
        for reference, trail in references.items()
    }


def _placed(node: Node, trail: Trail) -> Iterator[tuple[Group | Back, Trail]]:
    if isinstance(node, Group | Back):
        yield node, trail
    for index, part in enumerate(parts(node)):
        yield from _placed(part, (*trail, (node, index)))


def parts(node: Node) -> tuple[Node, ...]:
    """The children of a node."""
    match node:
        case Sequence(several) | Choice(several):
            return several
        case Repeat() | Group() | Look():
            return (node.part,)
        case _:
            return ()


def _check_name(name: int | str, trails: list[Trail]) -> None:
    if len(trails) > MOST_OF_ONE_NAME:
        raise PatternError(f"cannot be checked: more than {MOST_OF_ONE_NAME} of its groups are called {name}")
    for index, one in enumerate(trails):
        if not all(isinstance(_parting(one, other)[0], Choice) for other in trails[index + 1 :]):
            raise PatternError(f"is not a regular expression of ECMA-262: two of its groups are called {name}")


def _parting(one: Trail, other: Trail) -> tuple[Node | None, int]:
    """The node at which two trails part, None if one is a prefix of the other, and the number of common steps."""
    for count, (step, its) in enumerate(zip(one, other, strict=False)):
        if step != its:
            return step[0], count
    return None, min(len(one), len(other))


def _possible(reference: Back, trail: Trail, groups: Mapping[Group, Trail]) -> Iterator[tuple[Group, bool]]:
    if not groups:
        raise PatternError(
            f"is not a regular expression of ECMA-262: there is no group {reference.group}, "
            f"at character {reference.at + 1}"
        )
    for group, its in groups.items():
        where, count = _parting(trail, its)
        inside = [node for node, _ in its[count:]]
        is_behind = any(isinstance(node, Look) and not node.ahead for node, _ in (*trail, *its))
        if is_behind:
            raise PatternError("cannot be checked: a group or a reference to it is in a lookbehind")
        is_before = isinstance(where, Sequence) and its[count][1] < trail[count][1]
        if not is_before or any(isinstance(node, Look) and node.negative for node in inside):
            continue
        must = not any(isinstance(node, Choice) or (isinstance(node, Repeat) and node.least == 0) for node in inside)
        if not must and any(isinstance(node, Repeat) and node.most != 1 for node, _ in its):
            raise PatternError("cannot be checked: it refers to a group that not every repetition matches")
        yield group, must
