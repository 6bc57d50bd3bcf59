"""The pages of scores, read as a browser without scripts reads them."""

import pytest

from rowen.values import Score, SystemClock, new_id


@pytest.fixture
def judged(site):
    """Thumbs of users, a judge's numbers and a reviewer's verdicts."""
    now = SystemClock().now_ns()
    running = site.running
    running.do(running.opened.store.scores.prune(now + 1))

    def score(**fields):
        return Score(id=new_id(now), app="shop", judged_ns=now - 60_000_000_000, created_ns=now, **fields)

    thumbs = [
        score(name="thumbs", type="boolean", value=good, number=float(good), source="user")
        for good in (True,) * 8 + (False,) * 2
    ]
    grounded = [
        score(
            name="grounded",
            value=value,
            number=value,
            source="model",
            by="judge",
            reason=f"because {value}",
            trace=f"{n:032x}",
        )
        for n, value in enumerate((0.2, 0.4, 0.9))
    ]
    verdict = score(name="verdict", type="category", value="<wrong>", number=0.0, source="person", tenant="acme")
    running.do(running.opened.store.scores.put([*thumbs, *grounded, verdict]))
    return site


def test_without_a_score_the_page_says_how_to_give_one(site):
    site.running.do(site.running.opened.store.scores.prune(SystemClock().now_ns() + 1))

    shown = site.reader().get("/scores")

    assert "Nothing has been judged yet" in shown.text
    assert "/v1/feedback" in shown.text


def test_every_name_has_its_mean_with_an_interval_and_what_it_rests_on(judged):
    shown = judged.reader().get("/scores")

    assert "By users of the app" in shown.text
    assert "0.8 0.49 to 0.943 · n 10" in shown.text
    assert "true 8" in shown.text
    assert "0.5 -0.396 to 1.4 · n 3" in shown.text


def test_one_score_is_shown_over_time_with_its_lowest_and_why(judged):
    shown = judged.reader().get("/scores/grounded?app=shop")

    assert shown.status == 200
    assert shown.text.index("because 0.2") < shown.text.index("because 0.4") < shown.text.index("because 0.9")
    assert f'href="/traces/{0:032x}"' in shown.html
    assert "<polygon" not in shown.html  # one stretch alone is a dot with its bounds
    assert 'class="bound"' in shown.html


@pytest.mark.parametrize("cut", ["source", "by", "version", "app", "environment", "release", "definition", "nonsense"])
def test_a_score_can_be_cut(judged, cut):
    assert judged.reader().get(f"/scores/grounded?by={cut}").status == 200


def test_text_of_others_is_shown_as_text(judged):
    shown = judged.reader().get("/scores/verdict")

    assert "&lt;wrong&gt;" in shown.html
    assert "<wrong>" not in shown.html


def test_other_tenants_scores_are_not_there(judged):
    reader = judged.reader(judged.running.new_key("reader of globex", tenant="globex", scopes=("read",)))

    assert "Nothing has been judged yet" in reader.get("/scores").text
    assert reader.get("/scores/verdict").status == 404
    assert reader.get("/scores/grounded").status == 404


def test_a_score_that_is_not_there_is_told(judged):
    assert judged.reader().get("/scores/nothing").status == 404


def test_the_overview_tells_first_how_good_the_answers_were(judged):
    judged.write(judged.trace(1000))

    shown = judged.reader().get("/")

    assert shown.text.index("thumbs") < shown.text.index("Answered without failure")
    assert "0.8 0.49 to 0.943 · n 10" in shown.text


def test_the_overview_says_so_when_nothing_is_judged(site):
    site.running.do(site.running.opened.store.scores.prune(SystemClock().now_ns() + 1))
    site.write(site.trace(1000))

    assert "Nothing here says whether the answers were good" in site.reader().get("/").text
