"""What a generated file may hold."""

import pytest
from generating import GOLDEN

from microagent_gen.allowlist import check_allowed

START = "import typing as _t\n\nimport microagent as _m\n\n\n"


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.rglob("expected/*.py")), ids=lambda path: f"{path.parts[-3]}/{path.name}"
)
def test_what_is_generated_is_accepted(path):
    """Every golden file."""
    check_allowed(path.read_text(), path.name)


@pytest.mark.parametrize(
    "code",
    [
        "print()",
        "import os",
        "import typing",
        "import typing as _t, os as _m",
        "from os import path",
        "from . import signals",
        "from ..up import Signals",
        "x = 1 + 1",
        "x = exec('1')",
        "x = [exec('1')]",
        "x = _t.cast('int', 1)",
        "x = _t.TypedDict('x', {'a': exec('1')})",
        "x = _t.TypedDict('x', {**{}})",
        "x = _t.TypedDict('x', {exec('1'): int})",
        "x = _m.Queue(*'abc')",
        "x = _m.Queue('x', declared=exec('1'))",
        "x: exec('1')",
        "x: int = exec('1')",
        "x: 'exec(1)'",
        "x: '1 +'",
        "x: dict[str, 'exec(1)']",
        "x: _t.Literal[exec('1')]",
        "x: _t.Annotated[int, exec('1')]",
        "x: _t.sys.path",
        "x: os.path",
        "x: (y := 1)",
        "x[0]: int",
        "x.y: int",
        "x = y = int",
        "x, y = int, int",
        "del x",
        "class X(exec('1')): ...",
        "class X(metaclass=Y): ...",
        "@exec\nclass X: ...",
        "class X:\n    exec('1')",
        "class X:\n    for x in y: ...",
        "class X:\n    @exec\n    def f(self): ...",
        "def f(x=exec('1')): ...",
        "def f(*, x=exec('1')): ...",
        "def f(x: exec('1')): ...",
        "def f(*x: exec('1')): ...",
        "def f() -> exec('1'): ...",
        "def f(x, *, x): ...",
        "def f():\n    return 1",
        "if 1: ...",
        "if _t.TYPE_CHECKING:\n    exec('1')",
        "if _t.TYPE_CHECKING: ...\nelse:\n    exec('1')",
        "if _t.TYPE_CHECKING or exec('1'): ...",
        "x: " + "list[" * 250 + "int" + "]" * 250,
        "x: " + "(" * 5000 + "int" + ")" * 5000,
        "x: f'{exec(1)}'",
        "lambda: 1",
        "async def f():\n    await x",
        "x = \\",
        '"""',
        "match 1:\n    case 1: ...",
        "try: ...\nexcept: ...",
        "with x: ...",
        "while x: ...",
        "global x",
        "raise x",
        "assert x",
        "x += 1",
        "x = [y for y in z]",
        "x: tuple[*y]",
    ],
)
def test_anything_else_is_refused_with_its_place(code):
    """Whatever could run, or is no Python, is an error that names the file and the line."""
    with pytest.raises(SyntaxError) as refused:
        check_allowed(START + code + "\n", "signals.py")
    assert refused.value.filename == "signals.py"
    assert refused.value.lineno is not None
