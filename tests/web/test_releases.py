"""The pages of releases, read and filled in as a browser without scripts does it."""

import pytest

from rowen.config.read import hash_of
from rowen.release import Reason
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Definition, Rollout
from rowen.web.stretch import covering

ANN = Reason(by="ann", note="the first <b>one</b>")
PROMPT = "You help.\nBe brief.\n"


def definition(app: str, say: str, prompt: str, **release: object) -> Definition:
    source = {
        "app": {"name": app},
        "models": {"main": {"provider": "echo", "options": {"say": say}}},
        "prompt": {"system": "system.md"},
        "release": {"strategy": "canary", **release},
    }
    files = {"system.md": prompt}
    return Definition(app=app, hash=hash_of(source, files), source=source, files=files)


class Barn:
    """An app that nobody serves, with two versions: the first live, the second put forward."""

    def __init__(self, site, app: str) -> None:
        self.site, self.app = site, app
        self.office = site.running.opened.office
        self.old, self.new = (
            definition(app, "old", PROMPT),
            definition(app, "new", PROMPT.replace("brief", "very brief")),
        )
        self.do(self.office.propose(self.old, ANN))
        self.do(self.office.desk.release(app, self.old.hash, ANN))
        self.do(self.office.propose(self.new, ANN.but(note="shorter")))

    def do(self, work):
        return self.site.running.do(work)

    def post(self, path: str, reader=None, **form):
        reader = reader or self.site.reader()
        token = reader.token(reader.get(f"/releases/{self.app}/2"))
        return reader.post(f"/releases/{self.app}/{path}", csrf=token, **form)

    def log(self) -> list[str]:
        return [line.act for line in self.do(self.office.desk.log(self.app))]


@pytest.fixture
def barn(watched, request) -> Barn:
    return Barn(watched, f"barn-{abs(hash(request.node.nodeid))}")


def test_what_answers_and_what_was_done_are_shown_with_versions(barn):
    shown = barn.site.reader().get(f"/releases?app={barn.app}")

    assert shown.status == 200
    assert "production version 1" in shown.text
    assert "the first <b>one</b>" in shown.text
    assert "<b>one</b>" not in shown.html
    assert f'href="/releases/{barn.app}/2"' in shown.html
    assert "The log does not hold" not in shown.text


def test_the_figures_of_the_served_app_stand_under_its_acts(watched):
    shown = watched.reader().get("/releases?app=shop&range=7d")

    assert "How it went" in shown.text
    assert 'aria-label="answers (' in shown.html
    assert 'class="mark"' in shown.html
    assert "The numbers of answers" in shown.text


def test_a_version_shows_the_gates_sentences_with_what_would_mend_them(barn):
    shown = barn.site.reader().get(f"/releases/{barn.app}/2")

    assert "gate closed" in shown.text
    assert "no evaluation is asked for: nothing would show whether this version is any good" in shown.text
    assert 'gate = ["evaluate.smoke"]' in shown.text
    assert f"/releases/{barn.app}/diff?left=1&amp;right=2" in shown.html


def test_letting_out_what_the_gate_refuses_shows_why_and_changes_nothing(barn):
    shown = barn.post("2/release", note="now")

    assert shown.status == 409
    assert "may not be let out in production" in shown.text
    assert barn.log()[0] == "refuse"


def test_an_admin_forces_it_with_a_reason_promotes_it_and_rolls_it_back(barn):
    without = barn.post("2/release", force="1", note="")
    out = barn.post("2/release", force="1", note="an outage")
    live = barn.do(barn.office.desk.live(barn.app))
    again = barn.post("2/promote", rollout=live.rollouts[0].id, force="1", note="good")
    back = barn.post("act/rollback", note="worse")

    assert (without.status, out.status, again.status, back.status) == (400, 303, 303, 303)
    assert "forced" in barn.site.reader().get(f"/releases?app={barn.app}").text
    assert barn.log()[:3] == ["rollback", "promote", "begin"]
    assert barn.do(barn.office.desk.live(barn.app)).definition == barn.old.hash


