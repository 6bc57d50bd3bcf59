import msgspec

from rowen.watch import Objectives, WatchTable
from rowen.watch.alert import Alert, Firing
from rowen.watch.contact import ContactTable, OncallTable
from rowen.watch.digest import digest
from rowen.watch.engine import Watched
from rowen.watch.incident import Action, Incident, Suspect
from rowen.watch.notice import Silence
from rowen.watch.oncall import readiness, toil
from rowen.watch.postmortem import post_mortem
from rowen.watch.tell import Teller

from .conftest import DAY, HOUR, JUNE, MINUTE, cell

CLASSES = ("hardware", "data_quality", "privacy", "user_error")
UP = WatchTable(sli="availability", target=0.99, runbook="up.md")


def watched(folder, *, contacts=None, oncall=None, **watch) -> Watched:
    return Watched(
        objectives=Objectives(app="shop", watch=watch or {"up": UP}),
        contacts={"pager": ContactTable(kind="webhook", address="http://127.0.0.1:9/")}
        if contacts is None
        else contacts,
        oncall=oncall or OncallTable(rota=("ann", "bo"), runbooks={name: f"{name}.md" for name in CLASSES}),
        folder=str(folder),
    )


def write_runbooks(folder) -> None:
    for name in (*CLASSES, "up"):
        (folder / f"{name}.md").write_text("Do this.")


async def taken(contact, notice) -> None:
    pass


async def test_a_sound_app_is_ready_and_says_who_is_on_call(store, clock, tmp_path):
    write_runbooks(tmp_path)
    app = watched(tmp_path)
    await Teller(store, taken).test("shop", "pager", app.contacts["pager"], clock.ns)

    found = await readiness(store, app, clock.ns + DAY)

    assert (found.ready, found.faults) == (True, ())
    assert found.on_call == "bo"  # the 22nd week from Monday 2026-01-05 on
    assert found.tested == {"pager": clock.ns}


async def test_a_broken_configuration_lists_every_fault(store, clock, tmp_path):
    (tmp_path / "hardware.md").write_text("Do this.")
    app = watched(
        tmp_path,
        contacts={
            "late": ContactTable(kind="webhook", address="https://pager.example.org/x", after=600),
            "mail": ContactTable(kind="email", to=("a@b.c",), sender="r@b.c", smtp="mail:25", severities=("ticket",)),
        },
        oncall=OncallTable(runbooks={"hardware": "hardware.md", "privacy": "gone.md"}),
    )
    await Silence.shelf(store.records).put(
        Silence(id="s", app="shop", begins_ns=clock.ns, ends_ns=clock.ns + 8 * DAY, why="migration")
    )
    tried = []

    async def nobody(host: str, port: int) -> bool:
        tried.append((host, port))
        return False

    found = await readiness(store, app, clock.ns, nobody)

    assert {(fault.where, fault.what) for fault in found.faults} == {
        ("alerts.late", "took no test notice in the last 30 days"),
        ("alerts.late", "cannot be reached"),
        ("alerts.mail", "took no test notice in the last 30 days"),
        ("alerts.mail", "cannot be reached"),
        ("alerts", "no contact takes pages at once"),
        ("oncall.rota", "nobody is on call"),
        ("oncall.runbooks.data_quality", "there is no runbook for data_quality"),
        ("oncall.runbooks.user_error", "there is no runbook for user_error"),
        ("oncall.runbooks.privacy", "the runbook gone.md is not there"),
        ("watch.up", "the runbook up.md is not there"),
        ("silences", "shop is silenced for more than a week"),
    }
    assert tried == [("pager.example.org", 443), ("mail", 25)]
    assert found.silences == ("shop until 2026-06-09 00:00 UTC: migration",)


def alert(number: int, at_ns: int, **fields) -> Alert:
    return Alert(
        **{
            "id": f"a{number}",
            "app": "shop",
            "objective": "up",
            "severity": "page",
            "fired_ns": at_ns,
            "firing": Firing(said="bad"),
            **fields,
        }
    )


async def test_toil_is_counted_by_week_with_the_noise_in_it(store, clock, tmp_path):
    shelf = Alert.shelf(store.records)
    monday = JUNE  # 2026-06-01 was one
    await shelf.put(alert(1, monday + 10 * HOUR, acknowledged_ns=monday + 11 * HOUR, incident="i"))
    await shelf.put(alert(2, monday + 23 * HOUR, severity="ticket", state="resolved"))
    await shelf.put(alert(3, monday + 2 * DAY + 12 * HOUR, acknowledged_ns=monday + 3 * DAY, noise=True))
    await shelf.put(alert(4, monday - HOUR))

    this, last = await toil(store, watched(tmp_path), monday + 6 * DAY, weeks=2)

    assert (this.begins_ns, this.alerts, this.pages, this.at_night, this.noise) == (monday, 3, 2, 1, 2)
    assert round(this.noise_ratio, 2) == 0.67
    assert (last.alerts, last.at_night, last.noise, last.who) == (1, 1, 0, "ann")


