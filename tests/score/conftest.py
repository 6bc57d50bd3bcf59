import pytest

from rowen.provider.echo import vector
from rowen.score.base import Ports, Subject
from rowen.score.catalog import make


@pytest.fixture
def judged():
    """Judges an answer with a kind of scorer; returns its verdicts by part."""

    async def judge(
        kind, answer, *, embed=None, ask=None, references=(), contexts=(), question="", usage=None, **options
    ):
        subject = Subject(question=question, answer=answer, references=tuple(references), contexts=tuple(contexts))
        if usage:
            subject = subject.but(usage=usage)
        verdicts = await make(kind, options, Ports(embed=embed, ask=ask))(subject)
        return {verdict.part: verdict for verdict in verdicts}

    return judge


@pytest.fixture
def letters():
    """An embedder by the words of a text, deterministic and in process."""

    async def embed(texts):
        return [vector(text, 64) for text in texts]

    return embed
