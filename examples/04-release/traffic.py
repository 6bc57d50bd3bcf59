"""Plays customers: they write to the app, look at the number that comes back, and say whether it is theirs.

    python traffic.py 250          # messages
    python traffic.py 250 --cases  # writes cases instead, of the kinds of messages that were known last spring

Made up are the customers; what they may write is the same every time, who writes what is not. Their messages go through Rowen's door as any program's do, and what they say of
an answer is sent as users' feedback is.
"""

import argparse
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPConnection
from typing import NamedTuple

PORT = os.environ.get("ROWEN_PORT", "8484")
KINDS = {
    "hash": (
        "Where is my order #{n}?",
        "I want to send back #{n}, it is broken.",
        "Hello, can you cancel #{n} for me?",
        "Is #{n} on its way already? I ordered it last week.",
    ),
    "country": (
        "Reference {n}/DE: nothing has come so far.",
        "{n}/DE is the wrong size, I would like another.",
        "Can {n}/DE still come this week?",
    ),
    "bare": ("{n} never came.", "Still waiting for {n}.", "Broken: {n}."),
    "address": (
        "Please change the address of order {n} to 12 Mill Lane.",
        "Send order {n} to 7 Hill Road instead, please.",
        "Order {n} went to number 40, but I live at 14.",
    ),
    # Since summer another shop sells the same things, and its receipts look like this.
    "receipt": (
        "My receipt says A-{n}, but nothing came.",
        "Please look up A-{n} for me, it is late.",
        "I would like a refund for A-{n}.",
        "A-{n} was delivered twice, what shall I do?",
    ),
}
SHARES = {"hash": 20, "country": 5, "bare": 5, "address": 25, "receipt": 45}
SPRING = {"hash": 40, "country": 20, "bare": 20, "address": 20}
MESSAGES, CUSTOMERS = 10, 40_000


class Written(NamedTuple):
    """What a customer writes, and the number that he means."""

    kind: str
    text: str
    number: str


def messages(count: int, kinds: dict[str, int], seed: int) -> list[Written]:
    """Return made-up messages of some kinds, each as often as its share says."""
    chance = random.Random(seed)
    found = []
    for kind in chance.choices(list(kinds), weights=list(kinds.values()), k=count):
        number = str(chance.randint(10000, 99999))
        found.append(Written(kind, chance.choice(KINDS[kind]).format(n=number), number))
    return found


def cases() -> Iterator[str]:
    """Yield cases as JSON lines: those of last spring, before there were receipts of the other shop."""
    for number, each in enumerate(messages(30, SPRING, seed=2), 1):
        expected = json.dumps({"number": each.number})
        metadata = {"kind": each.kind}
        yield json.dumps({"id": f"c{number:02d}", "input": each.text, "expected": expected, "metadata": metadata})


class Client:
    """Asks the app, and says what customers say, over one connection for each thread."""

    def __init__(self, key: str) -> None:
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._kept = threading.local()

    def ask(self, text: str, customer: str) -> tuple[str, str]:
        """Return the answer and the id of its trace; both are empty when the call failed."""
        body = {"model": "orders", "messages": [{"role": "user", "content": text}]}
        status, answer, headers = self._post("/v1/chat/completions", body, customer)
        if status != 200:
            return "", ""
        return json.loads(answer)["choices"][0]["message"]["content"], headers["x-rowen-trace"]

    def say(self, trace: str, right: bool, customer: str) -> bool:
        """Say whether the number was the customer's; return whether that was taken."""
        body = {"trace": trace, "name": "right", "value": right, "user": customer}
        return self._post("/v1/feedback", body, customer)[0] < 300

    def _post(self, path: str, body: dict[str, object], customer: str) -> tuple[int, bytes, Message]:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = HTTPConnection("127.0.0.1", int(PORT), timeout=60)
        self._kept.connection.request("POST", path, json.dumps(body), {**self._headers, "x-rowen-user": customer})
        answer = self._kept.connection.getresponse()
        return answer.status, answer.read(), answer.headers


def play(count: int, key: str, seed: int | None) -> Counter[str]:
    """Send messages, four at a time, and what their customers say of the answers."""
    chance, client = random.Random(seed), Client(key)
    pool = messages(MESSAGES, SHARES, seed=17)  # of each kind about as many as its share
    asked = [(chance.choice(pool), f"c-{chance.randrange(CUSTOMERS):05d}") for _ in range(count)]

    def one(each: tuple[Written, str]) -> str:
        message, customer = each
        answer, trace = client.ask(message.text, customer)
        right = message.number in answer
        if not trace or not client.say(trace, right, customer):
            return "failed"
        return "right" if right else "wrong"

    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(4) as several:
        for number, outcome in enumerate(several.map(one, asked), 1):
            counts[outcome] += 1
            if number % 250 == 0 or number == count:
                said = ", ".join(f"{counts[each]} {each}" for each in ("right", "wrong", "failed"))
                print(f"{number} messages: {said}", flush=True)
    return counts


def main() -> None:
    """Play, or write cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=250)
    parser.add_argument("--cases", action="store_true", help="write cases instead")
    parser.add_argument("--seed", type=int, help="for the same customers again")
    wanted = parser.parse_args()
    if wanted.cases:
        print("\n".join(cases()))
    elif play(wanted.count, os.environ["ROWEN_KEY"], wanted.seed)["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