async def test_the_digest_of_a_night_has_exactly_what_happened(store, clock, tmp_path):
    since, until = JUNE + 22 * HOUR, JUNE + 31 * HOUR
    app = watched(
        tmp_path, up=UP, speed=WatchTable(sli="latency", latency="total", aggregate="mean", target="< 2s"), same=UP
    )
    shelf = Alert.shelf(store.records)
    await shelf.put(alert(1, since + HOUR, firing=Firing(said="9 of 10 bad")))
    await shelf.put(alert(2, since - HOUR, severity="ticket", state="resolved", resolved_ns=since + HOUR))
    await shelf.put(alert(3, since - 9 * HOUR, state="resolved", resolved_ns=since - 8 * HOUR))
    await shelf.put(alert(4, until + HOUR))
    await Incident.shelf(store.records).put(
        Incident(
            id="i",
            app="shop",
            title="Slow",
            began_ns=since + HOUR,
            severity="sev2",
            actions=(
                Action(what="Add a fallback", owner="ann", due="2026-06-01"),
                Action(what="Rest", due="2026-07-01"),
            ),
        )
    )
    for name, good in (("up", 900), ("same", 990)):
        await store.measures.add(cell(since, good, 1000, objective=f"slo/{name}"))
        await store.measures.add(cell(since - DAY, 990, 1000, objective=f"slo/{name}"))
    for at_ns, each in ((since, 3.0), (since - DAY, 1.0)):
        for n, number in enumerate((each - 0.1, each, each + 0.1)):
            await store.measures.add(
                cell(at_ns + n * MINUTE, 1, 1, objective="slo/speed", sum=number, squares=number * number)
            )

    async def costs(name, begins, ends):
        return [f"{name} cost 3 times what it does at night"]

    async def errors(name, begins, ends):
        return ["upstream_timeout: 90 times"]

    found = await digest(store, app, since, until, costs=costs, errors=errors)

    assert found.alerts == ("firing page up: 9 of 10 bad", "resolved ticket up: bad")
    assert found.incidents == ("sev2 open: Slow",)
    assert found.regressions == (
        "speed: 3 on average, was 1 (n = 3)",
        "up: 90.00% good, was 99.00% (-11.07 to -7.10 points, n = 1000)",
    )
    assert found.costs == ("shop cost 3 times what it does at night",)
    assert found.errors == ("upstream_timeout: 90 times",)
    assert found.overdue == ("Add a fallback (ann, due 2026-06-01): Slow",)
    assert "## Worse than the week before" in found.text()


async def test_a_quiet_night_says_so(store, clock, tmp_path):
    found = await digest(store, watched(tmp_path), JUNE, JUNE + HOUR)

    assert found.quiet
    assert found.text().endswith("Nothing to look at.\n")


def test_a_post_mortem_tells_what_is_known_and_asks_for_the_rest():
    incident = (
        Incident(
            id="i",
            app="shop",
            title="Answers\n# were empty",
            severity="sev2",
            error_class="provider",
            began_ns=JUNE,
            detected_ns=JUNE + 3 * MINUTE,
            commander="ann",
            suspect=Suspect(definition="d2", why="it came 3 min before"),
            cause="A timeout of zero.",
            actions=(Action(what="Refuse zero", owner="bo", due="2026-06-09"), Action(what="Tell users", done=True)),
        )
        .noted(JUNE + 5 * MINUTE, "rolled back", "ann")
        .noted(JUNE + MINUTE, "first complaint")
        .ended(JUNE + 30 * MINUTE)
    )

    text = post_mortem(incident)

    assert text.startswith("# Answers # were empty\n")
    assert "lasted: 30 min; detected after: 3 min" in text
    assert "Suspected release: `d2`: it came 3 min before" in text
    assert "A timeout of zero." in text
    assert "*What happened, in three sentences?*" in text
    assert text.index("first complaint") < text.index("rolled back (ann)") < text.rindex("resolved")
    assert "- [ ] Refuse zero — bo, due 2026-06-09" in text
    assert "- [x] Tell users — nobody" in text
    assert msgspec.json.decode(msgspec.json.encode(incident), type=Incident) == incident
