"""Records the entries of journal runs, so that a later plan shows which ones are gone."""

from collections.abc import Iterable

from reconciler.core.model.history import Act
from reconciler.core.model.plan import Change
from reconciler.core.planning.run_members import numbers_of
from reconciler.daybook import Intent
from reconciler.engine.intent_log import write_note
from reconciler.engine.ports import SettlingDaybook


def record_entries(daybook: SettlingDaybook, runs: Iterable[Change]) -> None:
    """Record the entries of runs of which no earlier apply recorded them. Raises DaybookError."""
    records = daybook.recorded()
    for run in runs:
        recorded, entries = records.get(run.address), numbers_of(run.members)
        if recorded is None or recorded.number != run.number or not run.number_posted:
            continue
        if not {*recorded.entries}.issuperset(entries):
            note = Intent(
                address=run.address,
                act=Act.NOTE,
                number=run.number,
                spec=recorded.spec,
                protect=recorded.protect,
            )
            write_note(daybook, note, entries)
