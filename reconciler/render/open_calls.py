"""The open calls that a recovery found, and what a person must check."""

from collections.abc import Iterator

from reconciler.core.recovery.open_calls import OpenCall, Recovery, hours
from reconciler.render.styled_text import BLANK, Line, line


def open_lines(recovery: Recovery) -> Iterator[Line]:
    """The open calls and the spill file, as they were found."""
    for call in recovery.open:
        yield from _open(call)
    if recovery.open:
        yield BLANK
    if not recovery.spill_file:
        return
    yield line(("Spill file ", "strong"), recovery.spill_file)
    for kept in recovery.records:
        number = f" ({kept.outcome.number})" if kept.outcome.number else ""
        yield line(
            f"  the {kept.act.value} of {kept.address.name}: {kept.outcome.result.value}{number}"
        )
    for problem in recovery.problems:
        yield line(("  does not match: ", "bad"), problem)
    yield BLANK


def verdict_lines(recovery: Recovery) -> Iterator[Line]:
    """What is still unknown."""
    if recovery.problems:
        yield line(
            "To fix: Check the spill file. --set-aside imports what matches and renames the file. "
            "The rest is read from the ledger."
        )
        return
    if recovery.complete:
        yield line(("Nothing is open.", "good"))
        return
    if not recovery.changed:
        yield line("Without --dry-run, this command settles what can be settled now.")
        return
    yield line(("Outcome unknown, to be checked by a person:", "bad"))
    for item in recovery.unknown:
        number = f" ({item.number})" if item.number else ""
        yield line("  ", (f"{item.act} {item.address}", "strong"), number)
        if item.message:
            yield line(item.message, indent=6)


def _open(call: OpenCall) -> Iterator[Line]:
    number = f"  {call.number}" if call.number else ""
    yield line(("Open: ", "warning"), (f"{call.act} {call.address}", "strong"), number)
    since = (
        "at an unknown time (the ledger sent no Date header)"
        if call.since is None
        else (f"at {call.since:%Y-%m-%d %H:%M:%S} UTC by the ledger's clock")
    )
    age = "" if call.age is None else f", {hours(call.age)} ago"
    yield line(f"intended {since}{age}; track id {call.track_id or 'none'}", indent=6)
    yield line(call.settled_by, indent=6)
