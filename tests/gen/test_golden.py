"""
What is generated, byte for byte.

``GOLDEN=write pytest tests/gen/test_golden.py`` writes the expected files anew: look at the difference before you
commit it.
"""

import os
import shutil

import pytest
from generating import GOLDEN, contents, run

CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_generated_package_is_the_expected_one(case, tmp_path):
    """Every file of the package is the expected one, byte for byte."""
    result = run(GOLDEN / case / "schemas", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    expected = GOLDEN / case / "expected"
    if os.environ.get("GOLDEN") == "write":
        shutil.rmtree(expected, ignore_errors=True)
        shutil.copytree(tmp_path / "out", expected)
    assert contents(tmp_path / "out") == contents(expected)


@pytest.mark.parametrize("case", CASES)
def test_order_of_sources_does_not_matter(case, tmp_path):
    """Files named one by one, in another order and from another folder, give the same bytes as their folder."""
    copies = tmp_path / "elsewhere"
    shutil.copytree(GOLDEN / case / "schemas", copies)
    files = sorted(copies.iterdir(), reverse=True)
    run(*files, "-o", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(GOLDEN / case / "expected")
