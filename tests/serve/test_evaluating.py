"""Runs through a served Rowen: begun by the API and by its pages, done by a job, stopped, resumed and shown."""

import json
import re
import time
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest

from rowen.evaluate.run.app import Manner, of_app
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.testing.serving import serving
from rowen.values import Case, Unavailable
from rowen.values.errand import EVALUATE

APP = """
[app]
name = "shop"
[models.fast]
provider = "echo"
price = { input = "1", output = "2" }
[[score]]
kind = "exact"
name = "right"
sample = 0.5
[watch.answers]
sli = "availability"
target = ">= 90%"
[evaluate.smoke]
cases = "cases.jsonl"
must = { right = ">= 0.5" }
every = "1d"
[evaluate.dear]
cases = "cases.jsonl"
budget = "0.00001"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    rows = [
        {"id": f"c{n:02}", "input": f"say <b>{n}</b>", "expected": "no" if n % 4 == 3 else f"say <b>{n}</b>",
         "metadata": {"kind": "a" if n % 2 else "b"}}
        for n in range(30)
    ]  # fmt: skip
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "app.toml").write_text(APP)
    with serving(folder / "app.toml", store=f"sqlite:{folder}/data") as run:
        yield run


class Asking:
    """Asks the API with a key."""

    def __init__(self, served, key):
        self._served, self._key = served, key

    def __call__(self, method, path, body=None):
        request = Request(
            self._served.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._key}", "content-type": "application/json"},
        )
        try:
            with build_opener().open(request) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def ask(served):
    return Asking(served, served.admin)


@pytest.fixture
def page(served):
    """Reads pages as somebody who is signed in."""

    class Stays(HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = build_opener(HTTPCookieProcessor(CookieJar()), Stays)

    def read(path, form=None, files=None):
        body, head = None, {"origin": served.url}
        if files is not None:
            mark = "xxboundaryxx"
            parts = [f'--{mark}\r\ncontent-disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in form.items()]
            parts += [
                f'--{mark}\r\ncontent-disposition: form-data; name="file"; filename="{n}"\r\n\r\n{v}\r\n'
                for n, v in files.items()
            ]
            body = ("".join(parts) + f"--{mark}--\r\n").encode()
            head["content-type"] = f"multipart/form-data; boundary={mark}"
        elif form is not None:
            body = urlencode(form).encode()
        try:
            with opener.open(Request(served.url + path, data=body, headers=head)) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.headers.get("location") or error.read().decode()

    _, form = read("/sign-in")
    read("/sign-in", {"key": served.admin, "csrf": token(form), "to": "/"})
    return read


def token(html):
    return re.search(r'name="csrf" value="([^"]+)"', html)[1]


def done(served, ask, **order):
    status, begun = ask("POST", "/api/runs", {"app": "shop", "suite": "smoke", **order})
    assert status == 201, begun
    return ended(served, ask, begun["data"]["id"])


def ended(served, ask, id):
    """Wait until a run has ended: the server's own worker may have taken its job."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        served.do(served.opened.worked())
        if ask("GET", f"/api/runs/{id}")[1]["data"]["run"].get("state") in {"done", "stopped"}:
            return id
    raise AssertionError(f"{ask('GET', f'/api/runs/{id}')} {ask('GET', f'/api/jobs/{id}')} did not end")


def test_a_run_is_begun_done_by_a_job_and_told_case_by_case(served, ask):
    id = done(served, ask, note="for the test")

    _, found = ask("GET", f"/api/runs/{id}")
    _, first = ask("GET", f"/api/runs/{id}/outcomes?limit=20")
    _, rest = ask("GET", f"/api/runs/{id}/outcomes?limit=20&before={first['next']}")
    _, listed = ask("GET", "/api/runs?app=shop&suite=smoke&state=done")

    assert found["data"]["passed"] is True
    assert found["data"]["run"]["answered"] == 30
    assert {each["value"] for each in found["data"]["slices"]} == {"a", "b"}
    assert [each["case"] for each in first["data"] + rest["data"]] == [f"c{n:02}" for n in range(30)]
    assert rest["next"] == ""
    assert id in {each["id"] for each in listed["data"]}


def test_calls_of_a_run_are_traced_and_count_for_no_objective_and_no_rule(served, ask):
    id = done(served, ask, fresh=True)
    served.do(served.opened.traces_written())

    _, traces = ask("GET", f"/api/traces?tag=run:{id}&limit=50")
    served.do(served.opened.watching.engine.tick())
    served.do(served.opened.worked())
    _, scores = ask("GET", "/api/scores?name=right")

    assert len(traces["data"]) == 30
    assert {each["feature"] for each in traces["data"]} == {EVALUATE.feature}
    assert scores["data"] == []
    assert served.do(served.opened.store.measures.find("shop", "slo/answers")) == []


def test_a_run_that_its_budget_stops_goes_on_with_more(served, ask):
    id = done(served, ask, suite="dear", fresh=True)
    _, stopped = ask("GET", f"/api/runs/{id}")

    status, _ = ask("POST", f"/api/runs/{id}/resume", {"budget": "1"})
    ended(served, ask, id)
    _, whole = ask("GET", f"/api/runs/{id}")

    assert stopped["data"]["run"]["state"] == "stopped"
    assert "budget" in stopped["data"]["run"]["why"]
    assert status == 200
    assert (whole["data"]["run"]["state"], whole["data"]["run"]["answered"]) == ("done", 30)


