"""Columns, order and saved views of the list of traces, read without scripts."""

import re
from html import unescape
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from rowen.values import Score, Span


def headings(html: str) -> list[str]:
    head = html.split("<thead>")[1].split("</thead>", maxsplit=1)[0]
    return [re.sub(r"<[^>]+>|[▲▼]", "", each).strip() for each in re.findall(r"<th[^>]*>(.*?)</th>", head)]


def asked(html: str) -> list[str]:
    return re.findall(r'<td class="lead"><span class="clip" dir="auto" title="([^"]*)"', html)


def test_columns_are_chosen_from_the_row_scores_and_attributes(site):
    trace = site.trace(asked="hello", release="1.5", user="ann")
    root = Span(
        trace=trace.row.id, id="a" * 16, name="chat", started_ns=trace.row.started_ns, ended_ns=trace.row.started_ns + 1,
        attributes={"custom.plan": "b"},
    )  # fmt: skip
    site.write(trace.but(spans=(root,)))
    given = [
        Score(id=f"s{n}", trace=trace.row.id, app="shop", name="stars", value=value, number=value, source="user", judged_ns=n, created_ns=n)
        for n, value in ((1, 2.0), (2, 4.0))
    ]  # fmt: skip
    site.running.do(site.running.opened.store.scores.put(given))

    shown = site.reader().get("/traces?columns=when,release,user,score.stars,attribute.custom.plan,attribute.none")

    assert headings(shown.html) == ["When", "Release", "User", "stars", "custom.plan", "none"]
    row = shown.text.rpartition(" none ")[2]
    assert re.search(r"1\.5 ann 4 of 2 b –", row)


def test_the_form_for_columns_leads_to_one_address(site):
    shown = site.reader().get(
        "/traces?status=failed&columns=cost,when&column=when&column=cost&column=took&extra=score.a%2C+attribute.b&sort=took&order=desc"
    )

    assert shown.status == 303
    assert shown.headers["location"] == (
        "/traces?status=failed&sort=took&columns=" + quote("cost,when,took,score.a,attribute.b", safe="")
    )


def test_a_list_is_sorted_by_a_column_and_back(site):
    for ago, took in ((30, 5), (20, 90), (10, 40)):
        site.write(site.trace(ago, asked=f"took {took}", duration_ns=took * 1_000_000))
    reader = site.reader()

    assert asked(reader.get("/traces").html) == ["took 40", "took 90", "took 5"]
    assert asked(reader.get("/traces?sort=took").html) == ["took 90", "took 40", "took 5"]
    least = reader.get("/traces?sort=took&order=asc")
    assert asked(least.html) == ["took 5", "took 40", "took 90"]
    assert 'aria-sort="ascending"' in least.html
    assert "The latest 500 that fit, sorted by took" in least.text


def test_nonsense_in_the_address_is_told(site):
    reader = site.reader()

    for query, place in (("columns=price", "price"), ("sort=mood", "sorted by one of"), ("order=up", "desc")):
        shown = reader.get(f"/traces?{query}")
        assert shown.status == 400
        assert place in shown.text


def test_a_view_is_saved_opened_changed_chosen_and_deleted(site):
    site.write(site.trace(20, asked="well"), site.trace(10, asked="ill", status="failed", code="upstream_cut"))
    reader = site.reader()
    listed = reader.get("/traces?status=failed&columns=when,asked&sort=took")
    state = re.search(r'name="listed" value="([^"]*)"', listed.html)[1].replace("&amp;", "&")

    saved = reader.post("/traces/views", name="ill ones", listed=state, opens="1", csrf=reader.token(listed))

    place = saved.headers["location"]
    assert re.fullmatch(r"/traces\?status=failed&columns=when%2Casked&sort=took&view=[0-9a-f]+", place)
    id = place.rpartition("view=")[2]
    view = reader.get(place)
    assert ("<h1" in view.html, asked(view.html), headings(view.html)) == (True, ["ill"], ["When", "Asked"])
    assert "no longer what the view keeps" not in view.text
    assert reader.get("/traces").headers["location"] == place
    everything = reader.get("/traces?view=all")
    assert asked(everything.html) == ["ill", "well"]
    assert 'href="/traces?view=all"' in everything.html

    wider = reader.get(f"/traces?columns=asked&view={id}")
    assert "no longer what the view keeps" in wider.text
    now = re.search(r'name="listed" value="([^"]*)"', wider.html)[1]
    moved = reader.post(f"/traces/views/{id}", name="all of them", listed=now, take="1", csrf=reader.token(wider))
    assert moved.headers["location"] == f"/traces?columns=asked&view={id}"
    assert "all of them" in reader.get(moved.headers["location"]).text

    reader.post(f"/traces/views/{id}/default", csrf=reader.token(wider))
    assert reader.get("/traces").status == 200
    gone = reader.post(f"/traces/views/{id}/delete", csrf=reader.token(wider))
    assert gone.status == 303
    assert "all of them" not in reader.get("/traces").text


