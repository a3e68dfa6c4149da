"""What is said where a driver is missing."""

import importlib

import pytest
from support import without


@pytest.mark.parametrize(("module", "package"), [("redis", "redis"), ("amqp", "aiormq"), ("kafka", "aiokafka")])
def test_backend_without_its_driver_names_the_extra(module: str, package: str) -> None:
    """
    Importing it is a ModuleNotFoundError like any other, which says what to install.
    """
    with without(package), pytest.raises(ModuleNotFoundError) as missing:
        importlib.import_module(f"microagent.tools.{module}")

    assert str(missing.value) == f"'microagent.tools.{module}' needs '{package}': pip install 'microagent[{module}]'"
    assert missing.value.name == package
