"""The page of costs, read and filled in as a browser without scripts does it."""

import csv
import io
from decimal import Decimal

import pytest

from rowen.values import Score, SystemClock, new_id

NOW = SystemClock().now_ns()


@pytest.fixture
def spent(site):
    """Calls of two tenants: priced, wasted, and of unknown price."""
    running = site.running
    records = running.opened.store.records
    for kind in ("cost_budget", "ledger_count", "ledger_day"):  # the book is counted anew
        for each in running.do(records.find(kind)):
            running.do(records.delete(kind, each.id))
    site.write(
        site.trace(1000, model="gpt-4.1", cost=Decimal("2.50"), waste=Decimal("0.25"), input_tokens=1000, output_tokens=100, feature="chat"),
        site.trace(2000, model="gpt-4.1", cost=Decimal("1.50"), input_tokens=1000, output_tokens=100, feature="search"),
        site.trace(3000, model="mystery <b>", cost=None, input_tokens=10),
        site.trace(4000, model="gpt-4.1", cost=Decimal("7.00"), tenant="acme", user="acme's own user"),
    )  # fmt: skip
    return site


def reader_of(site, tenant="default", scopes=("read",), **wanted):
    return site.reader(site.running.new_key(f"{tenant} {scopes} {wanted}", tenant=tenant, scopes=scopes, **wanted))


def budgets(site):
    return site.running.do(site.running.opened.store.records.find("cost_budget"))


def test_where_nothing_was_spent_the_page_says_how_calls_get_their_price(site):
    shown = site.reader().get("/costs")

    assert "Nothing was spent in the last 30d" in shown.text
    assert "price = {" in shown.text
    assert 'href="/traces"' in shown.html


def test_the_sum_tells_that_it_is_the_least_where_a_price_is_unknown(spent):
    text = reader_of(spent).get("/costs").text

    assert "Spent ≥ $4.00" in text
    assert "1 call of unknown price" in text
    assert "Wasted $0.25" in text


def test_an_unknown_price_is_never_shown_as_nothing(spent):
    text = reader_of(spent).get("/costs").text
    row = text[text.index("mystery <b>", text.index("Unknown price")) :]

    assert row.startswith("mystery <b> unknown – unknown 1")


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ("model", "gpt-4.1"),
        ("feature", "search"),
        ("app", "shop"),
        ("key", "not said"),
        ("user", "not said"),
        ("nonsense", "gpt-4.1"),
    ],
)
def test_costs_are_cut_and_lead_to_their_traces(spent, cut, said):
    shown = reader_of(spent).get(f"/costs?by={cut}")

    assert shown.status == 200
    assert said in shown.text
    if said != "not said":
        assert f'href="/traces?{"model" if cut == "nonsense" else cut}={said}"' in shown.html


def test_what_it_was_for_stands_there_at_once(spent):
    spent.write(spent.trace(1000, tenant="counted", waste=Decimal("0.001")))

    shown = reader_of(spent, "counted").get("/costs?by=purpose")

    rows = shown.html[shown.html.index("<tbody>") :]
    assert "inference" in rows
    assert "waste" in rows


def test_another_tenants_costs_are_not_there(spent):
    mine, theirs = reader_of(spent).get("/costs?by=user"), reader_of(spent, "acme").get("/costs?by=user")

    assert "acme" not in mine.text
    assert "Spent $7.00" in theirs.text
    assert "acme's own user" in theirs.text


def test_the_export_has_the_lines_of_the_own_tenant_in_the_columns_of_focus(spent):
    shown = reader_of(spent).get("/costs/focus.csv?range=7d")
    lines = list(csv.DictReader(io.StringIO(shown.html)))

    assert shown.headers["content-type"].startswith("text/csv")
    assert "attachment" in shown.headers["content-disposition"]
    assert {line["SubAccountId"] for line in lines} == {"default"}
    assert sum(Decimal(line["BilledCost"]) for line in lines) == Decimal("4.00")


