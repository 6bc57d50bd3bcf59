"""Prompts by the management API."""

import pytest

from rowen.access import SYSTEM
from rowen.prompt import Variable, Written
from rowen.values import Definition

MADE = {"name": "handbook/system", "prompt": "Be very {{tone}}.", "note": "Warmer."}


@pytest.fixture
async def served(api):
    """The app's prompt as a Definition carries it."""
    source = {"prompt": {"system": "s.md", "variables": {"tone": {"default": "kind"}}}}
    definition = Definition(app="handbook", hash="1" * 64, source=source, files={"s.md": "Be {{tone}}."})
    await api.definitions.put(definition)
    written = Written(name="system", text="Be {{tone}}.", path="s.md", variables={"tone": Variable(default="kind")})
    await api.prompts.record(definition, [written], "production")
    return api


async def test_a_version_is_made_compared_rendered_and_labelled(served):
    made = (await served.ask("POST", "/api/prompts", "acme.admin", json=MADE)).json()["data"]
    label = {"name": "handbook/system", "version": 2, "labels": ["review"]}
    await served.ask("POST", "/api/prompts/labels", "acme.admin", json=label)

    listed = (await served.ask("GET", "/api/prompts?app=handbook", "acme.admin")).json()["data"]
    versions = (await served.ask("GET", "/api/prompts/versions?name=handbook/system", "acme.admin")).json()["data"]
    diff = (await served.ask("GET", "/api/prompts/diff?name=handbook/system&earlier=1", "acme.admin")).json()["data"]
    filled = {"name": "handbook/system", "label": "review", "variables": {"tone": "dry"}}
    rendered = (await served.ask("POST", "/api/prompts/render", "acme.admin", json=filled)).json()["data"]

    assert made["definition"] in served.definitions.kept
    assert [(each["name"], each["labels"]) for each in listed] == [
        ("handbook/system", {"production": 1, "review": 2, "latest": 2})
    ]
    assert [each["note"] for each in versions] == ["Warmer.", "As s.md had it in Definition 111111111111."]
    assert [line["what"] for line in diff["lines"]] == ["changed"]
    assert rendered["text"] == "Be very dry."
    assert [line.act for line in served.log.lines][-2:] == ["prompt.add", "prompt.label"]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({**MADE, "note": " "}, 400, "note"),
        ({**MADE, "prompt": "Be {{nice}}."}, 400, "prompt"),
        ({**MADE, "labels": ["production"]}, 409, "labels"),
        ({**MADE, "name": ""}, 400, "name"),
        ({**MADE, "variables": {"tone": {"type": "colour"}}}, 400, "variables[...].type"),
    ],
)
async def test_a_version_that_cannot_be_is_refused_with_its_place(served, body, status, place):
    answer = await served.ask("POST", "/api/prompts", "acme.admin", json=body)

    assert (answer.status_code, answer.json()["error"]["place"]) == (status, place)


async def test_a_key_of_another_app_sees_none_of_it(served):
    await served.register.people.create_tenant(SYSTEM, "default")
    await served.key("acme.shop", scopes=("read", "manage"), apps=("shop",), tenant="default")

    listed = (await served.ask("GET", "/api/prompts", "acme.shop")).json()["data"]
    one = await served.ask("GET", "/api/prompts/version?name=handbook/system", "acme.shop")
    made = await served.ask("POST", "/api/prompts", "acme.shop", json=MADE)

    assert (listed, one.status_code, made.status_code) == ([], 404, 404)


async def test_a_chat_prompt_of_no_app_is_kept_as_messages(api):
    body = {"name": "greeting", "prompt": [{"role": "user", "content": "Hi {{who}}"}], "note": "First."}

    made = (await api.ask("POST", "/api/prompts", "acme.manage", json=body)).json()["data"]
    gone = (await api.ask("DELETE", "/api/prompts?name=greeting", "acme.manage")).json()["data"]

    assert (made["kind"], made["prompt"]) == ("chat", body["prompt"])
    assert [each["version"] for each in gone] == [1]


async def test_an_admin_names_the_tenant_and_others_see_their_own_alone(api):
    theirs = "/api/prompts/version?name=said.globex&tenant=globex"

    seen = await api.ask("GET", theirs, "acme.admin")
    hidden = await api.ask("GET", theirs, "acme.manage")

    assert seen.json()["data"]["note"] == "of globex"
    assert hidden.status_code == 404


async def test_other_variables_are_told_apart_from_the_text(served):
    body = {**MADE, "variables": {"tone": {"type": "choice", "choices": ["kind", "dry"]}}}
    await served.ask("POST", "/api/prompts", "acme.admin", json=body)

    diff = (await served.ask("GET", "/api/prompts/diff?name=handbook/system&earlier=1", "acme.admin")).json()["data"]

    assert any("choice" in piece["text"] for line in diff["declared"] for piece in line["after"] if piece["new"])
