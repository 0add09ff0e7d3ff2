"""Which entries need no read: every row of the rule, and what the rule can never conclude."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import msgspec
import pytest
from builders import (
    MARKER,
    NUMBER,
    TENANT,
    WORKSPACE,
    address,
    debit,
    declared,
    entry,
    live,
    recorded,
    snapshot,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.canonical import StoredSpec, short_digest, spec_digest, spec_text
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.plan import Action, Allowances, Basis
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import Address
from reconciler.core.planner import make_plan
from reconciler.core.planning.kept import (
    Asked,
    EntryStamp,
    Kept,
    agrees,
    is_before,
    known_settled,
    newly_kept,
    stamps_of,
    still_holds,
    to_prove,
    touched,
)
from reconciler.core.planning.offline import assumed_live
from reconciler.core.planning.snapshot import Snapshot, to_read
from reconciler.engine.live_state import LastReads, look
from reconciler.engine.search import SearchPolicy, plan_with_search

NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
READ = NOW - timedelta(hours=5)
STAMP = EntryStamp(status="Created", updated="2026-01-31 22:05:12", transferred="No")
DAYS = timedelta(days=7)


DIGEST = short_digest(declared().spec)


def kept(**more):
    return Kept(**{"live": live(), "stamp": STAMP, "read_at": READ, "spec": DIGEST, **more})


def asked(stamps=None, **more):
    return Asked(**{"stamps": {NUMBER: STAMP} | (stamps or {}), "at": NOW, "max_age": DAYS, **more})


RUN = Address("JournalRun", "run")
RULE = [
    pytest.param({}, True, id="as it was read"),
    pytest.param({"state": replace(recorded(), address=RUN)}, False, id="a journal run"),
    pytest.param({"state": recorded(number=None)}, False, id="nothing posted"),
    pytest.param({"state": recorded(cancelled=True)}, False, id="cancelled by us"),
    pytest.param({"state": recorded(unsettled=True)}, False, id="a call is open"),
    pytest.param({"state": recorded(leftovers=("JE-00000009",))}, False, id="a leftover"),
    pytest.param({"state": recorded(retired=("JE-00000009",))}, False, id="a retired number"),
    pytest.param({"state": recorded(from_run=True)}, False, id="adopted from a run"),
    pytest.param({"file": None}, False, id="no file"),
    pytest.param({"file": declared(made_by="JR-00000001")}, False, id="an entry of a run"),
    pytest.param({"file": declared(adopts="JE-00000009")}, False, id="adopts another"),
    pytest.param({"file": declared(adopts=NUMBER)}, True, id="adopted long ago"),
    pytest.param({"file": declared(entry(notes="new"))}, False, id="the file changed"),
    pytest.param({"file": declared(protect=True)}, False, id="protected since"),
    pytest.param({"last": None}, False, id="never read"),
    pytest.param({"last": kept(live=live(number="JE-00000002"))}, False, id="replaced"),
    pytest.param({"last": kept(spec="0f")}, False, id="compared with another content"),
    pytest.param({"said": asked({NUMBER: None})}, False, id="two rows"),
    pytest.param({"said": replace(asked(), stamps={})}, False, id="no row"),
    *(
        pytest.param({"said": asked({NUMBER: STAMP._replace(**moved)})}, False, id=str(moved))
        for moved in (
            {"status": "Cancelled"},
            {"updated": "2026-01-31 22:05:13"},
            {"updated": "2026-01-31 22:05:11"},
            {"transferred": "Processing"},
            {"transferred": ""},
        )
    ),
    pytest.param({"last": kept(read_at=NOW - DAYS)}, True, id="the last day"),
    pytest.param({"last": kept(read_at=NOW - DAYS - timedelta(seconds=1))}, False, id="old"),
    pytest.param({"last": kept(read_at=NOW + timedelta(seconds=1))}, False, id="the future"),
]


@pytest.mark.parametrize(("given", "expected"), RULE)
def test_an_entry_is_read_unless_everything_speaks_for_its_last_read(given, expected):
    last = given["last"] if "last" in given else kept()
    file = given["file"] if "file" in given else declared()
    said, state = given.get("said", asked()), given.get("state", recorded())
    assert still_holds(state, file, last, said) is expected


@pytest.mark.parametrize(
    ("stamp", "before"),
    [
        pytest.param("2026-02-03 11:59:58", True, id="two seconds"),
        pytest.param("2026-02-03 11:59:59", False, id="one second"),
        pytest.param("2026-02-03 12:00:00", False, id="the same second"),
        pytest.param("2026-02-03 12:00:01", False, id="after it"),
        pytest.param("2026-02-03 17:29:58", True, id="the clock of India"),
        pytest.param("2026-02-03 17:30:00", False, id="the same second in India"),
        pytest.param("2026-02-03T11:59:58Z", True, id="with a zone"),
        pytest.param("2026-02-03T12:59:59+01:00", False, id="with another zone"),
        pytest.param("2026-02-03T13:00:00Z", False, id="after it, with a zone"),
        pytest.param("", False, id="none"),
        pytest.param("yesterday", False, id="no time"),
    ],
)
def test_a_stamp_counts_if_it_is_surely_older_than_the_read(stamp, before):
    assert is_before(stamp, NOW) is before


AGES = timedelta(hours=1, seconds=7)
"""Long enough for a stamp to be older than the read, in any zone."""

QUARTERS = st.integers(-48, 56)


@given(age=st.integers(0, 10**6), quarters=QUARTERS)
def test_no_zone_makes_a_fresh_stamp_old(age, quarters):
    """Whatever the zone of the tenant: a change in the second of the read is never trusted."""
    zone = timezone(timedelta(minutes=15 * quarters))
    written = (NOW - timedelta(seconds=age)).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    assert not is_before(written, NOW) or age >= 2


def test_a_row_without_a_number_says_nothing_and_two_rows_contradict():
    row = (NUMBER, "Created", "x", None)
    assert stamps_of([row]) == {NUMBER: EntryStamp(status="Created", updated="x", transferred="")}
    assert stamps_of([row, row]) == {NUMBER: None}
    assert stamps_of([row, row, row]) == {NUMBER: None}
    assert stamps_of([(None, *row[1:])]) == {}


@pytest.mark.parametrize(
    ("row", "shown", "expected"),
    [
        pytest.param({}, {}, True, id="the same"),
        pytest.param({"transferred": ""}, {}, True, id="null is No"),
        pytest.param({}, {"transferredToAccounting": None}, True, id="null in the read"),
        pytest.param({"transferred": "Yes"}, {}, False, id="another transfer state"),
        pytest.param({"status": "Cancelled"}, {}, False, id="another status"),
        pytest.param({"status": "Cancelled"}, {"status": "Cancelled"}, False, id="not posted"),
    ],
)
def test_a_read_is_kept_only_if_the_row_says_the_same(row, shown, expected):
    assert agrees(STAMP._replace(**row), live(**shown), JOURNAL_ENTRY) is expected


@pytest.mark.parametrize(("size", "proved"), [(0, 0), (5, 5), (20, 20), (300, 20), (2001, 21)])
def test_one_percent_and_at_least_twenty_are_read_all_the_same(size, proved):
    unread = {
        f"JE-{at:08}": kept(read_at=READ + timedelta(seconds=(at * 7) % size)) for at in range(size)
    }
    found = to_prove(unread)
    assert len(found) == proved
    latest = max((unread[one].read_at for one in found), default=READ)
    assert all(unread[one].read_at >= latest for one in unread.keys() - found)


# The plan by query and the plan by reads, over any books.


class Books:
    """A ledger in memory whose query may be late. A change has the present second as its stamp."""

    def __init__(self, size: int) -> None:
        self.names = [f"entry-{at:03}" for at in range(size)]
        self.at, self.lag, self.reads = NOW, 0, 0
        self.held = {self.number(name): live(SPEC, name=name, number=self.number(name))
                     for name in self.names}  # fmt: skip
        self.rows = {number: self.row(number) for number in self.held}
        self.late = dict(self.rows)

    def number(self, name):
        return f"JE-{self.names.index(name) + 1:08}"

    def row(self, number):
        one = self.held[number]
        stamp = self.at.strftime("%Y-%m-%d %H:%M:%S")
        moved = {"status": one.status, "updated": stamp}
        return {"number": number, "transferred": one.fields["transferredToAccounting"], **moved}

    def change(self, number, new):
        self.held[number] = new
        if new is None:
            self.rows.pop(number, None)
        else:
            self.rows[number] = self.row(number)

    def read(self, kind, number):
        self.reads += 1
        return self.held.get(number)

    def query(self, statement):
        return tuple((self.late if self.lag else self.rows).values())

    def query_texts(self, statement, columns):
        return tuple(tuple(map(row.get, columns)) for row in self.query(statement))

    def server_time(self):
        return self.at

    def accounting_codes(self):
        return TENANT.codes

    def accounting_periods(self):
        return TENANT.periods


BASIS = Basis(
    workspace=WORKSPACE, host="", tenant_id="", entity_id="", lineage="a",
    home_currency="USD", marker_place=MARKER,
)  # fmt: skip


def planned(books, files, records, last, policy=Policy()):  # noqa: B008 - a frozen value
    """The plan, its snapshot and how the ledger was looked at."""
    wanted = to_read(files, records.values())
    progress = lambda what, total: nullcontext(lambda: None)  # noqa: E731
    reads = None if last is None else LastReads(
        kept=last, declared=files, recorded=records, max_age=DAYS
    )  # fmt: skip
    seen = look(wanted, books, last=reads, parallelism=1, progress=progress)
    snapshot = Snapshot(
        declared=files,
        recorded=records,
        live=seen.live,
        tenant=TENANT,
        policy=policy,
        unread=seen.unread,
    )
    found = plan_with_search(
        snapshot,
        partial(make_plan, basis=BASIS, allowances=Allowances(max_removals=99, max_missing=99)),
        ledger=books,
        read=lambda items: {number: books.read(kind, number) for kind, number in items},
        finding=SearchPolicy(complete=True),
    )
    return found, seen


def read_once():
    """Thirty entries as posted, a plan of them, and what the next plan knows of it."""
    books = Books(30)
    declarations = {address(name): declared(SPEC, name=name) for name in books.names}
    records = {
        address(name): recorded(SPEC, name=name, number=books.number(name)) for name in books.names
    }
    books.at += AGES
    first, seen = planned(books, declarations, records, {})
    last = newly_kept(first.plan, first.snapshot, seen.asked)
    assert len(last) == len(books.names)
    books.at += AGES
    return books, declarations, records, last


SPEC = entry(notes="as declared")

EDITS = {
    "notes": lambda one, name: replace(one, fields={**one.fields, "notes": "by hand"}),
    "transfer": lambda one, name: replace(
        one, fields={**one.fields, "transferredToAccounting": "Yes"}
    ),
    "marker": lambda one, name: replace(one, fields={**one.fields, MARKER: "books/other"}),
    "cancel": lambda one, name: replace(one, status="Cancelled"),
    "delete": lambda one, name: None,
}
FILE_EDITS = {
    "notes": lambda one: replace(one, spec={**one.spec, "notes": "new"}),
    "amount": lambda one: replace(one, spec=entry(debit("1.00"), debit("-1.00"))),
    "protect": lambda one: replace(one, protect=True),
}


STATES = {
    "cancelled": {"cancelled": True},
    "unsettled": {"unsettled": True},
    "a leftover": {"leftovers": ("JE-00000900",)},
    "retired": {"retired": ("JE-00000901",)},
    "of a run": {"from_run": True},
    "no content": {"spec": None},
    "other content": {"spec": {**SPEC, "notes": "of another day"}},
}


def claims(files, name, **more):
    files[address(f"{name}-new")] = declared(SPEC, name=f"{name}-new", **more)


def renames(files, name, number):
    files.pop(address(name), None)
    claims(files, name, previous_name=name)


NAMINGS = {
    "another file adopts it": lambda files, name, number: claims(files, name, adopts=number),
    "renamed": renames,
    "renamed without a word": lambda files, name, number: (
        files.pop(address(name), None),
        claims(files, name),
    ),
    "another file takes its name": lambda files, name, number: claims(
        files, name, previous_name=name
    ),
    "reversed": lambda files, name, number: claims(files, name, reverses=name),
    "a copy": lambda files, name, number: claims(files, name),
}


@settings(max_examples=30)
@given(
    ledger=st.dictionaries(st.integers(0, 29), st.sampled_from(sorted(EDITS)), max_size=6),
    files=st.dictionaries(st.integers(0, 29), st.sampled_from(sorted(FILE_EDITS)), max_size=6),
    removed=st.sets(st.integers(0, 29), max_size=3),
    named=st.dictionaries(st.integers(0, 29), st.sampled_from(sorted(NAMINGS)), max_size=3),
    lost_rows=st.sets(st.integers(0, 29), max_size=5),
)
def test_a_plan_by_query_is_the_plan_by_reads(ledger, files, removed, named, lost_rows):
    """The same changes, drift, impact and digest after any edits, with rows missing or not."""
    books, declarations, records, last = read_once()
    for at, edit in ledger.items():
        number = books.number(books.names[at])
        books.change(number, EDITS[edit](books.held[number], books.names[at]))
    for at, edit in files.items():
        one = address(books.names[at])
        declarations[one] = FILE_EDITS[edit](declarations[one])
    for at in removed:
        declarations.pop(address(books.names[at]))
    for at, naming in named.items():
        NAMINGS[naming](declarations, books.names[at], books.number(books.names[at]))
    for at in lost_rows:
        books.rows.pop(books.number(books.names[at]), None)
    by_query, _ = planned(books, declarations, records, last)
    by_reads, _ = planned(books, declarations, records, None)
    assert by_query.plan == by_reads.plan
    moved = {*ledger, *files, *removed, *named, *lost_rows}
    assert len(by_query.snapshot.unread) >= 10 - len(moved)


@settings(max_examples=30)
@given(
    files=st.dictionaries(st.integers(0, 9), st.sampled_from(sorted(FILE_EDITS)), max_size=4),
    removed=st.sets(st.integers(0, 9), max_size=2),
    named=st.dictionaries(st.integers(0, 9), st.sampled_from(sorted(NAMINGS)), max_size=3),
    states=st.dictionaries(st.integers(0, 9), st.sampled_from(sorted(STATES)), max_size=3),
    place=st.sampled_from([MARKER, "notes"]),
    managed=st.booleans(),
)
def test_an_offline_plan_decides_what_is_settled_as_it_decides_everything(
    files, removed, named, states, place, managed
):
    books, declarations, records, _ = read_once()
    names = books.names[:10]
    for at, state in states.items():
        one = address(names[at])
        records[one] = replace(records[one], **STATES[state])
    for at, edit in files.items():
        one = address(names[at])
        declarations[one] = FILE_EDITS[edit](declarations[one])
    for at in removed:
        declarations.pop(address(names[at]))
    for at, naming in named.items():
        NAMINGS[naming](declarations, names[at], books.number(names[at]))
    tenant = replace(TENANT, marker=place)
    whole = Snapshot(
        declared=declarations,
        recorded=records,
        live=assumed_live(declarations, records, tenant, marked_in=tenant.marker),
        tenant=tenant,
        policy=Policy(manage_transfer_state=managed),
    )
    settled = known_settled(declarations, records)
    assert len(settled) >= 20
    make = partial(make_plan, basis=BASIS, allowances=Allowances(max_removals=99, max_missing=99))
    assert make(replace(whole, unread=settled)) == make(whole)


def test_a_missing_entry_has_the_others_of_its_organization_read():
    """Only a read shows what the client may see: a query may show more (API facts 6.1)."""
    specs = {"gone": "North", "near": "North", "far": "South"}
    numbers = {name: f"JE-{at:08}" for at, name in enumerate(specs, start=1)}
    specs = {name: entry(organizationLabel=one) for name, one in specs.items()}
    seen = snapshot(
        [declared(spec, name=name) for name, spec in specs.items()],
        [recorded(spec, name=name, number=numbers[name]) for name, spec in specs.items()],
        [live(specs[name], name=name, number=numbers[name]) for name in ("near", "far")],
    )
    seen = replace(seen, unread=frozenset((numbers["near"], numbers["far"])))
    plan = make_plan(seen, basis=BASIS, allowances=Allowances(max_missing=1))
    assert [number for _, number in touched(plan, seen)] == [numbers["near"]]


def test_a_late_query_delays_a_change_and_shapes_none():
    """What the query has not seen yet is kept as read; what has a step is what a read shows."""
    books, declarations, records, last = read_once()
    books.lag = 3600
    for name in (books.names[25], books.names[26]):
        number = books.number(name)
        books.change(number, EDITS["notes"](books.held[number], name))
    one = address(books.names[26])
    declarations[one] = FILE_EDITS["notes"](declarations[one])
    by_query, _ = planned(books, declarations, records, last)
    by_reads, _ = planned(books, declarations, records, None)
    reads = {change.address: change for change in by_reads.plan.pending}
    assert [change.address for change in by_query.plan.pending] == [one]
    assert by_query.plan.pending[0] == reads[one]
    assert reads.keys() - {one} == {address(books.names[25])}


def test_a_sample_that_moved_without_its_stamp_makes_everything_read():
    books, declarations, records, last = read_once()
    rows = dict(books.rows)
    for at in (3, 25):
        number = books.number(books.names[at])
        books.change(number, EDITS["notes"](books.held[number], books.names[at]))
    books.rows, books.reads = rows, 0
    found, seen = planned(books, declarations, records, last)
    assert seen.wrong == ("JE-00000004",)
    assert books.reads == 30
    assert not found.snapshot.unread
    assert {change.address.name for change in found.plan.pending} == {"entry-003", "entry-025"}


def test_what_is_not_simply_kept_is_read_before_it_is_shown():
    """A policy can ask for a change of an entry that neither file, ledger nor record moved."""
    books, declarations, records, _ = read_once()
    number = books.number(books.names[25])
    books.change(number, EDITS["transfer"](books.held[number], books.names[25]))
    books.at += AGES
    first, seen = planned(books, declarations, records, {})
    last = newly_kept(first.plan, first.snapshot, seen.asked)
    assert number in {one.live.number for one in last.values()}
    books.at, books.reads = books.at + AGES, 0
    again, _ = planned(books, declarations, records, last)
    assert (books.reads, number in again.snapshot.unread) == (20, True)
    policy = Policy(manage_transfer_state=True)
    files = {one: replace(file, spec={**SPEC, "transferredToAccounting": "No"})
             for one, file in declarations.items()}  # fmt: skip
    posted = {one: replace(state, spec=files[one].spec) for one, state in records.items()}
    # As if the files had declared that already when they were compared.
    last = {one: replace(each, spec=short_digest(files[one].spec)) for one, each in last.items()}
    books.reads = 0
    found, _ = planned(books, files, posted, last, policy)
    assert [one.address.name for one in found.plan.pending] == [books.names[25]]
    assert (books.reads, number in found.snapshot.unread) == (21, False)


def test_what_is_kept_costs_no_look_at_its_content():
    """Neither what a file declares nor what was read is decoded, if nothing else changes there."""
    books, declarations, records, last = read_once()
    text = msgspec.json.Encoder(decimal_format="number")
    stored = lambda fields: StoredSpec(msgspec.Raw(text.encode(fields)), spec_digest(fields))  # noqa: E731
    files = {one: replace(file, spec=stored(file.spec)) for one, file in declarations.items()}
    posted = {one: replace(each, spec=StoredSpec(spec_text(SPEC))) for one, each in records.items()}
    reads = {
        one: replace(each, live=replace(each.live, fields=stored(each.live.fields)))
        for one, each in last.items()
    }
    whole, _ = planned(books, declarations, records, None)
    found, _ = planned(books, files, posted, reads)
    assert len(found.snapshot.unread) == 10
    unread = [one for one, each in posted.items() if each.number in found.snapshot.unread]
    for one in unread:
        assert files[one].spec._made is None
        assert posted[one].spec._made is None
        assert reads[one].live.fields._made is None
    assert found.plan == whole.plan


def test_what_is_reversed_is_read_with_its_reversal():
    books, declarations, records, last = read_once()
    name, new = books.names[25], address("reversal")
    declarations[new] = declared(SPEC, name="reversal", reverses=name)
    found, _ = planned(books, declarations, records, last)
    assert [one.address for one in found.plan.pending] == [new]
    assert books.number(name) not in found.snapshot.unread


@pytest.mark.parametrize("fault", ["no row", "row of another", "cut"])
def test_a_missing_row_alone_is_never_an_absence(fault):
    books, declarations, records, last = read_once()
    rows: Mapping[str, object] = books.rows
    books.rows = {
        "no row": {},
        "row of another": {"JE-09999999": {**rows[NUMBER], "number": "JE-09999999"}},
        "cut": dict(list(rows.items())[:25]),
    }[fault]
    found, _ = planned(books, declarations, records, last)
    assert all(change.action is Action.KEEP for change in found.plan.changes)
    assert len(found.snapshot.unread) == (5 if fault == "cut" else 0)
