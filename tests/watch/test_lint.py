from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.watch import KpiTable, Objectives, SlaTable, WatchTable, lint
from rowen.watch.base import RemedyTable
from rowen.watch.lint import RULES
from rowen.watch.written import read_file, toml_of

BOOK = Path(__file__).parents[2] / "examples/objectives/tables.toml"

EXPECTED = {
    ("watch.latency", "latency-unnamed"),
    ("sla.latency", "latency-unnamed"),
    ("sla.satisfaction", "scale-unnamed"),
    ("sla.availability", "sla-stricter"),
    ("sla.latency", "sla-stricter"),
    ("sla.recovery", "sla-stricter"),
    ("sla.freshness", "sla-stricter"),
    ("sla.availability", "window-mismatch"),
    ("sla.freshness", "target-perfect"),
    ("sla.privacy", "target-perfect"),
    ("watch.consistency", "target-perfect"),
    ("watch.privacy", "target-perfect"),
    ("sla.resources", "target-missing"),
    ("sla.evaluation", "target-missing"),
    ("sla.integrity", "target-missing"),
    ("sla.access", "target-missing"),
    ("sla.red_team", "target-missing"),
    ("sla.availability", "sli-mismatch"),
    ("sla.errors", "sli-mismatch"),
    ("sla.satisfaction", "sli-mismatch"),
    ("sla.throughput", "sli-mismatch"),
    ("sla.response_time", "sli-mismatch"),
    ("sla.resources", "sli-mismatch"),
    ("sla.capacity", "sli-mismatch"),
    ("sla.evaluation", "sli-mismatch"),
    ("sla.consistency", "sli-mismatch"),
    ("sla.privacy", "sli-mismatch"),
    ("sla.access", "sli-mismatch"),
    ("sla.red_team", "sli-mismatch"),
    ("watch.satisfaction", "minimum-missing"),
}
"""All but the notes that no agreement of the book has a remedy."""


def test_the_books_48_cells_load_and_come_back_equal(tmp_path):
    book = read_file(BOOK)

    again = tmp_path / "again.toml"
    again.write_text(toml_of(book))

    assert len(book.watch) + len(book.sla) + len(book.kpi) == 48
    assert read_file(again).but(app=book.app) == book
    assert toml_of(read_file(again)) == toml_of(book)


def test_the_books_tables_give_exactly_these_findings():
    book = read_file(BOOK)

    found = {(each.where, each.rule) for each in lint(book)}

    remedies = {(f"sla.{name}", "remedy-missing") for name in book.sla}
    assert found == EXPECTED | remedies


def of(slo: WatchTable | None = None, sla: SlaTable | None = None, kpi: KpiTable | None = None) -> set[str]:
    objectives = Objectives(
        watch={"a": slo} if slo else {}, sla={"a": sla} if sla else {}, kpi={"a": kpi} if kpi else {}
    )
    return {each.rule for each in lint(objectives)}


def slo(**fields) -> WatchTable:
    return WatchTable(**{"sli": "availability", "target": ">= 99.9%", "goal": "reliability", **fields})


def sla(**fields) -> SlaTable:
    given_ = {
        "customer": "Acme",
        "owner": "ann@example.org",
        "slo": "a",
        "target": ">= 99%",
        "goal": "reliability",
        "remedy": (RemedyTable(below=0.99, credit="10%"),),
        **fields,
    }
    return SlaTable(**given_)


def test_a_sound_pair_has_no_finding():
    assert of(slo(), sla(), KpiTable(query="csat", slo=("a",), goal="reliability")) == set()


@pytest.mark.parametrize(
    ("rule", "tables"),
    [
        ("sla-stricter", (slo(), sla(target=">= 99.95%"))),
        ("sla-stricter", (slo(sli="errors", target="< 1%"), sla(target="< 0.1%"))),
        ("slo-unknown", (None, sla(sli="errors"))),
        ("measure-missing", (slo(sli="reported"),)),
        ("latency-unnamed", (slo(sli="latency", within=1.0),)),
        ("latency-implausible", (slo(sli="latency", latency="total", within=0.2),)),
        ("scale-unnamed", (slo(sli="nps", target="> 8"),)),
        ("scale-impossible", (slo(sli="nps", scale="nps", target="> 108"),)),
        ("scale-impossible", (slo(sli="nps", scale="rating_0_10", target="> 18"),)),
        ("scale-impossible", (slo(target=">= 99.9"),)),
        ("target-missing", (slo(target=""),)),
        ("target-perfect", (slo(target="100%"),)),
        ("window-mismatch", (slo(), sla(window="month"))),
        ("sli-mismatch", (slo(), sla(sli="csat", minimum=50))),
        ("remedy-missing", (slo(), sla(remedy=()))),
        ("kpi-unlinked", (None, None, KpiTable(query="csat", goal="reliability"))),
        ("slo-unknown", (None, None, KpiTable(query="csat", slo=("b",), goal="reliability"))),
        ("goal-missing", (slo(goal=""),)),
        ("minimum-missing", (slo(sli="score", score="grounded"),)),
    ],
)
def test_each_rule_finds_what_it_is_for_and_nothing_else(rule, tables):
    assert of(*tables) == {rule}


def test_every_rule_is_tried():
    source = Path(__file__).read_text()

    assert all(f'("{rule}", (' in source for rule in RULES)


@given(st.floats(0.5, 0.9999), st.floats(0.5, 0.9999))
def test_an_agreement_is_stricter_exactly_when_it_allows_less(ours, theirs):
    found = of(slo(target=ours), sla(target=theirs))

    assert ("sla-stricter" in found) == (theirs > ours)
