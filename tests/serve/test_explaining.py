"""An error of a served app is explained by one of its models, through its own chain."""

from pathlib import Path

import httpx2

from rowen.testing.serving import serving

APP = """
[app]
name = "shop"

[models.broken]
provider = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "m"
key = {{ file = "key" }}
retries = 0

[models.echo]
provider = "echo"
"""


def test_an_explanation_is_a_call_of_its_own_and_kept_with_the_error(tmp_path: Path):
    (tmp_path / "app.toml").write_text(APP.replace("{{", "{").replace("}}", "}"))
    (tmp_path / "key").write_text("sk-none")
    with serving(tmp_path / "app.toml", explain="shop/echo") as running:
        body = {"model": "broken", "messages": [{"role": "user", "content": "hello"}]}
        failed = httpx2.post(
            f"{running.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {running.key}"}
        )
        running.do(running.opened.traces_written())
        admin = {"authorization": f"Bearer {running.admin}"}
        (group,) = httpx2.get(f"{running.url}/api/errors", headers=admin).json()["data"]

        told = httpx2.post(f"{running.url}/api/errors/{group['id']}/explain", headers=admin, timeout=30)

        running.do(running.opened.traces_written())
        calls = httpx2.get(f"{running.url}/api/traces?feature=explain:errors", headers=admin).json()["data"]

    assert failed.status_code == 502
    assert group["code"] == "upstream_connect"
    # The echo provider says what it was asked: the ids of the record are in it, so its evidence exists.
    assert told.status_code == 200, told.text
    assert "[span " in told.json()["data"]["explanation"]
    assert calls
    assert {call["tenant"] for call in calls} == {"default"}
