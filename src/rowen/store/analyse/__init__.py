"""Words of texts for the lexical search, after the language: stems, parts of names in code, pairs and triples of letters."""

from rowen.store.analyse.terms import Bag, asked, bag, way_of

__all__ = ["Bag", "asked", "bag", "way_of"]
