import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rowen.values import Mistaken
from rowen.watch import Objectives, WatchTable
from rowen.watch.grafana import dashboard
from rowen.watch.openslo import documents, from_yaml, read_documents, to_yaml
from rowen.watch.written import read_file

BOOK = Path(__file__).parents[2] / "examples/objectives/tables.toml"
FOREIGN = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: foo, displayName: Foo}
spec:
  description: Foo answers.
  service: foo-service
  indicator:
    metadata: {name: foo-error}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Datadog, spec: {query: "sum:hits{200}"}}}
        total: {metricSource: {type: Datadog, spec: {query: "sum:hits{*}"}}}
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: 2020-01-01 00:00:00, timeZone: UTC}}]
  budgetingMethod: Timeslices
  objectives: [{displayName: Foo, targetPercent: 99.5, timeSliceTarget: 0.9, timeSliceWindow: 5m}]
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: p}
spec: {}
"""


def test_the_books_objectives_go_out_and_come_back_equal():
    book = read_file(BOOK)

    found = read_documents(from_yaml(to_yaml(documents(book))))

    assert found.objectives.watch == book.watch
    assert found.notes == ()


def test_the_same_objectives_give_the_same_text():
    book = read_file(BOOK)
    turned = book.but(watch=dict(reversed(book.watch.items())))

    assert to_yaml(documents(book)) == to_yaml(documents(turned))
    assert dashboard(book) == dashboard(turned)


def test_a_document_is_of_the_published_shape():
    table = WatchTable(sli="availability", target=0.999, window="month", method="slices", slice=300, slice_target=0.9)

    service, document = documents(Objectives(app="shop", watch={"up": table}))

    spec = document["spec"]
    assert (service["kind"], document["apiVersion"], document["kind"]) == ("Service", "openslo/v1", "SLO")
    assert spec["service"] == "shop"
    assert spec["budgetingMethod"] == "Timeslices"
    assert spec["timeWindow"][0]["duration"] == "1M"
    assert spec["objectives"][0].items() >= {"target": 0.999, "timeSliceTarget": 0.9, "timeSliceWindow": "5m"}.items()
    assert set(spec["indicator"]["spec"]["ratioMetric"]) == {"counter", "good", "total"}
    condition = spec["alertPolicies"][0]["spec"]["conditions"][0]["spec"]
    assert (condition["severity"], condition["condition"]["threshold"]) == ("page", 14.4)


@given(
    st.floats(0.5, 0.9999),
    st.sampled_from(["30d", "7d", "month", "year"]),
    st.text(max_size=30),
    st.sampled_from(["availability", "grounded", "latency"]),
)
def test_any_objective_survives_the_way_out_and_in(target, window, about, sli):
    table = WatchTable(sli=sli, target=target, window=window, about=about, latency="total", within=2.5)

    found = read_documents(from_yaml(to_yaml(documents(Objectives(app="shop", watch={"a": table})))))

    assert found.objectives == Objectives(app="shop", watch={"a": table})


def test_what_another_tool_wrote_is_read_and_what_is_lost_is_told():
    found = read_documents(from_yaml(FOREIGN))

    table = found.objectives.watch["foo"]
    assert found.objectives.app == "foo-service"
    assert (table.sli, table.measure, table.window, table.method, table.slice) == (
        "reported",
        "foo",
        "month",
        "slices",
        300,
    )
    assert table.allowed[0] == table.allowed[0].limit_denominator(1000)
    assert any("hand figures in" in note for note in found.notes)
    assert any("AlertPolicy is not read" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "not valid YAML"),
        ("a: 1", "is not of openslo/v1"),
        ("- 1", "is not of openslo/v1"),
        ("apiVersion: openslo/v1\nkind: SLO\nmetadata: {}\nspec: {}", "metadata.name"),
        ("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {}", "no indicator"),
        (FOREIGN.replace("[{displayName: Foo, targetPercent: 99.5, timeSliceTarget: 0.9, timeSliceWindow: 5m}]", "[]"), "exactly one objective"),
        (FOREIGN.replace("99.5", "often"), "expected a number"),
        (FOREIGN.replace("duration: 1M, isRolling: false", "duration: soon"), "no duration"),
        (FOREIGN + "---" + FOREIGN, "two SLOs are named"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_no_openslo_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(Mistaken, match=sentence):
        read_documents(from_yaml(text))


def test_the_dashboard_asks_for_what_the_rules_record():
    objectives = Objectives(app="shop", watch={"up": WatchTable(sli="availability", target=0.999)})

    made = json.loads(dashboard(objectives))

    asked = [target["expr"] for panel in made["panels"] for target in panel["targets"]]
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"]) == 3
    assert all('sloth_slo="up"' in expr for expr in asked)
    assert yaml.safe_load("a: 1") == {"a": 1}
