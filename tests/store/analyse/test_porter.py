import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rowen.store.analyse.porter import stem

ENGLISH = Path(__file__).parents[3] / "docs"


def test_stems_are_those_of_sqlite():
    texts = " ".join(path.read_text() for path in ENGLISH.rglob("*.md"))
    words = sorted({word for word in re.findall(r"[a-z]+", texts.lower()) if word != "eed"})  # which SQLite cuts to `e`
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE VIRTUAL TABLE texts USING fts5 (word, tokenize = 'porter unicode61')")
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (texts, 'instance')")
        database.executemany("INSERT INTO texts (rowid, word) VALUES (?, ?)", enumerate(words))
        theirs = dict(database.execute("SELECT doc, term FROM terms"))

    assert len(words) > 2_000
    assert {word: stem(word) for word in words} == {word: theirs[at] for at, word in enumerate(words)}


@pytest.mark.parametrize("word", ["", "is", "naïve", "año", "x2s", "日本語"])
def test_what_is_no_english_word_stays(word):
    assert stem(word) == word
