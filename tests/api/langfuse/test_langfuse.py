"""Langfuse's API: projects, scores, prompts, data sets; what is wrong is told, and no tenant sees another's."""

import uuid

import pytest

from rowen.score.cases import Cases
from rowen.values import SystemClock

TRACE = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "projects", None, 401),
        ("POST", "scores", {"name": "n", "value": 1, "traceId": TRACE}, 401),
        ("POST", "ingestion", {"batch": []}, 401),
    ],
)
def test_without_a_key_nothing_is_answered(langfuse, method, path, body, status):
    assert type(langfuse)(langfuse.rowen, "")(method, path, body)[0] == status


def test_the_project_of_a_key_is_its_tenant(langfuse, other):
    assert langfuse("GET", "projects")[1]["data"][0]["id"] == "default"
    assert other("GET", "projects")[1]["data"][0]["id"] == "globex"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "comments/x", None, 404, "has no /api/public/comments/x"),
        ("PUT", "scores", None, 405, "does not take PUT"),
        ("DELETE", "projects", None, 405, "does not take DELETE"),
        ("POST", "scores", b"{", 400, "not valid JSON"),
        ("POST", "scores", {"value": 1, "traceId": TRACE}, 400, "name"),
        ("POST", "scores", {"name": "n", "value": 1}, 400, "needs `trace`"),
        ("POST", "scores", {"name": "n", "value": "x", "dataType": "NUMERIC", "traceId": TRACE}, 400, "a number"),
        ("POST", "scores", {"name": "n", "value": 2, "dataType": "BOOLEAN", "traceId": TRACE}, 400, "0 or 1"),
        ("POST", "scores", {"name": "n", "value": 1, "dataType": "NEW", "traceId": TRACE}, 400, "NEW"),
        ("POST", "v2/prompts", {"name": "p", "prompt": 5}, 400, "a text"),
        ("POST", "v2/prompts", {"name": "", "prompt": "x"}, 400, "needs a name"),
        ("POST", "v2/prompts", {"name": "p", "prompt": "x", "type": "chat"}, 400, "list of messages"),
        ("GET", "v2/prompts/absent", None, 404, "no prompt"),
        ("GET", "v2/datasets/absent", None, 404, "no data set"),
        ("POST", "dataset-items", {"datasetName": "absent", "input": 1}, 404, "no data set"),
        ("GET", "dataset-items?limit=0", None, 400, "limit"),
        ("GET", "dataset-items/absent", None, 404, "no such item"),
        ("GET", f"traces/{TRACE}", None, 404, "no such trace"),
        ("DELETE", "scores/absent", None, 404, "no such score"),
        ("POST", "ingestion", {"batch": 5}, 400, "list of events"),
        ("POST", "ingestion", [], 400, "list of events"),
    ],
)
def test_what_is_wrong_is_told_in_langfuses_shape(langfuse, method, path, body, status, says):
    found, answer = langfuse(method, path, body)

    assert found == status, answer
    assert says in answer["message"]
    assert answer["error"]


def test_scores_of_every_type_are_kept_found_and_taken_back(langfuse, other):
    trace = uuid.uuid4().hex
    sent = [
        {"name": "closeness", "value": 0.5, "traceId": trace, "comment": "Close.", "metadata": {"k": 1}},
        {"name": "solved", "value": 1, "dataType": "BOOLEAN", "traceId": trace, "source": "ANNOTATION"},
        {"name": "tone", "value": "kind", "traceId": trace, "observationId": "0123456789abcdef"},
        {"name": "mind", "value": "It was fine.", "dataType": "TEXT", "traceId": trace, "metadata": "odd"},
        {"name": "happy", "value": 1, "sessionId": "s-1"},
    ]

    one = [langfuse("POST", "scores", body) for body in sent]
    found = langfuse("GET", f"v3/scores?traceId={trace}")[1]["data"]
    theirs = other("GET", f"v3/scores?traceId={trace}")[1]["data"]
    theirs_removed = other("DELETE", f"scores/{one[0][1]['id']}")[0]
    removed = langfuse("DELETE", f"scores/{one[0][1]['id']}")[0]

    by_name = {score["name"]: score for score in found}
    assert [status for status, _ in one] == [200] * 5
    assert {name: (score["dataType"], score["value"]) for name, score in by_name.items()} == {
        "closeness": ("NUMERIC", 0.5),
        "solved": ("BOOLEAN", 1.0),
        "tone": ("CATEGORICAL", "kind"),
        "mind": ("TEXT", "It was fine."),
    }
    assert by_name["tone"]["subject"] == {"kind": "observation", "id": "0123456789abcdef", "traceId": trace}
    assert by_name["solved"]["source"] == "ANNOTATION"
    assert (by_name["closeness"]["comment"], by_name["closeness"]["metadata"]) == ("Close.", {"k": 1})
    assert (theirs, theirs_removed, removed) == ([], 404, 204)
    assert len(langfuse("GET", f"v3/scores?traceId={trace}")[1]["data"]) == 3


def test_of_a_batch_of_scores_those_that_fit_are_kept_and_the_others_named(langfuse):
    trace = uuid.uuid4().hex
    good = {"name": "closeness", "value": 0.5, "traceId": trace}

    all_good = langfuse("POST", "scores", [good, {**good, "name": "other"}])
    mixed = langfuse("POST", "scores", [good, {"name": "stars", "value": 9, "traceId": trace}, 5])

    assert all_good == (200, {"message": "Accepted"})
    assert mixed[0] == 207
    assert (mixed[1]["accepted"], mixed[1]["rejected"], len(mixed[1]["errors"])) == (1, 2, 2)