def test_what_if_names_the_price_of_another_model(spent):
    text = reader_of(spent).get("/costs?from=gpt-4.1&to=openai/gpt-4.1-mini").text

    assert "As it was gpt-4.1 : $4.00 for 2 calls" in text
    assert "As it would be openai/gpt-4.1-mini : $0.0011" in text
    assert "An estimate" in text


def test_what_if_with_a_model_of_unknown_price_says_so(spent):
    assert "unknown: there is no price for it" in reader_of(spent).get("/costs?from=gpt-4.1&to=nobody/nothing").text


def test_what_if_with_nonsense_says_what_to_write(spent):
    assert "another as provider/model" in reader_of(spent).get("/costs?from=gpt-4.1&to=mini").text


def test_the_money_is_held_against_what_it_was_good_for(spent):
    running = spent.running
    running.do(running.opened.store.scores.prune(SystemClock().now_ns() + 1))
    made = spent.trace(500, model="gpt-4.1", cost=Decimal("0.50"))
    spent.write(made)
    thumb = Score(id=new_id(NOW), app="shop", trace=made.row.id, name="thumbs", type="boolean", value=True, number=1.0, source="user", judged_ns=made.row.started_ns, created_ns=NOW)  # fmt: skip
    running.do(running.opened.store.scores.put([thumb]))
    reader = reader_of(spent)

    for _ in range(200):
        text = reader.get("/costs?range=7d").text
        if "being worked out" not in text:
            break

    assert "thumbs from 0.5 on counts as good" in text
    assert "Only 1 calls were judged" in text


def test_a_budget_is_made_shown_and_removed(spent):
    reader = reader_of(spent, scopes=("read", "manage"))
    csrf = reader.token(reader.get("/costs"))

    made = reader.post(
        "/costs/budgets", csrf=csrf, amount="5", window="month", **{"for": "model"}, of="gpt-4.1", name="<mine>"
    )
    shown = reader.get("/costs")
    (kept,) = budgets(spent)
    gone = reader.post(f"/costs/budgets/{kept.id}/delete", csrf=csrf)

    assert (made.status, gone.status) == (303, 303)
    assert "&lt;mine&gt;" in shown.html
    assert "$4.00 of $5.00 this month, 80 %" in shown.text
    assert budgets(spent) == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"amount": "much"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"for": "aliens"}, "for"),
        ({"of": "x"}, "of"),
        ({"window": "year"}, "window"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_with_its_field(spent, wrong, place):
    reader = reader_of(spent, scopes=("read", "manage"))
    form = {"amount": "5", "window": "month", "for": "", "of": "", "name": "", **wrong}

    sent = reader.post("/costs/budgets", csrf=reader.token(reader.get("/costs")), **form)

    assert sent.status == 400
    assert f"{place}:" in sent.text
    assert budgets(spent) == []


def test_who_only_reads_sees_costs_and_changes_nothing(spent):
    reader = reader_of(spent)
    shown = reader.get("/costs")
    csrf = reader.token(shown)

    assert "Add the budget" not in shown.text
    assert reader.post("/costs/budgets", csrf=csrf, amount="5").status == 403
    assert budgets(spent) == []


def test_a_form_without_its_token_is_refused(spent):
    assert spent.reader().post("/costs/budgets", csrf="guessed", amount="5").status == 403
    assert budgets(spent) == []


def test_another_tenant_cannot_remove_a_budget(spent):
    owner = reader_of(spent, scopes=("read", "manage"))
    owner.post("/costs/budgets", csrf=owner.token(owner.get("/costs")), amount="5", window="month")
    (kept,) = budgets(spent)
    reader = reader_of(spent, "acme", scopes=("read", "manage"))

    sent = reader.post(f"/costs/budgets/{kept.id}/delete", csrf=reader.token(reader.get("/keys")))

    assert sent.status == 404
    assert budgets(spent) == [kept]


def test_a_key_of_some_apps_sees_those_and_neither_budgets_nor_the_export(spent):
    reader = reader_of(spent, apps=("other",))

    assert "Nothing was spent" in reader.get("/costs").text
    assert reader.get("/costs?app=shop").status == 404
    assert reader.get("/costs/focus.csv").status == 404
