"""The page of the night."""

import re

from rowen.values import SystemClock, new_id
from rowen.watch.alert import Alert, Firing
from rowen.watch.incident import Incident


def fired(site, said):
    now = SystemClock().now_ns()
    alert = Alert(
        id=new_id(now), app="shop", objective="by hand", severity="page", fired_ns=now, firing=Firing(said=said)
    )
    site.running.do(Alert.shelf(site.running.opened.store.records).put(alert))


def patient(reader, path):
    for _ in range(200):
        shown = reader.get(path)
        if "being put together" not in shown.text:
            break
    return shown


def test_the_night_tells_what_fired_and_escalates_it_with_one_button(watched):
    fired(watched, "9 of 10 were <b>bad</b>")
    reader = watched.reader()

    shown = patient(reader, "/night?hours=24")
    title = re.search(r'name="title" value="(firing page by hand: 9 of 10 were[^"]+)"', shown.html)
    assert title
    plain = title[1].replace("&lt;", "<").replace("&gt;", ">")
    sent = reader.post("/incidents", csrf=reader.token(shown), app="shop", severity="sev2", title=plain)
    made = watched.running.do(
        Incident.shelf(watched.running.opened.store.records).get(sent.headers["location"].removeprefix("/incidents/"))
    )

    assert "<b>bad" not in shown.html
    assert (made.title, made.severity, made.state) == (plain, "sev2", "open")


def test_errors_of_the_same_words_are_told_apart_by_where_they_came(site):
    site.write(
        *(
            site.trace(n, status="failed", code="upstream_timeout", model=model)
            for n, model in ((10, "main"), (20, "small"))
        )
    )

    text = patient(site.reader(), "/night?hours=24").text

    assert "It went wrong in chat main: once" in text
    assert "It went wrong in chat small: once" in text


def test_a_quiet_night_is_told_as_one(site):
    for each in site.running.do(Alert.shelf(site.running.opened.store.records).find()):
        site.running.do(Alert.shelf(site.running.opened.store.records).delete(each.id))
    for kind in ("incident", "error_group", "cost_budget"):
        for each in site.running.do(site.running.opened.store.records.find(kind)):
            site.running.do(site.running.opened.store.records.delete(kind, each.id))

    assert "A quiet night" in patient(site.reader(), "/night?hours=72").text


def test_only_the_operator_reads_it(watched):
    for wanted in ({"scopes": ("read",)}, {"scopes": ("read", "manage"), "tenant": "acme"}):
        reader = watched.reader(watched.running.new_key(f"not an admin {wanted}", **wanted))

        assert reader.get("/night").status == 403
