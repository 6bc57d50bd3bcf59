"""Programs that know nothing of Rowen, pointed at it by their environment alone."""

import subprocess
import sys

import pytest

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

OPENAI = """
import openai

client = openai.OpenAI()
answer = client.chat.completions.create(model="sky", messages=[{"role": "user", "content": "Hi"}])
print(answer.choices[0].message.content)
for chunk in client.chat.completions.create(model="sky", messages=[{"role": "user", "content": "Hi"}], stream=True):
    print(chunk.choices[0].delta.content or "", end="")
"""
ANTHROPIC = """
import anthropic

client = anthropic.Anthropic()
asked = {"model": "sky", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
print(client.messages.create(**asked).content[0].text)
with client.messages.stream(**asked) as stream:
    for text in stream.text_stream:
        print(text, end="")
"""
SAID = "The sky is blue today.\nThe sky is blue today."


def ran(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_an_openai_program_needs_two_variables(rowen: Running, quiet_environment: dict[str, str]):
    done = ran(OPENAI, {**quiet_environment, "OPENAI_BASE_URL": f"{rowen.url}/v1", "OPENAI_API_KEY": rowen.key})

    assert done.stdout == SAID, done.stderr


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_an_anthropic_program_needs_two_variables(rowen: Running, quiet_environment: dict[str, str], variable: str):
    done = ran(ANTHROPIC, {**quiet_environment, "ANTHROPIC_BASE_URL": rowen.url, variable: rowen.key})

    assert done.stdout == SAID, done.stderr
