"""How a suite that comes back by itself stands: whether its last run passed, and since when it does not."""

import hashlib

from rowen.evaluate.run.result import Result
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Problem, Value


class Streak(Value, frozen=True, kw_only=True):
    """One suite of one app, as its last scheduled run left it."""

    app: str
    suite: str
    tenant: str = "default"
    failing_ns: int = 0
    """When it began to fail without a run between that passed; 0 while it passes."""
    failed: int = 0
    """Scheduled runs on end that did not pass."""
    why: str = ""
    """What speaks against the last one."""
    run: str = ""
    """The last one; empty where it could not even begin."""
    at_ns: int

    @staticmethod
    def shelf(records: Records) -> "Shelf[Streak]":
        """Return where they stand."""
        return Shelf(records, "evaluate.streak", Streak, _described)

    def after(self, came: Result | Problem, at_ns: int) -> "Streak":
        """Return how it stands after a run that ended, or after the problem for which there was none."""
        if isinstance(came, Problem):
            return self._failing(f"it cannot be run: {came.message}", "", at_ns)
        if came.why:
            return self._failing(came.why, came.run.id, at_ns)
        return self.but(failing_ns=0, failed=0, why="", run=came.run.id, at_ns=at_ns)

    def _failing(self, why: str, run: str, at_ns: int) -> "Streak":
        return self.but(failing_ns=self.failing_ns or at_ns, failed=self.failed + 1, why=why, run=run, at_ns=at_ns)


def id_of(app: str, suite: str) -> str:
    """Return the id of a suite's record and job."""
    return "suite-" + hashlib.sha256(f"{app}\n{suite}".encode()).hexdigest()[:24]


def _described(one: Streak) -> Record:
    return Record(
        kind="",
        id=id_of(one.app, one.suite),
        tenant=one.tenant,
        app=one.app,
        group=one.suite,
        state="failing" if one.failing_ns else "",
        at_ns=one.at_ns,
    )
