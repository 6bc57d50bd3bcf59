"""What a step changed: the fields of a call that are another object now."""

from rowen.values import Call

UNTOLD = frozenset(
    {
        "id",
        "app",
        "definition",
        "assigned",
        "door",
        "checked",
        "started_ns",
        "first_ns",
        "ended_ns",
        "attempts",
        "steps",
        "notes",
    }
)
"""Fields that no step changes, and those that a trace shows whether a step says so or not."""


def changed(old: Call, new: Call) -> tuple[str, ...]:
    """Return the names of the fields that a step changed.

    Each field has its line: a loop over them takes three times as long, and this is asked for each step of each call.
    """
    found: list[str] = []
    if old.request is not new.request:
        found.append("request")
    if old.caller is not new.caller:
        found.append("caller")
    if old.feature is not new.feature:
        found.append("feature")
    if old.session is not new.session:
        found.append("session")
    if old.end_user is not new.end_user:
        found.append("end_user")
    if old.priority is not new.priority:
        found.append("priority")
    if old.use_cache is not new.use_cache:
        found.append("use_cache")
    if old.tags is not new.tags:
        found.append("tags")
    if old.hold is not new.hold:
        found.append("hold")
    if old.looked is not new.looked:
        found.append("looked")
    if old.plan is not new.plan:
        found.append("plan")
    if old.answer is not new.answer:
        found.append("answer")
    if old.source is not new.source:
        found.append("source")
    if old.cost is not new.cost:
        found.append("cost")
    if old.problem is not new.problem:
        found.append("problem")
    return tuple(found)
