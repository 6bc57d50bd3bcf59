"""A batch whose process is killed goes on in the next one."""

import json
import time
from collections import Counter
from pathlib import Path

from rowen.batch.desk import Wish

from .conftest import HOLDER, chunks, standing

LABORER = Path(__file__).with_name("laborer.py").read_text(encoding="utf-8")


def paid(folder):
    file = folder / "paid"
    return file.read_text().split() if file.exists() else []


async def test_a_batch_whose_process_is_killed_again_and_again_has_every_result_once(tmp_path, run_program):
    ids = [f"r{number}" for number in range(90)]
    text = "".join(json.dumps({"custom_id": id, "method": "POST", "url": "/v1/x", "body": {}}) + "\n" for id in ids)
    async with standing(f"sqlite:{tmp_path}/data") as bench:
        file = await bench.files.keep(HOLDER, "a.jsonl", chunks(text.encode()))
        made = await bench.batches.make(HOLDER, Wish(endpoint="/v1/x", input=file.id, window="7d"))
        # It was made at the time of a clock that stands still; the processes have the machine's.
        await bench.batches.shelf.amend(made.id, lambda batch: batch.but(deadline_ns=2**62))
        await bench.queue.change(made.id, None, lambda job: job.but(due_ns=1))

        for enough in (20, 50):
            process = run_program(LABORER, tmp_path)
            while len(paid(tmp_path)) < enough and process.poll() is None:
                time.sleep(0.002)
            process.kill()
            assert process.wait() == -9
        assert run_program(LABORER, tmp_path).wait(120) == 0

        done = await bench.now(made)
        counts = Counter(paid(tmp_path))
        assert (done.state, done.tally.ok) == ("completed", 90)
        assert [each["id"] for each in await bench.results(done.output)] == ids
        assert counts.keys() == set(ids)
        assert sum(count - 1 for count in counts.values()) <= 2 * 3  # at most those under way at each kill
