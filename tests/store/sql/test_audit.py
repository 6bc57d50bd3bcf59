import sqlite3

import pytest

from rowen.testing.contracts.made import an_entry

EDITS = {
    "a word of a line": ("UPDATE audit SET record = replace(record, 'key.create', 'key.revoke') WHERE id = 'e3'", "e3"),
    "a line's tenant": ("UPDATE audit SET tenant = 'umbrella' WHERE id = 'e3'", "e3"),
    "a chain": ("UPDATE audit SET chain = 'f' || substr(chain, 2) || 'x' WHERE id = 'e3'", "e3"),
    "no JSON": ("UPDATE audit SET record = '{' WHERE id = 'e3'", "e3"),
    "a line taken out": ("DELETE FROM audit WHERE id = 'e3'", "e4"),
    "the first line taken out": ("DELETE FROM audit WHERE id = 'e0'", "e1"),
    "a line put in": (
        """
        UPDATE audit SET number = number + 100 WHERE number > 2;
        INSERT INTO audit (number, id, tenant, chain, record)
        SELECT 50, 'new', tenant, chain, record FROM audit WHERE id = 'e1'
        """,
        "new",
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_an_edit_by_hand_is_found(open_at, folder, edit):
    store = await open_at()
    for number in range(6):
        await store.audit.append(an_entry(f"e{number}"))
    statement, broken = edit
    connection = sqlite3.connect(folder / "rowen.db")
    connection.executescript(statement)
    connection.close()

    assert await store.audit.broken_at() == broken
    await store.close()
