"""What other search libraries find, in an environment of their own: reads a set as JSON lines, writes rankings as JSON.

    python bench/retrieval/peers.py NAME < SET > RANKINGS

The first line of the set is a list of `[id, text]`, the second a list of questions.
"""

import json
import re
import sys
import time

LIMIT = 100


def bm25s(documents, questions):
    import bm25s as library  # noqa: PLC0415 - each peer alone must be there

    started = time.process_time()
    index = library.BM25()
    index.index(library.tokenize([text for _, text in documents], show_progress=False), show_progress=False)
    built = time.process_time() - started
    started = time.process_time()
    rankings = []
    for question in questions:
        tokens = library.tokenize([question], show_progress=False)
        found, _ = index.retrieve(tokens, k=min(LIMIT, len(documents)), show_progress=False)
        rankings.append([documents[int(at)][0] for at in found[0]])
    return rankings, built, time.process_time() - started


def tantivy(documents, questions):
    import tantivy as library  # noqa: PLC0415

    schema = library.SchemaBuilder()
    schema.add_text_field("id", stored=True, tokenizer_name="raw")
    schema.add_text_field("text", tokenizer_name="en_stem")
    index = library.Index(schema.build())
    started = time.process_time()
    writer = index.writer(50_000_000, 1)
    for id, text in documents:
        writer.add_document(library.Document(id=[id], text=[text]))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    built = time.process_time() - started
    searcher = index.searcher()
    started = time.process_time()
    rankings = []
    for question in questions:
        query = index.parse_query(" ".join(re.findall(r"\w+", question)), ["text"])
        found = searcher.search(query, LIMIT).hits
        rankings.append([searcher.doc(address)["id"][0] for _, address in found])
    return rankings, built, time.process_time() - started


if __name__ == "__main__":
    given, asked = (json.loads(line) for line in sys.stdin)
    made, build_s, spent_s = globals()[sys.argv[1]](given, asked)
    json.dump({"rankings": made, "build_s": build_s, "query_ms": spent_s / len(asked) * 1e3}, sys.stdout)
