"""Databases of earlier releases open, and the chain of migrations ends where the tables are."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import rowen.store.migrations
from rowen.store.migrations import HEAD
from rowen.store.migrations.upgrade import upgrade
from rowen.testing.contracts.made import a_key, an_entry
from rowen.values import Unavailable

FIXTURES = Path(__file__).parents[1] / "fixtures"
MIGRATIONS = Path(rowen.store.migrations.__file__).parent


def schema(path: Path) -> dict[str, list]:
    """Every table with its columns and indexes, whatever way its statement was written."""
    connection = sqlite3.connect(path)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {
            name: [
                connection.execute(f"PRAGMA table_info({name})").fetchall(),
                sorted(row[1:4] for row in connection.execute(f"PRAGMA index_list({name})")),
            ]
            for (name,) in names.fetchall()
        }
    finally:
        connection.close()


def chain() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def test_the_head_that_the_code_names_is_the_last_of_one_chain():
    assert chain().get_heads() == [HEAD]
    assert len(chain().get_bases()) == 1


def test_every_migration_says_in_its_name_when_it_runs():
    for script in chain().walk_revisions():
        number, when, *_ = Path(script.path).stem.split("_")
        assert number == script.revision
        assert when in ("pre", "post")


async def test_a_fresh_database_is_as_the_chain_would_have_made_it(open_at, folder, tmp_path):
    store = await open_at()
    await store.close()
    path = tmp_path / "migrated.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()

    fresh, migrated = schema(folder / "rowen.db"), schema(path)

    for made in (fresh, migrated):
        made.pop("alembic_version")
    assert fresh == migrated


@pytest.mark.parametrize("dump", sorted(FIXTURES.glob("rowen_*.sql")), ids=lambda path: path.stem)
async def test_a_database_of_an_earlier_release_opens_with_all_that_was_in_it(open_at, folder, dump):
    folder.mkdir()
    connection = sqlite3.connect(folder / "rowen.db")
    connection.executescript(dump.read_text())
    connection.close()

    store = await open_at()

    assert await store.keys.get("k1") == a_key("k1", last_used_ns=5)
    assert [tenant.id for tenant in await store.tenants.all()] == ["acme"]
    assert [user.id for user in await store.tenants.users("acme")] == ["ann"]
    assert [line.id for line in await store.audit.entries()] == ["e2", "e1"]
    assert await store.audit.broken_at() is None
    assert [definition.app for definition in await store.definitions.all()] == ["handbook"]
    turn = await store.turns.get("resp_1", "acme")
    assert turn is not None
    assert turn.answer.text == "hi"
    assert await store.revisions.revision() == 4
    await store.audit.append(an_entry("e3"))
    assert await store.audit.broken_at() is None
    await store.close()


async def test_a_database_of_a_newer_release_is_refused_with_the_reason(open_at, folder):
    store = await open_at()
    await store.close()
    connection = sqlite3.connect(folder / "rowen.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()

    with pytest.raises(Unavailable, match=r"rowen\.db was written by a newer Rowen") as refused:
        await open_at()
    assert refused.value.code == "store_newer"


def test_a_database_that_is_up_to_date_opens_without_alembic(folder):
    program = f"""
import asyncio, sys
from rowen.store.catalog import open_store
from rowen.values import SystemClock
async def main():
    for _ in range(2):
        await (await open_store("sqlite:{folder}", clock=SystemClock())).close()
asyncio.run(main())
print("alembic" in sys.modules)
"""

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said == "False\n"
