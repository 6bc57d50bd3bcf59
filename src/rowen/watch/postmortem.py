"""An incident as a page to be read, filed and learned from."""

from rowen.values import at
from rowen.watch.incident import Incident


def post_mortem(incident: Incident) -> str:
    """Return an incident as Markdown. What nobody has written yet is asked for, not left out."""
    began, ended = at(incident.began_ns), incident.ended_ns
    minutes = f"{(ended - incident.began_ns) / 60e9:.0f} min" if ended else "it still lasts"
    found = f"{(incident.detected_ns - incident.began_ns) / 60e9:.0f} min" if incident.detected_ns else "unknown"
    lines = [
        f"# {_line(incident.title)}",
        "",
        f"- Severity: {incident.severity}, {incident.state}",
        f"- Class: {incident.error_class or 'not named'}",
        f"- Began: {began:%Y-%m-%d %H:%M} UTC; lasted: {minutes}; detected after: {found}",
        f"- Commander: {_line(incident.commander) or 'nobody'}; owner: {_line(incident.owner) or 'nobody'}",
        f"- Objective: {_line(incident.objective) or 'none'}; runbook: {_line(incident.runbook) or 'none'}",
    ]
    if incident.suspect is not None:
        name = incident.suspect.release or incident.suspect.definition
        lines.append(f"- Suspected release: `{_line(name)}`: {_line(incident.suspect.why)}")
    for title, text, asked in (
        ("Summary", incident.summary, "What happened, in three sentences?"),
        ("Impact", incident.impact, "Who noticed what, and how many were they?"),
        ("Root cause", incident.cause, "Why did it happen, and why was it not noticed before?"),
        ("What was learned", incident.learned, "What went well, what did not, where was luck?"),
    ):
        lines += ["", f"## {title}", "", text or f"*{asked}*"]
    lines += ["", "## Timeline", ""]
    lines += [
        f"- {at(moment.at_ns):%Y-%m-%d %H:%M:%S} {_line(moment.what)}{f' ({_line(moment.by)})' if moment.by else ''}"
        for moment in incident.timeline
    ] or ["*Nothing was written down.*"]
    lines += ["", "## Actions", ""]
    lines += [
        f"- [{'x' if action.done else ' '}] {_line(action.what)} — {_line(action.owner) or 'nobody'}"
        f"{f', due {_line(action.due)}' if action.due else ''}"
        for action in incident.actions
    ] or ["*None yet.*"]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())
