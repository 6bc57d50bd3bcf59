"""Parser: source code. What is defined at the left margin or one step in becomes a section, so that chunks know theirs."""

import re

from rowen.retrieve.parse.base import Heading, Limits, Parsed, sections_of
from rowen.retrieve.parse.decode import decoded
from rowen.retrieve.parse.kinds import kind_of

_DEFINED = re.compile(
    r"^([ \t]{0,8})(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([a-z]+\))?|unsafe|"
    r"inline|virtual|override|open|data|sealed|partial|const)[ \t]+)*"
    r"(def|class|func|function|fn|fun|interface|struct|enum|trait|impl|module|namespace|object|type|record|protocol|extension)"
    r"[ \t]+([^\s({:;=<][^\n({:;=]{0,120})",
    re.MULTILINE,
)


def parse(data: bytes, name: str, _: Limits) -> Parsed:
    """Return code with what it defines."""
    found = decoded(data)
    margins = sorted({len(each[1].expandtabs(4)) for each in _DEFINED.finditer(found.text)})
    headings = [
        Heading(each.start(), margins.index(len(each[1].expandtabs(4))) + 1, f"{each[2]} {each[3].strip()}")
        for each in _DEFINED.finditer(found.text)
    ]
    return Parsed(
        text=found.text,
        kind="code",
        title=name,
        language=kind_of(data, name).language,
        sections=sections_of(headings, len(found.text)),
        flags=("recoded",) if found.encoding else (),
    )
