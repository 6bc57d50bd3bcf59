"""Langfuse's score configs, annotation queues and scores of runs are Rowen's own."""

import uuid

import pytest

from rowen.values import Trace, TraceRow


def traced(langfuse) -> str:
    id = uuid.uuid4().hex
    row = TraceRow(
        id=id, started_ns=1_790_000_000_000_000_000, duration_ns=1, app="shop", definition="d", tenant="default"
    )
    langfuse.rowen.do(langfuse.rowen.opened.store.traces.write([Trace(row=row)]))
    return id


def test_a_config_holds_scores_to_what_it_says(langfuse, other):
    made = langfuse(
        "POST",
        "score-configs",
        {"name": "quality", "dataType": "NUMERIC", "minValue": 0, "maxValue": 1, "description": "How good."},
    )
    trace = traced(langfuse)

    good = langfuse("POST", "scores", {"name": "quality", "value": 0.5, "traceId": trace})
    bad = langfuse("POST", "scores", {"name": "quality", "value": 7, "traceId": trace})
    wider = langfuse("PATCH", f"score-configs/{made[1]['id']}", {"maxValue": 10})
    now = langfuse("POST", "scores", {"name": "quality", "value": 7, "traceId": trace})

    assert (made[0], made[1]["dataType"], made[1]["minValue"], made[1]["maxValue"]) == (200, "NUMERIC", 0.0, 1.0)
    assert (good[0], bad[0], wider[0], now[0]) == (200, 400, 200, 200)
    assert langfuse("GET", "score-configs/quality")[1]["description"] == "How good."
    names = [each["name"] for each in langfuse("GET", "score-configs?limit=100")[1]["data"]]
    assert {"thumbs", "quality"} <= set(names)
    assert other("GET", "score-configs/quality")[0] == 404


def test_categories_keep_their_numbers_and_yes_and_no_have_theirs(langfuse):
    categories = [{"label": "kind", "value": 1}, {"label": "rude", "value": 0}]

    made = langfuse("POST", "score-configs", {"name": "tone", "dataType": "CATEGORICAL", "categories": categories})[1]

    assert made["categories"] == [{"label": "kind", "value": 1.0}, {"label": "rude", "value": 0.0}]
    assert langfuse("GET", "score-configs/thumbs")[1]["categories"] == [
        {"label": "True", "value": 1.0},
        {"label": "False", "value": 0.0},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "score-configs", {"name": "x"}, 400, "dataType"),
        ("POST", "score-configs", {"name": "thumbs", "dataType": "BOOLEAN"}, 409, "same for everybody"),
        (
            "POST",
            "score-configs",
            {"name": "y", "dataType": "NUMERIC", "categories": [{"label": "a", "value": 1}]},
            400,
            "categories",
        ),
        ("PATCH", "score-configs/absent", {}, 404, "no such score config"),
        ("POST", "annotation-queues", {"name": "q", "scoreConfigIds": ["nothing"]}, 400, "no config"),
        ("POST", "annotation-queues", {"name": " ", "scoreConfigIds": ["thumbs"]}, 400, "name"),
        ("GET", "annotation-queues/absent", None, 404, "no such queue"),
        ("POST", "media", {"contentType": "image/png"}, 404, "keeps no files"),
    ],
)
def test_what_cannot_be_is_told(langfuse, method, path, body, status, says):
    found, answer = langfuse(method, path, body)

    assert found == status, answer
    assert says in answer["message"]


def test_a_trace_is_put_into_a_queue_once_and_judged_by_people(langfuse, other):
    queue = langfuse(
        "POST", "annotation-queues", {"name": "answers", "description": "Be strict.", "scoreConfigIds": ["thumbs"]}
    )[1]
    path, trace = f"annotation-queues/{queue['id']}", traced(langfuse)

    added = [langfuse("POST", f"{path}/items", {"objectId": trace, "objectType": "TRACE"})[1] for _ in range(2)]
    session = langfuse("POST", f"{path}/items", {"objectId": "s", "objectType": "SESSION"})
    absent = langfuse("POST", f"{path}/items", {"objectId": uuid.uuid4().hex, "objectType": "TRACE"})
    pending = langfuse("GET", f"{path}/items?status=PENDING")[1]
    done = langfuse("GET", f"{path}/items?status=COMPLETED")[1]

    assert added[0] == added[1] == langfuse("GET", f"{path}/items/{added[0]['id']}")[1]
    assert (added[0]["objectId"], added[0]["status"], added[0]["completedAt"]) == (trace, "PENDING", None)
    assert (session[0], absent[0]) == (400, 404)
    assert (pending["meta"]["totalItems"], done["meta"]["totalItems"]) == (1, 0)
    assert queue["id"] in [each["id"] for each in langfuse("GET", "annotation-queues")[1]["data"]]
    for theirs in (path, f"{path}/items", f"{path}/items/{added[0]['id']}"):
        assert other("GET", theirs)[0] == 404
    assert other("POST", f"{path}/items", {"objectId": trace, "objectType": "TRACE"})[0] == 404


def test_what_is_said_of_a_whole_run_is_kept_and_found_by_the_run(langfuse, other):
    run = uuid.uuid4().hex

    sent = langfuse("POST", "scores", {"name": "mean_exact", "value": 0.5, "datasetRunId": run})
    found = langfuse("GET", f"v3/scores?experimentId={run}")[1]["data"]

    assert sent[0] == 200
    assert [(score["name"], score["value"], score["subject"]) for score in found] == [
        ("mean_exact", 0.5, {"kind": "experiment", "id": run})
    ]
    assert other("GET", f"v3/scores?experimentId={run}")[1]["data"] == []
