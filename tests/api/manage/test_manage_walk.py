"""All routes, walked: with no key, with too small a scope, with the key of another tenant, by another method."""

import asyncio
from typing import get_args

import pytest

from rowen.api.manage.routes import VERBS, described
from rowen.values import Scope

RANK = [*get_args(Scope)]
BODIES = {
    "create_key": {"name": "n"},
    "rotate_key": {},
    "create_tenant": {"id": "fresh"},
    "change_tenant": {},
    "create_user": {"name": "n"},
    "change_user": {"name": "n"},
    "send_scores": {"name": "thumbs", "value": True, "trace": "acme0"},
    "mint_feedback_token": {"trace": "acme0"},
    "put_score_config": {"type": "number"},
    "report_measures": {"measure": "cpu", "values": [0.5]},
    "acknowledge_alert": {},
    "create_silence": {"why": "load test", "minutes": 5},
    "test_contact": {"contact": "pager"},
    "open_incident": {"title": "Slow"},
    "change_incident": {"cause": "A timeout of zero."},
    "note_incident": {"what": "rolled back"},
    "log_drill": {"what": "gateway killed", "seconds": 12.5},
    "create_queue": {"name": "n"},
    "change_queue": {"name": "n"},
    "fill_queue": {},
    "submit_item": {"values": {"thumbs": True}},
    "decide_item": {"values": {"thumbs": True}},
    "create_case": {"trace": "acme0"},
    "put_dataset": {"about": "Of the barn."},
    "add_cases": {"cases": [{"input": "When?"}]},
    "freeze_dataset": {},
    "split_dataset": {},
    "create_budget": {"amount": "5"},
    "create_view": {"name": "slow", "filter": {"q": "latency>2s"}},
    "change_view": {"name": "slower"},
    "cost_reconcile": {"text": '{"data": [{"start_time": 1, "results": [{"amount": {"value": 1}}]}]}'},
    "change_error": {"state": "solved"},
    "put_rule": {"app": "handbook", "kind": "refusal"},
    "preflight_rule": {"since_ns": 1},
    "backfill_rule": {"since_ns": 1},
    "sync_knowledge": {},
    "start_run": {"app": "handbook", "suite": "smoke"},
    "resume_run": {},
    "decide_choice": {"chosen": "new-acme", "because": "It is as good, for less."},
    "dispatch_runs": {"app": "handbook", "status": "firing"},
    "add_prompt": {"name": "fresh", "prompt": "Be brief.", "note": "Shorter."},
    "label_prompt": {"name": "said.acme", "version": 1, "labels": ["review"]},
    "render_prompt": {"name": "said.acme"},
    "try_prompt": {"question": "When?"},
    "create_version": {"definition": "hash-handbook", "note": "shorter"},
    "release_version": {"note": "shorter", "environment": "development"},
    "approve_version": {},
    "label_version": {"label": "stable"},
    "create_remark": {"text": "It promises too much.", "blocks": True},
    "resolve_remark": {"note": "It does not any more."},
    "roll_back": {"note": "worse"},
    "freeze_releases": {"note": "an incident"},
    "thaw_releases": {"environment": "staging"},
    "begin_rollout": {
        "strategy": "shadow",
        "arms": [{"name": "candidate", "version": "hash-handbook-2", "share": 0.1}],
        "note": "does it hold?",
    },
    "step_rollout": {},
    "promote_rollout": {"note": "better"},
    "stop_rollout": {"note": "no need"},
}


RUNS = {"stop_run": "going-acme", "resume_run": "halted-acme", "run_robust": "asked-acme"}
"""What a run must be for a verb; any other does for the rest."""

OWN = {"put_score_config", "put_rule", "put_dataset", "add_cases"}
"""What makes a record of the caller's own tenant, whatever another one calls by that name."""

NAMED = {"delete_prompt", "get_prompt", "prompt_diff", "label_prompt", "render_prompt", "create_case", "compare_runs"}
"""What names its record in the query or the body."""


