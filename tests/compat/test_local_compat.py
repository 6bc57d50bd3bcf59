"""The model that runs inside Rowen, asked by OpenAI's own client."""

import json
import os
from collections.abc import Iterator

import pytest
from openai import OpenAI

from rowen.provider.weights import Folder, default_place
from rowen.testing.serving import serving
from rowen.values import Problem

pytestmark = [pytest.mark.compat, pytest.mark.local]

APP = """
[app]
name = "small"
[models.smol]
provider = "local"
model = "smollm2"
"""
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"enum": ["cat", "dog", "bird"]}, "legs": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["animal", "legs"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    try:
        Folder(default_place()).find("smollm2")
    except Problem as problem:
        message = f"THE WEIGHTS OF smollm2 ARE NOT HERE: run `rowen models add smollm2`. ({problem.message})"
        if os.environ.get("ROWEN_TEST_LOCAL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("small")
    (folder / "app.toml").write_text(APP)
    with (
        serving(folder / "app.toml") as rowen,
        OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=120) as made,
    ):
        yield made


def test_a_real_model_obeys_a_schema_while_it_is_streamed(client: OpenAI):
    wanted = {"type": "json_schema", "json_schema": {"name": "animal", "schema": SCHEMA, "strict": True}}

    with client.chat.completions.create(
        model="smol",
        messages=[{"role": "user", "content": "Name an animal and how many legs it has."}],
        response_format=wanted,
        max_tokens=60,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)

    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    found = json.loads("".join(said))
    assert len(said) > 3
    assert set(found) == {"animal", "legs"}
    assert found["animal"] in {"cat", "dog", "bird"}
    assert 0 <= found["legs"] <= 9
    assert chunks[-1].usage.prompt_tokens > 0
    assert chunks[-1].usage.completion_tokens >= len(said)


def test_a_real_model_answers_through_responses(client: OpenAI):
    response = client.responses.create(model="smol", input="Say hello.", max_output_tokens=12)

    assert response.output_text.strip()
    assert 0 < response.usage.output_tokens <= 12
