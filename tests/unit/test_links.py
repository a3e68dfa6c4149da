"""What the pages of the documentation refer to is there, and what they show can be read."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from pages import DOCS, README, ROOT, blocks

PAGES = [
    README,
    *sorted(DOCS.glob("*.md")),
    *(ROOT / name for name in ("examples/README.md", "CHANGELOG.md", "benchmarks/README.md")),
]
READERS = {"json": json.loads, "toml": tomllib.loads}
TARGETS = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def prose(page: Path) -> str:
    """A page without its fenced blocks and code, in which nothing is a heading or a link."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<=[^\[])`[^`\n]*`(?!\])", "", text)


def links(page: Path) -> Iterator[str]:
    """The targets of all links and pictures."""
    yield from re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(page: Path) -> list[str]:
    """What the headings of a page are called in links, as GitHub does: a second one of a name has a number."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    slugs: list[str] = []
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        times = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in slugs)
        slugs.append(f"{slug}-{times}" if times else slug)
    return slugs


def problem(page: Path, link: str) -> str | None:
    """Why a reader who follows a link finds nothing."""
    if re.match(r"[a-z]+:", link):
        return None if link.startswith("https://") else "it is neither relative nor https"
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return "there is no such file"
    if anchor and (target.suffix != ".md" or anchor not in anchors(target)):
        return "there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    """Each relative link leads to a file of the repository, and each anchor to a heading in it."""
    assert [f"{link}: {why}" for link in links(page) if (why := problem(page, link))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_data_can_be_read(page: Path):
    """What a page shows as JSON or TOML is such."""
    for block in blocks(page):
        if read := READERS.get(block.language):
            assert read(block.text), f"line {block.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_has_the_targets_that_pages_name(page: Path):
    """Each command of make that a page shows or mentions is a target that does something."""
    named = set(re.findall(r"(?:`|^\$ )make\s+([a-z-]+)", page.read_text("utf-8"), re.MULTILINE))
    assert named - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_tests_that_pages_name_exist(page: Path):
    """A reader who looks for what shows a promise finds the file below ``tests/``."""
    named = re.findall(r"`(?:tests/)?((?:contract|e2e|faults|gen|soak|typing|unit)/\w+\.py)`", page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_index_knows_all_pages():
    """docs/README.md has a row for each page beside it, and README names them all."""
    pages = {page.name for page in DOCS.glob("*.md")}
    assert pages - {"README.md"} <= set(links(DOCS / "README.md"))
    assert {f"docs/{name}" for name in pages} <= {link.partition("#")[0] for link in links(README)}


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("#heading", None),
        ("#heading-1", None),
        ("#a-code-of---its-own", None),
        ("#heading-2", "heading"),
        ("#in-a-block", "heading"),
        ("there.md#heading", None),
        ("there.md#other", "heading"),
        ("missing.md", "file"),
        ("../../README.md", "file"),
        ("http://example.org", "https"),
        ("https://example.org/#any", None),
    ],
)
def test_links_are_looked_at_as_readers_follow_them(
    link: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A heading is found by its name in links, whatever is in a block of code; a link that leads nowhere is told."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    here, there = tmp_path / "here.md", tmp_path / "there.md"
    here.write_text(f"# Heading\n\n## A `code` of - its own\n\n```sh\n# In a block\n```\n\n## Heading\n\n[x]({link})\n")
    there.write_text("# Heading\n")
    assert list(links(here)) == [link]
    found = problem(here, link)
    assert found is None if why is None else why in str(found)
