"""Judges of a whole server: each judgement is a call through the chain, traced, costed and limited."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal

import httpx2
import pytest

from rowen.config import read
from rowen.serve.judging import rules_of
from rowen.serve.tables import TABLES
from rowen.testing.serving import Running, serving
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
model = "main"
[models.main]
provider = "echo"
[models.judge]
provider = "echo"
options = { say = '{"reason": "it helps", "label": "good", "confidence": 0.8}' }
price = { input = "1", output = "2" }
[models.vague]
provider = "echo"
options = { say = "hm, hard to say" }
price = { input = "1", output = "2" }
[models.vectors]
provider = "echo"

[[score]]
kind = "judge"
name = "helpful"
prompt = "helpful.md"
model = "judge"
options = { labels = { good = 1, bad = 0 } }

[[score]]
kind = "judge"
name = "unclear"
prompt = "helpful.md"
model = "vague"
options = { labels = { good = 1, bad = 0 } }

[[score]]
kind = "similarity"
model = "vectors"
options = { to = "question" }
"""


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    (folder / "helpful.md").write_text("Is it helpful?\n{{question}}\n{{answer}}\n")
    with serving(folder / "app.toml", store=f"sqlite:{folder}/data") as running:
        yield running


def api(rowen: Running, method: str, path: str, body=None, key=""):
    sent = {"json": body} if body is not None else {}
    answer = httpx2.request(method, rowen.url + path, headers={"authorization": f"Bearer {key or rowen.admin}"}, **sent)
    return answer.status_code, answer.json()


def asked(rowen: Running, text: str) -> str:
    body = {"model": "main", "messages": [{"role": "user", "content": text}]}
    answer = httpx2.post(
        f"{rowen.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {rowen.key}"}
    )
    rowen.do(rowen.opened.traces_written())
    return answer.headers["x-rowen-trace"]


def backfilled(rowen: Running, name: str):
    window = {"since_ns": time.time_ns() - 10**12, "until_ns": time.time_ns() + 10**12}
    status, queued = api(rowen, "POST", f"/api/rules/{name}/backfill", window)
    assert status == 200, queued
    ends = time.monotonic() + 60
    while (job := api(rowen, "GET", f"/api/jobs/{queued['data']['id']}")[1]["data"]).get("state") != "done":
        assert time.monotonic() < ends, job
    return job


def test_a_judgement_is_a_call_that_is_traced_and_costed(rowen: Running):
    trace = asked(rowen, "How do I reset it?")

    job = backfilled(rowen, "helpful")

    rowen.do(rowen.opened.traces_written())
    (score,) = api(rowen, "GET", f"/api/scores?name=helpful&trace={trace}")[1]["data"]
    evidence = api(rowen, "GET", f"/api/traces/{score['evidence']}")[1]["data"]
    assert (score["value"], score["number"], score["confidence"], score["source"]) == ("good", 1.0, 0.8, "model")
    assert job["result"]["judged"] >= 1
    assert evidence["row"]["feature"] == "judge:helpful"
    assert (evidence["row"]["door"], evidence["row"]["tenant"], evidence["row"]["model"]) == (
        "internal",
        "default",
        "judge",
    )
    assert Decimal(evidence["row"]["cost"]) == Decimal(score["cost"]) > 0
    assert "How do I reset it?" in json.dumps(evidence["request"])


def test_a_judge_without_a_verdict_leaves_an_error_and_no_score(rowen: Running):
    trace = asked(rowen, "And now?")

    backfilled(rowen, "unclear")

    faults = api(rowen, "GET", "/api/rules/unclear/faults")[1]["data"]
    assert api(rowen, "GET", f"/api/scores?name=unclear&trace={trace}")[1]["data"] == []
    assert trace in {fault["trace"] for fault in faults}
    assert {fault["code"] for fault in faults} == {"upstream_garbage"}
    assert all(Decimal(fault["cost"]) > 0 for fault in faults)


