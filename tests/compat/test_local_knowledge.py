"""A file is edited, and the answer of a real model changes with it: nothing but the index was touched."""

import os
import time
from pathlib import Path

import httpx2
import pytest

from rowen.provider.weights import Folder, default_place
from rowen.serve.indexing import collection_of
from rowen.testing.serving import serving
from rowen.values import Problem, Reader

EXAMPLE = Path(__file__).parents[2] / "examples/02-handbook"
LEAVE = "# Leave\n\nEvery employee has {} days of paid leave in a year.\n"
APP = """
[app]
name = "handbook"
[models.smol]
provider = "local"
model = "smollm2"
options = { context = 2048 }
[retrieve.docs]
source = "docs/*.md"
embed = ""
top = 1
[prompt]
system = "system.md"
"""


@pytest.fixture
def app(tmp_path):
    try:
        Folder(default_place()).find("smollm2")
    except Problem as problem:
        message = f"THE WEIGHTS OF smollm2 ARE NOT HERE: run `rowen models add smollm2`. ({problem.message})"
        if os.environ.get("ROWEN_TEST_LOCAL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "kitchen.md").write_text("# Kitchen\n\nThe kitchen closes at seven in the evening.\n")
    (tmp_path / "system.md").write_text((EXAMPLE / "prompts/system.md").read_text())
    (tmp_path / "app.toml").write_text(APP)
    return tmp_path / "app.toml"


def known(running, days: int) -> None:
    """Wait until the app knows of so many days."""

    async def texts():
        collection = collection_of("handbook", "docs")
        knowledge = running.opened.store.knowledge
        reader = Reader(tenant="default", everything=True)
        found = [await knowledge.document(collection, each.id, reader) for each in await knowledge.known(collection)]
        return [each.text for each in found if each is not None]

    ends = time.monotonic() + 60
    while not any(f"{days} days" in text for text in running.do(texts())):
        assert time.monotonic() < ends, "it was not read"
        time.sleep(0.05)


def answer(running) -> str:
    question = {"role": "user", "content": "How many days of paid leave has an employee in a year?"}
    body = {"model": "smol", "temperature": 0, "max_tokens": 40, "messages": [question]}
    headers = {"authorization": f"Bearer {running.key}"}
    reply = httpx2.post(f"{running.url}/v1/chat/completions", json=body, headers=headers, timeout=120)
    return str(reply.json()["choices"][0]["message"]["content"])


def test_an_edited_file_changes_the_answer_of_the_same_model(app):
    leave = app.parent / "docs" / "leave.md"
    leave.write_text(LEAVE.format(25))
    with serving(app, watch=True) as running:
        known(running, 25)
        before = answer(running)
        leave.write_text(LEAVE.format(28))
        known(running, 28)
        after = answer(running)

    assert ("25" in before, "28" in before) == (True, False)
    assert ("25" in after, "28" in after) == (False, True)
