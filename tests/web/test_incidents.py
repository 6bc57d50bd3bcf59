"""The pages of incidents, read and filled in as a browser without scripts does it."""

import pytest

from rowen.values import SystemClock, new_id
from rowen.watch.alert import Alert, Firing
from rowen.watch.incident import Action, Incident, Suspect

HOUR = 3_600_000_000_000


@pytest.fixture
def incident(watched):
    """An open incident of the operator, with all that can stand in one."""
    now = SystemClock().now_ns()
    store = watched.running.opened.store
    alert = Alert(
        id=new_id(now),
        app="shop",
        objective="answers",
        severity="page",
        fired_ns=now,
        firing=Firing(said="9 of 10 bad"),
    )
    made = Incident(
        id=new_id(now),
        app="shop",
        title="answers: <i>all</i> is slow",
        severity="sev2",
        error_class="provider",
        began_ns=now - 2 * HOUR,
        detected_ns=now - HOUR,
        objective="answers",
        runbook="javascript:alert(1)",
        alerts=(alert.id,),
        suspect=Suspect(release="1.6", definition="b" * 64, why="it first answered 3 min before the first bad event"),
        actions=(Action(what="write a test", owner="ann"),),
    ).noted(now - HOUR, "alert page: 9 of 10 bad")
    watched.running.do(Alert.shelf(store.records).put(alert))
    watched.running.do(Incident.shelf(store.records).put(made))
    return made


def kept(site, id):
    return site.running.do(Incident.shelf(site.running.opened.store.records).get(id))


def empty(site):
    records = site.running.opened.store.records
    for each in site.running.do(Incident.shelf(records).find()):
        site.running.do(Incident.shelf(records).delete(each.id))


def test_without_an_incident_the_page_says_when_one_opens(site):
    empty(site)

    shown = site.reader().get("/incidents")

    assert "No incident yet" in shown.text
    assert "[oncall]" in shown.text
    assert 'href="/objectives"' in shown.html


def test_open_incidents_come_first(watched, incident):
    shelf = Incident.shelf(watched.running.opened.store.records)
    now = SystemClock().now_ns()
    watched.running.do(
        shelf.put(
            Incident(id="zzz-later", app="shop", title="newer and over", state="resolved", began_ns=now, ended_ns=now)
        )
    )

    text = watched.reader().get("/incidents").text

    assert (
        text.index("Open")
        < text.index("all is slow" if "all is slow" in text else "<i>all</i>")
        < text.index("newer and over")
    )


def test_one_incident_shows_what_is_known_and_why_a_release_is_suspected(watched, incident):
    shown = watched.reader().get(f"/incidents/{incident.id}")

    assert shown.status == 200
    assert "Suspected: 1.6 . It first answered 3 min before the first bad event" in shown.text
    assert "alert page: 9 of 10 bad" in shown.text
    assert "It lasts 2 h" in shown.text
    assert "Found after 1 h" in shown.text
    assert 'href="/objectives/answers?app=shop"' in shown.html
    assert f"definition={'b' * 64}" in shown.html
    assert f"/api/incidents/{incident.id}" in shown.html


def test_text_of_others_is_text_and_a_runbook_is_a_link_only_to_the_web(watched, incident):
    html = watched.reader().get(f"/incidents/{incident.id}").html

    assert "<i>all</i>" not in html
    assert 'href="javascript' not in html


