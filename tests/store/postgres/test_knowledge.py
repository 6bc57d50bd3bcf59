import pytest

from rowen.store.postgres.knowledge import PostgresKnowledge
from rowen.testing.contracts.knowledge import HOUSE, a_collection, a_document, a_manifest
from rowen.values import Mistaken


async def test_nothing_is_known_there_and_indexing_is_told_where_to_go_instead():
    knowledge, collection = PostgresKnowledge(), a_collection()

    assert await knowledge.builds(collection) == []
    assert await knowledge.known(collection) == []
    assert await knowledge.document(collection, "a", HOUSE) is None
    assert await knowledge.remove(collection, ["a"], now_ns=1) == 0
    for refused in (
        knowledge.begin(collection, a_manifest(), now_ns=1),
        knowledge.write(collection, a_document("a", "text"), []),
        knowledge.lexical("b", "text", reader=HOUSE),
    ):
        with pytest.raises(Mistaken, match="sqlite:FOLDER"):
            await refused
