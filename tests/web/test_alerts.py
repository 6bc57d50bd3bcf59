"""The page of alerts and silences."""

import pytest

from rowen.values import SystemClock, new_id
from rowen.watch.alert import Alert, Firing
from rowen.watch.notice import Silence

HOUR = 3_600_000_000_000


@pytest.fixture
def firing(watched):
    """One alert that fires, and no other."""
    now = SystemClock().now_ns()
    records = quiet(watched)
    # Of an objective that nobody weighs, so that no tick of the engine closes it.
    made = Alert(
        id=new_id(now),
        app="shop",
        objective="by <hand>",
        severity="page",
        fired_ns=now - HOUR,
        firing=Firing(said="9 of 10 in 1 h were bad", part="provider"),
        incident="i1",
    )
    watched.running.do(Alert.shelf(records).put(made))
    return made


def quiet(site):
    """Take away the alerts and silences that other tests left; return where they stand."""
    records = site.running.opened.store.records
    for shelf in (Alert.shelf(records), Silence.shelf(records)):
        for each in site.running.do(shelf.find()):
            site.running.do(shelf.delete(each.id))
    return records


def of(watched, kind):
    return watched.running.do(kind.shelf(watched.running.opened.store.records).find())


def test_without_an_alert_the_page_says_what_is_watched(site):
    quiet(site)

    text = site.reader().get("/alerts").text

    assert "Nothing has alerted" in text
    assert "[alerts.team]" in text


def test_what_fires_comes_first_with_what_it_saw_and_who_looks_after_it(watched, firing):
    shown = watched.reader().get("/alerts")

    assert "9 of 10 in 1 h were bad" in shown.text
    assert "nobody" in shown.text
    assert 'href="/incidents/i1"' in shown.html
    assert "by <hand>" not in shown.html
    assert "Could somebody be woken tonight? not surely" in shown.text


def test_somebody_looks_after_an_alert(watched, firing):
    reader = watched.reader()

    sent = reader.post(f"/alerts/{firing.id}/acknowledge", csrf=reader.token(reader.get("/alerts")), noise="1")
    (alert,) = of(watched, Alert)

    assert sent.status == 303
    assert alert.acknowledged_ns is not None
    assert alert.noise
    assert "I look after it" not in reader.get("/alerts").text


def test_a_silence_is_made_shown_beside_what_it_covers_and_ended(watched, firing):
    reader = watched.reader()
    csrf = reader.token(reader.get("/alerts"))

    reader.post(
        "/alerts/silences", csrf=csrf, why="planned <move>", minutes="60", app="shop", objective="", severity=""
    )
    shown = reader.get("/alerts")
    (made,) = of(watched, Silence)
    reader.post(f"/alerts/silences/{made.id}/end", csrf=csrf)
    (ended,) = of(watched, Silence)

    assert "planned &lt;move&gt;" in shown.html
    assert ">silenced<" in shown.html
    assert made.ends_ns - made.begins_ns == HOUR
    assert ended.ends_ns < made.ends_ns
    assert "Nothing is silenced" in reader.get("/alerts").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"why": " "},
        {"minutes": "0"},
        {"minutes": "soon"},
        {"app": "other"},
        {"severity": "loud"},
        {"finding": "weather"},
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(watched, firing, wrong):
    reader = watched.reader()
    form = {"why": "a move", "minutes": "60", "app": "", "objective": "", "severity": "", **wrong}

    sent = reader.post("/alerts/silences", csrf=reader.token(reader.get("/alerts")), **form)

    assert sent.status == 400
    assert next(iter(wrong)) + ":" in sent.text
    assert of(watched, Silence) == []


def test_only_one_kind_of_what_was_found_is_silenced(watched, firing):
    reader = watched.reader()

    reader.post(
        "/alerts/silences", csrf=reader.token(reader.get("/alerts")), why="month's end", minutes="60", finding="budget"
    )
    shown = reader.get("/alerts")
    (made,) = of(watched, Silence)

    found = firing.but(objective="", kind="budget")
    assert (made.covers(found, made.begins_ns), made.covers(firing, made.begins_ns)) == (True, False)
    assert "month's end" in shown.text
    assert "every app, budget, until" in shown.text
    assert ">silenced<" not in shown.html
    reader.post(f"/alerts/silences/{made.id}/end", csrf=reader.token(shown))


def test_who_only_reads_sees_alerts_and_cannot_change_them(watched, firing):
    reader = watched.reader(watched.running.new_key("viewer", scopes=("read",)))
    shown = reader.get("/alerts")
    csrf = reader.token(shown)

    assert "9 of 10 in 1 h were bad" in shown.text
    assert 'action="/alerts' not in shown.html
    assert reader.post(f"/alerts/{firing.id}/acknowledge", csrf=csrf).status == 403
    assert reader.post("/alerts/silences", csrf=csrf, why="x", minutes="60").status == 403
    assert of(watched, Alert) == [firing]


def test_a_form_without_its_token_is_refused(watched, firing):
    assert watched.reader().post(f"/alerts/{firing.id}/acknowledge", csrf="guessed").status == 403
    assert of(watched, Alert) == [firing]


def test_another_tenant_neither_sees_nor_changes_them(watched, firing):
    reader = watched.reader(watched.running.new_key("globex", tenant="globex", scopes=("read", "manage")))

    assert "9 of 10" not in reader.get("/alerts").text
    assert reader.post(f"/alerts/{firing.id}/acknowledge", csrf=reader.token(reader.get("/keys"))).status == 404
    assert of(watched, Alert) == [firing]


def test_the_silence_of_another_tenant_covers_its_own_alerts_alone(watched, firing):
    reader = watched.reader(watched.running.new_key("globex 2", tenant="globex", scopes=("read", "manage")))

    reader.post("/alerts/silences", csrf=reader.token(reader.get("/keys")), why="quiet", minutes="60")
    (made,) = of(watched, Silence)

    assert made.tenant == "globex"
    assert not made.covers(firing, SystemClock().now_ns())
    assert ">silenced<" not in watched.reader().get("/alerts").html


def test_what_was_found_is_shown_with_whom_it_concerns_and_its_examples(watched, firing):
    found = firing.but(
        id=new_id(SystemClock().now_ns()), objective="", kind="latency", app="", tenant="", examples=("abc", "def")
    )
    watched.running.do(Alert.shelf(watched.running.opened.store.records).put(found))

    shown = watched.reader().get("/alerts")

    assert "latency" in shown.text
    assert "all tenants" in shown.text
    assert 'href="/traces/abc"' in shown.html
    assert 'href="/objectives/?app=' not in shown.html


@pytest.mark.parametrize(
    ("kind", "facts", "leads"),
    [
        ("evaluation", {"suite": "dated", "run": "r1"}, "/runs/r1"),
        ("source", {"knowledge": "hand <book>", "source": "docs/*"}, "/knowledge/shop/hand%20%3Cbook%3E"),
    ],
)
def test_what_fails_by_itself_leads_to_where_it_is_seen(watched, firing, kind, facts, leads):
    found = firing.but(id=new_id(SystemClock().now_ns()), objective="", kind=kind, facts=facts)
    watched.running.do(Alert.shelf(watched.running.opened.store.records).put(found))

    shown = watched.reader().get("/alerts")

    assert f'href="{leads}"' in shown.html
