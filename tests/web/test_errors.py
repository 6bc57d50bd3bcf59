"""The inbox of errors, read and filled in as a browser without scripts does it."""

import re

import pytest

from rowen.insight.errors import Inbox
from rowen.values import SystemClock

HOUR = 3_600_000_000_000


@pytest.fixture
def failed(site):
    """Three failed calls of one tenant and one of another, grouped."""
    store, now = site.running.opened.store, SystemClock().now_ns()
    for each in site.running.do(store.records.find("error_group")):
        site.running.do(store.records.delete("error_group", each.id))
    site.write(
        *(site.trace(1000 * n, status="failed", code="upstream_timeout", asked="<b>slow</b>") for n in (1, 2, 3)),
        site.trace(5000, status="failed", code="upstream_status", tenant="acme", asked="theirs"),
    )
    site.running.do(Inbox(store.records, store.traces).collect(now - HOUR, now))
    return site


def group(site, tenant="default"):
    store = site.running.opened.store
    (found,) = site.running.do(Inbox(store.records, store.traces).groups(tenant))
    return found


def reader_of(site, tenant="default", scopes=("read",), **wanted):
    return site.reader(site.running.new_key(f"{tenant} {scopes} {wanted}", tenant=tenant, scopes=scopes, **wanted))


def test_without_an_error_the_page_says_what_comes_here(site):
    reader = reader_of(site, "nobody")

    shown = reader.get("/errors")

    assert "No error to look at" in shown.text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in shown.text
    assert 'href="/traces?status=failed"' in shown.html


def test_failed_calls_are_one_group_with_how_often_it_came_and_its_state(failed):
    shown = reader_of(failed).get("/errors")

    assert re.search(r"It went wrong\. shop (· [^·]+ )?· upstream_timeout open 3 new", shown.text)
    assert shown.html.count("<tr data-row>") == 1


def test_one_group_shows_its_traces_and_one_message(failed):
    it = group(failed)

    shown = reader_of(failed).get(f"/errors/{it.id}")

    assert shown.status == 200
    assert all(f'href="/traces/{id}"' in shown.html for id in it.examples)
    assert "3 in the last two weeks" in shown.text
    assert f"/api/errors/{it.id}" in shown.html
    assert "&lt;b&gt;slow&lt;/b&gt;" in shown.html
    assert "<b>slow" not in shown.html


def test_its_cause_is_noted_and_it_is_solved_ignored_and_opened_again(failed):
    reader, it = reader_of(failed, scopes=("read", "manage")), group(failed)
    path = f"/errors/{it.id}"
    csrf = reader.token(reader.get(path))

    reader.post(path, csrf=csrf, note="The <i>upstream</i> sleeps.")
    noted = reader.get(path)
    states = []
    for state in ("solved", "ignored", "open"):
        assert reader.post(path, csrf=csrf, state=state).status == 303
        states.append(group(failed).state)

    assert "The &lt;i&gt;upstream&lt;/i&gt; sleeps." in noted.html
    assert states == ["solved", "ignored", "open"]
    assert group(failed).note == "The <i>upstream</i> sleeps."


def test_what_is_solved_is_out_of_the_way_and_still_found(failed):
    reader, it = reader_of(failed, scopes=("read", "manage")), group(failed)
    reader.post(f"/errors/{it.id}", csrf=reader.token(reader.get(f"/errors/{it.id}")), state="solved")

    assert it.id not in reader.get("/errors").html
    assert it.id in reader.get("/errors?state=solved").html
    assert it.id in reader.get("/errors?state=all").html
    assert it.id not in reader.get("/errors?state=ignored").html


@pytest.mark.parametrize("wrong", [{"state": "gone"}, {"state": "regressed"}, {"note": "x" * 10_001}])
def test_a_change_that_makes_no_sense_is_refused(failed, wrong):
    reader, it = reader_of(failed, scopes=("read", "manage")), group(failed)

    sent = reader.post(f"/errors/{it.id}", csrf=reader.token(reader.get(f"/errors/{it.id}")), **wrong)

    assert sent.status == 400
    assert group(failed) == it


def test_who_only_reads_sees_the_group_and_cannot_change_it(failed):
    reader, it = reader_of(failed), group(failed)
    shown = reader.get(f"/errors/{it.id}")

    sent = reader.post(f"/errors/{it.id}", csrf=reader.token(shown), state="solved")

    assert "Nobody has written it down yet" in shown.text
    assert 'action="/errors' not in shown.html
    assert sent.status == 403
    assert group(failed) == it


def test_a_form_without_its_token_is_refused(failed):
    it = group(failed)

    assert failed.reader().post(f"/errors/{it.id}", csrf="guessed", state="solved").status == 403
    assert group(failed) == it


@pytest.mark.parametrize(("tenant", "wanted"), [("acme", {}), ("default", {"apps": ("other",)})])
def test_who_may_not_see_a_group_neither_sees_nor_changes_it(failed, tenant, wanted):
    reader, it = reader_of(failed, tenant, ("read", "manage"), **wanted), group(failed)

    sent = reader.post(f"/errors/{it.id}", csrf=reader.token(reader.get("/keys")), state="solved")

    assert it.id not in reader.get("/errors?state=all").html
    assert reader.get(f"/errors/{it.id}").status == 404
    assert sent.status == 404
    assert group(failed) == it
