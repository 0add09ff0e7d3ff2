"""A saved plan is read as it was written, or refused (I-12, I-30)."""

import contextlib
import json
from dataclasses import replace
from decimal import Decimal
from itertools import product
from operator import delitem

import pytest
from builders import (
    KIND,
    MARKER,
    basis,
    credit,
    debit,
    declared,
    entry,
    live,
    only,
    plan_for,
    plan_of,
    plan_warning,
    recorded,
    snapshot,
    tenant_of,
)
from document_schemas import must_fit

from reconciler.core.documents import plan_file
from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.documents.plan_json import NOT_A_PLAN, checksum_of, document_of, plan_from
from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.plan import Allowances
from reconciler.core.model.policy import Policy
from reconciler.core.model.proofs.rehearsal import Rehearsal, Rehearsed, RehearsedChange
from reconciler.core.model.resource import Source
from reconciler.core.planning.request_body import create_body, update_body
from reconciler.errors import StalePlan
from reconciler.render import RENDERERS

SEGMENTS = tuple(
    {"segmentName": name, "segmentValue": value}
    for name, value in (("Department", "Finance"), ("Region", "EMEA"))
)


def a_bit_of_everything():
    """A plan with every action, drift, impact, a block, a refusal and a warning."""
    sales = ({**SEGMENTS[0], "segmentValue": "Sales"}, SEGMENTS[1])
    eur = entry(debit(home="370"), credit(home="370"), currency="EUR")
    files = {
        "create": entry(debit("12500", Team__c="a"), credit("12500"), Count__c=Decimal("5.50")),
        "keep": entry(),
        "update": entry(debit(Team__c="b", notes="n"), credit(), notes="b\u2028\x07", Done__c=True),
        "replace": entry(debit("1"), credit("1"), segments=sales, Ticket__c=None),
        "blocked": entry(accountingPeriodName="Dec-2025", journalEntryDate="2025-12-31"),
        "foreign": eur,
        "protected": entry(),
        "gone": entry(),
    }
    book = {
        "keep": entry(),
        "update": entry(debit(Team__c="a", notes="m"), credit(), notes="a"),
        "replace": entry(segments=SEGMENTS, Ticket__c="T-1"),
        "protected": entry(),
        "gone": entry(),
        "remove-1": entry(),
        "remove-2": eur,
        "forget": entry(),
    }
    number = {name: f"JE-{at:08}" for at, name in enumerate(book, 1)}
    old = "JE-00000099"
    return plan_for(
        snapshot(
            [
                declared(
                    spec,
                    name=name,
                    protect=name == "protected",
                    source=Source(f"{name}.yaml", 3, 1),
                )
                for name, spec in files.items()
            ],
            [
                recorded(
                    spec,
                    name=name,
                    number=number[name],
                    leftovers=(old,) if name == "replace" else (),
                )
                for name, spec in book.items()
            ],
            [
                *(
                    live(
                        {**spec, "notes": "moved"} if name == "update" else spec,
                        name=name,
                        number=number[name],
                    )
                    for name, spec in book.items()
                    if name not in ("gone", "forget")
                ),
                live(name="replace", number=old, status="Cancelled"),
            ],
            tenant=tenant_of(home_currency="USD"),
        ),
        policy=Policy(max_money={"USD": Decimal(1000)}),
        allow=Allowances(max_removals=1),
        warnings=(plan_warning("the Reference is a month old"),),
    )


PLAN = a_bit_of_everything()
TEXT = plan_text(PLAN)


def test_the_example_has_everything():
    actions = {action.value for action, count in PLAN.summary.items() if count}
    assert actions == {"create", "keep", "update", "replace", "remove", "forget", "blocked"}
    assert {refusal.rule for refusal in PLAN.refusals} == {"too-many-removals", "money-limit"}
    assert PLAN.drift
    assert PLAN.impact
    assert PLAN.balance
    assert PLAN.warnings


def test_a_plan_file_is_as_reviewed(golden):
    """A change here changes the digest of every plan that waits for its approval."""
    golden("plan.json", TEXT)
    must_fit("plan", TEXT)


def test_a_plan_reads_back_as_it_was_written():
    read = plan_file.plan_of(TEXT)
    assert plan_text(read) == TEXT
    assert read == replace(PLAN, changes=PLAN.pending)
    assert digest_of(read) == PLAN.digest == read.digest


