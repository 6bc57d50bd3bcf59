"""Other vector stores, in an environment of their own: `python bench/retrieval/engines.py NAME VECTORS.npy QUESTIONS.npy`.

Each builds an index of the vectors with the number of their hundred modulo 10 and 100 as metadata, answers the questions with the ten
nearest of all, of one in ten and of one in a hundred, and prints what it found and took as JSON.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

TOP = 10
FILTERS = {"all": 1, "1 in 10": 10, "1 in 100": 100}


def chroma(vectors, folder):
    import chromadb  # noqa: PLC0415 - each peer alone must be there

    client = chromadb.PersistentClient(path=folder, settings=chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("bench", metadata={"hnsw:space": "cosine"})
    yield
    for at in range(0, len(vectors), 5_000):
        some = range(at, min(at + 5_000, len(vectors)))
        collection.add(
            ids=[str(each) for each in some],
            embeddings=vectors[at : at + 5_000],
            metadatas=[{"tenth": each // 100 % 10, "hundredth": each // 100 % 100} for each in some],
        )
    where = {"all": None, "1 in 10": {"tenth": 0}, "1 in 100": {"hundredth": 0}}
    yield lambda question, label: [
        int(each) for each in collection.query(query_embeddings=[question], n_results=TOP, where=where[label])["ids"][0]
    ]


def lancedb(vectors, folder):
    import lancedb as library  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    base = library.connect(folder)
    yield
    count, wide = vectors.shape
    hundreds = np.arange(count) // 100
    columns = {
        "id": pa.array(np.arange(count)),
        "tenth": pa.array(hundreds % 10),
        "hundredth": pa.array(hundreds % 100),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), wide),
    }
    table = base.create_table("bench", pa.table(columns))
    table.create_index(metric="cosine", vector_column_name="vector")
    table.create_scalar_index("tenth")
    table.create_scalar_index("hundredth")
    where = {"1 in 10": "tenth = 0", "1 in 100": "hundredth = 0"}

    def ask(question, label):
        query = table.search(question).metric("cosine").limit(TOP).refine_factor(10).select(["id"])
        if label in where:
            query = query.where(where[label], prefilter=True)
        return [each["id"] for each in query.to_list()]

    yield ask


def usearch(vectors, _folder):
    """int8 in memory. It has no filters here: ever more are asked for until enough of them pass, as an engine without would."""
    from usearch.index import Index  # noqa: PLC0415

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="i8")
    yield
    index.add(np.arange(len(vectors)), vectors, threads=1)

    def ask(question, label):
        wanted = TOP * 3 * FILTERS[label]
        while True:
            keys = [int(each) for each in index.search(question, wanted).keys]
            passed = [each for each in keys if each // 100 % FILTERS[label] == 0]
            if len(passed) >= TOP or wanted >= len(vectors):
                # int8 is coarse: the best are put in order by the vectors themselves
                best = np.array(passed[: TOP * 3])
                return best[np.argsort(-(vectors[best] @ question))[:TOP]].tolist()
            wanted = min(wanted * 4, len(vectors))

    yield ask


def memory():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    given, asked = np.load(sys.argv[2]), np.load(sys.argv[3])
    with TemporaryDirectory() as place:
        steps = globals()[sys.argv[1]](given, place)
        next(steps)
        before, started = memory(), time.process_time()
        answer = next(steps)
        built = time.process_time() - started
        found = {}
        for label in FILTERS:
            answer(asked[0], label)
            started = time.process_time()
            places = [answer(each, label) for each in asked]
            found[label] = {"ms": (time.process_time() - started) / len(asked) * 1e3, "places": places}
        json.dump({"build_s": built, "memory_mb": memory() - before, "found": found}, sys.stdout)
