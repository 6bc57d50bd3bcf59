"""One timer looks after all connections that wait for an upstream."""

from rowen.provider.transport.look import Looks


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

    def __init__(self, looks: Looks, loop: Loop, heard: float = 0.0) -> None:
        self.looks, self.loop, self.heard = looks, loop, heard
        self.looked: list[float] = []

    def look(self, now: float) -> None:
        self.looked.append(now)
        if self.heard:
            self.looks.expect(self, now + self.heard)
        else:
            self.looks.forget(self)


def test_each_is_looked_at_when_it_is_due_and_again_when_it_says_so():
    loop, looks = Loop(), Looks()
    silent, talking = Waiting(looks, loop), Waiting(looks, loop, heard=2.0)
    looks.expect(talking, 5.0)
    looks.expect(silent, 3.0)

    loop.move(8.5)

    assert silent.looked == [3.0]
    assert talking.looked == [5.0, 7.0]


def test_who_is_forgotten_is_not_looked_at_and_the_timer_rests_when_nobody_waits():
    loop, looks = Loop(), Looks()
    one = Waiting(looks, loop)
    looks.expect(one, 1.0)
    looks.forget(one)

    loop.move(10.0)

    assert one.looked == []
    assert all(timer.over for timer in loop.timers)


def test_a_thousand_that_wait_do_not_each_cause_a_look():
    loop, looks = Loop(), Looks()
    many = [Waiting(looks, loop) for _ in range(1_000)]
    for number, one in enumerate(many):
        looks.expect(one, 1.0 + number / 1_000)

    loop.move(3.0)

    assert all(len(one.looked) == 1 for one in many)
    assert all(0 <= one.looked[0] - (1.0 + number / 1_000) <= 0.101 for number, one in enumerate(many))
    assert len(loop.timers) < 20


def test_nothing_is_looked_at_after_the_end():
    loop, looks = Loop(), Looks()
    one = Waiting(looks, loop)
    looks.expect(one, 1.0)

    looks.stop()
    loop.move(10.0)

    assert one.looked == []
