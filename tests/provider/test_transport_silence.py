"""One timer looks after all connections that wait for an upstream."""

from rowen.provider.transport.silence import Silences


class Loop:
    """A loop whose time stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, back, *args) -> "Timer":
        self.timers.append(Timer(when, lambda: back(*args)))
        return self.timers[-1]

    def move(self, to: float) -> None:
        while due := [timer for timer in self.timers if timer.when <= to and not timer.over]:
            first = min(due, key=lambda timer: timer.when)
            self.now, first.over = max(self.now, first.when), True
            first.back()
        self.now = to


class Timer:
    def __init__(self, when: float, back) -> None:
        self.when, self.back, self.over = when, back, False

    def cancel(self) -> None:
        self.over = True


class Waiting:
    """A connection that is heard of every so often, or never."""

    def __init__(self, silences: Silences, loop: Loop, heard: float = 0.0) -> None:
        self.silences, self.loop, self.heard = silences, loop, heard
        self.looked: list[float] = []

    def look(self, now: float) -> None:
        self.looked.append(now)
        if self.heard:
            self.silences.expect(self, now + self.heard)
        else:
            self.silences.forget(self)


def test_each_is_looked_at_when_it_is_due_and_again_when_it_says_so():
    loop, silences = Loop(), Silences()
    silent, talking = Waiting(silences, loop), Waiting(silences, loop, heard=2.0)
    silences.expect(talking, 5.0)
    silences.expect(silent, 3.0)

    loop.move(8.5)

    assert silent.looked == [3.0]
    assert talking.looked == [5.0, 7.0]


def test_who_is_forgotten_is_not_looked_at_and_the_timer_rests_when_nobody_waits():
    loop, silences = Loop(), Silences()
    one = Waiting(silences, loop)
    silences.expect(one, 1.0)
    silences.forget(one)

    loop.move(10.0)

    assert one.looked == []
    assert all(timer.over for timer in loop.timers)


def test_a_thousand_that_wait_do_not_each_cause_a_look():
    loop, silences = Loop(), Silences()
    many = [Waiting(silences, loop) for _ in range(1_000)]
    for number, one in enumerate(many):
        silences.expect(one, 1.0 + number / 1_000)

    loop.move(3.0)

    assert all(len(one.looked) == 1 for one in many)
    assert all(0 <= one.looked[0] - (1.0 + number / 1_000) <= 0.101 for number, one in enumerate(many))
    assert len(loop.timers) < 20


def test_nothing_is_looked_at_after_the_end():
    loop, silences = Loop(), Silences()
    one = Waiting(silences, loop)
    silences.expect(one, 1.0)

    silences.stop()
    loop.move(10.0)

    assert one.looked == []
