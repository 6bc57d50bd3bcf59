"""Budgets and places hold under concurrency, and what is more important keeps being answered."""

from collections import Counter
from decimal import Decimal

from rowen.testing.upstream import Delay, Hang, openai_chat

PATH = "/v1/chat/completions"
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
retries = 0
price = {{ input = "1000", output = "1000" }}
"""


def test_64_callers_at_once_never_overspend_a_budget(up, live, together):
    up.on(PATH, Delay(seconds=0.02, then=openai_chat("ok")))  # 10 tokens used: 0.01 USD; far more is reserved
    client = live(APP.format(url=up.url) + '[limits]\nbudget = "0.5 USD/day"\n')

    with together(lambda _: [client.ask(max_tokens=5) for _ in range(4)], range(64)) as outcomes:
        pass
    answers = [answer for answered in outcomes for answer in answered]

    said = Counter(answer.status for answer in answers)
    assert set(said) == {200, 429}
    assert {answer.error["code"] for answer in answers if answer.status == 429} == {"limit_budget"}
    assert all(float(answer.headers["retry-after"]) > 0 for answer in answers if answer.status == 429)
    spent = sum(Decimal(answer.headers["x-rowen-cost"].split()[0]) for answer in answers if answer.status == 200)
    assert spent == said[200] * Decimal("0.01")
    assert Decimal("0.3") < spent <= Decimal("0.5")
    assert len(up.requests) == said[200]


def test_high_priority_is_answered_while_low_priority_is_shed(up, live, together):
    up.on(PATH, Delay(seconds=0.1, then=openai_chat("ok")))
    client = live(APP.format(url=up.url), in_flight=4, queue=4, queue_wait=20)
    high = client.running.new_key("high", priority="high")
    low = client.running.new_key("low", priority="low")

    with together(lambda key: [client.ask(key=key) for _ in range(5)], [low] * 24 + [high] * 2) as outcomes:
        pass

    shed = [answer for answered in outcomes[:24] for answer in answered if answer.status != 200]
    assert [answer.status for answered in outcomes[24:] for answer in answered] == [200] * 10
    assert len(shed) > 10
    assert {(answer.status, answer.error["code"]) for answer in shed} == {(429, "overloaded")}
    assert all("retry-after" in answer.headers for answer in shed)
    assert client.metric("rowen_shed_total") == len(shed)
    assert client.metric("rowen_in_flight") == 0


def test_a_wish_for_high_priority_is_not_granted_by_a_header(live):
    client = live('[models.main]\nprovider = "echo"\n')

    answer = client.ask(headers={"x-rowen-priority": "high"})

    assert (answer.status, answer.error["code"]) == (400, "field_invalid")


def test_what_a_failed_provider_did_not_use_is_given_back(up, live):
    up.on(PATH, *[Hang()] * 3, openai_chat("ok"))
    slow = APP.format(url=up.url) + "timeout = { first = 0.3, total = 0.3 }\n"
    client = live(slow + "[limits]\nconcurrency = 1\n")

    statuses = [client.ask().status for _ in range(4)]

    assert statuses == [504, 504, 504, 200]
