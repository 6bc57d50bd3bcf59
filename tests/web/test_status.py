"""The status page, which everybody who may read may see."""

import pytest

from rowen.values import SystemClock
from rowen.watch.incident import Incident


@pytest.fixture
def viewer(watched):
    return watched.reader(watched.running.new_key("viewer of the status", scopes=("read",)))


def test_who_only_reads_sees_the_level_aimed_for_and_how_it_stands(viewer):
    shown = viewer.get("/status")

    assert shown.status == 200
    assert "Calls are <b>answered</b>. met 93.3 % ≥ 90% 33.3 % of the budget" in shown.text
    assert "<form" not in shown.html[shown.html.index("<main") :]


def test_an_open_incident_is_told_to_its_own_tenant_alone(watched, viewer):
    shelf = Incident.shelf(watched.running.opened.store.records)
    now = SystemClock().now_ns()
    watched.running.do(shelf.put(Incident(id="down", app="shop", title="<i>It is down</i>", outage=True, began_ns=now)))
    other = watched.reader(watched.running.new_key("globex sees", tenant="globex", scopes=("read",)))

    mine, theirs = viewer.get("/status"), other.get("/status")
    watched.running.do(shelf.delete("down"))

    assert "There is an outage" in mine.text
    assert "&lt;i&gt;It is down&lt;/i&gt;" in mine.html
    assert "It is down" not in theirs.text


def test_a_key_of_another_app_is_told_nothing(watched):
    reader = watched.reader(watched.running.new_key("elsewhere", scopes=("read",), apps=("other",)))

    assert "There is no app to tell of" in reader.get("/status").text


def test_an_app_of_which_nothing_is_promised_says_so(site):
    assert "Nothing is promised of this app yet" in site.reader().get("/status").text
