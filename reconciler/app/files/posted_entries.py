"""What is posted, from the ledger or from the daybook, by the names and numbers of entries."""

import re
from collections.abc import Callable, Mapping

from reconciler.app.state_directory import require_daybook, workspace_daybook
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.history import Recorded, numbered_record
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Address, Declared, Live, Value
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.adoption import declaration_of
from reconciler.core.planning.diff import compare
from reconciler.core.planning.offline import assumed_live
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.reversals import Originals, is_number
from reconciler.core.rules.verb_rules import WRITING_RULES
from reconciler.errors import Refused, UsageError
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedEntries:
    """What is posted: read from the ledger, or assumed from the daybook."""

    read: Callable[[str], Live | None]
    periods: tuple[AccountingPeriod, ...]
    recorded: Mapping[Address, Recorded]
    applied_commit: str
    offline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A posted entry: `spec` is what is posted, `declared` is its file as it is now.

    `name` is its number where no file declares it.
    """

    name: str
    number: str
    spec: Mapping[str, Value]
    live: Live
    declared: Declared | None
    recorded: Recorded | None

    @property
    def is_edited(self) -> bool:
        """Whether the file says something else than what is posted."""
        return self.declared is not None and not self.equals(self.declared)

    @property
    def made_by(self) -> str:
        """The journal run that made the entry, as its file states it."""
        return (self.declared.made_by if self.declared is not None else None) or ""

    def equals(self, declared: Declared) -> bool:
        """Whether a declaration is what is posted."""
        applied = self.recorded.spec if self.recorded is not None else None
        return not compare(JOURNAL_ENTRY, declared.spec, applied, self.spec, manage_observed=False)


def assumed_posted(workspace: CheckedWorkspace) -> PostedEntries:
    settings = require_valid(workspace)
    with workspace_daybook(workspace.root, settings) as daybook:
        require_daybook(daybook.lineage)
        recorded, commit = daybook.recorded(), daybook.applied_commit
    live = assumed_live({}, recorded, workspace.tenant, marked_in=settings.marker)
    return PostedEntries(
        read=live.get,
        periods=workspace.tenant.periods,
        recorded=recorded,
        applied_commit=commit,
        offline=True,
    )


def original_of(named: str, *, workspace: CheckedWorkspace, posted: PostedEntries) -> Original:
    """The posted entry of a name or a number. Raises Refused, and UsageError for an unknown one."""
    if is_number(named) and not re.fullmatch(JOURNAL_ENTRY.number_pattern, named):
        raise UsageError(
            f"{named} is not the number of an entry", remedy="Write a number such as JE-00000042."
        )
    marker = require_valid(workspace).marker
    declared, recorded = workspace.declared, posted.recorded
    entries = (one for one in declared.values() if one.address.kind == JOURNAL_ENTRY.name)
    numbers = {one.number: address for address, one in recorded.items() if one.number}
    file = Originals(entries, numbers).named(named)
    unfiled = numbers.get(named) or Address(JOURNAL_ENTRY.name, named)
    address = file.address if file is not None else unfiled
    runs = {one for one in (*declared, *recorded) if one.kind != JOURNAL_ENTRY.name}
    unknown = file is None and address not in recorded
    if address in runs or (unknown and named in {one.name for one in runs}):
        raise UsageError(
            f"{named} is a journal run, and its entries are reversed one by one",
            remedy="Name them by their JE numbers, which `reconciler daybook show` lists.",
        )
    record = numbered_record(address, file, recorded.get)
    number = named if is_number(named) else (record.number if record else None)
    number = number or (file.adopts if file is not None else None)
    if number is None and file is None and record is None:
        names = (one.name for one in (*declared, *recorded) if one.kind == JOURNAL_ENTRY.name)
        close = nearest(named, KnownNames(names))
        raise UsageError(
            f"no entry is named {named}",
            remedy=close or "For an entry outside the workspace write its JE number.",
        )
    live = posted.read(number) if number is not None else None
    if live is None or live.status not in JOURNAL_ENTRY.posted_states:
        state = "not posted" if live is None else live.status
        raise verb_refused("reversal-cancelled", f"{number or named} is {state}")
    spec = declaration_of(JOURNAL_ENTRY, live, marker_place=marker, tenant=workspace.tenant)
    if posted.offline and record is not None and record.spec is not None:
        spec = record.spec
    return Original(
        # What no file declares any more is named by its number.
        name=file.address.name if file is not None else live.number,
        number=live.number,
        spec=spec,
        live=live,
        declared=file,
        recorded=record,
    )


def verb_refused(rule: str, fact: str, remedy: str = "") -> Refused:
    """The refusal of a verb under one of its rules; `remedy` replaces that of the rule."""
    rules = {**WRITING_RULES, **PLAN_RULES}
    return Refused(f"{rule}: {fact}", remedy=remedy or rules[rule].remedy)
