"""Citations in the vendors' shapes. What a vendor has no field for stands under `rowen`."""

from collections.abc import Sequence
from typing import Any

from rowen.values import Choice, Citation, Finished


def annotations_of(ended: Choice | Finished) -> list[Any]:
    """Return the annotations of a choice in OpenAI's chat shape: the upstream's own, then ours."""
    return [*ended.extra.get("annotations", ()), *map(_url_citation, ended.citations)]


def locations_of(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    """Return the citations of a text block in Anthropic's shape for search results."""
    return [
        {
            "type": "search_result_location",
            "source": each.uri,
            "title": each.title or None,
            "cited_text": each.text,
            "search_result_index": each.number - 1,
            "start_block_index": 0,
            "end_block_index": 1,
            "rowen": _ours(each),
        }
        for each in citations
    ]


def _url_citation(citation: Citation) -> dict[str, Any]:
    told = {
        "start_index": citation.said_start,
        "end_index": citation.said_end,
        "title": citation.title or citation.uri,
        "url": citation.uri,
        "rowen": {**_ours(citation), "cited_text": citation.text},
    }
    return {"type": "url_citation", "url_citation": told}


def _ours(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "document": citation.document,
        "version": citation.version,
        "section": list(citation.path),
        "start": citation.start,
        "end": citation.end,
        "support": citation.support,
        "verified": citation.verified,
        "marked": citation.marked,
        "stale": citation.stale,
        **({"query": citation.query} if citation.query else {}),
    }