def test_people_remark_resolve_approve_and_label(barn):
    barn.post("2/remark", text="It is <i>rude</i>.", blocks="1")
    (remark,) = barn.do(barn.office.remarks.of(barn.app, barn.new.hash))
    blocked = barn.site.reader().get(f"/releases/{barn.app}/2")
    sent = [
        barn.post("2/resolve", remark=remark.id, note="made polite"),
        barn.post("2/approve", note="read it"),
        barn.post("2/label", label="stable"),
    ]

    assert 'blocks it: "It is <i>rude</i>."' in blocked.text
    assert "<i>rude" not in blocked.html
    assert [each.status for each in sent] == [303, 303, 303]
    version = barn.do(barn.office.desk.version(barn.app, "stable"))
    assert len(version.approvals) == 1
    shown = barn.site.reader().get(f"/releases/{barn.app}/2")
    assert "made polite" in shown.text


def test_freezing_needs_a_reason_and_holds_until_it_is_thawed(barn):
    empty = barn.post("act/freeze", note="")
    barn.post("act/freeze", note="the fair is on")
    frozen = barn.site.reader().get(f"/releases?app={barn.app}")
    barn.post("act/thaw", note="over")

    assert empty.status == 400
    assert "frozen the fair is on" in frozen.text
    assert barn.log()[:2] == ["thaw", "freeze"]


def test_two_versions_stand_side_by_side_word_by_word(barn):
    shown = barn.site.reader().get(f"/releases/{barn.app}/diff?left=1&right=2")
    same = barn.site.reader().get(f"/releases/{barn.app}/diff?left=1&right=1")

    assert "<ins> very</ins>" in shown.html
    assert "<del>old</del>" in shown.html
    assert "<ins>new</ins>" in shown.html
    assert "system.md: 1 words more in every call" in shown.text
    assert "They are the same" in same.text


@pytest.mark.parametrize("path", ["?app=nothing", "/{app}/99", "/{app}/diff?left=1&right=99", "/nothing/1"])
def test_what_is_not_there_is_said_so(barn, path):
    assert barn.site.reader().get("/releases" + path.replace("{app}", barn.app)).status == 404


@pytest.mark.parametrize("what", ["2/nothing", "act/nothing"])
def test_an_act_that_there_is_not_is_not_found(barn, what):
    assert barn.post(what).status == 404


def test_without_the_token_of_the_page_nothing_is_done(barn):
    sent = barn.site.reader().post(f"/releases/{barn.app}/act/rollback", csrf="wrong")

    assert sent.status == 403
    assert "rollback" not in barn.log()


def test_who_may_not_release_sees_nothing_and_who_may_not_force_does_not(barn):
    running = barn.site.running
    manager = barn.site.reader(running.new_key("manager", scopes=("manage",)))
    releaser = barn.site.reader(running.new_key("releaser", scopes=("release",)))
    other = barn.site.reader(running.new_key("other", scopes=("release",), apps=("shop",)))

    assert manager.get(f"/releases?app={barn.app}").status == 403
    assert other.get(f"/releases?app={barn.app}").status == 404
    assert other.get(f"/releases/{barn.app}/1").status == 404
    assert releaser.get(f"/releases/{barn.app}/2").status == 200
    assert barn.post("2/release", releaser, force="1", note="please").status == 403


def test_a_rollout_is_shown_with_its_shares(barn):
    arms = (
        Arm(name="baseline", definition=barn.old.hash, share=0.95),
        Arm(name="candidate", definition=barn.new.hash, share=0.05),
    )
    barn.do(barn.office.desk.begin(Rollout(id="", app=barn.app, strategy="canary", arms=arms), ANN))

    shown = barn.site.reader().get(f"/releases?app={barn.app}")
    one = barn.site.reader().get(f"/releases/{barn.app}/2")

    assert "canary baseline 95%, candidate 5%" in shown.text
    assert "rolls out in production" in one.text
    assert "Promote it" in one.text


def test_the_timeline_begins_where_the_log_does():
    clock = FakeClock()

    assert covering(clock.now_ns() - 50 * 60_000_000_000, clock) == "1h"
    assert covering(clock.now_ns() - 5 * 86_400_000_000_000, clock) == "7d"
    assert covering(0, clock) == "30d"
