"""Which files a group may be made of; tests/e2e/test_reload.py changes them."""

from pathlib import Path

from microagent.running.reloading import sources


def test_sources_are_code_and_declarations(tmp_path: Path) -> None:
    """
    The .py and .json files at any depth, but for those of hidden folders, virtual environments and node_modules.
    """
    seen = ["settings.py", "schemas/app.json", "app/agents/user.py"]
    unseen = ["notes.txt", ".git/a.py", "env/lib/a.py", "env/pyvenv.cfg", "web/node_modules/a/b.json"]
    for name in (*seen, *unseen):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert sorted(sources(tmp_path)) == sorted(tmp_path / name for name in seen)


def test_folder_that_is_gone_has_no_sources(tmp_path: Path) -> None:
    """
    Nor does one that cannot be read.
    """
    assert list(sources(tmp_path / "missing")) == []