@pytest.mark.parametrize(
    "at", range(len(PLAN.pending)), ids=lambda at: PLAN.pending[at].address.name
)
def test_a_saved_plan_sends_the_bytes_of_the_plan_that_was_saved(at):
    """I-30: a number stays a number, an amount keeps its digits."""
    made, read = PLAN.pending[at], plan_file.plan_of(TEXT).pending[at]
    place = {"marker_place": MARKER, "marker": "books/x"}
    if made.after is not None:
        assert create_body(KIND, read.after, home_currency="USD", **place) == create_body(
            KIND, made.after, home_currency="USD", **place
        )
        assert update_body(KIND, read.comparison, after=read.after, **place) == update_body(
            KIND, made.comparison, after=made.after, **place
        )
    assert read.steps == made.steps


def leaves(value, path=()):
    """Every place in a document that holds a plain value or an empty container."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in children if isinstance(value, dict | list) else ():
        if isinstance(item, dict | list) and item:
            yield from leaves(item, (*path, key))
        else:
            yield (*path, key)


def altered(value):
    """Another value of the same sort."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 + 1
    if isinstance(value, str):
        return value + "0"
    return {dict: {"0": "0"}, list: ["0"]}.get(type(value), "0")


def edited(text, path, change):
    """A plan file with one place changed, and everything else as it was."""
    return json.dumps(edited_document(text, path, change), ensure_ascii=False)


def edited_document(text, path, change, **numbers):
    document = json.loads(text, **numbers)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return document


LEAVES = list(leaves(json.loads(TEXT)))


def test_there_are_leaves_enough():
    assert len(LEAVES) > 600


def test_an_edit_of_the_example_that_changes_nothing_is_accepted():
    """Or the refusals below would prove nothing."""
    assert plan_file.plan_of(edited(TEXT, LEAVES[0], lambda inner, key: None)).digest == PLAN.digest


def shape(path):
    """Where a place is, whichever item of a list it is in."""
    return tuple("*" if isinstance(key, int) else key for key in path)


ONE_OF_EACH_SHAPE = list({shape(path): path for path in LEAVES}.values())


def alter(inner, key):
    inner[key] = altered(inner[key])


@pytest.mark.parametrize("change", [alter, delitem], ids=["edit", "removal"])
@pytest.mark.parametrize(
    "places",
    [
        pytest.param(ONE_OF_EACH_SHAPE, id="one of each shape"),
        pytest.param(LEAVES, id="all", marks=pytest.mark.long),
    ],
)
def test_an_edit_of_one_place_is_refused(places, change):
    accepted = []
    for path in places:
        try:
            plan_file.plan_of(edited(TEXT, path, change))
        except StalePlan:
            continue
        accepted.append(path)
    assert accepted == []


WRONG = ("NaN", ["x"])
ALIKE = (None, 7, True, "x", {"x": "x"})
"""Values that T-25 puts anywhere, too, or of the same sort as those above."""


def sealed(whole):
    """The text of a document with a checksum that fits, and a digest too where it has one."""
    with contextlib.suppress(*NOT_A_PLAN):
        whole["digest"] = digest_of(plan_from(whole))
    whole["checksum"] = checksum_of(whole)
    return json_bytes(whole).decode()


@pytest.mark.parametrize(
    "wrong", [*WRONG, *(pytest.param(one, marks=pytest.mark.long) for one in ALIKE)], ids=repr
)
def test_a_value_of_a_wrong_type_is_refused_or_shown(wrong):
    """Never a traceback, though the checksum and the digest fit."""
    places = {shape(path): path for path in LEAVES}
    places |= {shape(path[:end]): path[:end] for path in LEAVES for end in range(1, len(path))}
    for path in places.values():

        def change(inner, key):
            inner[key] = wrong

        text = sealed(edited_document(TEXT, path, change, parse_float=Decimal))
        try:
            plan = plan_file.plan_of(text)
        except StalePlan:
            continue
        for drawn in RENDERERS.values():
            assert "".join(map(str, drawn(plan, "")))


