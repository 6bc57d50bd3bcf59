import time
from collections import Counter
from pathlib import Path

from rowen.jobs import Queue
from rowen.store.catalog import open_store
from rowen.values import SystemClock

LABORER = Path(__file__).with_name("laborer.py").read_text(encoding="utf-8")


def lines(path):
    return path.read_text().split() if path.exists() else []


async def test_a_job_whose_process_is_killed_again_and_again_pays_for_each_step_that_was_kept_once(
    tmp_path, run_program
):
    store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
    queue = Queue(store.records, SystemClock())
    await queue.add("work", id="the-job")
    kills = 0

    for enough in (5, 15, 25):
        process = run_program(LABORER, tmp_path, 0.5)
        while len(lines(tmp_path / "paid")) < enough and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        kills += process.wait() == -9
    assert run_program(LABORER, tmp_path, 0.5).wait(120) == 0

    job = await queue.get("the-job")
    await store.close()
    paid = Counter(map(int, lines(tmp_path / "paid")))
    assert (job.state, job.result) == ("done", {"total": sum(number * number for number in range(40))})
    assert sorted(paid) == list(range(40))
    assert sum(count - 1 for count in paid.values()) <= kills == 3  # at most the step under way at each kill


async def test_two_processes_share_one_job_without_paying_twice(tmp_path, run_program):
    store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
    queue = Queue(store.records, SystemClock())
    await queue.add("work", id="the-job")

    # A lease that no busy machine lets lapse: who has the job keeps it to its end.
    both = [run_program(LABORER, tmp_path, 60) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]

    await store.close()
    assert Counter(map(int, lines(tmp_path / "paid"))) == Counter(range(40))
