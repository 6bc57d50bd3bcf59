"""Objectives in files of their own: a TOML file with `[watch]`, `[sla]` and `[kpi]`, read and written back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rowen.config import Table, read
from rowen.config.read import toml
from rowen.config.write import key_of, value_of
from rowen.watch.base import KpiTable, Objectives, SlaTable, WatchTable
from rowen.watch.contact import ContactTable, DigestTable, OncallTable

TABLES: dict[str, Table] = {
    "watch": Table(kind=dict[str, WatchTable], default={}),
    "sla": Table(kind=dict[str, SlaTable], default={}),
    "kpi": Table(kind=dict[str, KpiTable], default={}),
    "alerts": Table(kind=dict[str, ContactTable], default={}),
    "digest": Table(kind=DigestTable, default=DigestTable()),
    "oncall": Table(kind=OncallTable, default=OncallTable()),
}
"""The tables of this stage in an `app.toml`."""


def objectives_of(app: str, tables: Mapping[str, Any]) -> Objectives:
    """Return what is promised of an app, from its tables."""
    return Objectives(app=app, watch=tables["watch"], sla=tables["sla"], kpi=tables["kpi"])


def read_file(path: Path) -> Objectives:
    """Return the objectives of a file of their own, or of a whole `app.toml`, whose other tables are not looked at.

    Raises:
        Mistaken: `config_*`, with the place of the first mistake.

    """
    source, _ = toml(path)
    mine = {name: table for name, table in TABLES.items() if name in {"watch", "sla", "kpi"}}
    others = {name: Table(kind=Any, default=None) for name in source if name not in mine}
    loaded = read(path, {**mine, **others}, secrets=False)
    return objectives_of(loaded.definition.app, loaded.tables)


def toml_of(objectives: Objectives) -> str:
    """Return objectives as a file that reads back equal."""
    lines: list[str] = []
    for kind, tables in (("watch", objectives.watch), ("sla", objectives.sla), ("kpi", objectives.kpi)):
        for name, table in tables.items():
            _table(lines, f"{kind}.{key_of(name)}", msgspec.to_builtins(table))
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(lines: list[str], path: str, fields: Mapping[str, Any]) -> None:
    lines += ["", f"[{path}]"]
    inner = [(key, value) for key, value in fields.items() if _is_tables(value)]
    lines += [f"{key_of(key)} = {value_of(value)}" for key, value in fields.items() if not _is_tables(value)]
    for key, value in inner:
        for each in value:
            lines += ["", f"[[{path}.{key_of(key)}]]"]
            lines += [f"{key_of(name)} = {value_of(inside)}" for name, inside in each.items()]


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], dict)