def test_a_digest_that_does_not_fit_is_refused_though_the_file_is_whole():
    document = json.loads(TEXT, parse_float=Decimal)
    document["digest"] = "sha256:0"
    document["checksum"] = checksum_of(document)
    text = json.dumps(document, default=float)
    with pytest.raises(StalePlan, match="altered"):
        plan_file.plan_of(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="half a document"),
        pytest.param("[]", id="a list"),
        pytest.param('"plan"', id="a text"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="empty"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('{"format_version": "1.0"}', id="nothing but a version"),
        pytest.param(TEXT.replace('"daybook_serial"', '"serial"', 1), id="another key"),
        pytest.param(TEXT.replace("{", '{"digest": "x", ', 1), id="a key twice"),
        pytest.param(TEXT.replace("5.5", "NaN", 1), id="no number"),
        pytest.param(TEXT.replace('"b\\u2028', '"\\ud800', 1), id="text that is no text"),
        pytest.param(TEXT[:-20], id="cut short"),
    ],
)
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(StalePlan, match="not a plan that this tool wrote"):
        plan_file.plan_of(text)


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", ""])
def test_a_plan_of_another_format_is_refused_by_its_version(version):
    text = TEXT.replace('"format_version": "1.1"', f'"format_version": "{version}"')
    with pytest.raises(StalePlan, match="this version reads"):
        plan_file.plan_of(text)


def test_a_plan_of_a_later_minor_format_is_read_and_its_new_keys_are_ignored():
    document = document_of(PLAN) | {"format_version": "1.7", "weather": "fine"}
    document["checksum"] = checksum_of(document)
    text = plan_file.json_bytes(document).decode()
    assert plan_file.plan_of(text).digest == PLAN.digest


def test_amounts_are_text_and_a_custom_number_is_a_number():
    (change,) = [row for row in document_of(PLAN)["changes"] if row["name"] == "create"]
    assert change["after"]["journalEntryItems"][0]["amount"] == "12500"
    assert change["after"]["Count__c"] == Decimal("5.5")
    assert change["totals"] == {"debit": "12500", "credit": "12500"}


def test_a_changed_segment_is_named():
    (change,) = [row for row in document_of(PLAN)["changes"] if row["name"] == "replace"]
    (field,) = [row for row in change["changed_fields"] if row["name"] == "segments"]
    assert field["inside"] == [{"path": "Department", "before": "Finance", "after": "Sales"}]


ONE = plan_of(entry(notes="b"), entry())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(plan_of(entry(notes="c"), entry()), id="another value"),
        pytest.param(plan_of(entry(notes="b"), entry(Ticket__c="x")), id="live moved"),
        pytest.param(
            plan_for(snapshot([declared(entry(notes="b"))], [recorded()], [live()]), host="other"),
            id="another host",
        ),
        pytest.param(
            plan_for(snapshot([declared(entry(notes="b"))], [recorded()], [live()]), tenant_id="2"),
            id="another tenant",
        ),
        pytest.param(
            plan_for(
                snapshot([declared(entry(notes="b"))], [recorded()], [live()]), marker_place="notes"
            ),
            id="another place for the marker",
        ),
        pytest.param(
            plan_for(
                snapshot([declared(entry(notes="b"))], [recorded()], [live()]), home_currency="USD"
            ),
            id="another home currency",
        ),
        pytest.param(
            plan_for(
                snapshot([declared(entry(notes="b"))], [recorded()], [live()]),
                allow=Allowances(max_removals=9),
            ),
            id="another allowance",
        ),
    ],
)
def test_the_digest_sees_what_an_approval_is_about(other):
    assert other.digest != ONE.digest


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(
            plan_for(
                snapshot(
                    [declared(entry(notes="b"), source=Source("elsewhere.yaml", 9))],
                    [recorded()],
                    [live()],
                )
            ),
            id="the file moved",
        ),
        pytest.param(
            plan_for(snapshot([declared(entry(notes="b"))], [recorded()], [live()]), serial=8),
            id="the daybook grew",
        ),
        pytest.param(
            plan_for(
                snapshot(
                    [declared(entry(notes="b")), declared(name="z")],
                    [recorded(), recorded(name="z", number="JE-00000002")],
                    [live(), live(name="z", number="JE-00000002")],
                )
            ),
            id="an entry with nothing to do",
        ),
        pytest.param(
            plan_for(
                snapshot([declared(entry(notes="b"))], [recorded()], [live()]),
                warnings=(plan_warning("mind"),),
            ),
            id="a warning",
        ),
    ],
)
def test_the_digest_does_not_see_what_an_approval_is_not_about(same):
    assert same.digest == ONE.digest


def test_the_digest_is_one_of_the_document():
    assert document_of(ONE)["digest"] == digest_of(ONE) == ONE.digest


def test_pending_and_feasible_changes():
    assert only(ONE) in ONE.pending
    assert [change.address.name for change in PLAN.feasible] == [
        change.address.name for change in PLAN.pending if change.block is None
    ]
    assert basis().workspace == ONE.basis.workspace


def _halved(row, name):
    return lambda document: document[row][0].__setitem__(name, "0.50")


