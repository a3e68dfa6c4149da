"""What a module holds while others of its package are still what they were."""

import ast
from collections.abc import Iterator

PACKAGE = "__init__.py"

_TOLD = "# Gone when the run that wrote this has ended: the modules of before it import these."


def order(name: str) -> tuple[int, str]:
    """A key that sorts the modules of a package: each after those that it imports from."""
    if name == PACKAGE:
        return 3, name
    if name == "_types.py":
        return 0, name
    return (1 if name.startswith("_") else 2), name


def transitional(name: str, before: bytes | None, after: bytes) -> bytes:
    """
    The new content with a stand-in for every name that the module has had and has no more.

    Modules are replaced one after the other, and a process may be killed in between: whatever is there then can be
    imported, for each module has the names that the new and the old ones import from it.

    :param name: of the file; what is no module, or imported by no other, has nothing to bridge
    :param before: the module as it was; None where there was none
    """
    if (
        before is None
        or not name.endswith(".py")
        or name == PACKAGE
        or not (gone := sorted(set(_names(before)) - set(_names(after))))
    ):
        return after
    stand_ins = "".join(f"{name} = object\n" for name in gone)
    return after + f"\n{_TOLD}\n{stand_ins}".encode()


def _names(content: bytes) -> Iterator[str]:
    """What can be imported from a module."""
    try:
        statements = ast.parse(content).body
    except (SyntaxError, ValueError, RecursionError):  # it is damaged, and nobody can import it now
        return
    for statement in statements:
        match statement:
            case ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
            case _:
                pass
