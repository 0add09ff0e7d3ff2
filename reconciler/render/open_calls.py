"""What a recovery found open, line by line, and what is left to look after by hand."""

from collections.abc import Iterator

from reconciler.core.recovery.open_calls import OpenCall, Recovery, hours
from reconciler.render.styled_text import BLANK, Line, line


def open_lines(recovery: Recovery) -> Iterator[Line]:
    """The open calls and the rescue file, as they were found."""
    for call in recovery.open:
        yield from _open(call)
    if recovery.open:
        yield BLANK
    if not recovery.rescue:
        return
    yield line(("Rescue file ", "strong"), recovery.rescue)
    for kept in recovery.kept:
        number = f" ({kept.number})" if kept.number else ""
        yield line(f"  the {kept.act.value} of {kept.address.name}: {kept.result.value}{number}")
    for problem in recovery.problems:
        yield line(("  does not fit: ", "bad"), problem)
    yield BLANK


def verdict_lines(recovery: Recovery) -> Iterator[Line]:
    """What stays unknown, and whether anything does."""
    if recovery.problems:
        yield line(
            "Look at the rescue file. With --set-aside what fits is taken in, the file is renamed, "
            "and the ledger tells the rest."
        )
        return
    if recovery.complete:
        yield line(("Nothing is open.", "good"))
        return
    if not recovery.changed:
        yield line("Without --dry-run, what can be settled now is settled.")
        return
    yield line(("Outcome unknown, to be looked after by hand:", "bad"))
    for item in recovery.unknown:
        number = f" ({item.number})" if item.number else ""
        yield line("  ", (f"{item.act} {item.address}", "strong"), number)
        if item.message:
            yield line(item.message, indent=6)


def _open(call: OpenCall) -> Iterator[Line]:
    number = f"  {call.number}" if call.number else ""
    yield line(("Open: ", "warning"), (f"{call.act} {call.address}", "strong"), number)
    since = (
        "at a time that the ledger did not tell"
        if call.since is None
        else (f"at {call.since:%Y-%m-%d %H:%M:%S} UTC by the ledger's clock")
    )
    age = "" if call.age is None else f", {hours(call.age)} ago"
    yield line(f"intended {since}{age}; track id {call.track_id or 'none'}", indent=6)
    yield line(call.settled_by, indent=6)
