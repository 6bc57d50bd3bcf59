"""The pages of objectives, read as a browser without scripts reads them."""

import re

import pytest

from rowen.values import SystemClock, new_id
from rowen.watch.alert import Alert, Firing


def test_without_an_objective_the_page_says_how_to_write_one(site):
    shown = site.reader().get("/objectives")

    assert "Nothing is promised yet" in shown.text
    assert "[watch.answers]" in shown.text
    assert 'href="/scores"' in shown.html


def test_every_objective_stands_under_its_goal_and_a_goal_without_one_is_a_gap(watched):
    text = watched.reader().get("/objectives").text

    assert text.index("Safety") < text.index("grounded") < text.index("Reliability") < text.index("answers")
    assert text.index("answers") < text.index("Without a goal") < text.index("quiet")
    assert text.index("quiet") < text.index("Goals that no objective serves") < text.index("Security")
    assert text.count("gap ") == 3


def test_the_figure_comes_with_its_interval_target_state_and_what_is_left_of_the_budget(watched):
    text = watched.reader().get("/objectives").text

    assert re.search(r"met (page )*93\.3 % 91 % to 95\.1 % · n 600 ≥ 90% 7d 33\.3 % left", text)
    assert "too few to say" in text
    assert "no data yet" in text


def test_an_agreement_tells_who_answers_for_it_and_the_credit_that_is_due(watched):
    text = watched.reader().get("/objectives").text

    assert "Globex uptime missed 93.333333 %" in text
    assert "accounts@example.org" in text
    assert "10 % of the bill" in text


def test_an_indicator_stands_with_the_objectives_that_should_move_it(watched):
    reader = watched.reader()
    reader.get("/objectives")
    shown = reader.get("/objectives")

    tree = shown.html[shown.html.index('class="roots"') :]
    assert "satisfied" in tree
    assert 'href="/objectives/answers?app=shop"' in tree


def test_one_objective_is_shown_over_its_window_with_what_took_its_budget(watched):
    shown = watched.reader().get("/objectives/answers?app=shop")

    assert shown.status == 200
    assert 'class="target"' in shown.html
    assert 'class="even"' in shown.html
    assert re.search(r"provider 40 66\.7 %", shown.text)
    assert "40 bad, 60.0 allowed" in shown.text
    assert "sloth-slo-sli-recordings-shop-answers" in shown.html
    assert "/api/objectives/burndown?name=answers&amp;app=shop" in shown.html


def test_an_objective_without_data_says_when_the_first_shows_up(watched):
    assert "Nothing to count yet" in watched.reader().get("/objectives/quiet").text


def test_what_is_wrong_with_how_it_is_written_is_told_to_the_operator(watched):
    assert "It does not say what it serves" in watched.reader().get("/objectives/quiet").text


def test_an_alert_is_told_with_its_incident(watched):
    now = SystemClock().now_ns()
    alert = Alert(
        id=new_id(now),
        app="shop",
        objective="answers",
        severity="page",
        state="resolved",
        fired_ns=now,
        firing=Firing(said="9 of 10 were <bad>"),
        incident="i1",
    )
    watched.running.do(Alert.shelf(watched.running.opened.store.records).put(alert))

    shown = watched.reader().get("/objectives/answers")

    assert "9 of 10 were &lt;bad&gt;" in shown.html
    assert 'href="/incidents/i1"' in shown.html


def test_who_only_reads_sees_the_figures_of_the_own_tenant_and_no_rules(watched):
    reader = watched.reader(watched.running.new_key("reader of acme", tenant="acme", scopes=("read",)))

    listed, shown = reader.get("/objectives"), reader.get("/objectives/answers")

    assert "n 300" in listed.text
    assert "n 600" not in listed.text
    assert "9 of 10" not in shown.text
    assert "sloth" not in shown.html


def test_another_tenant_sees_no_events_at_all(watched):
    reader = watched.reader(watched.running.new_key("reader of initech", tenant="initech", scopes=("read",)))

    assert "no data yet" in reader.get("/objectives").text
    assert "n 300" not in reader.get("/objectives").text


def test_a_key_of_other_apps_sees_no_objective(watched):
    reader = watched.reader(watched.running.new_key("of another app", scopes=("read",), apps=("other",)))

    assert "Nothing is promised yet" in reader.get("/objectives").text
    assert reader.get("/objectives/answers").status == 404


def test_text_of_others_is_shown_as_text(watched):
    shown = watched.reader().get("/objectives")

    assert "&lt;b&gt;answered&lt;/b&gt;" in shown.html
    assert "<b>answered" not in shown.html


@pytest.mark.parametrize("path", ["/objectives/nothing", "/objectives/answers?app=nothing"])
def test_an_objective_that_is_not_there_is_told(watched, path):
    assert watched.reader().get(path).status == 404


def test_a_stranger_is_sent_to_sign_in(watched):
    assert watched.stranger().get("/objectives").status == 303
