"""Modules that can be imported while a package is being replaced, when others of it are still the old ones."""

import ast
from collections.abc import Iterator

PACKAGE = "__init__.py"

_COMMENT = "# Only while the package is being written: the old modules import these names."


def order(name: str) -> tuple[int, str]:
    """A sort key by which each module of a package comes after those that it imports from."""
    if name == PACKAGE:
        return 3, name
    if name == "_types.py":
        return 0, name
    return (1 if name.startswith("_") else 2), name


def transitional(name: str, before: bytes | None, after: bytes) -> bytes:
    """
    The new content of a module, with a stand-in for every name that only its old content has.

    Modules are replaced one after the other, and the process may be killed in between. With the stand-ins, old and new
    modules can be imported together: each has all names that any of them imports from it.

    :param name: of the file; only modules that others import from need stand-ins
    :param before: the old content; None if there is none
    """
    if (
        before is None
        or not name.endswith(".py")
        or name == PACKAGE
        or not (gone := sorted(set(_names(before)) - set(_names(after))))
    ):
        return after
    stand_ins = "".join(f"{name} = object\n" for name in gone)
    return after + f"\n{_COMMENT}\n{stand_ins}".encode()


def _names(content: bytes) -> Iterator[str]:
    """The names that can be imported from a module."""
    try:
        statements = ast.parse(content).body
    except (SyntaxError, ValueError, RecursionError):  # a damaged module cannot be imported anyway
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