def test_an_incident_is_opened_by_hand(watched):
    reader = watched.reader()

    sent = reader.post(
        "/incidents",
        csrf=reader.token(reader.get("/incidents")),
        title="Prices are  wrong",
        app="shop",
        severity="sev1",
        error_class="data_quality",
        outage="1",
    )
    made = kept(watched, sent.headers["location"].removeprefix("/incidents/"))

    assert sent.status == 303
    assert (made.title, made.severity, made.error_class, made.outage) == (
        "Prices are wrong",
        "sev1",
        "data_quality",
        True,
    )
    assert made.commander == "admin"
    assert [moment.what for moment in made.timeline] == ["opened"]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"severity": "sev9"}, "severity"),
        ({"error_class": "aliens"}, "error_class"),
        ({"app": "other"}, "app"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_its_field_and_kept_in_the_form(watched, wrong, place):
    reader = watched.reader()
    form = {"title": "a title of mine", "app": "shop", "severity": "sev1", "error_class": "", **wrong}

    shown = reader.post("/incidents", csrf=reader.token(reader.get("/incidents")), **form)

    assert shown.status == 400
    assert f"{place}:" in shown.text
    assert ('value="a title of mine"' in shown.html) == ("title" not in wrong)


def test_somebody_takes_command_notes_changes_and_writes_what_was_learned(watched, incident):
    reader = watched.reader(watched.running.new_key("ben", scopes=("manage", "read")))
    path = f"/incidents/{incident.id}"
    csrf = reader.token(reader.get(path))

    for what, form in (
        ("take", {}),
        ("notes", {"note": "rolled back\nto 1.5"}),
        ("actions", {"action": "limit the passages", "owner": "ben", "due": "2026-12-01"}),
        ("done", {"place": "0"}),
        ("learned", {"summary": "It broke.", "impact": "40 users", "cause": "a prompt", "learned": "test it"}),
        (
            "state",
            {"state": "resolved", "severity": "sev3", "error_class": "software", "commander": "ben", "owner": "ann"},
        ),
    ):
        assert reader.post(f"{path}/{what}", csrf=csrf, **form).status == 303, what
    now = kept(watched, incident.id)

    assert (now.commander, now.state, now.severity, now.error_class) == ("ben", "resolved", "sev3", "software")
    assert now.ended_ns is not None
    assert {"ben takes command", "rolled back\nto 1.5", "resolved", "severity sev3, was sev2"} <= {
        each.what for each in now.timeline
    }
    assert [(each.what, each.done) for each in now.actions] == [("write a test", True), ("limit the passages", False)]
    assert (now.summary, now.cause) == ("It broke.", "a prompt")


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("notes", {"note": " "}),
        ("state", {"state": "gone"}),
        ("actions", {"action": ""}),
        ("learned", {"summary": "x" * 20_001}),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_nothing_is_changed(watched, incident, what, form):
    reader = watched.reader()
    path = f"/incidents/{incident.id}"

    sent = reader.post(f"{path}/{what}", csrf=reader.token(reader.get(path)), **form)

    assert sent.status == 400
    assert kept(watched, incident.id) == incident


def test_a_form_that_there_is_not_is_told(watched, incident):
    reader = watched.reader()

    assert reader.post(f"/incidents/{incident.id}/nonsense", csrf=reader.token(reader.get("/keys"))).status == 404


def test_who_only_reads_sees_the_incident_and_no_forms_and_cannot_post(watched, incident):
    reader = watched.reader(watched.running.new_key("viewer", scopes=("read",)))
    path = f"/incidents/{incident.id}"

    shown = reader.get(path)
    csrf = reader.token(shown)  # the one of the sign-out form
    sent = [reader.post(f"{path}/{what}", csrf=csrf, note="x") for what in ("take", "notes", "state", "learned")]
    opened = reader.post("/incidents", csrf=csrf, title="mine", app="shop")

    assert "alert page: 9 of 10 bad" in shown.text
    assert f'action="{path}' not in shown.html
    assert "Open it" not in reader.get("/incidents").text
    assert {each.status for each in (*sent, opened)} == {403}
    assert kept(watched, incident.id) == incident


def test_a_form_without_its_token_is_refused(watched, incident):
    reader = watched.reader()

    assert reader.post(f"/incidents/{incident.id}/take", csrf="guessed").status == 403
    assert kept(watched, incident.id) == incident


@pytest.mark.parametrize("wanted", [{"tenant": "globex"}, {"apps": ("other",)}])
def test_who_may_not_see_it_neither_sees_nor_changes_it(watched, incident, wanted):
    reader = watched.reader(watched.running.new_key("stranger", scopes=("read", "manage"), **wanted))
    path = f"/incidents/{incident.id}"

    assert reader.get(path).status == 404
    assert incident.id not in reader.get("/incidents").html
    assert reader.post(f"{path}/take", csrf=reader.token(reader.get("/keys"))).status == 404
    assert kept(watched, incident.id) == incident
