"""A served app keeps its knowledge up to date: at the start, by schedule, on a change of its files or table, when told."""

import itertools
import threading
import time
from pathlib import Path

import httpx2
import pytest

from rowen.retrieve.bridge import Bridge
from rowen.score.cases import Cases
from rowen.serve.indexing import collection_of, job_of
from rowen.store.base import TraceFilter
from rowen.testing.clock import FakeClock
from rowen.testing.serving import serving
from rowen.values import Case, Reader

HANDBOOK = collection_of("demo", "handbook")
APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/**/*.md"
"""


def written(folder: Path, more: str = "", **files: str) -> Path:
    (folder / "docs").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "docs" / f"{name}.md").write_text(text)
    (folder / "app.toml").write_text(APP + more)
    return folder / "app.toml"


def found(running, question: str) -> list[str]:
    async def ask():
        knowledge = running.opened.store.knowledge
        live = [each for each in await knowledge.builds(HANDBOOK) if each.state == "live"]
        if not live:
            return []
        reader = Reader(tenant="default")
        hits = await knowledge.lexical(live[0].id, question, reader=reader)
        passages = await knowledge.passages(live[0].id, {hit.chunk: hit.score for hit in hits}, reader=reader)
        return sorted({passage.text.strip() for passage in passages.values()})

    return running.do(ask())


def until(true, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)


def test_an_app_knows_its_documents_soon_after_its_start(tmp_path):
    with serving(written(tmp_path, leave="Everybody has 28 days.")) as running:
        until(lambda: found(running, "28 days") == ["Everybody has 28 days."])

        job = running.do(running.opened.indexing.queue.get(job_of(HANDBOOK)))

    assert job.result["added"] == 1
    assert job.result["switched"]


def test_a_file_that_is_edited_is_found_anew_without_being_told(tmp_path):
    app = written(tmp_path, leave="Everybody has 28 days.")
    with serving(app, watch=True) as running:
        until(lambda: found(running, "28 days"))

        written(tmp_path, leave="Everybody has 30 days.")

        until(lambda: found(running, "30 days") == ["Everybody has 30 days."])
        assert found(running, "28") == []


def test_a_table_that_changes_makes_a_new_index_and_a_knowledge_that_goes_is_left_alone(tmp_path):
    app = written(tmp_path, leave="Everybody has 28 days.")
    with serving(app, watch=True) as running:
        until(lambda: found(running, "28 days"))

        written(tmp_path, "[retrieve.handbook.chunk]\nsize = 200\noverlap = 0\n")

        until(lambda: "size=200" in running.do(live(running)).manifest.chunker)
        assert found(running, "28 days") == ["Everybody has 28 days."]


async def live(running):
    builds = await running.opened.store.knowledge.builds(HANDBOOK)
    return next(each for each in builds if each.state == "live")


def test_an_index_outlives_the_server_and_is_not_made_again(tmp_path):
    app = written(tmp_path, leave="Everybody has 28 days.")
    store = f"sqlite:{tmp_path}/data"
    with serving(app, store=store) as running:
        until(lambda: found(running, "28 days"))

    with serving(app, store=store) as running:
        assert found(running, "28 days") == ["Everybody has 28 days."]
        done = running.do(running.opened.indexing.wake(HANDBOOK))
        until(lambda: running.do(running.opened.indexing.queue.get(done.id)).runs == 2)
        job = running.do(running.opened.indexing.queue.get(done.id))

    assert (job.result.get("added", 0), job.result["unchanged"]) == (0, 1)


def test_metrics_tell_how_fresh_it_is_and_what_was_put_aside(tmp_path):
    app = written(tmp_path, leave="Everybody has 28 days.", junk="-" * 500)
    with serving(app) as running:
        until(lambda: found(running, "28 days"))
        until(lambda: running.opened.indexing.counted("documents"))

        text = httpx2.get(f"{running.url}/metrics").text

    labels = '{app="demo",knowledge="handbook",source="docs/**/*.md"}'
    assert f"rowen_knowledge_documents{labels} 1" in text
    assert f"rowen_knowledge_quarantined{labels} 1" in text
    assert f"rowen_knowledge_source_ill{labels} 0" in text
    assert f"rowen_knowledge_lag_seconds{labels}" in text


def test_a_reranker_out_of_reach_costs_the_order_not_the_answer_and_is_counted(tmp_path):
    app = written(tmp_path, 'rerank = "http://127.0.0.1:9/rerank"\n', leave="Everybody has 28 days of leave a year.")
    app.write_text(app.read_text().replace('"echo"', '"extract"'))
    with serving(app) as running:
        until(lambda: found(running, "28 days"))
        body = {"model": "demo", "messages": [{"role": "user", "content": "How many days of leave has everybody?"}]}
        headers = {"authorization": f"Bearer {running.key}"}

        answer = httpx2.post(f"{running.url}/v1/chat/completions", json=body, headers=headers)
        metrics = httpx2.get(f"{running.url}/metrics").text

    assert "28 days" in answer.json()["choices"][0]["message"]["content"]
    assert answer.headers["x-rowen-warnings"] == "partial"
    assert 'rowen_search_left_out_total{app="demo",knowledge="handbook",stage="rerank"} 1' in metrics


@pytest.mark.parametrize("more", ['[retrieve.other]\nsource = "x"\n', ""])
def test_knowledge_is_named_by_its_app_and_its_name(tmp_path, more):
    with serving(written(tmp_path, more, leave="Everybody has 28 days.")) as running:
        indexing = running.opened.indexing

        assert indexing.named("demo", "handbook").collection == HANDBOOK
        if not more:
            assert indexing.named("", "").collection == HANDBOOK


def test_a_model_of_the_app_rewrites_questions_without_looking_anything_up_for_that(tmp_path):
    app = APP.replace('embed = ""', 'embed = ""\nrewrite = "model"')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Everybody has 28 days.")
    (tmp_path / "app.toml").write_text(app)
    with serving(tmp_path / "app.toml") as running:
        until(lambda: found(running, "28 days"))

        answer = asked(running, running.key, "How many days?", model="echo")

    assert answer == "How many days?"  # a search that asked for a search would never end


@pytest.mark.parametrize("asking", ['rewrite = "model"', 'rerank = "model:echo"'])
def test_a_model_that_is_told_a_tenants_question_leaves_its_trace_with_that_tenant_alone(tmp_path, asking):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Everybody has 28 days.")
    (tmp_path / "app.toml").write_text(APP.replace('embed = ""', f'embed = ""\n{asking}'))
    with serving(tmp_path / "app.toml") as running:
        until(lambda: found(running, "28 days"))
        asked(running, running.new_key("a", tenant="acme"), "How many days?", model="echo")

        running.do(running.opened.traces_written())
        traces = running.do(running.opened.store.traces.find(TraceFilter(feature="retrieve")))

    assert {each.tenant for each in traces} == {"acme"}


def test_lists_and_cases_have_the_question_without_the_apps_prompt_and_sources(tmp_path):
    (tmp_path / "system.md").write_text("Be brief.")
    app = written(tmp_path, '[prompt]\nsystem = "system.md"\n', leave="Everybody has 28 days.")
    with serving(app) as running:
        until(lambda: found(running, "28 days"))
        answer = asked(running, running.new_key("a"), "How many days?", model="echo")

        running.do(running.opened.traces_written())
        (row,) = running.do(running.opened.store.traces.find(TraceFilter(app="demo", model="echo")))
        store = running.opened.store
        cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=FakeClock())
        case = running.do(cases.of_trace(row.id, Case(id="", tenant="default")))

    assert "28 days" in answer  # the echo tells that the model was given the sources
    assert row.asked == "How many days?"
    assert case.input == [{"role": "user", "content": "How many days?"}]


def test_documents_are_for_callers_of_every_tenant_but_those_that_name_one(tmp_path):
    rules = '[[retrieve.handbook.source.options.rules]]\nmatch = "docs/acme*"\naccess = ["tenant:acme"]\n'
    quoting = '[models.quote]\nprovider = "extract"\n'
    app = written(tmp_path, all="Everybody has 28 days.", acme="Acme has 30 days.")
    app.write_text(APP.replace("source =", "source.at =") + rules + quoting)
    with serving(app) as running:
        until(lambda: found(running, "days") == ["Everybody has 28 days."])

        ours = asked(running, running.key, "How many days has everybody?")
        shared = asked(running, running.new_key("a", tenant="acme"), "How many days has everybody?")
        acme = asked(running, running.new_key("b", tenant="acme"), "How many days has Acme?")
        other = asked(running, running.new_key("c", tenant="other"), "How many days has Acme?")

    assert "28 days" in ours
    assert "28 days" in shared
    assert "30 days" in acme
    assert "30 days" not in other


def asked(running, key: str, question: str, model: str = "quote") -> str:
    answer = httpx2.post(
        f"{running.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": model, "messages": [{"role": "user", "content": question}]},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def test_a_bridge_to_another_model_is_known_wherever_the_app_is_served(tmp_path):
    bridge = Bridge(
        app="demo", collection="handbook", old="a", new="b", dimensions=(1, 1), matrix="", pairs=100,
        mapped=0.2, own=0.3, lexical=0.25,
    )  # fmt: skip
    with serving(written(tmp_path, leave="Everybody has 28 days.")) as running:
        indexing = running.opened.indexing
        running.do(indexing.states.bridges.put(bridge))

        running.do(indexing.refresh())

        assert indexing.bridges.known == {("demo", "handbook", "b", "a"): bridge}


def test_no_question_fails_while_the_index_is_made_anew_and_takes_over(tmp_path):
    houses = {
        f"house{nth}": f"# House {nth}\n\nHouse {nth} has {nth + 100} rooms. " + "Rain fell. " * 40 for nth in range(40)
    }
    app = written(tmp_path, '[models.quote]\nprovider = "extract"\n', **houses)
    plain = app.read_text()
    right: list[bool] = []
    over = threading.Event()
    with serving(app, store=f"sqlite:{tmp_path}/data", watch=True) as running:
        until(lambda: len(found(running, "rooms")) >= 20)

        def ask(first: int) -> None:
            with httpx2.Client(timeout=30) as client:
                for nth in itertools.count(first):
                    if over.is_set():
                        return
                    house = nth * 7 % 20
                    answer = client.post(
                        f"{running.url}/v1/chat/completions",
                        headers={"authorization": f"Bearer {running.key}"},
                        json={
                            "model": "quote",
                            "messages": [{"role": "user", "content": f"{nth}: how many rooms has house {house}?"}],
                        },
                    )
                    right.append(answer.status_code == 200 and f"{house + 100} rooms" in answer.text)

        askers = [threading.Thread(target=ask, args=(first,)) for first in (0, 1_000, 2_000)]
        for asker in askers:
            asker.start()
        switched = []
        for size in (300, 200, 300):  # the last goes back to an index that was kept
            asked_before = len(right)
            app.write_text(f"{plain}\n[retrieve.handbook.chunk]\nsize = {size}\noverlap = 100\n")
            until(lambda size=size: f"size={size}" in running.do(live(running)).manifest.chunker)
            until(lambda before=asked_before: len(right) > before + 5)
            switched.append(running.do(live(running)).id)
        over.set()
        for asker in askers:
            asker.join()

    assert switched[0] == switched[2] != switched[1]
    assert len(right) > 15
    assert right.count(False) == 0
