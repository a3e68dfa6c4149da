"""Words of older JSON Schema drafts, in those of 2020-12."""

from collections.abc import Mapping
from typing import Any, cast

from microagent.schema import Schema, is_schema, rebuilt


def modern(schema: Schema) -> Schema:
    """
    The schema in the words of 2020-12.

    A schema without ``$schema`` is one of 2020-12 in which draft 7's array ``items``, ``additionalItems`` and
    ``dependencies`` are understood. One with ``$schema`` means what it says and is left as it is.
    """
    if isinstance(schema, bool) or "$schema" in schema:
        return schema
    return rebuilt(_with_dependencies(_with_prefix_items(dict(schema))), modern)


def _with_prefix_items(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("items"), list):
        return schema
    others = {key: value for key, value in schema.items() if key not in {"items", "additionalItems"}}
    rest = {"items": schema["additionalItems"]} if "additionalItems" in schema else {}
    return {**others, "prefixItems": schema["items"], **rest}


def _with_dependencies(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("dependencies"), Mapping):
        return schema
    dependencies = cast("Mapping[str, object]", schema.pop("dependencies"))
    schemas = {name: value for name, value in dependencies.items() if is_schema(value)}
    names = {name: value for name, value in dependencies.items() if not is_schema(value)}
    return {
        **schema,
        **({"dependentSchemas": {**schemas, **schema.get("dependentSchemas", {})}} if schemas else {}),
        **({"dependentRequired": {**names, **schema.get("dependentRequired", {})}} if names else {}),
    }
