"""A key that is limited to some apps sees those alone on the pages, as it does through the API."""

import re
from urllib.parse import quote

import pytest

from rowen.testing.contracts.spans import a_span
from rowen.values import Score, new_id


@pytest.fixture
def two(site):
    """Calls and scores of the app that a key is for, and of another one."""
    stores = site.running.opened.store
    traces = [
        site.trace(
            60, app=app, asked=f"what {app} was asked", said="so", session=f"s-{app}", user=f"u-{app}", model=f"m-{app}"
        )
        for app in ("shop", "vault")
    ]
    site.write(*traces)
    site.running.do(
        stores.scores.put([
            Score(id=new_id(number), trace=trace.row.id, app=trace.row.app, name=name, value=1.0, number=1.0, source="model", judged_ns=trace.row.started_ns, created_ns=trace.row.started_ns)
            for number, (trace, name) in enumerate([(traces[0], "held"), (traces[1], "held"), (traces[1], "only-vault")], 1)
        ])
    )  # fmt: skip
    return site, *traces


@pytest.fixture
def confined(two):
    site, *_ = two
    return site.reader(site.running.new_key("one app", apps=("shop",), scopes=("read", "manage")))


@pytest.mark.parametrize("path", ["/", "/traces", "/sessions", "/users", "/scores", "/scores/held", "/sessions/s-shop"])
def test_nothing_of_another_app_is_on_a_page(two, confined, path):
    shown, whole = confined.get(path), two[0].reader().get(path)

    assert shown.status == 200
    assert "shop" in shown.text
    assert "vault" not in shown.html
    assert path == "/sessions/s-shop" or "vault" in whole.html


@pytest.mark.parametrize("path", ["/traces?app=vault", "/?app=vault", "/scores/held?app=vault", "/users?app=vault"])
def test_another_app_is_not_there_when_it_is_named(confined, path):
    shown = confined.get(path)

    assert shown.status == 404
    assert "There is no app vault." in shown.text


def test_what_is_of_another_app_is_not_there_by_its_own_address(two, confined):
    inside, outside = (trace.row.id for trace in two[1:])

    answers = [
        confined.get(path).status
        for path in (
            f"/traces/{outside}",
            f"/traces/compare?left={inside}&right={outside}",
            "/sessions/s-vault",
            "/scores/only-vault",
            "/traces/tail?app=vault",
            f"/traces/{inside}",
        )
    ]

    assert answers == [404, 404, 404, 404, 404, 200]


def test_forms_and_lists_offer_the_keys_own_apps_alone(two):
    site, *_ = two
    elsewhere = site.reader(site.running.new_key("elsewhere", apps=("vault",), scopes=("read", "manage")))

    review, keys = elsewhere.get("/review"), elsewhere.get("/keys")

    assert (review.status, keys.status) == (200, 200)
    assert "<option>vault" in review.html
    assert "<option>shop" not in review.html
    assert 'placeholder="vault"' in keys.html
    assert "main" in site.reader().get("/models").text
    assert "main" not in elsewhere.get("/models").text.partition("Models")[2].partition("The same from the API")[0]


def test_spans_of_another_app_are_not_there_either(two, confined):
    sent = a_span(1, "e" * 32, tenant="default", app="vault", session="")
    two[0].running.do(two[0].running.opened.store.traces.observe([sent]))

    assert confined.get(f"/traces/{'e' * 32}").status == 404
    assert two[0].reader().get(f"/traces/{'e' * 32}").status == 200


@pytest.fixture
def several(two):
    """A reader of the two apps, beside a third one that is not theirs."""
    site, *_ = two
    hidden = site.trace(
        50,
        app="attic",
        asked="what attic was asked",
        said="so",
        session="s-attic",
        user="u-attic",
        model="m-attic",
        status="failed",
    )
    site.write(hidden)
    score = Score(
        id=new_id(9), trace=hidden.row.id, app="attic", name="held", value=0.0, number=0.0, source="model",
        judged_ns=hidden.row.started_ns, created_ns=hidden.row.started_ns,
    )  # fmt: skip
    scores = site.running.opened.store.scores
    site.running.do(scores.put([score]))
    yield site.reader(site.running.new_key("two apps", apps=("shop", "vault"), scopes=("read",)))
    site.running.do(scores.delete(score.id))


@pytest.mark.parametrize("path", ["/", "/traces", "/sessions", "/users", "/scores", "/scores/held"])
def test_who_sees_several_apps_sees_them_together_and_may_choose_one(two, several, path):
    together, one, whole = (
        several.get(path), several.get(f"{path}?app=vault"), two[0].reader().get(path)
    )  # fmt: skip

    assert {app for app in ("shop", "vault", "attic") if app in together.html} == {"shop", "vault"}
    assert "vault" in one.text
    assert "what shop was asked" not in one.text
    assert "attic" in whole.html
    assert several.get(f"{path}?app=attic").status == 404


def test_sums_of_several_apps_are_those_of_these_apps_alone(several):
    overview, score = several.get("/"), several.get("/scores/held")

    assert re.search(r"m-shop 1 .*m-vault 1 ", overview.text)
    assert "m-attic" not in overview.html
    assert "Of 2 apps together: shop" in score.text


def test_a_line_of_conditions_reaches_no_app_that_the_reader_may_not_see(several):
    hidden = several.get(f"/traces?q={quote('app = attic')}")
    either = several.get(f"/traces?q={quote('app = attic or app = vault')}")

    assert "what attic was asked" not in hidden.text + either.text
    assert "what vault was asked" in either.text
    assert "what shop was asked" not in either.text


def test_scores_of_one_name_say_whose_they_are_and_that_they_are_of_several_apps(two):
    reader = two[0].reader()

    together, alone = reader.get("/scores/held"), reader.get("/scores/held?app=vault")

    assert "Of 2 apps together: shop" in together.text
    assert '<a href="?app=vault&amp;range=24h" dir="auto">vault</a>' in together.html
    assert "held of vault" in alone.text
    assert "apps together" not in alone.text
    assert "only-vault of vault" in reader.get("/scores/only-vault").text
