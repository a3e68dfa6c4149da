"""README and docs/, as their readers would follow them, each page alone."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import DOCS, README, as_module, blocks, follow, run
from support import unique

FIRST = "A first project, in ten minutes"
ELSEWHERE = {"testing"}  # test_testing_kit.py executes what it shows, as tests
WITHOUT = {"README", "moving-from-1.x", "promises"}  # they show nothing that could be run
PAGES = [page for page in sorted(DOCS.glob("*.md")) if page.stem not in ELSEWHERE]


@pytest.fixture(scope="module", autouse=True)
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All runs of mypy share what they find out about the library."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture(scope="module")
def first_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the first project but for its mistakes, what is generated from them, and all of it in git."""
    folder = tmp_path_factory.mktemp("project")
    for block in blocks(README, FIRST):
        if block.path and block.path != "myproj/mistakes.py":
            target = folder / block.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
    for command in (
        "microagent-gen schemas/ -o myproj/contracts",
        "git init -q -b main",
        "git add .",
        "git commit -q -m begun",
    ):
        run(command, [], folder)
    return folder


@pytest.fixture
def project(first_project: Path, tmp_path: Path) -> Path:
    """A first project that one page may change."""
    return shutil.copytree(first_project, tmp_path / "project")


def test_first_project(tmp_path: Path):
    """Every command of the first project does what README shows, in its order."""
    done = follow(README, tmp_path, FIRST)
    assert [command.split()[0] for command in done] == [
        "mkdir", "touch", "microagent-gen", "mypy", "marun", "python", "mypy",
    ]  # fmt: skip


def test_features(project: Path):
    """Every example of the features runs, each in the session of the ones before, and so do the commands."""
    assert "(examples)" in follow(README, project, "Features")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, project: Path):
    """In the folder of the first project, all that a page shows is as it says."""
    assert bool(follow(page, project)) == (page.stem not in WITHOUT)


def test_examples_are_typed(project: Path):
    """What the pages execute is typed as strictly as can be."""
    for block in blocks(DOCS / "json-schemas.md"):
        if block.path:
            (project / block.path).write_text(block.text)
    run("microagent-gen schemas/shop.json -o myproj/shop", [], project)
    modules = {"readme": as_module(README, "Features"), **{page.stem: as_module(page) for page in PAGES}}
    for name, text in modules.items():
        (project / f"{name.replace('-', '_')}_page.py").write_text(text)
    run("mypy --strict *_page.py", [f"Success: no issues found in {len(modules)} source files"], project)


NAMES = ("orders", "audit", "events")  # on servers that other tests use too
REDIS = """
    async with redis_bus, redis_broker:
        await redis_broker.orders.send({"id": 7})
        assert await redis_broker.orders.length() == 1
        assert await redis_bus.paid.send("page") is None
"""
RABBITMQ = """
    class Told(Auditor):
        async def write(self, delivery, amqp, **message):
            await super().write(delivery, amqp, **message)
            told.append((message, amqp.header.properties.priority))

    auditor = Told(broker=rabbit)
    await auditor.start()
    await order_paid()
    await until(lambda: told)
    assert told == [({"order": 7}, 5)]
    await auditor.stop()
"""
KAFKA = """
    class ToldShipping(Shipping):
        async def ship(self, kafka, **order):
            await super().ship(kafka, **order)
            told.append(("shipped", order))

    class ToldStatistics(Statistics):
        async def count(self, **order):
            await super().count(**order)
            told.append(("counted", order))

    await ordered()
    agents = ToldShipping(broker=stream), ToldStatistics(broker=KafkaBroker(stream.dsn))
    await asyncio.gather(*(agent.start() for agent in agents))
    await until(lambda: len(told) == 2)
    assert sorted(told) == [("counted", {"id": 7}), ("shipped", {"id": 7})]
    await asyncio.gather(*(agent.stop() for agent in agents))
    await stream.close()
"""


@pytest.mark.parametrize(
    ("dsn", "servers", "live"),
    [
        ("redis://localhost:6379/0", ["redis_url"], REDIS),
        ("amqp://guest:guest@localhost:5672/vhost?heartbeat=15", ["rabbitmq_url"], RABBITMQ),
        ("kafka://localhost:9092", ["real_kafka", "kafka_url"], KAFKA),
    ],
    ids=["redis", "rabbitmq", "kafka"],
)
def test_examples_work_on_servers(
    dsn: str, servers: list[str], live: str, project: Path, request: pytest.FixtureRequest
):
    """What the page of the backends shows of each server is right where there is one."""
    *_, url = map(request.getfixturevalue, servers)
    page = as_module(DOCS / "backends.md")
    assert f'"{dsn}"' in page
    source = f"{page}    told = []\n{live}".replace(dsn, url)
    for name in NAMES:
        source = re.sub(rf"\b{name}\b", unique(name), source)
    head = "import asyncio\nfrom microagent import Signal\nfrom support import until\nSignal('paid')\n"
    (project / "live.py").write_text(f"{head}{source}\nasyncio.run(session())\n")
    shutil.copy(Path(__file__).parents[1] / "support.py", project)
    run("python live.py", [], project)
