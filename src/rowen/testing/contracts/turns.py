"""What every store must do with answers to go on from. `StoreContract` holds these tests."""

from rowen.store.base import Store, Turn
from rowen.testing.contracts.made import START, an_answer
from rowen.values import (
    says,
)


class TurnsContract:
    """Answers to go on from."""

    async def test_a_turn_is_seen_by_its_own_tenant_only(self, store: Store) -> None:
        turn = Turn(
            id="resp_1",
            tenant="acme",
            app="handbook",
            created_ns=START,
            messages=(says("system", "be brief"), says("user", "hello")),
            answer=an_answer("hi"),
            body='{"id": "resp_1"}',
        )
        await store.turns.put(turn)

        assert await store.turns.get("resp_1", "acme") == turn
        assert await store.turns.get("resp_1", "umbrella") is None
        assert not await store.turns.delete("resp_1", "umbrella")
        assert await store.turns.delete("resp_1", "acme")
        assert not await store.turns.delete("resp_1", "acme")
        assert await store.turns.get("resp_1", "acme") is None

    async def test_old_turns_are_pruned_and_young_ones_stay(self, store: Store) -> None:
        for number in range(3):
            await store.turns.put(
                Turn(
                    id=f"resp_{number}",
                    tenant="acme",
                    app="a",
                    created_ns=START + number,
                    messages=(),
                    answer=an_answer("hi"),
                    body="{}",
                )
            )

        assert await store.turns.prune(START + 2) == 2
        assert await store.turns.get("resp_1", "acme") is None
        assert await store.turns.get("resp_2", "acme") is not None

    async def test_a_turn_that_is_put_again_is_replaced(self, store: Store) -> None:
        turn = Turn(
            id="resp_1", tenant="acme", app="a", created_ns=START, messages=(), answer=an_answer("hi"), body="{}"
        )
        await store.turns.put(turn)

        await store.turns.put(turn.but(body='{"new": true}'))

        found = await store.turns.get("resp_1", "acme")
        assert found is not None
        assert found.body == '{"new": true}'