def path_of(verb, ids) -> str:
    """The path with the ids that belong to acme filled in."""
    target = {
        "tenants": "acme",
        "users": ids["acme.user"],
        "traces": "acme0",
        "scores": "score-acme",
        "costs": ids["acme.budget"],
        "errors": ids["acme.error"],
        "jobs": "job-acme",
        "alerts": "alert-acme",
        "silences": "silence-acme",
        "incidents": "incident-acme",
        "queues": "queue-acme",
        "cases": "reviewed:acme0",
        "views": ids["acme.view"],
        "knowledge": "acme-doc-0",
        "choices": "choice-acme",
    }
    target["releases"] = ids["remark" if verb.name == "resolve_remark" else "rollout"]
    target["runs"] = RUNS.get(verb.name, "old-acme")
    stem = verb.path.split("/")[2]
    path = (
        verb.path.replace("{id}", target.get(stem, ids["acme.call"]))
        .replace("{hash}", "hash-handbook")
        .replace("{app}", "handbook")
        .replace("{version}", "2")
        .replace("{build}", ids["acme.build"])
        .replace("{table}", "acme-doc-0.0")
        .replace("{name}", {"rules": "polite.acme", "datasets": "set.acme", "knowledge": "docs"}.get(stem, "tone.acme"))
    )
    path += f"?earlier={ids['acme.version']}" if verb.name == "dataset_changes" else ""
    path += "?runs=old-acme,new-acme" if verb.name == "compare_runs" else ""
    if verb.name in NAMED | {"list_prompt_versions"} and verb.method != "POST" and verb.name != "compare_runs":
        path += "?name=said.acme" + ("&earlier=1" if verb.name == "prompt_diff" else "")
    path += "?left=1&right=2" if verb.name == "diff_versions" else ""
    path += "?left=staging&right=production" if verb.name == "mirror_environments" else ""
    path += "?name=up" if verb.name == "burn_down" else ""
    path += "?of=leave" if verb.name == "list_relations" else ""
    path = path.replace("{item}", ids["acme.disputed" if verb.name == "decide_item" else "acme.open"])
    path += "?score=stars" if verb.name in {"cost_worth", "diagnose_regression"} else ""
    path += "?name=stars" if verb.name in {"score_stats", "calibration", "judged_share"} else ""
    return path + ("?column=model" if verb.name == "trace_values" else "")


def sent(verb) -> dict:
    return {"json": BODIES[verb.name]} if verb.body else {}


@pytest.fixture(scope="module")
def standing(make_api):
    """One for all that is refused, and so leaves it as it is."""
    return asyncio.run(make_api().fill())


def test_there_is_a_body_for_every_verb_that_takes_one():
    assert {verb.name for verb in VERBS if verb.body} == set(BODIES)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_without_a_key_nothing_is_told(standing, verb):
    answer = await standing.ask(verb.method, path_of(verb, standing.ids), **sent(verb))

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "key_missing")
    assert sorted(error) == ["code", "message", "next_step", "place", "trace_id"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert error["trace_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_too_small_a_scope_is_refused_and_the_right_one_passes(api, verb):
    for scope in RANK[: RANK.index(verb.scope)]:
        answer = await api.ask(verb.method, path_of(verb, api.ids), f"acme.{scope}", **sent(verb))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "key_scope")

    answer = await api.ask(verb.method, path_of(verb, api.ids), f"acme.{verb.scope}", **sent(verb))

    assert answer.status_code == verb.status, answer.text


@pytest.mark.parametrize(
    "verb", [one for one in VERBS if one.scope not in {"release", "admin"}], ids=lambda verb: verb.name
)
async def test_the_key_of_another_tenant_finds_nothing(api, verb):
    answer = await api.ask(verb.method, path_of(verb, api.ids), "globex.manage", **sent(verb))

    if ("{" in verb.path and verb.name not in OWN) or verb.name in NAMED:
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    else:
        assert answer.status_code == verb.status
        # What was sent comes back; nothing that was there before does.
        text = (
            answer.text.replace("acme0", "").replace("tone.acme", "").replace("polite.acme", "").replace("set.acme", "")
        )
        assert "acme" not in text
        assert api.ids["acme.call"] not in text


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/api/keys",
            "/api/jobs",
            "/api/users",
            "/api/audit",
            "/api/traces",
            "/api/traces/stats",
            "/api/traces/values?column=model",
        ),
        *("/api/sessions", "/api/end-users"),
        *("/api/costs", "/api/costs/anomalies", "/api/costs/budgets", "/api/costs/worth?score=stars", "/api/errors"),
        *("/api/scores", "/api/scores/names", "/api/scores/stats?name=stars&since_ns=1&until_ns=1000000000&"),
    ],
)
async def test_naming_another_tenant_gives_an_empty_list(api, path):
    mark = "&" if "?" in path else "?"

    answer = await api.ask("GET", f"{path}{mark}tenant=acme", "globex.manage")

    assert answer.json() == {"data": [], "next": ""}


@pytest.mark.parametrize("path", ["/api/keys", "/api/users"])
async def test_nothing_is_made_in_another_tenant(api, path):
    answer = await api.ask("POST", path, "globex.manage", json={"name": "n", "tenant": "acme"})

    assert answer.status_code == 404


