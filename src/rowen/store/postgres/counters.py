"""Counters: each decision is one statement, and rows that are locked keep any two of them apart."""

from collections.abc import Sequence

from rowen.store.postgres.database import PostgresDatabase, Raw

SCRIPT = (
    """
CREATE TABLE counts (counter text COLLATE "C" PRIMARY KEY, amount bigint NOT NULL, expires_ns bigint NOT NULL)
""",
    "CREATE INDEX counts_by_expiry ON counts (expires_ns)",
    """
CREATE TABLE shares (
    counter text COLLATE "C" NOT NULL, owner text COLLATE "C" NOT NULL, amount bigint NOT NULL, until_ns bigint NOT NULL,
    PRIMARY KEY (counter, owner)
)
""",
    """
CREATE FUNCTION take_count(wanted text, most bigint, ceiling bigint, least_ bigint, until_ bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    held bigint;
    got bigint;
BEGIN
    LOOP
        SELECT amount INTO held FROM counts WHERE counter = wanted FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO counts VALUES (wanted, 0, until_) ON CONFLICT DO NOTHING;
    END LOOP;
    IF ceiling - held < least_ THEN
        RETURN 0;
    END IF;
    got := least(most, ceiling - held);
    UPDATE counts SET amount = held + got, expires_ns = greatest(expires_ns, until_) WHERE counter = wanted;
    RETURN got;
END $$
""",
    """
CREATE FUNCTION hold_share(wanted text, who text, most bigint, ceiling bigint, until_ bigint, now_ bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), hashtext(wanted));
    IF most + (
        SELECT coalesce(sum(amount), 0) FROM shares WHERE counter = wanted AND owner <> who AND until_ns > now_
    ) > ceiling THEN
        RETURN false;
    END IF;
    INSERT INTO shares VALUES (wanted, who, most, until_)
    ON CONFLICT (counter, owner) DO UPDATE SET amount = excluded.amount, until_ns = excluded.until_ns;
    RETURN true;
END $$
""",
)

_TAKE = "SELECT take_count(%s, %s, %s, %s, %s)"
_ADD = """
INSERT INTO counts VALUES (%s, %s, %s)
ON CONFLICT (counter) DO UPDATE
SET amount = counts.amount + excluded.amount, expires_ns = greatest(counts.expires_ns, excluded.expires_ns)
"""
_GIVE_BACK = "UPDATE counts SET amount = greatest(0, amount - %s) WHERE counter = %s"
_SUMS = "SELECT counter, amount FROM counts WHERE counter = ANY(%s)"
_HOLD = "SELECT hold_share(%s, %s, %s, %s, %s, %s)"
_LET_GO = "DELETE FROM shares WHERE counter = %s AND owner = %s"
# What somebody else has locked is not over: it is left for the next time, and nobody waits for anybody.
_PRUNE = (
    """DELETE FROM counts WHERE counter IN (
    SELECT counter FROM counts WHERE expires_ns <= %s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM shares WHERE (counter, owner) IN (
    SELECT counter, owner FROM shares WHERE until_ns <= %s FOR UPDATE SKIP LOCKED)""",
)


class PostgresCounters:
    """Sums of windows, and the shares of live counters."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        """Add up to `amount` within `limit`; return what was added."""
        if amount <= 0:
            return 0
        values = (counter, amount, limit, least or amount, expires_ns)

        def work(raw: Raw) -> int:
            (got,) = raw.execute(_TAKE, values).fetchone() or (0,)
            return int(got)

        return await self._database.change(work)

    async def give_back(self, counter: str, amount: int) -> None:
        """Subtract; a sum never falls below 0."""
        await self._database.change(lambda raw: raw.execute(_GIVE_BACK, (amount, counter)))

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        """Add without a limit."""
        await self._database.change(lambda raw: raw.execute(_ADD, (counter, amount, expires_ns)))

    async def sums(self, counters: Sequence[str]) -> list[int]:
        """Return the sums in the order asked."""

        def work(raw: Raw) -> dict[str, int]:
            return dict(raw.execute(_SUMS, (list(counters),)).fetchall())

        found = await self._database.change(work)
        return [found.get(counter, 0) for counter in counters]

    async def hold(self, counter: str, owner: str, amount: int, limit: int, until_ns: int, now_ns: int) -> bool:
        """Set the owner's share if the shares of all live owners fit; 0 always fits and ends it."""

        def work(raw: Raw) -> bool:
            if amount <= 0:
                raw.execute(_LET_GO, (counter, owner))
                return True
            (fits,) = raw.execute(_HOLD, (counter, owner, amount, limit, until_ns, now_ns)).fetchone() or (False,)
            return bool(fits)

        return await self._database.change(work)

    async def prune(self, now_ns: int) -> None:
        """Forget what is over."""

        def work(raw: Raw) -> None:
            for statement in _PRUNE:
                raw.execute(statement, (now_ns,))

        await self._database.change(work)