def test_embeddings_come_from_a_model_of_the_app(rowen: Running):
    trace = asked(rowen, "the same words come back")

    backfilled(rowen, "similarity")

    (score,) = api(rowen, "GET", f"/api/scores?name=similarity&trace={trace}")[1]["data"]
    assert score["number"] == pytest.approx(1.0, abs=1e-6)


def test_a_preflight_tells_the_price_before_anything_is_kept(rowen: Running):
    asked(rowen, "what would it cost?")
    rule = {"app": "shop", "kind": "judge", "model": "judge", "options": {"prompt": "{{answer}}", "scale": [1, 5]}}
    status, kept = api(rowen, "PUT", "/api/rules/cheap", {**rule, "options": {**rule["options"], "labels": {}}})

    _, found = api(rowen, "POST", "/api/rules/cheap/preflight", {"since_ns": 1})

    assert status == 200, kept
    assert found["data"]["matching"] >= 1
    assert found["data"]["examples"][0]["code"] == "upstream_garbage"  # that model answers with labels, not numbers
    assert found["data"]["cost"] > 0
    assert api(rowen, "GET", "/api/scores?name=cheap")[1]["data"] == []


def test_rules_are_listed_with_where_they_are_written(rowen: Running):
    rules = {state["rule"]["name"]: state for state in api(rowen, "GET", "/api/rules")[1]["data"]}

    assert rules["helpful"]["written"] is True
    assert rules["helpful"]["version"]
    jobs = api(rowen, "GET", "/api/jobs?kind=score.live")[1]["data"]
    assert rules["helpful"]["job"] in {job["id"] for job in jobs}


def test_a_rule_of_the_file_cannot_be_changed_by_the_api(rowen: Running):
    status, answer = api(rowen, "PUT", "/api/rules/helpful", {"app": "shop", "kind": "refusal"})

    assert (status, answer["error"]["code"]) == (409, "conflict")


def test_a_wrong_rule_is_refused_with_what_is_near(rowen: Running):
    status, answer = api(rowen, "PUT", "/api/rules/new", {"app": "shop", "kind": "rogue"})

    assert status == 400
    assert 'did you mean "rouge"' in answer["error"]["message"]


def test_what_people_say_tells_what_a_judge_is_worth(rowen: Running):
    trace = asked(rowen, "label me")
    backfilled(rowen, "helpful")
    body = {"name": "helpful", "value": "bad", "trace": trace, "source": "person"}
    config = {"type": "category", "categories": {"good": 1, "bad": 0}}
    api(rowen, "PUT", "/api/score-configs/helpful", config)
    assert api(rowen, "POST", "/api/scores", body)[0] == 201

    worth = api(rowen, "GET", "/api/calibration?name=helpful")[1]["data"]

    assert (worth["calibration"]["n"], worth["calibration"]["only_judge"]) == (1, 1)
    assert worth["calibration"]["agreement"]["value"] == 0.0
    assert worth["labelled_last_ns"] > 0


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ('kind = "rogue"', 5, 'did you mean "rouge"'),
        ('kind = "match"\noptions = { patern = "x" }', 6, 'did you mean "pattern"'),
        ('kind = "refusal"\nsample = 2.0', 6, "sample"),
        ('kind = "similarity"\nmodel = "nothing"', 6, 'no model "nothing"'),
        ('kind = "similarity"', 4, "embedding model"),
        ('kind = "judge"\nbudget = "much"', 6, "US dollars"),
        ('kind = "refusal"\nsampel = 0.1', 6, 'did you mean "sample"'),
    ],
)
def test_a_wrong_rule_of_the_file_is_named_with_its_line(written, line, said, tmp_path):
    path = tmp_path / "app.toml"
    path.write_text(f'[models.main]\nprovider = "echo"\n\n[[score]]\n{written}\n')

    with pytest.raises(Mistaken) as caught:
        rules_of(read(path, TABLES))

    assert said in caught.value.message
    assert caught.value.place == f"app.toml:{line}"
