"""The house: which module stands on which, and how each of them reads."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION = 40  # lines, docstring and signature not counted

# A module imports from its own floor and from those above it in this list; there are no circles anywhere.
FLOORS = {
    "ground": """
        atomic printable printing errors arguments names pointers retry schedule execution tasks counted batch dsn
        codec beginning wakeful wallclock watching colours plurals trust extras tracebacks
    """,
    "words": """
        jsontext declarations registry channel headers delivery signal queue loading
        schemas.reader schemas.words schemas.shapes schemas.jsonvalues schemas.references schemas.conjunctions
        schemas.literals schemas.documentation schemas.unions
        schemas.drafts schemas.scopes schemas.siblings schemas.library schemas.converting schemas.circles
        schemas.bundling schemas.plainschema schemas.plainformat schemas.declarationformat schemas.charsets
        schemas.regexnodes schemas.ecmascript schemas.captures schemas.ambiguity schemas.patterns schemas.formats
        schemas.validator schemas.jsonschemas schemas.schemachecks
        schemas.runtime_types schemas.limits schemas.choices schemas.claims schemas.scalars schemas.judging
        schemas.deciding schemas.glances schemas.reading schemas.validation
        sources.contents sources.parsing sources.refusals sources.webclient sources.documents sources.locking
        sources.cache sources.obtaining
        compat.scopes compat.forms compat.members compat.finders compat.samples compat.proof compat.inclusion
        compat.statics compat.changes compat.wording compat.objects compat.reserved compat.comparison compat.rules
        compat.findings compat.topics compat.contracts compat.places
        asyncapi.schemas asyncapi.writing asyncapi.bundles asyncapi.outline asyncapi.reading
    """,
    "machines": """
        admission link calls signatures dispatch options prefetch intake solitude holding settling consuming endpoint
        bus queuebackend boundqueue broker faces marks receiving middleware handlers hooks timer
    """,
    "people": """
        roster bindings lifecycle agent backends launcher queuecli __init__
        running.settings running.send_calls running.tree running.blueprint running.overview running.apidocument
        running.group running.groupqueues running.lifeline running.stop_signals running.deferred running.logs
        running.loops running.agent_process running.supervisor running.reloading
    """,
}
WORDS_FOR_GENERATOR = {
    "errors",
    "names",
    "printable",
    "printing",
    "pointers",
    "plurals",
    "watching",
    "colours",
    *FLOORS["words"].split(),
} - {
    "channel",
    "headers",
    "delivery",
    "signal",
    "queue",
}
NOBODYS = ("microagent.tools", "microagent.testing", "microagent_gen")  # what no module of the core imports
MODULES = sorted((ROOT / "microagent").rglob("*.py")) + sorted((ROOT / "codegen").rglob("*.py"))


def title(path: Path) -> str:
    """``microagent.tools.local.store`` of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("codegen.")


def imports(path: Path) -> Iterator[str]:
    """What a module imports of ours, wherever in it, but for what only type checkers see: full module names."""
    skipped = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(id(inner) for each in node.body for inner in ast.walk(each))
        if id(node) not in skipped:
            yield from filter(_is_ours, _imported(node))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if _exists(full) else str(node.module)


def _exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return any(base.with_suffix(".py").exists() or (base / "__init__.py").exists() for base in (path, _generator(path)))


def _generator(path: Path) -> Path:
    return ROOT / "codegen" / path.relative_to(ROOT)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"microagent", "microagent_gen"}


def floor(name: str) -> int:
    """The number of the floor that a module of the package stands on."""
    return next(number for number, names in enumerate(FLOORS.values()) if name in names.split())


def place(path: Path) -> str:
    """What the list of floors calls a module of the package: ``compat.proof`` of one in a folder."""
    return title(path).removeprefix("microagent.")


def _is_core(path: Path) -> bool:
    is_folder = path.name == "__init__.py" and not path.read_text()
    return title(path).startswith("microagent.") and not title(path).startswith(NOBODYS) and not is_folder


CORE = [path for path in MODULES if _is_core(path)]
TOOLS = [path for path in MODULES if title(path).startswith("microagent.tools.")]
GENERATOR = [path for path in MODULES if title(path).startswith("microagent_gen")]


def test_every_module_has_its_place():
    """Once; and every place has its module."""
    listed = [name for names in FLOORS.values() for name in names.split()]
    assert sorted(listed) == sorted(map(place, CORE))


@pytest.mark.parametrize("path", CORE, ids=title)
def test_imports_point_down(path):
    """To the same floor or below; and nobody but a DSN or a settings module knows the tools, by import path."""
    for module in imports(path):
        assert not module.startswith(NOBODYS), f"{title(path)} imports {module}"
        name = module.partition(".")[2]
        assert name, f"{title(path)} imports the package as a whole"
        assert floor(name) <= floor(place(path)), f"{title(path)} imports {module}, which stands above it"


def test_no_module_imports_itself_by_way_of_others():
    """There are no circles."""
    graph = {title(path): set(imports(path)) for path in MODULES}
    while leaves := {module for module, needs in graph.items() if not needs & graph.keys()}:
        for module in leaves:
            del graph[module]
    assert graph == {}


@pytest.mark.parametrize("path", TOOLS, ids=title)
def test_tools_stand_on_machines(path):
    """A backend needs no agent, no launcher, and no other backend."""
    own = ".".join(title(path).split(".")[:3])
    for module in imports(path):
        if module.startswith("microagent.tools"):
            assert module.startswith(own), f"{title(path)} imports {module}"
        else:
            assert floor(module.split(".")[1]) < len(FLOORS) - 1, f"{title(path)} imports {module}"


@pytest.mark.parametrize("path", GENERATOR, ids=title)
def test_generator_knows_declarations_alone(path):
    """It generates from words; it needs neither machines nor the registry of a running agent."""
    allowed = {f"microagent.{name}" for name in WORDS_FOR_GENERATOR}
    assert {module for module in imports(path) if module.startswith("microagent.")} <= allowed


@pytest.mark.parametrize("path", MODULES, ids=title)
def test_module_says_its_one_idea(path):
    """In a docstring whose first paragraph is one sentence."""
    text = path.read_text()
    if not text:
        assert path.name == "__init__.py"
        return
    doc = ast.get_docstring(ast.parse(text)) or ""
    first = doc.partition("\n\n")[0]
    assert first.endswith((".", ":")), f"{title(path)}: {first!r}"
    assert ". " not in first, f"{title(path)} says two things: {first!r}"


@pytest.mark.parametrize("path", MODULES, ids=title)
def test_functions_are_short(path):
    """Forty lines of statements are the very end."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST_FUNCTION, f"{title(path)}.{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=title)
def test_annotations_are_real(path):
    """``from __future__ import annotations`` would hide from run time what handlers take."""
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def test_modules_of_tests_have_names_of_their_own():
    """Two of one name in different folders would be one module to pytest, which then runs neither."""
    modules = (path for path in (ROOT / "tests").rglob("test_*.py") if not (path.parent / "__init__.py").exists())
    names = Counter(path.name for path in modules)
    assert [name for name, count in names.items() if count > 1] == []
