"""Which posted entries would have another content, if schedules were computed again."""

from collections import Counter
from collections.abc import Iterator, Mapping

from reconciler.core.model.canonical import canonical_json, header
from reconciler.core.model.history import Recorded, numbered_record
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Address, Declared, Value, rows_of
from reconciler.core.planning.schedules.generation import GeneratedEntry


def restated(
    wanted: Mapping[Address, GeneratedEntry],
    declared: Mapping[Address, Declared],
    recorded: Mapping[Address, Recorded],
) -> Iterator[tuple[Address, Address]]:
    """The posted entries that change, each with its source. Notes are no content.

    `declared` are the entries that are generated now. One that is no longer `wanted` changes too.
    """
    for address in sorted({*wanted, *declared}):
        new = wanted[address].declared if address in wanted else None
        old = declared.get(address)
        posted = numbered_record(address, new or old, recorded.get)
        if posted is None or posted.cancelled or posted.spec is None:
            continue
        by = (new or declared[address]).generated_by
        assert by is not None
        if new is not None and old is not None and new.spec == old.spec:
            continue
        if new is None or _content(new.spec) != _content(posted.spec):
            yield address, by


def _content(spec: Mapping[str, Value]) -> tuple[str, Counter[str]]:
    kind = JOURNAL_ENTRY
    fields = {name: value for name, value in header(kind, spec).items() if name != "notes"}
    rows = (
        {name: value for name, value in line.items() if name != "notes"}
        for line in rows_of(spec.get(kind.lines))
    )
    return canonical_json(fields), Counter(map(canonical_json, rows))