@pytest.mark.parametrize(
    ("forge", "figure"),
    [
        pytest.param(_halved("impact", "debit_after"), "impact", id="a smaller amount"),
        pytest.param(_halved("impact", "home_change"), "impact", id="another home amount"),
        pytest.param(lambda document: document["impact"].pop(), "impact", id="a row left out"),
        pytest.param(
            lambda document: document["impact"].append(
                {**document["impact"][0], "account": "Elsewhere"}
            ),
            "impact",
            id="a row put in",
        ),
        pytest.param(
            lambda document: document["summary"].__setitem__("create", 0), "summary", id="a count"
        ),
    ],
)
def test_figures_that_do_not_follow_from_the_changes_are_refused(forge, figure):
    """Their digest is that of the real plan, and a checksum anybody can make."""
    refused_as_forged(a_bit_of_everything(), forge, figure)


def refused_as_forged(plan, forge, figure):
    document = json.loads(plan_text(plan))
    forge(document)
    document["checksum"] = checksum_of(
        json.loads(json.dumps(document), parse_int=Decimal, parse_float=Decimal)
    )
    with pytest.raises(StalePlan, match=f"its {figure}.* does not follow from its changes"):
        plan_file.plan_of(json.dumps(document))


BACK = entry(credit(code="Deferred Revenue"), debit(code="Subscription Revenue"))


def with_reversal(*, of="true-up", changed="", **live_fields):
    """A plan of a new reversal, or of the original that has a posted one."""
    number = "JE-00000002"
    original = declared(entry(notes="new") if changed else entry())
    reversal = declared(BACK, name="undo", reverses=of)
    book, ledger = [recorded()], [live(**live_fields)]
    if changed:
        book.append(recorded(BACK, name="undo", number=number))
        ledger.append(live(BACK, name="undo", number=number))
    if of != "true-up":
        book = []
    return plan_for(snapshot([original, reversal] if book else [reversal], book, ledger))


def _first_net(**values):
    return lambda pairs: pairs[0]["nets"][0].update(values)


REHEARSED = replace(
    PLAN,
    rehearsal=Rehearsal(
        permissions=("Create Journal Entry",),
        offline=False,
        changes=tuple(
            RehearsedChange(
                kind=one.address.kind, name=one.address.name, action=one.action.value,
                outcome=Rehearsed.ACCEPTED,
            )
            for one in PLAN.feasible
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("left", [0, 1])
def test_a_rehearsal_of_other_changes_is_refused(left):
    """One that applied nothing would hold: nothing was refused."""
    assert plan_file.plan_of(plan_text(REHEARSED)).rehearsal == REHEARSED.rehearsal

    def forge(document):
        del document["rehearsal"]["changes"][left:]

    refused_as_forged(REHEARSED, forge, "rehearsal")


PAIRS = {
    "both change": plan_for(
        snapshot([declared(), declared(BACK, name="undo", reverses="true-up")])
    ),
    "the original stays": with_reversal(transferredToAccounting="Yes"),
    "nobody declares the original": with_reversal(of="JE-00000001"),
    "the reversal stays": with_reversal(changed="original"),
}
FORGED = {
    "no pair": list.clear,
    "a pair twice": lambda pairs: pairs.append(pairs[0]),
    "another reversal": lambda pairs: pairs[0].update(reversed_by="true-up"),
    "another original": lambda pairs: pairs[0].update(original="other"),
    "another number": lambda pairs: pairs[0].update(number="JE-00000009"),
    "another amount": _first_net(original="1", reversal="-1"),
    "another code": _first_net(account="Cash"),
    "nothing known": lambda pairs: pairs[0].update(nets=[]),
}
UNKNOWN = {
    ("the original stays", "another number"),  # Its change is not in the file.
    ("the reversal stays", "no pair"),  # It may be out of the plan's scope.
    ("nobody declares the original", "nothing known"),  # So it is offline.
}


@pytest.mark.parametrize("pair", PAIRS)
def test_the_pairs_of_a_plan_are_accepted(pair):
    assert PAIRS[pair].reversals
    assert plan_file.plan_of(plan_text(PAIRS[pair])).reversals == PAIRS[pair].reversals


@pytest.mark.parametrize(
    ("pair", "forged"), [both for both in product(PAIRS, FORGED) if both not in UNKNOWN]
)
def test_a_pair_that_does_not_follow_from_the_changes_is_refused(pair, forged):
    refused_as_forged(PAIRS[pair], lambda plan: FORGED[forged](plan["reversals"]), "reversals")
