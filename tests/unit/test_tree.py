"""Trees of lines."""

from microagent.running.tree import Tree


def test_tree_shows_what_belongs_to_what() -> None:
    """
    Every branch is a line below its stem, whose last one ends the stem.
    """
    tree = Tree("root", [Tree("first", [Tree("leaf")]), Tree("last", [Tree("one"), Tree("two")])])

    assert list(tree.lines()) == [
        "root",
        "├── first",
        "│   └── leaf",
        "└── last",
        "    ├── one",
        "    └── two",
    ]