def test_a_shared_view_is_seen_by_the_tenant_and_changed_only_by_who_manages(site):
    admin = site.reader()
    admin.post("/traces/views", name="of the team", listed="?status=failed", shared="1", csrf=admin.token())
    colleague = site.reader(site.running.new_key("colleague", scopes=("read",)))
    stranger = site.reader(site.running.new_key("elsewhere", tenant="acme", scopes=("read",)))

    id = re.search(r'view=([0-9a-f]+)"[^>]*>of the team', colleague.get("/traces").html)[1]

    assert "of the team" not in stranger.get("/traces").text
    assert stranger.post(f"/traces/views/{id}/delete", csrf=stranger.token()).status == 404
    assert colleague.post(f"/traces/views/{id}", name="mine", csrf=colleague.token()).status == 403
    assert colleague.post(f"/traces/views/{id}/delete", csrf=colleague.token()).status == 403
    own = colleague.post("/traces/views", name="my own", listed="?q=refund", csrf=colleague.token())
    assert own.status == 303
    assert "my own" not in admin.get("/traces").text
    admin.post(f"/traces/views/{id}/delete", csrf=admin.token())


def test_two_views_of_one_name_are_a_conflict_and_nothing_is_lost(site):
    reader = site.reader(site.running.new_key("twice", scopes=("read",)))
    token = reader.token()
    reader.post("/traces/views", name="same", listed="?status=ok", csrf=token)

    again = reader.post("/traces/views", name="same", listed="?status=failed", csrf=token)

    assert again.status == 409
    assert "there is a view" in again.text
    assert "status=ok" in reader.get("/traces").html


def test_the_call_that_is_copied_knows_only_what_the_api_knows(site):
    reader = site.reader()
    html = reader.get("/traces?status=ok&columns=when&sort=took&view=none").html

    assert "/api/traces?status=ok&amp;sort=took&#39;" in html
    assert told_by_api(site, "/api/traces?status=ok&sort=took") == 200


def told_by_api(site: Any, path: str) -> int:
    connection = HTTPConnection(urlsplit(site.running.url).netloc, timeout=20)
    connection.request("GET", path, headers={"authorization": f"Bearer {site.running.admin}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_an_empty_list_has_a_button_a_snippet_and_words_for_a_coding_agent(site):
    reader = site.reader()

    for path in ("/traces", "/"):
        shown = reader.get(path)

        assert "Create a key" in shown.text
        assert f"export OPENAI_BASE_URL={site.running.url}/v1" in shown.text
        assert "What to tell a coding agent" in shown.text
        assert "the key is in the environment variable ROWEN_KEY, never in the code" in shown.text


def test_every_view_tells_the_call_that_gives_the_same_and_the_call_is_answered(site):
    trace = site.trace(asked="hello", session="talk", user="ann")
    site.write(trace)
    reader = site.reader()
    silent = []

    for path in (
        "/", "/traces", f"/traces/{trace.row.id}", "/sessions", "/sessions/talk", "/users", "/errors", "/scores", "/review",
        "/rules", "/objectives", "/alerts", "/incidents", "/status", "/night", "/costs", "/models", "/jobs", "/keys",
    ):  # fmt: skip
        shown = reader.get(path)
        found = re.search(r"curl -H &#39;Authorization: Bearer rk-…&#39; &#39;([^<]*?)&#39;", shown.html)
        if found is None:
            silent.append(path)
            continue
        address = unescape(found[1])
        assert told_by_api(site, address.removeprefix(site.running.url)) == 200, (path, address)

    assert silent == []
