"""Answers from documents, as the official clients see them: sources found, cited at every door, hidden from who may not read."""

import time

import pytest
from anthropic import Anthropic
from openai import OpenAI

from rowen.testing.serving import serving

pytestmark = pytest.mark.compat

APP = """
[app]
name = "demo"
model = "quote"
[models.quote]
provider = "extract"
[models.echo]
provider = "echo"
options = { say = "It opens at nine [1]. It closes at six [1]." }
[retrieve.handbook]
embed = ""
budget = 400
answer_above = 0.05
source = [{ at = "docs/*.md", options = { rules = [{ match = "docs/pay.md", access = ["hr"] }] } }]
"""
DOCS = {
    "hours.md": "# Hours\n\n## Office\n\nThe office opens at nine in the morning. It closes at five.\n",
    "leave.md": "# Leave\n\nEverybody has 28 days of paid leave each year.\n",
    "pay.md": "# Pay\n\nThe director earns 7000 crowns each month.\n",
}
OPENS = "When does the office open?"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grounded")
    (folder / "docs").mkdir()
    for name, text in DOCS.items():
        (folder / "docs" / name).write_text(text)
    (folder / "app.toml").write_text(APP)
    with serving(folder / "app.toml") as served:
        ends = time.monotonic() + 60
        while "nine" not in asked(served, OPENS).choices[0].message.content:
            assert time.monotonic() < ends, "the documents were not indexed"
            time.sleep(0.05)
        yield served


def asked(served, question, model="quote", key=""):
    client = OpenAI(base_url=f"{served.url}/v1", api_key=key or served.key)
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}])


def test_chat_completions_cite_page_section_and_sentence(running):
    message = asked(running, OPENS).choices[0].message

    assert message.content.startswith("The office opens at nine in the morning. [1]")
    first = message.annotations[0].url_citation
    assert first.url == "docs/hours.md"
    assert first.title == "Hours"
    assert message.content[first.start_index : first.end_index].startswith("The office opens at nine")
    assert first.rowen["section"] == ["Hours", "Office"]
    assert first.rowen["cited_text"] == "The office opens at nine in the morning."
    assert first.rowen["verified"] is True


def test_what_the_sources_do_not_bear_out_is_told(running):
    message = asked(running, OPENS, model="echo").choices[0].message

    assert [each.url_citation.rowen["verified"] for each in message.annotations] == [True, False]


def test_a_stream_brings_its_citations_with_the_end(running):
    client = OpenAI(base_url=f"{running.url}/v1", api_key=running.key)

    chunks = list(
        client.chat.completions.create(model="quote", messages=[{"role": "user", "content": OPENS}], stream=True)
    )

    (ended,) = [each for chunk in chunks for each in chunk.choices if each.finish_reason]
    assert ended.delta.annotations[0]["url_citation"]["url"] == "docs/hours.md"


def test_responses_have_them_as_annotations(running):
    client = OpenAI(base_url=f"{running.url}/v1", api_key=running.key)

    response = client.responses.create(model="quote", input=OPENS)

    (annotation, *_) = response.output[0].content[0].annotations
    assert (annotation.type, annotation.url) == ("url_citation", "docs/hours.md")


def test_messages_have_them_as_citations_whole_and_streamed(running):
    client = Anthropic(base_url=running.url, api_key=running.key)
    request = {"model": "quote", "max_tokens": 100, "messages": [{"role": "user", "content": OPENS}]}

    whole = client.messages.create(**request)
    with client.messages.stream(**request) as stream:
        streamed = stream.get_final_message()

    for message in (whole, streamed):
        citation = message.content[0].citations[0]
        assert (citation.type, citation.source) == ("search_result_location", "docs/hours.md")
        assert citation.cited_text == "The office opens at nine in the morning."


def test_nobody_is_told_what_he_may_not_read(running):
    question = "What does the director earn each month?"
    insider = running.new_key("hr", groups=("hr",))

    outside, inside = asked(running, question), asked(running, question, key=insider)

    assert "7000" not in outside.choices[0].message.content
    assert "7000" in inside.choices[0].message.content


def test_a_question_beyond_the_documents_is_not_answered(running):
    client = OpenAI(base_url=f"{running.url}/v1", api_key=running.key)

    raw = client.chat.completions.with_raw_response.create(
        model="echo", messages=[{"role": "user", "content": "Quantum chromodynamics?"}]
    )

    assert raw.headers["x-rowen-warnings"] == "unknown"
    assert "I do not know" in raw.parse().choices[0].message.content
