"""The table `[retrieve.NAME]`: where documents come from, how they are indexed, and how they are searched."""

from typing import Any, Literal

from rowen.config import Duration, TextFile
from rowen.retrieve.calibration import ChanceTable
from rowen.values import Fact, Settings

CHARACTERS = 4
"""Of a token, about, in languages of letters."""


Notice = Literal["unsure", "partial", "stale", "conflict", "instructions_in_source", "nothing_found"]
"""The warnings that an answer may have; one that says `unknown` is a sentence of its own."""


class SourceTable(Settings, frozen=True, kw_only=True):
    """One place that documents come from."""

    kind: str = "files"
    """A kind of the source reference: `files`, `s3`, `sitemap`, `sql`, or another package's."""
    at: str = ""
    """Where: a glob relative to the `app.toml`, a URL, a query; the kind says which."""
    options: dict[str, Any] = {}
    """The kind's own settings; see its reference."""
    every: Duration = 0
    """How often to look for changes; 0: only when told, and on a change of files while `rowen dev` runs."""
    access: tuple[str, ...] = ()
    """Groups of which a reader needs one; empty: everybody who may call the app."""
    metadata: dict[str, Fact] = {}
    """Put on each of its documents."""
    stale_after: Duration = 0
    """Answers are marked when the source could not be read for so long; 0: never."""


class ChunkTable(Settings, frozen=True, kw_only=True):
    """How documents are cut."""

    kind: str = "overlap"
    """A kind of the chunker reference: `overlap`, `recursive`, `sentence`, `structure`, `whole`, `parent`, `tokens`."""
    size: int = 800
    """Characters of a chunk (for `tokens`: tokens)."""
    overlap: int = 400
    """Of them, how many it shares with the one before."""
    context: str = "free"
    """What a chunk is given of what it lost: `none`; `free`: title, heading path and head of the document; `model:NAME`."""


class GateTable(Settings, frozen=True, kw_only=True):
    """What is done with documents that may be no use, or harm: `refuse` puts them aside with the reason, `flag` marks them."""

    junk: Literal["refuse", "flag", "off"] = "refuse"
    """Texts without words, the same line again and again, pages of errors."""
    duplicate: Literal["refuse", "flag", "off"] = "refuse"
    """The same words as another document that the same readers may read."""
    near_duplicate: Literal["refuse", "flag", "off"] = "flag"
    """Nearly the same words as another document."""
    resemblance: float = 0.8
    """Share of the runs of five words of both documents that both have, from where on they are near duplicates."""
    injection: Literal["refuse", "flag", "off"] = "flag"
    """Sentences that speak to the model instead of the reader. Flagged or not, a passage is never an instruction."""


class WithinTable(Settings, frozen=True, kw_only=True):
    """How long stages of a search may take, such as `300ms`; 0: as long as they take. What takes longer is left out."""

    rewrite: Duration = 0
    """Else the question is searched as it was said."""
    embed: Duration = 0
    """Else it is searched by words alone."""
    dense: Duration = 0
    """Else by words alone; of both ways the quicker one is always waited for."""
    lexical: Duration = 0
    """Else by meaning alone."""
    tables: Duration = 0
    """Else figures are looked for in texts alone."""
    graph: Duration = 0
    """Else no relations are followed."""
    rerank: Duration = 0
    """Else the order of the fusion stays."""
    diversify: Duration = 0
    """Else the best are taken, alike or not."""
    whole: Duration = 0
    """All of them together: what has not ended by then is left out, what has not begun is not begun."""


class RetrieveSettings(Settings, frozen=True, kw_only=True):
    """Something the app knows."""

    source: str | SourceTable | tuple[SourceTable, ...] = ()
    """A glob of files relative to the `app.toml`, or tables of sources."""
    chunk: ChunkTable = ChunkTable()
    """How documents are cut."""
    gate: GateTable = GateTable()
    """What documents must be to be taken in."""
    embed: str = "minilm"
    """A model of `[models]`, or a bundled one: `minilm`, `wordllama`; empty: lexical search alone."""
    adapter: TextFile | None = None
    """A query adapter that `rowen tune --adapter` learnt from judged questions."""
    storage: Literal["float32", "float16", "int8", "binary"] = "float32"
    """How vectors are kept."""
    top: int = 6
    """Passages given to the model."""
    budget: int = 1500
    """Tokens that they may take in the prompt."""
    order: Literal["best", "edges", "document"] = "best"
    """How passages stand in the prompt: the best first, the best at both ends, or as in their documents."""
    per_source: float = 1.0
    """The share of the passages that one document may have."""
    graph: str = "none"
    """What finds what documents say of named things, so that questions follow it: `none`; `rules` (English); `model:NAME`."""
    tables: str = "rules"
    """What asks tables for figures: `rules`, for plain English; `model:NAME`, where rules are not sure, writes SQL; `none`."""
    search: Literal["hybrid", "dense", "lexical"] = "hybrid"
    """Which ways of searching are used."""
    weight: float | None = None
    """The dense way's share in the fusion, 0 to 1; left out: 0.2."""
    rerank: str = ""
    """`model:NAME` (listwise, by a model of the app), `onnx:PATH`, or `http…` of a rerank endpoint; empty: none."""
    rewrite: Literal["none", "turns", "model"] = "turns"
    """How the question is made: as it is said; with recent turns folded in; rewritten by the app's model."""
    diversity: float = 0.0
    """MMR: 0 takes the best passages, towards 1 those that differ."""
    half_life: Duration = 0
    """Age after which a document counts half; 0: age does not count."""
    answer_above: float | None = None
    """Below this the app says that it does not know; found from data by `rowen tune`. Left out: never."""
    within: WithinTable = WithinTable()
    """How long each stage of a search may take before it is left out; the answer bears the warning `partial`."""
    chance: ChanceTable | None = None
    """How likely what was found answers, by how sure the search is; found from data by `rowen index calibrate`."""
    unsure_below: float | None = None
    """Below this chance (without `chance`, this confidence) an answer is given with the warning `unsure`. Left out: never."""
    notices: dict[Notice, str] = {}
    """Sentences that are put below an answer with a warning, such as `{ stale = "This may be out of date." }`; default: none."""
    unknown: str = "I do not know: nothing in my sources answers this."
    """What it says then."""
