"""What the search finds in judged sets, with intervals: `python -m bench.retrieval --data FOLDER`.

FOLDER has `scifact`, `codebases` and `chunkeval`, each with a `SOURCE.md`. Nothing here is chosen on their test questions but
what is printed. `--cache` keeps vectors between runs; the CPU of a question is then without its embedding.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bench.retrieval import sets
from bench.retrieval.quality import Figures, Kept, measured

from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.metrics import ndcg, recall
from rowen.values.interval import mean

SETS = ("codebases", "chunkeval", "scifact")


async def main(arguments: argparse.Namespace) -> None:
    every: dict[str, list[Figures]] = {}
    for name in arguments.sets.split(","):
        folder = arguments.data / name
        if not folder.is_dir():
            print(f"LEFT OUT: {folder} is not there", file=sys.stderr)
            continue
        make = getattr(sets, name)
        judged = await (make(folder, arguments.chunker, arguments.split) if name == "scifact" else make(folder))
        embed = Kept(Embedding(arguments.embed, Folder(default_place()), threads=arguments.threads), arguments.cache)
        every[name] = await measured(
            judged, embed, graph=arguments.graph, note=lambda said: print(said, file=sys.stderr, flush=True)
        )
        chunks = sum(len(item.chunks) for item in judged.items)
        print(f"\n## {name}: {len(judged.items)} documents, {chunks} chunks, {len(judged.questions)} questions")
        print(
            f"| {arguments.embed} | {every[name][0].measure} | recall@100 or precision | CPU ms a question |\n|---|---|---|---|"
        )
        for each in every[name]:
            print(f"| {each.configuration} | {_said(each.quality)} | {_said(each.second)} | {each.query_ms:.1f} |")
        if arguments.graph != "none":
            *_, plain, followed = every[name]
            pairs = [one - other for one, other in zip(followed.each, plain.each, strict=True)]
            print(f"| what the graph adds; {sum(map(bool, pairs))} questions changed | {_said(mean(pairs))} | | |")
        for peer in arguments.peers.split(",") if arguments.peers and judged.questions[0].relevant else ():
            print(_peer(peer, arguments.peer_python, judged, every[name][-1]))
        print(
            f"built in {every[name][0].build_s:.0f} CPU s, of which {embed.spent_s:.0f} for {embed.made} new vectors",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: [each._asdict() for each in some] for name, some in every.items()}, default=str)
        )


def _peer(name: str, python: str, judged: sets.Judged, ours: Figures) -> str:
    """Return a peer's row: it indexes what the judgements name, and each question is compared with ours."""
    texts: dict[str, str] = {}
    for item in judged.items:
        for chunk, id in zip(item.chunks, item.ids, strict=True):
            title = f"{item.document.title}\n" if item.document.title and id not in texts else ""
            own = item.document.text if id == item.document.id else item.document.text[chunk.start : chunk.end]
            texts[id] = title + own
    given = json.dumps(list(texts.items())) + "\n" + json.dumps([each.text for each in judged.questions])
    script = Path(__file__).with_name("peers.py")
    ran = subprocess.run([python, str(script), name], input=given, capture_output=True, text=True, check=False)
    if ran.returncode:
        return f"| {name} | LEFT OUT: {ran.stderr.strip().splitlines()[-1][:100]} | | |"
    said = json.loads(ran.stdout)
    pairs = list(zip(said["rankings"], judged.questions, strict=True))
    each = [ndcg(ranked, question.relevant, 10) for ranked, question in pairs]
    wide = mean([recall(ranked, question.relevant, 100) for ranked, question in pairs])
    better = mean([one - other for one, other in zip(ours.each, each, strict=True)])
    return f"| {name} (ours − it: {_said(better)}) | {_said(mean(each))} | {_said(wide)} | {said['query_ms']:.1f} |"


def _said(interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--cache", type=Path, default=Path(".cache/bench-retrieval"))
parser.add_argument("--sets", default=",".join(SETS))
parser.add_argument("--embed", default="minilm")
parser.add_argument("--chunker", default="overlap", help="of scifact")
parser.add_argument("--graph", default="none", help="none or rules")
parser.add_argument("--split", default="test", help="of scifact: train or test")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--json", type=Path)
parser.add_argument("--peers", default="", help="bm25s,tantivy")
parser.add_argument("--peer-python", default=sys.executable, help="of an environment that has them")
asyncio.run(main(parser.parse_args()))
