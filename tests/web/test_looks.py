"""How the pages of calls look in a real browser: axe's opinion, how wide they are, and what moves."""

import json

import pytest
from tests.web.window import browsing

from rowen.store.base import TraceFilter

pytestmark = [*browsing, pytest.mark.long]


def pages_of(site) -> list[str]:
    rows = site.running.do(site.running.opened.store.traces.find(TraceFilter()))
    traces = [f"/traces/{row.id}" for row in rows]
    records = site.running.opened.store.records
    return [
        "/",
        "/?range=1h",
        "/traces",
        "/traces?user=x&status=failed",
        "/traces?q=statu:failed",
        "/traces?view=v1&columns=when,user,asked,said,score.thumbs,attribute.none&sort=took",
        "/rules",
        "/jobs",
        "/sessions",
        "/sessions/talk",
        "/users",
        "/scores",
        "/review",
        *(f"/review/{queue.id}{rest}" for queue in site.running.do(records.find("queue")) for rest in ("", "/items")),
        "/scores/thumbs",
        "/objectives",
        "/alerts",
        "/incidents",
        "/status",
        "/errors",
        *[f"/errors/{each.id}" for each in site.running.do(site.running.opened.store.records.find("error_group"))][:2],
        "/costs",
        "/costs?by=user&from=main&to=openai/gpt-4.1-mini",
        "/models",
        "/keys",
        "/traces/nothing",
        f"/traces/compare?left={rows[0].id}&right={rows[-1].id}",
        *traces,
    ]


def test_nothing_is_wrong_with_how_the_pages_of_calls_look(looked, busy):
    found = looked(busy, pages_of(busy))

    assert found == {}, json.dumps(found, indent=1)


def test_nothing_is_wrong_with_how_the_sign_in_looks(visiting, ills, site):
    with visiting("nobody", color_scheme="light", viewport={"width": 1440, "height": 900}) as visitor:
        visitor.go("/sign-in")
        found = ills(visitor)
        visitor.page.get_by_label("Key").fill("rk-wrong")
        visitor.page.keyboard.press("Enter")
        visitor.page.get_by_role("alert").wait_for()
        refused = ills(visitor)

    assert (found, refused) == ({}, {})
