"""A contract rendered as the text of its files."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from microagent_gen import layout, naming, wrapping
from microagent_gen.allowlist import check_allowed
from microagent_gen.model import Contract
from microagent_gen.modules import Module, spread


def render(contract: Contract) -> dict[str, str]:
    """
    The text of every file of the package, by its name.

    :raises SyntaxError: if one of them is not valid, or not allowed, which would be a bug of this program
    """
    header = layout.header(contract.sources)
    signals, queues = spread("signals", contract.signals), spread("queues", contract.queues)
    files = {
        f"{module.stem}.py": _text(f"{module.kind}.py.jinja", header, module=module) for module in signals + queues
    }
    if contract.shared:
        files["_types.py"] = _text("types.py.jinja", header, records=contract.shared)
    files["__init__.py"] = _package(
        header, [queues[-1], signals[-1]], sorted(record.name for record in contract.shared)
    )
    for name, text in files.items():
        check_allowed(text, name)
    return {**files, "py.typed": ""}


def _package(header: str, modules: list[Module], shared: list[str]) -> str:
    names = sorted(["Agent", *shared, *(name for module in modules for name in module.exports)])
    return _text("package.py.jinja", header, modules=modules, shared=shared, names=names)


def _text(template: str, header: str, **values: object) -> str:
    return _environment().get_template(template).render(header=header, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "literal": naming.literal,
        "docstring": layout.docstring,
        "function": layout.function,
        "entry": wrapping.entry,
        "attribute": wrapping.attribute,
        "alias": wrapping.alias,
        "class_header": wrapping.class_header,
        "call": wrapping.call,
    }
    environment.filters.update(filters)
    return environment