def test_scores_are_paged_by_their_cursor(langfuse):
    trace = uuid.uuid4().hex
    for number in range(5):
        langfuse("POST", "scores", {"name": f"n{number}", "value": number, "traceId": trace})

    names, cursor = [], ""
    for _ in range(3):
        page = langfuse("GET", f"v3/scores?traceId={trace}&limit=2" + (f"&cursor={cursor}" if cursor else ""))[1]
        names += [score["name"] for score in page["data"]]
        cursor = page["meta"].get("cursor", "")

    assert sorted(names) == [f"n{number}" for number in range(5)]
    assert cursor == ""


def test_a_label_names_one_version_and_versions_count_up(langfuse, other):
    made = [
        langfuse("POST", "v2/prompts", {"name": "a/b c", "prompt": f"version {n}", "labels": ["production"]})[1]
        for n in (1, 2, 3)
    ]
    path = "v2/prompts/a%2Fb%20c"

    production = langfuse("GET", path)[1]
    first = langfuse("GET", f"{path}?version=1")[1]
    moved = langfuse("PATCH", f"{path}/versions/1", {"newLabels": ["production"]})[1]
    latest = langfuse("GET", f"{path}?label=latest")[1]
    listed = next(each for each in langfuse("GET", "v2/prompts")[1]["data"] if each["name"] == "a/b c")

    assert [each["version"] for each in made] == [1, 2, 3]
    assert (production["prompt"], production["labels"]) == ("version 3", ["production", "latest"])
    assert (first["prompt"], first["labels"]) == ("version 1", [])
    assert moved["labels"] == ["production"]
    assert langfuse("GET", path)[1]["version"] == 1
    assert latest["labels"] == ["latest"]
    assert listed["versions"] == [1, 2, 3]
    assert other("GET", path)[0] == 404
    assert other("POST", "v2/prompts", {"name": "a/b c", "prompt": "theirs"})[1]["version"] == 1
    assert langfuse("DELETE", path)[0] == 204
    assert langfuse("GET", path)[0] == 404
    assert other("GET", f"{path}?version=1")[1]["prompt"] == "theirs"


def test_items_of_a_data_set_are_kept_changed_paged_and_removed(langfuse, other):
    langfuse("POST", "v2/datasets", {"name": "cities", "description": "Capitals."})
    made = [
        langfuse("POST", "dataset-items", {"datasetName": "cities", "input": {"n": n}, "expectedOutput": str(n)})[1]
        for n in range(5)
    ]

    changed = langfuse(
        "POST", "dataset-items", {"datasetName": "cities", "id": made[0]["id"], "expectedOutput": "new"}
    )[1]
    pages = [langfuse("GET", f"dataset-items?datasetName=cities&limit=2&page={page}")[1] for page in (1, 2, 3)]
    theirs = other("GET", "dataset-items?datasetName=cities")[0]
    theirs_item = other("GET", f"dataset-items/{made[1]['id']}")[0]
    removed = langfuse("DELETE", f"dataset-items/{made[1]['id']}")[0]

    assert (changed["input"], changed["expectedOutput"]) == ({"n": 0}, "new")
    assert [len(page["data"]) for page in pages] == [2, 2, 1]
    assert pages[0]["meta"] == {"page": 1, "limit": 2, "totalItems": 5, "totalPages": 3}
    assert (theirs, theirs_item, removed) == (404, 404, 200)
    assert langfuse("GET", "dataset-items?datasetName=cities")[1]["meta"]["totalItems"] == 4
    again = langfuse("POST", "v2/datasets", {"name": "cities", "description": "Changed."})[1]
    cases = langfuse.rowen.do(langfuse.rowen.opened.store.records.find("case", tenant="default", group="cities"))
    assert len(cases) == 4
    assert (again["description"], again["id"]) == ("Changed.", langfuse("GET", "v2/datasets/cities")[1]["id"])


def test_an_item_is_a_case_until_it_is_archived(langfuse):
    langfuse("POST", "v2/datasets", {"name": "kept"})
    item = langfuse(
        "POST",
        "dataset-items",
        {"datasetName": "kept", "input": {"q": 1}, "expectedOutput": "one", "metadata": {"k": 2}},
    )[1]
    store = langfuse.rowen.opened.store
    cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=SystemClock())

    (case,) = langfuse.rowen.do(cases.all("default", dataset="kept"))
    langfuse("POST", "dataset-items", {"datasetName": "kept", "id": item["id"], "status": "ARCHIVED"})
    archived = langfuse.rowen.do(cases.all("default", dataset="kept"))
    langfuse("POST", "dataset-items", {"datasetName": "kept", "id": item["id"], "status": "ACTIVE"})
    again = langfuse.rowen.do(cases.all("default", dataset="kept"))

    assert (case.input, case.expected, case.metadata, case.by) == ({"q": 1}, "one", {"k": 2}, "langfuse")
    assert archived == []
    assert again == [case]
    assert langfuse("GET", f"dataset-items/{item['id']}")[1]["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (("call",), {"send": 200, "read": 403, "prompt": 403, "fetch": 404}),
        (("read",), {"send": 403, "read": 200, "prompt": 403, "fetch": 404}),
        (("call", "manage"), {"send": 200, "read": 200, "prompt": 200, "fetch": 404}),
    ],
)
def test_a_key_does_what_its_scopes_say(langfuse, scopes, allowed):
    client = langfuse.of("scoped", scopes=scopes)

    found = {
        "send": client("POST", "scores", {"name": "n", "value": 1, "traceId": TRACE})[0],
        "read": client("GET", "traces")[0],
        "prompt": client("POST", "v2/prompts", {"name": f"p{len(scopes)}", "prompt": "x"})[0],
        "fetch": client("GET", "v2/prompts/never-made")[0],
    }

    assert found == allowed
    assert client("GET", "projects")[0] == 200
