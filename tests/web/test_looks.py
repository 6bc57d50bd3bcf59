"""How the pages of calls look in a real browser: axe's opinion, how wide they are, and what moves."""

import json

import pytest
from starlette.routing import Match, Route
from tests.web import pages
from tests.web.window import browsing

from rowen.store.base import TraceFilter
from rowen.web.routes import routes

pytestmark = [*browsing, pytest.mark.long]

NOT_LOOKED_AT = {"/traces/tail", "/costs/focus.csv", "/{rest:path}"}
"""What is asked for with GET and is no page: rows as they come, a file, and whatever is not there."""


def pages_of(site) -> list[str]:
    store = site.running.opened.store
    traces = [row.id for row in site.running.do(store.traces.find(TraceFilter()))]
    errors = [each.id for each in site.running.do(store.records.find("error_group"))][:2]
    known = {"left": traces[0], "right": traces[-1]}
    some = {"/traces/{trace}": {"trace": traces}, "/errors/{error}": {"error": errors}}
    told = []
    for path in pages.CALLED:
        for name, values in some.get(path, {"": [""]}).items():
            told += [path.format(**known, **{name: value}) for value in values]
    return told


def test_every_page_is_looked_at():
    found: list[Route] = [each for each in routes(None) if isinstance(each, Route) and "GET" in (each.methods or ())]
    looked_at = set()
    for address in (
        *pages.CALLED, *pages.WATCHED, *pages.KNOWN, *pages.STOCKED, *pages.PROMPTED, *pages.EVALUATED, pages.GATE,
    ):  # fmt: skip
        scope = {"type": "http", "method": "GET", "path": address.partition("?")[0]}
        looked_at.add(next(each.path for each in found if each.matches(scope)[0] is Match.FULL))

    assert {each.path for each in found} - looked_at == NOT_LOOKED_AT
    assert "/{rest:path}" not in looked_at


def test_nothing_is_wrong_with_how_the_pages_of_calls_look(looked, busy):
    found = looked(busy, pages_of(busy))

    assert found == {}, json.dumps(found, indent=1)


def test_nothing_is_wrong_with_how_the_sign_in_looks_and_it_lets_in_who_has_a_key(looking, ills, site):
    with looking(site, "nobody") as visitor:
        visitor.see(pages.GATE)
        visitor.page.get_by_label("Key").fill("rk-wrong")
        visitor.page.keyboard.press("Enter")
        visitor.page.get_by_role("alert").wait_for()
        visitor.look("refused")
        visitor.sign_in(site.running.admin)
        found = ills(visitor)

    assert found == {}
