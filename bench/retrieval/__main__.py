"""What the search finds in judged sets, with intervals: `python -m bench.retrieval --data FOLDER`.

FOLDER has `scifact`, `codebases` and `chunkeval`, each with a `SOURCE.md`. Nothing here is chosen on their test questions but
what is printed. `--cache` keeps vectors between runs; the CPU of a question is then without its embedding.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bench.retrieval import sets
from bench.retrieval.quality import Figures, Kept, measured

from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place

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
        every[name] = await measured(judged, embed, note=lambda said: print(said, file=sys.stderr, flush=True))
        chunks = sum(len(item.chunks) for item in judged.items)
        print(f"\n## {name}: {len(judged.items)} documents, {chunks} chunks, {len(judged.questions)} questions")
        print(
            f"| {arguments.embed} | {every[name][0].measure} | recall@100 or precision | CPU ms a question |\n|---|---|---|---|"
        )
        for each in every[name]:
            label = (
                f"{each.configuration} (share {each.weight})" if each.configuration == "hybrid" else each.configuration
            )
            print(f"| {label} | {_said(each.quality)} | {_said(each.second)} | {each.query_ms:.1f} |")
        print(
            f"built in {every[name][0].build_s:.0f} CPU s, of which {embed.spent_s:.0f} for {embed.made} new vectors",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: [each._asdict() for each in some] for name, some in every.items()}, default=str)
        )


def _said(interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--cache", type=Path, default=Path(".cache/bench-retrieval"))
parser.add_argument("--sets", default=",".join(SETS))
parser.add_argument("--embed", default="minilm")
parser.add_argument("--chunker", default="overlap", help="of scifact")
parser.add_argument("--split", default="test", help="of scifact: train or test")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--json", type=Path)
asyncio.run(main(parser.parse_args()))
