"""Prompts through the doors of a whole server, by the vendors' own clients."""

import base64
import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from rowen.store.base import TraceFilter
from rowen.testing.serving import Running, serving

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[prompt]
system = "s.md"
[prompt.variables.tone]
default = "kind"
[prompt.named.sum]
file = "sum.md"
role = "user"
[prompt.named.sum.variables.who]
[limits]
prompt_tokens = 400
"""
ASKED = {"id": "sum", "version": "1", "variables": {"who": "Ann", "tone": "dry"}}


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    (folder / "s.md").write_text("Be {{tone}}.")
    (folder / "sum.md").write_text("Sum up for {{who}}.")
    with serving(folder / "app.toml") as running:
        yield running


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0) as made:
        yield made


def langfuse(rowen: Running, key: str, method: str, path: str, body: object = None):
    connection = http.client.HTTPConnection(urlsplit(rowen.url).netloc, timeout=20)
    basic = base64.b64encode(f"pk:{key}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/json"}
    address = f"/api/public/v2/prompts{'/' if path else ''}{path}"
    connection.request(method, address, json.dumps(body) if body else None, headers)
    reply = connection.getresponse()
    said = json.loads(reply.read())
    connection.close()
    return reply.status, said


def test_openais_client_asks_by_a_stored_prompt(rowen, client):
    answered = client.responses.create(model="main", prompt=ASKED)

    assert answered.output_text == "Sum up for Ann."


def test_chat_and_messages_take_the_same_field(rowen, client):
    asked = {"messages": [{"role": "user", "content": "Go."}], "model": "main"}
    with anthropic.Anthropic(base_url=rowen.url, api_key=rowen.key, max_retries=0) as other:
        chat = client.chat.completions.create(**asked, extra_body={"prompt": ASKED})
        message = other.messages.create(**asked, max_tokens=20, extra_body={"prompt": ASKED})

    assert chat.choices[0].message.content == "Go."
    assert message.content[0].text == "Go."
    rowen.do(rowen.opened.traces_written())
    (row, *_) = rowen.do(rowen.opened.store.traces.find(TraceFilter(tenant=None, limit=1)))
    trace = rowen.do(rowen.opened.store.traces.get(row.id))
    assert trace.spans[0].attributes["gen_ai.prompt.name"] == "sum"
    assert trace.spans[0].attributes["gen_ai.prompt.version"] == "1"
    assert [each.text for each in trace.request.messages] == ["Be dry.", "Sum up for Ann.", "Go."]


def test_a_missing_variable_is_named_at_the_door(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model="main", prompt={"id": "sum"})

    assert raised.value.body["code"] == "prompt_variable"
    assert "'who'" in raised.value.body["message"]


def test_an_unknown_prompt_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.responses.create(model="main", prompt={"id": "pmpt_123"})

    assert raised.value.body["code"] == "prompt_unknown"


def test_variables_count_for_the_limit_of_a_prompts_length(client):
    long = {"id": "sum", "variables": {"who": "word " * 450}}

    with pytest.raises(openai.APIStatusError) as raised:
        client.responses.create(model="main", prompt=long)

    assert raised.value.body["code"] == "prompt_too_long"


def test_langfuses_doors_show_the_apps_prompts_and_make_candidates(rowen):
    manager = rowen.new_key("langfuse", scopes=("call", "manage"))
    elsewhere = rowen.new_key("elsewhere", scopes=("call", "manage"), apps=("other",))
    draft = {"name": "shop/system", "prompt": "Be ever so {{tone}}.", "commitMessage": "Kinder."}

    before = langfuse(rowen, manager, "GET", "shop%2Fsystem")[1]
    made = langfuse(rowen, manager, "POST", "", draft)[1]
    taken = langfuse(rowen, manager, "PATCH", "shop%2Fsystem/versions/2", {"newLabels": ["production"]})
    hidden = langfuse(rowen, elsewhere, "GET", "shop%2Fsystem")
    newest = rowen.do(rowen.opened.prompts.get("shop/system", "default", label="latest"))
    candidate = rowen.do(rowen.opened.store.definitions.get(newest.definition))
    versions = rowen.do(rowen.opened.office.desk.versions("shop"))

    assert (before["prompt"], before["labels"]) == ("Be {{tone}}.", ["production", "latest"])
    assert (made["version"], made["labels"], made["commitMessage"]) == (2, ["latest"], "Kinder.")
    assert (taken[0], "release the Definition" in taken[1]["message"]) == (409, True)
    assert hidden[0] == 404
    assert candidate.files["s.md"] == "Be ever so {{tone}}."
    assert [each.note for each in versions if each.definition == candidate.hash] == ["Kinder."]
    assert rowen.opened.served.named("shop").definition.hash != candidate.hash


def test_examples_are_shown_to_the_model_and_in_the_trace(tmp_path):
    pytest.importorskip("numpy")
    (tmp_path / "cases.jsonl").write_text(
        '{"id": "open", "question": "When do you open?", "expected": "At nine."}\n'
        '{"id": "hr", "question": "When do you open, boss?", "expected": "Never.", "metadata": {"access": ["hr"]}}\n'
    )
    (tmp_path / "app.toml").write_text(
        '[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n[models.vectors]\nprovider = "echo"\n'
        '[prompt.examples]\nfiles = "cases.jsonl"\nembed = "vectors"\nleast = -1\n'
    )
    with (
        serving(tmp_path / "app.toml") as running,
        openai.OpenAI(base_url=f"{running.url}/v1", api_key=running.key, max_retries=0) as asking,
    ):
        asking.chat.completions.create(model="main", messages=[{"role": "user", "content": "When do you open today?"}])
        running.do(running.opened.traces_written())
        (row,) = running.do(running.opened.store.traces.find(TraceFilter(limit=9)))
        trace = running.do(running.opened.store.traces.get(row.id))
        kept = running.do(running.opened.store.records.find("example_vector"))

    assert [(each.role, each.text) for each in trace.request.messages] == [
        ("user", "When do you open?"),
        ("assistant", "At nine."),
        ("user", "When do you open today?"),
    ]
    (rendered,) = [each for each in trace.spans if each.name == "prompt.render"]
    assert [each["case"] for each in rendered.attributes["rowen.examples"]] == ["open"]
    assert len(kept) == 2
