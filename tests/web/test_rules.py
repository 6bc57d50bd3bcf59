"""The pages of rules and jobs, and of shares that people's labels correct, read without scripts."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.conftest import Site

from rowen.score.standing import share_in, shares_of, worth_of
from rowen.store.base import ScoreBucket
from rowen.testing.serving import Running, serving
from rowen.values import Score, SystemClock

APP = """
[app]
name = "shop"
model = "main"
[models.main]
provider = "echo"
[models.judge]
provider = "echo"
options = { say = '{"reason": "it helps", "label": "good"}' }
price = { input = "1", output = "2" }
[models.vague]
provider = "echo"
options = { say = "hm, hard to say" }
price = { input = "1", output = "2" }
[[score]]
kind = "judge"
name = "helpful"
prompt = "helpful.md"
model = "judge"
sample = 0.5
budget = "2"
filter = { feature = "chat" }
enabled = false
options = { labels = { good = 1, bad = 0 } }
[[score]]
kind = "judge"
name = "unclear"
prompt = "helpful.md"
model = "vague"
enabled = false
options = { labels = { good = 1, bad = 0 } }
[[score]]
kind = "refusal"
"""


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("judging")
    (folder / "app.toml").write_text(APP)
    (folder / "helpful.md").write_text("Is it helpful?\n{{question}}\n{{answer}}\n")
    with serving(folder / "app.toml", store=f"sqlite:{folder}/data") as served:
        yield served


@pytest.fixture
def judged(judging: Running) -> Site:
    site = Site(judging)
    site.write(*[site.trace(60_000 + n, asked=f"q{n}", said="an answer", feature="chat") for n in range(8)])
    return site


def test_every_rule_tells_what_it_judges_by_what_and_at_what_cost(judged):
    shown = judged.reader().get("/rules")

    assert re.search(r"helpful judge · judge · shop off traces feature chat 50 %", shown.text)
    assert "$0 of $2" in shown.text
    assert re.search(r"refusal refusal · shop judges traces 100 %", shown.text)


def test_three_are_tried_and_their_price_is_told_and_nothing_is_kept(judged):
    reader = judged.reader()
    token = reader.token()

    shown = reader.post("/rules/helpful?app=shop", window="7", **{"try": "1"}, csrf=token)

    assert shown.status == 200
    assert re.search(r"\d+ fit, \d+ would be judged, for about \$0\.\d+", shown.text)
    assert shown.text.count("it helps") == 3
    assert "helpful" not in {each.name for each in judged.running.do(judged.running.opened.store.scores.names())}


def test_what_was_is_judged_as_a_job_that_can_be_watched_and_errors_are_listed(judged):
    reader = judged.reader()

    sent = reader.post("/rules/unclear?app=shop", window="1", all="1", csrf=reader.token())
    ends = time.monotonic() + 60
    while "by the rule unclear" not in (jobs := reader.get("/jobs?state=done")).text:
        assert time.monotonic() < ends, reader.get("/jobs").text

    assert (sent.status, sent.headers["location"]) == (303, "/rules/unclear?app=shop#judged")
    page = reader.get("/rules/unclear?app=shop")
    assert re.search(r"score\.backfill · shop .*done", page.text)
    assert "upstream_garbage" in page.text
    assert re.search(r"failed [1-9]\d* cost 0\.\d+", jobs.text)


def test_a_rule_is_paused_and_let_go_on_by_who_may(judged):
    admin = judged.reader()
    colleague = judged.reader(judged.running.new_key("colleague", scopes=("manage",)))

    assert colleague.post("/rules/refusal/pause?app=shop", csrf=colleague.token()).status == 403
    assert admin.post("/rules/refusal/pause?app=shop", csrf=admin.token()).status == 303
    assert re.search(r"refusal refusal · shop paused", admin.get("/rules").text)
    assert admin.post("/rules/refusal/resume?app=shop", csrf=admin.token()).status == 303
    assert re.search(r"refusal refusal · shop judges", admin.get("/rules").text)


def test_a_rule_of_the_apps_file_tells_only_admins_what_it_did_to_everybodys_traffic(judged):
    reader = judged.reader(judged.running.new_key("reads", scopes=("read",)))

    shown = reader.get("/rules/helpful?app=shop")

    assert "Judged as it came" not in shown.text
    assert "Try three" not in shown.text
    assert reader.post("/rules/helpful?app=shop", window="1", all="1", csrf=reader.token()).status == 403


def test_a_job_is_cancelled_and_tried_again(judged):
    reader, do = judged.reader(), judged.running.do
    queue = judged.running.opened.worker._queue
    job = do(queue.add("nobody.does", about="waits for ever", app="shop"))

    reader.post(f"/jobs/{job.id}/cancel", csrf=reader.token())
    assert do(queue.get(job.id)).state == "cancelled"
    assert "waits for ever" in reader.get("/jobs?state=cancelled").text
    reader.post(f"/jobs/{job.id}/resume", csrf=reader.token())
    assert do(queue.get(job.id)).state == "queued"
    again = reader.post(f"/jobs/{job.id}/resume", csrf=reader.token())
    assert (again.status, "the job is queued" in again.text) == (409, True)


def test_another_tenants_jobs_are_not_there(judged):
    queue, do = judged.running.opened.worker._queue, judged.running.do
    job = do(queue.add("nobody.does", about="secret work", tenant="acme"))
    reader = judged.reader(judged.running.new_key("ours", scopes=("manage",)))

    assert "secret work" not in reader.get("/jobs").text
    assert reader.post(f"/jobs/{job.id}/cancel", csrf=reader.token()).status == 404
    assert do(queue.get(job.id)).state == "queued"


# Shares that labels correct


@pytest.fixture
def labelled(judged) -> Any:
    """A judge that says yes to 70 of 100; of 40 labelled it catches 18 of 20 yes and lets 15 of 20 no pass."""
    now = SystemClock().now_ns() - 3_600_000_000_000
    kinds = [(True, True)] * 18 + [(False, True)] * 2 + [(True, False)] * 5 + [(False, False)] * 15
    given = [score(n, "model", said, now) for n, (said, _) in enumerate(kinds)]
    given += [score(n, "model", n < 87, now) for n in range(40, 100)]
    given += [score(n, "person", truth, now) for n, (_, truth) in enumerate(kinds)]
    judged.running.do(judged.running.opened.store.scores.put(given))
    yield judged
    for each in given:
        judged.running.do(judged.running.opened.store.scores.delete(each.id))


def score(n: int, source: Any, value: bool, at: int) -> Score:
    return Score(
        id=f"{source}{n}", trace=f"{n:032x}", app="shop", name="right", type="boolean", value=value, number=float(value),
        source=source, by=source, judged_ns=at + n, created_ns=at + n,
    )  # fmt: skip


async def known_of(site: Any, now: int):
    scores = site.running.opened.store.scores
    worth = await worth_of(scores, tenant=None, app="", name="right")
    return worth, await shares_of(
        scores,
        tenant=None,
        app="",
        name="right",
        since_ns=now - 86_400_000_000_000,
        until_ns=now,
        known=worth.calibration,
    )


def test_once_people_have_labelled_the_corrected_share_is_the_one_that_is_shown(labelled):
    worth, found = labelled.running.do(known_of(labelled, SystemClock().now_ns()))
    assert (worth.calibration.n, found.labels, found.judged.value) == (40, 40, 0.7)
    # (0.7 + 15/20 - 1) / (18/20 + 15/20 - 1), by hand
    assert found.shown.value == pytest.approx(0.45 / 0.65)

    shown = labelled.reader().get("/scores/right?app=shop")

    assert re.search(r"Share, corrected 0\.692 0\.\d+ to 0\.\d+ · n 100", shown.text)
    assert re.search(r"The judges alone 0\.7 ", shown.text)
    assert "People labelled 40" in shown.text
    assert "/api/prevalence?name=right" in shown.html


def test_the_list_and_the_overview_never_show_the_judges_figure_alone(labelled):
    reader = labelled.reader()
    for path in ("/scores", "/"):
        reader.get(path)

        shown = reader.get(path)

        assert re.search(r"0\.692 .*corrected; the judge alone 0\.7", shown.text), path


def test_the_first_label_corrects_the_list_at_once(judged):
    now = SystemClock().now_ns() - 3_600_000_000_000
    put = judged.running.opened.store.scores.put
    given = [score(n, "model", n < 12, now).but(name="fresh") for n in range(20)]
    labels = [score(n, "person", n < 10, now).but(name="fresh") for n in range(20)]
    reader = judged.reader()

    judged.running.do(put(given))
    alone = reader.get("/scores").text
    judged.running.do(put(labels[5:6]))
    reader.get("/scores")
    one = reader.get("/scores").text
    judged.running.do(put(labels))
    reader.get("/scores")
    all_ = reader.get("/scores").text

    assert "corrected" not in alone
    assert re.search(r"fresh boolean · shop – .*corrected; the judge alone 0\.6", one)
    assert re.search(r"fresh boolean · shop 0\.5 .*corrected; the judge alone 0\.6", all_)
    for each in (*given, *labels):
        judged.running.do(judged.running.opened.store.scores.delete(each.id))


def test_labels_that_are_one_and_nought_are_a_share_and_grades_are_not():
    plain = ScoreBucket(start_ns=0, count=4, numbers=4, total=3.0, squares=3.0, least=0.0, most=1.0)
    graded = ScoreBucket(start_ns=0, count=2, numbers=2, total=1.0, squares=0.5, least=0.5, most=0.5)
    odd = ScoreBucket(start_ns=0, count=9, numbers=9, total=6.0, squares=6.0, least=0.5, most=2.0)

    assert share_in([plain], None).judged.value == 0.75
    assert (share_in([graded], None), share_in([plain, graded], None), share_in([odd], None), share_in([], None)) == (
        None,
    ) * 4


def test_a_judge_no_better_than_a_coin_tells_nothing(judged):
    now = SystemClock().now_ns() - 3_600_000_000_000
    given = [score(n, "model", n % 2 == 0, now) for n in range(20)] + [
        score(n, "person", n < 10, now) for n in range(20)
    ]
    judged.running.do(judged.running.opened.store.scores.put(given))

    shown = judged.reader().get("/scores/right?app=shop")

    assert "Share, corrected –" in shown.text
    assert "no more than a coin" in shown.text
    for each in given:
        judged.running.do(judged.running.opened.store.scores.delete(each.id))