def test_a_run_that_was_stopped_before_its_job_came_is_not_done(served, ask):
    _, begun = ask("POST", "/api/runs", {"app": "shop", "suite": "smoke", "note": "never"})
    id = begun["data"]["id"]

    ask("POST", f"/api/runs/{id}/stop")
    ended(served, ask, id)
    again, _ = ask("POST", f"/api/runs/{id}/stop")
    _, found = ask("GET", f"/api/runs/{id}")

    assert found["data"]["run"]["state"] in {"stopped", "done"}
    assert again == 409
    assert ask("DELETE", f"/api/runs/{id}")[0] == 200
    assert ask("GET", f"/api/runs/{id}")[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"app": "shop", "suite": "gone"}, 400, "there are: smoke, dear"),
        ({"app": "gone", "suite": "smoke"}, 404, "no app"),
        ({"app": "shop", "suite": "smoke", "cases": "/etc/passwd"}, 400, "cases"),
        ({"app": "shop", "suite": "smoke", "cases": "dataset:gone"}, 404, "no data set"),
        ({"app": "shop", "suite": "smoke", "definition": "ab12"}, 404, "never kept"),
        ({"app": "shop", "suite": "smoke", "budget": "lots"}, 400, "budget"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(ask, body, status, said):
    found, answer = ask("POST", "/api/runs", body)

    assert found == status
    assert said in json.dumps(answer)


def test_who_may_only_read_begins_nothing_and_sees_no_other_tenants_runs(served, ask):
    id = done(served, ask)
    reads = Asking(served, served.new_key("reads", scopes=("read",)))
    theirs = Asking(served, served.new_key("theirs", scopes=("read", "manage"), tenant="globex"))

    assert reads("POST", "/api/runs", {"app": "shop", "suite": "smoke"})[0] == 403
    assert reads("GET", f"/api/runs/{id}")[0] == 200
    assert theirs("GET", f"/api/runs/{id}")[0] == 404
    assert theirs("POST", f"/api/runs/{id}/stop")[0] == 404


def test_a_suite_with_a_pace_comes_back_by_itself(served, ask):
    served.do(served.opened.worked())

    _, listed = ask("GET", "/api/runs?suite=smoke&limit=500")

    assert "on its schedule" in {each.get("note") for each in listed["data"]}


def test_the_page_of_a_run_shows_its_figures_cases_and_how_far_it_is(served, ask, page):
    id = done(served, ask)

    _, shown = page(f"/runs/{id}")
    _, again = page(f"/runs/{id}")
    _, part = page(f"/runs/{id}?part=progress")
    _, listed = page("/runs")

    assert "30 of 30 tried" in part
    assert "<html" not in part
    assert "right ≥ 0.5" in shown
    assert "expected: no" in again
    assert "say &lt;b&gt;" in again
    assert "<b>" not in again.split('id="cases"')[1]
    assert f"/runs/{id}" in listed
    assert page(f"/runs/{id}?metric=nothing")[0] == 400
    assert page(f"/runs/{id}?show=best")[0] == 400
    assert page("/runs/0000000000")[0] == 404


def test_a_run_is_begun_and_stopped_on_the_pages(served, ask, page):
    _, listed = page("/runs")

    status, place = page("/runs", {"suite": "shop/smoke", "csrf": token(listed), "note": "from the page"})
    ended(served, ask, place.rpartition("/")[2])

    assert status == 303
    assert "from the page" in page(place)[1]
    assert page("/runs", {"suite": "shop/gone", "csrf": token(listed)})[0] == 400
    assert page(f"{place}/stop", {"csrf": token(listed)})[0] == 409


def test_cases_are_brought_from_a_file_kept_as_a_version_and_run(served, ask, page):
    _, listed = page("/datasets")

    status, place = page(
        "/datasets",
        {"name": "golden", "csrf": token(listed)},
        {"g.csv": "question,expected\nhay,hay\nstraw,<i>no</i>\n"},
    )
    page("/datasets/golden/freeze", {"note": "first", "csrf": token(listed)})
    page("/datasets/golden")
    _, shown = page("/datasets/golden")
    id = done(served, ask, cases="dataset:golden")
    _, found = ask("GET", f"/api/runs/{id}")

    assert (status, place) == (303, "/datasets/golden")
    assert "first" in shown
    assert "&lt;i&gt;no&lt;/i&gt;" in shown
    assert found["data"]["run"]["dataset"] == "golden"
    assert found["data"]["run"]["answered"] == 2
    refused, said = page("/datasets", {"name": "golden", "csrf": token(listed)}, {"bad.jsonl": "{no json"})
    assert (refused, "json" in said.lower()) == (400, True)


async def test_a_case_whose_answer_breaks_off_tells_what_was_paid_for_it(tmp_path):
    cut = '[models.fast]\nprovider = "echo"\nretries = 0\nprice = { input = "1", output = "2" }\noptions = { cut_after = 2 }'
    (tmp_path / "app.toml").write_text(f'[app]\nname = "shop"\n{cut}')
    server = Server(ServerSettings(store="memory:"), [tmp_path / "app.toml"])
    served = (await server.open()).served
    aim = of_app(served.named("shop"), served.loaded()[0], Manner(run="r"))

    try:
        with pytest.raises(Unavailable) as failed:
            await aim.ask(Case(id="c1", input="say one two three four"), 0)
    finally:
        await server.close()

    assert failed.value.code == "upstream_cut"
    assert float(failed.value.details["cost"]) > 0
