"""Plays customers: they write to the app, look at the number that comes back, and say whether it is theirs.

    python traffic.py 400          # messages
    python traffic.py 400 --cases  # writes cases instead, of the kinds of messages that were known last spring

Made up are the customers; what they may write is the same every time, who writes what is not. Their messages go through Rowen's door as any program's do, and what they say of
an answer is sent as users' feedback is.
"""

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx2

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
MESSAGES, CUSTOMERS = 40, 40_000


class Message(NamedTuple):
    """What a customer writes, and the number that he means."""

    kind: str
    text: str
    number: str


def messages(count: int, kinds: dict[str, int], seed: int) -> list[Message]:
    """Return made-up messages of some kinds, each as often as its share says."""
    chance = random.Random(seed)
    found = []
    for kind in chance.choices(list(kinds), weights=list(kinds.values()), k=count):
        number = str(chance.randint(10000, 99999))
        found.append(Message(kind, chance.choice(KINDS[kind]).format(n=number), number))
    return found


def cases() -> Iterator[str]:
    """Yield cases as JSON lines: those of last spring, before there were receipts of the other shop."""
    for number, each in enumerate(messages(30, SPRING, seed=2), 1):
        expected = json.dumps({"number": each.number})
        metadata = {"kind": each.kind}
        yield json.dumps({"id": f"c{number:02d}", "input": each.text, "expected": expected, "metadata": metadata})


def play(count: int, key: str, seed: int | None) -> Counter[str]:
    """Send messages, four at a time, and what their customers say of the answers."""
    chance = random.Random(seed)
    pool = messages(MESSAGES, SHARES, seed=58)
    asked = [(chance.choice(pool), f"c-{chance.randrange(CUSTOMERS):05d}") for _ in range(count)]
    headers = {"authorization": f"Bearer {key}"}
    counts: Counter[str] = Counter()
    with httpx2.Client(base_url=f"http://127.0.0.1:{PORT}", headers=headers, timeout=60) as client:

        def one(each: tuple[Message, str]) -> str:
            message, customer = each
            said = client.post(
                "/v1/chat/completions",
                json={"model": "orders", "messages": [{"role": "user", "content": message.text}]},
                headers={"x-rowen-user": customer},
            )
            if said.status_code != 200:
                return "failed"
            right = message.number in said.json()["choices"][0]["message"]["content"]
            client.post(
                "/v1/feedback",
                json={"trace": said.headers["x-rowen-trace"], "name": "right", "value": right, "user": customer},
            ).raise_for_status()
            return "right" if right else "wrong"

        with ThreadPoolExecutor(4) as several:
            for number, outcome in enumerate(several.map(one, asked), 1):
                counts[outcome] += 1
                if number % 100 == 0 or number == count:
                    print(
                        f"{number} messages: {counts['right']} right, {counts['wrong']} wrong, {counts['failed']} failed"
                    )
                    sys.stdout.flush()
    return counts


def main() -> None:
    """Play, or write cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=400)
    parser.add_argument("--cases", action="store_true", help="write cases instead")
    parser.add_argument("--seed", type=int, help="for the same customers again")
    wanted = parser.parse_args()
    if wanted.cases:
        print("\n".join(cases()))
    elif play(wanted.count, os.environ["ROWEN_KEY"], wanted.seed)["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
