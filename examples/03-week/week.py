"""Plays a made-up week in production, then goes on standing in for the vendor and the pager.

The app, the doors, the store, the judging, the objectives and the alerts are Rowen's, as they are in production. Made up
are the users (with a fixed seed), the vendor (`vendor.py`), and the time: a clock that is turned forward seven days, so
that the week ends now.

    python week.py
"""

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from vendor import ANSWERS, Vendor

from rowen.access import SYSTEM, Wanted
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.testing.clock import FakeClock
from rowen.values import at

HERE = Path(__file__).parent
APP, PROMPT, FRIENDLY = HERE / "app.toml", HERE / "prompts/system.md", HERE / "prompts/friendly.md"
STORE = HERE / ".rowen"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
WEEK = 7 * DAY
OUTAGE = (1 * DAY + 14 * HOUR, 1 * DAY + 14 * HOUR + 40 * MINUTE)
RELEASE, BACK = 3 * DAY + 10 * HOUR, 3 * DAY + 14 * HOUR
SLOW = (5 * DAY + 13 * HOUR, 5 * DAY + 16 * HOUR)
REASONS = ("Where does that stand?", "Too long.", "I still do not know where to look.")


class Week:
    """Seven days, a little at a time.

    Args:
        server: Rowen, open.
        client: comes in by its doors, with a key.
        clock: the time, which is turned forward here.
        vendor: what answers.

    """

    def __init__(self, server: Server, client: httpx2.AsyncClient, clock: FakeClock, vendor: Vendor) -> None:
        self._opened, self._client, self._clock, self._vendor = server.opened, client, clock, vendor
        self._chance = random.Random(14)
        self._began = clock.ns
        self._day = 0
        self._talks: dict[str, tuple[str, list[str]]] = {}
        self.counts: Counter[str] = Counter()

    @property
    def second(self) -> float:
        """How much of the week is over."""
        return (self._clock.ns - self._began) / 1e9

    async def play(self) -> None:
        """Let users ask all the time, and everything else happen when it is due."""
        good, friendly = PROMPT.read_text(), FRIENDLY.read_text()
        now = good
        for end in steps():
            while self.second < end:
                await self._users(end)
            await self._worked()
            self._told()
            self._vendor.down = OUTAGE[0] <= self.second < OUTAGE[1]
            self._vendor.slow = 4.0 if SLOW[0] <= self.second < SLOW[1] else 1.0
            wanted = friendly if RELEASE <= self.second < BACK else good
            if wanted != now:
                now = wanted
                await self._release(wanted)

    async def _users(self, end: float) -> None:
        """The next thing that a user does, or the rest of the step. By day there are more of them, on busy days most."""
        day, hour = divmod(self.second / HOUR, 24)
        busy = 60 if day in {1, 3, 5} else 400
        wait = self._chance.expovariate(1 / (busy if 9 <= hour < 17 else 3000))
        left = end - self.second
        if wait >= left:
            self._clock.move(max(left, 0.001))
            return
        self._clock.move(wait)
        user = f"u-{self._chance.randrange(40):02d}"
        if self._chance.random() < 0.02:  # what was asked is summed up, with a large model
            await self._ask(
                "Sum this up: " + "what people asked, " * 500, "large", feature="digest", user="nightly", session=""
            )
            return
        session, questions = self._talks.get(user, ("", []))
        if not questions:  # somebody comes with one to three things to ask
            session, questions = (
                f"{user}-{self.second:.0f}",
                self._chance.sample(list(ANSWERS), self._chance.randint(1, 3)),
            )
            self._talks[user] = session, questions
        await self._ask(questions.pop(), "fast", feature="chat", user=user, session=session)

    async def _ask(self, question: str, model: str, *, feature: str, user: str, session: str) -> None:
        """Ask by the door that programs use, and judge the answer as users do, now and then."""
        said = await self._client.post(
            "/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": question}], "stream": True},
            headers={
                "x-rowen-feature": feature,
                "x-rowen-user": user,
                **({"x-rowen-session": session} if session else {}),
            },
        )
        self.counts["calls"] += 1
        if said.status_code >= 400:
            self.counts["failed"] += 1
        elif feature == "chat" and self._chance.random() < 0.25:
            self._clock.move(20)
            await self._judge(said.headers["x-rowen-trace"], user, sourced="(Handbook, page" in said.text)

    async def _judge(self, trace: str, user: str, *, sourced: bool) -> None:
        """A thumb. Users like answers that say where that stands."""
        up = self._chance.random() < (0.93 if sourced else 0.35)
        body: dict[str, Any] = {"trace": trace, "value": up, "user": user}
        if not up:
            body["reason"] = self._chance.choice(REASONS)
        (await self._client.post("/v1/feedback", json=body)).raise_for_status()
        self.counts["up" if up else "down"] += 1

    async def _worked(self) -> None:
        """What the server does by itself every few seconds, done now because its clock was turned."""
        await self._opened.traces_written()
        await self._opened.worked()
        await self._opened.watching.engine.tick()

    async def _release(self, prompt: str) -> None:
        """Save another system prompt. That is a release: the definition is another."""
        PROMPT.write_text(prompt)
        app = await self._opened.served.load(APP)
        say(self._clock, f"release {app.definition.hash[:12]} of handbook")

    def _told(self) -> None:
        if self.second >= (self._day + 1) * DAY:
            self._day += 1
            say(self._clock, f"day {self._day} is over: {', '.join(f'{n} {what}' for what, n in self.counts.items())}")
            self.counts.clear()


def steps() -> Iterator[float]:
    """Give the seconds of the week at which the server works: every minute after a release, less often else."""
    second = 0
    while second < WEEK:
        by_day = 9 <= second / HOUR % 24 < 17
        second += MINUTE if RELEASE <= second < RELEASE + HOUR else 15 * MINUTE if by_day else HOUR
        yield second


def say(clock: FakeClock, what: str) -> None:
    """Print a line with the made-up time."""
    print(f"{at(clock.now_ns()):%a %H:%M}  {what}", flush=True)


async def main() -> None:
    """Play the week, then stand in until stopped."""
    if STORE.exists():
        sys.exit(f"A week was played already. Remove {STORE} to play it again.")
    clock = FakeClock((time.time_ns() // 60_000_000_000 - WEEK // MINUTE) * 60_000_000_000)
    playing = True

    async def spend(seconds: float) -> None:
        if playing:
            await asyncio.sleep(0.002)  # what was said so far is read before the clock is turned
            clock.move(seconds)
        else:
            await asyncio.sleep(seconds)

    def paged(notice: dict[str, Any]) -> None:
        say(clock, f"the pager gets: {notice['status']}, {notice['title']}")

    vendor = Vendor(spend, paged)
    async with await vendor.serve() as standing:
        prompt = PROMPT.read_text()
        server = Server(ServerSettings(store=f"sqlite:{STORE}"), [APP], clock=clock)
        await server.open()
        try:
            register = server.opened.register
            await register.people.ensure_tenant(SYSTEM, "default")
            made = await register.create(SYSTEM, Wanted(name="intranet", scopes=("call",)))
            headers = {"authorization": f"Bearer {made.secret.reveal()}"}
            transport = httpx2.ASGITransport(app=server, client=("127.0.0.1", 5))
            async with httpx2.AsyncClient(transport=transport, base_url="http://rowen", headers=headers) as client:
                await Week(server, client, clock, vendor).play()
        finally:
            PROMPT.write_text(prompt)
            await server.close()
        playing = False
        print(
            "The week is over. The vendor and the pager stay, at http://127.0.0.1:8485, until you stop this.",
            flush=True,
        )
        await standing.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