async def test_an_admin_sees_all_tenants(api):
    keys = (await api.ask("GET", "/api/keys", "acme.admin")).json()["data"]
    traces = (await api.ask("GET", "/api/traces", "acme.admin")).json()["data"]

    assert {key["tenant"] for key in keys} == {trace["tenant"] for trace in traces} == {"acme", "globex"}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_another_method_is_told_which_ones_there_are(standing, verb):
    answer = await standing.ask("OPTIONS", path_of(verb, standing.ids), "acme.admin")

    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert verb.method in answer.headers["allow"].split(", ")


DESCRIBED = described(VERBS)
SCHEMAS = DESCRIBED["components"]["schemas"]


def resolved(schema) -> dict:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def references(value):
    match value:
        case dict():
            yield from ([value["$ref"]] if "$ref" in value else [])
            yield from value.get("discriminator", {}).get("mapping", {}).values()
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


def test_schemas_have_plain_names_that_do_not_tell_where_a_type_stands_in_the_code():
    assert [name for name in SCHEMAS if not name.isalnum()] == []
    assert {"Trace", "ReleaseVersion", "EvaluateVersion", "PromptsFilling", "QueuesFilling"} <= SCHEMAS.keys()


def test_every_schema_that_is_referred_to_is_described():
    found = {each.removeprefix("#/components/schemas/") for each in references(DESCRIBED)}

    assert found <= SCHEMAS.keys()
    assert {"Error", "WatchFinding"} <= found


def same(size: int) -> str:
    return "x" * size


def texts(schema):
    """The fields of a body that have a longest text above a thousand characters, with what makes one of a length."""
    for name, field in resolved(schema).get("properties", {}).items():
        for option in field.get("anyOf", [field]):
            if option.get("maxLength", 0) > 1000:
                yield name, option["maxLength"], same
            elif option.get("type") == "array":
                yield from (
                    (name, longest, lambda size, inner=inner: [{"role": "user", inner: same(size)}])
                    for inner, longest, _ in texts(option.get("items", {}))
                )


LONGEST = [
    pytest.param(verb, name, longest, make, id=f"{verb.name}-{name}")
    for verb in VERBS
    if verb.body
    for name, longest, make in texts(
        DESCRIBED["paths"][verb.path][verb.method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    )
]


@pytest.mark.parametrize(("verb", "name", "longest", "make"), LONGEST)
async def test_a_text_is_refused_from_one_character_more_than_is_described(api, verb, name, longest, make):
    path = path_of(verb, api.ids)

    taken, refused = [
        await api.ask(verb.method, path, "acme.admin", json={**BODIES[verb.name], name: make(size)})
        for size in (longest, longest + 1)
    ]

    # Of a list the whole may be limited as well, and what is no usage export is none, however long it may be.
    assert taken.status_code < 300 or make is not same or "characters" not in taken.json()["error"]["message"]
    assert refused.status_code == 400
    assert refused.json()["error"]["place"].startswith(name)


@pytest.mark.parametrize(
    ("verb", "name", "longest"),
    [
        pytest.param(verb, each["name"], each["schema"]["maxLength"], id=f"{verb.name}-{each['name']}")
        for verb in VERBS
        for each in DESCRIBED["paths"][verb.path][verb.method.lower()].get("parameters", [])
        if each["schema"].get("maxLength", 0) > 1000
    ],
)
async def test_a_parameter_is_refused_from_one_character_more_than_is_described(standing, verb, name, longest):
    asked = {"runs": "old-acme,", "q": "cost<1 or name="}[name]

    taken, refused = [
        await standing.ask(
            verb.method,
            path_of(verb, standing.ids).partition("?")[0],
            "acme.admin",
            params={name: asked.ljust(size, "x")},
        )
        for size in (longest, longest + 1)
    ]

    assert taken.status_code != 400
    assert (refused.status_code, refused.json()["error"]["place"]) == (400, name)


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/keys/a/b", "/api/keys/"])
async def test_an_unknown_path_is_answered_in_the_same_shape(standing, path):
    answer = await standing.ask("GET", path, "acme.admin")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_no_answer_may_be_kept_or_guessed_at(api):
    for path in ("/api/me", "/api/nothing"):
        headers = (await api.ask("GET", path, "acme.read")).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_every_verb_is_described_with_its_errors(api):
    described = (await api.ask("GET", "/api/openapi.json", "acme.read")).json()

    assert described["openapi"] == "3.1.0"
    operations = {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(verb.method, verb.path) for verb in VERBS}
    for verb in VERBS:
        operation = operations[verb.method, verb.path]
        assert operation["summary"]
        assert {"401", "403", "400", "500", "503"} <= set(operation["responses"])
        for code in verb.errors:
            assert any(code in answer["description"] for answer in operation["responses"].values())
