import pytest

from rowen.values import Passage


@pytest.fixture
def passage():
    def make(text: str, document: str = "a", start: int = 0, **fields) -> Passage:
        return Passage(
            document=document,
            version="1",
            source="docs",
            uri=f"{document}.md",
            title=document.upper(),
            start=start,
            end=start + len(text),
            text=text,
            **fields,
        )

    return make
