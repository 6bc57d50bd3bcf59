"""Batches by the vendors' own clients: files up, many requests answered in the background, results down."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI
from openai.types import Batch

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

CHAT = "/v1/chat/completions"


def written(*requests: tuple[str, str, dict], url: str = CHAT) -> bytes:
    return b"".join(
        json.dumps({"custom_id": id, "method": "POST", "url": url, "body": {"model": model, **body}}).encode() + b"\n"
        for id, model, body in requests
    )


def says(text: str, **more: object) -> dict:
    return {"messages": [{"role": "user", "content": text}], **more}


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture(scope="module")
def messages(rowen: Running) -> Iterator[Anthropic]:
    with Anthropic(base_url=rowen.url, api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


def until(true: Callable[[], bool]) -> None:
    pause, ends = threading.Event(), time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        pause.wait(0.02)


def ended(client: OpenAI, id: str) -> Batch:
    until(lambda: client.batches.retrieve(id).status in {"completed", "failed", "cancelled", "expired"})
    return client.batches.retrieve(id)


def lines(client: OpenAI, id: str | None) -> dict[str, dict]:
    assert id is not None
    found = [json.loads(line) for line in client.files.content(id).text.splitlines()]
    return {each["custom_id"]: each for each in found}


def test_answers_are_in_one_file_and_what_was_refused_in_another(client: OpenAI, rowen: Running):
    sent = written(
        ("one", "sky", says("why?")),
        ("two", "main", says("echo me")),
        ("stream", "main", says("x", stream=True)),
        ("nobody", "nope", says("x")),
        ("wrong", "main", {"messages": "x"}),
    )
    file = client.files.create(file=("ask.jsonl", sent), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"night": "1"})

    done = ended(client, made.id)
    answers, refused = lines(client, done.output_file_id), lines(client, done.error_file_id)

    assert (file.bytes, file.filename, file.purpose, file.status) == (len(sent), "ask.jsonl", "batch", "processed")
    assert made.status == "validating"
    assert (done.status, done.metadata) == ("completed", {"night": "1"})
    assert done.request_counts is not None
    assert done.request_counts.to_dict() == {"total": 5, "completed": 2, "failed": 3}
    assert answers.keys() == {"one", "two"}
    assert answers["one"]["response"]["status_code"] == 200
    assert answers["one"]["response"]["body"]["choices"][0]["message"]["content"] == "The sky is blue today."
    assert answers["two"]["response"]["body"]["choices"][0]["message"]["content"] == "echo me"
    assert {id: each["response"]["status_code"] for id, each in refused.items()} == {
        "stream": 400,
        "nobody": 404,
        "wrong": 400,
    }
    assert refused["nobody"]["response"]["body"]["error"]["code"] == "model_unknown"
    assert client.files.retrieve(done.output_file_id or "").bytes == len(
        client.files.content(done.output_file_id or "").content
    )
    assert client.files.content(file.id).content == sent


def test_every_line_is_a_trace_with_its_cost_behind_everybody_else(client: OpenAI, rowen: Running):
    file = client.files.create(file=("ask.jsonl", written(("one", "sky", says("why?")))), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id,
        endpoint=CHAT,
        completion_window="24h",
        extra_headers={"x-rowen-feature": "nightly", "x-rowen-tags": "eval"},
    )
    done = ended(client, made.id)
    id = lines(client, done.output_file_id)["one"]["response"]["request_id"]

    rowen.do(rowen.opened.traces_written())
    found = rowen.do(rowen.opened.store.traces.get(id, "default"))

    assert found is not None
    assert found.row.feature == "nightly"
    assert found.row.tags == ("eval", "batch")
    assert found.row.key


def test_embeddings_and_responses_go_in_batches_too(client: OpenAI, rowen: Running):
    made = []
    for url, body in (("/v1/embeddings", {"input": ["a", "b"]}), ("/v1/responses", {"input": "hello"})):
        file = client.files.create(file=("x.jsonl", written(("a", "main", body), url=url)), purpose="batch")
        made.append(client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h"))  # type: ignore[arg-type]

    vectors, said = (lines(client, ended(client, each.id).output_file_id)["a"]["response"]["body"] for each in made)
    assert len(vectors["data"]) == 2
    assert said["output"][0]["content"][0]["text"] == "hello"


def test_a_file_with_wrong_lines_fails_whole_and_names_each(client: OpenAI, rowen: Running):
    good = written(("a", "main", says("x")))
    text = (
        good + b"{not json\n" + good + b'{"custom_id": "b", "url": "/v1/embeddings", "method": "POST", "body": {}}\n'
        b'{"url": "/v1/chat/completions", "method": "POST", "body": {}}\n{"custom_id": "\xff"}\n'
    )
    file = client.files.create(file=("bad.jsonl", text), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")

    done = ended(client, made.id)

    assert done.status == "failed"
    assert done.output_file_id is None
    assert done.errors is not None
    assert [(each.line, each.code, each.param) for each in done.errors.data or []] == [
        (2, "json_malformed", None),
        (3, "field_invalid", "custom_id"),
        (4, "field_invalid", "url"),
        (5, "field_invalid", None),
        (6, "utf8_invalid", None),
    ]


def test_a_batch_that_waits_for_a_limit_can_be_cancelled_and_keeps_what_it_has(rowen: Running):
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.new_key("slow"), max_retries=0) as client:
        sent = written(*((str(number), "tight/echo", says("hello")) for number in range(3)))
        file = client.files.create(file=("ask.jsonl", sent), purpose="batch")
        made = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
        until(lambda: client.batches.retrieve(made.id).request_counts.completed == 1)  # type: ignore[union-attr]

        cancelled = client.batches.cancel(made.id)
        done = ended(client, made.id)

        assert cancelled.status == "cancelling"
        assert done.status == "cancelled"
        assert len(lines(client, done.output_file_id)) == 1
        assert done.error_file_id is None
        assert done.request_counts is not None
        assert done.request_counts.to_dict() == {"total": 3, "completed": 1, "failed": 0}
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(made.id)


def test_lists_go_page_by_page(rowen: Running):
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.new_key("lists"), max_retries=0) as client:
        files = [
            client.files.create(file=("a.jsonl", written(("a", "sky", says("x")))), purpose="batch").id
            for _ in range(3)
        ]
        made = [client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h").id for file in files]

        assert [each.id for each in client.batches.list(limit=2)] == made[::-1]
        assert [each.id for each in client.files.list(purpose="batch", limit=2, order="asc")] == files
        assert client.files.delete(files[0]).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(files[0])
        with pytest.raises(openai.NotFoundError):
            client.batches.create(input_file_id=files[0], endpoint=CHAT, completion_window="24h")


def test_what_one_key_made_is_nothing_to_another(client: OpenAI, rowen: Running):
    file = client.files.create(file=("ask.jsonl", written(("one", "sky", says("why?")))), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")

    other = OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.new_key("other"), max_retries=0)

    with other:
        assert list(other.files.list()) == []
        assert list(other.batches.list()) == []
        for act in (
            lambda: other.files.content(file.id),
            lambda: other.files.delete(file.id),
            lambda: other.batches.retrieve(made.id),
            lambda: other.batches.cancel(made.id),
            lambda: other.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h"),
        ):
            with pytest.raises(openai.NotFoundError):
                act()


def test_what_cannot_be_kept_or_made_is_refused_with_its_place(client: OpenAI):
    with pytest.raises(openai.BadRequestError) as purpose:
        client.files.create(file=("a.jsonl", b"{}"), purpose="vision")
    with pytest.raises(openai.BadRequestError) as window:
        file = client.files.create(
            file=("a.jsonl", b"{}"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="1m")  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError) as endpoint:
        client.batches.create(input_file_id="file-x", endpoint="/v1/moderations", completion_window="24h")

    assert (purpose.value.param, window.value.param, endpoint.value.param) == (
        "purpose",
        "completion_window",
        "endpoint",
    )


def test_anthropics_batches_come_with_their_results_in_one_file(messages: Anthropic, rowen: Running):
    made = messages.messages.batches.create(
        requests=[
            {"custom_id": "one", "params": {"model": "sky", "max_tokens": 50, **says("why?")}},  # type: ignore[typeddict-item]
            {"custom_id": "nobody", "params": {"model": "nope", "max_tokens": 50, **says("x")}},  # type: ignore[typeddict-item]
        ]
    )

    until(lambda: messages.messages.batches.retrieve(made.id).processing_status == "ended")
    done = messages.messages.batches.retrieve(made.id)
    results = {each.custom_id: each.result for each in messages.messages.batches.results(made.id)}

    assert (made.processing_status, made.request_counts.processing) == ("in_progress", 2)
    assert done.processing_status == "ended"
    assert (done.request_counts.succeeded, done.request_counts.errored) == (1, 1)
    assert results["one"].type == "succeeded"
    assert results["one"].message.content[0].text == "The sky is blue today."  # type: ignore[union-attr]
    assert results["nobody"].type == "errored"
    assert results["nobody"].error.error.type == "not_found_error"
    assert [each.id for each in messages.messages.batches.list(limit=1)] == [made.id]


def test_an_anthropic_batch_that_is_cancelled_says_so_of_each_request_and_can_be_deleted(rowen: Running):
    with Anthropic(base_url=rowen.url, api_key=rowen.new_key("slow too"), max_retries=0) as client:
        batches = client.messages.batches
        asked = {"model": "tight/echo", "max_tokens": 50, **says("hello")}
        made = batches.create(requests=[{"custom_id": id, "params": asked} for id in ("a", "b", "c")])  # type: ignore[typeddict-item]

        assert batches.cancel(made.id).processing_status == "canceling"
        until(lambda: batches.retrieve(made.id).processing_status == "ended")
        counts = batches.retrieve(made.id).request_counts
        types = sorted(each.result.type for each in batches.results(made.id))

        assert (counts.succeeded + counts.canceled, counts.canceled >= 2) == (3, True)
        assert types == ["canceled"] * counts.canceled + ["succeeded"] * counts.succeeded
        assert batches.delete(made.id).id == made.id
        with pytest.raises(anthropic.NotFoundError):
            batches.retrieve(made.id)
