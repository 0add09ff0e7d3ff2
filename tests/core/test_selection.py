"""The addresses that a scope selects, what is included with them, and unknown values."""

from dataclasses import replace

import pytest
from builders import (
    TENANT,
    declared,
    entry,
    live,
    plan_for,
    recorded,
    snapshot,
)

from reconciler.core.model.plan import Action
from reconciler.core.model.resource import Address
from reconciler.core.model.scope import Scope
from reconciler.core.planning.selection import Workspace, select

FEB = entry(accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")
RUN = Address("JournalRun", "invoices")


def run(**spec):
    return declared({"journalEntryDate": "2026-01-31", **spec}, address=RUN)


BY_DATES = run(targetStartDate="2026-01-15", targetEndDate="2026-02-10")


def workspace(*files, book=()):
    return Workspace(
        declared={item.address: item for item in files},
        recorded={item.address: item for item in book},
        periods={period.name: period for period in TENANT.periods},
    )


BOOKS = workspace(
    declared(name="rent-jan", labels={"team": "office", "tier": "1"}),
    declared(FEB, name="rent-feb", labels={"team": "office"}),
    declared(name="true-up", labels={"team": "revenue"}),
    declared(FEB, name="moving"),
    BY_DATES,
    book=[
        recorded(name="moving", number="JE-00000003"),
        recorded(name="gone", number="JE-00000004"),
        recorded(FEB, name="gone-feb", number="JE-00000005"),
        recorded(name="cancelled-and-kept", number="JE-00000006", cancelled=True),
        recorded(name="half-replaced", number=None, leftovers=("JE-00000007",)),
    ],
)


def names(scope, books=BOOKS):
    selection, _, problems = select(scope, books)
    assert problems == ()
    return sorted(address.name for address in books.addresses if address in selection)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param({"targets": ["rent-jan"]}, "rent-jan", id="a name"),
        pytest.param({"targets": ["rent-jan", "true-up"]}, "rent-jan true-up", id="two names"),
        pytest.param({"targets": ["rent-*"]}, "rent-feb rent-jan", id="a pattern"),
        pytest.param({"targets": ["JournalRun/*"]}, "invoices", id="a kind"),
        pytest.param({"targets": ["JournalEntry/rent-jan"]}, "rent-jan", id="kind and name"),
        pytest.param({"targets": ["*"], "excludes": ["*e*"]}, "moving", id="but not"),
        pytest.param(
            {"excludes": ["rent-*", "gone*", "half-*", "moving"]},
            "invoices true-up",
            id="exclusion alone",
        ),
        pytest.param({"targets": ["gone"]}, "gone", id="without a file, by name"),
        pytest.param({"targets": ["half-replaced"]}, "half-replaced", id="leftovers alone"),
        pytest.param(
            {"periods": ["Feb-2026"]},
            "gone-feb invoices moving rent-feb",
            id="a period: by file, by record, and by the days of a run",
        ),
        pytest.param(
            {"periods": ["Jan-2026"]},
            "gone half-replaced invoices moving rent-jan true-up",
            id="an entry that moves is in both periods",
        ),
        pytest.param({"labels": ["team=office"]}, "rent-feb rent-jan", id="a label"),
        pytest.param(
            {"labels": ["team=revenue", "tier=1"]}, "rent-jan true-up", id="one of two labels"
        ),
        pytest.param(
            {"labels": ["team=office"], "periods": ["Jan-2026"]},
            "rent-jan",
            id="between options all must match",
        ),
        pytest.param(
            {"targets": ["rent-*", "moving"], "periods": ["Jan-2026"], "excludes": ["rent-*"]},
            "moving",
            id="all of it together",
        ),
    ],
)
def test_a_scope_selects(scope, expected):
    assert names(Scope(**scope)) == expected.split()


def test_what_was_left_out_is_counted():
    selection, _, _ = select(Scope(targets=["rent-*"]), BOOKS)
    assert (selection.out_of_scope.declared, selection.out_of_scope.recorded) == (3, 3)


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        pytest.param({"targets": ["rent-jam"]}, "--target rent-jam", id="target"),
        pytest.param({"targets": ["rent-jan", "x*"]}, "--target x*", id="one of two"),
        pytest.param({"targets": ["JournalRun/rent-jan"]}, "--target JournalRun", id="kind"),
        pytest.param({"targets": ["cancelled-and-kept"]}, "--target cancelled", id="done with"),
        pytest.param({"excludes": ["rent-jam"]}, "--exclude rent-jam", id="exclude"),
        pytest.param({"periods": ["Jan 2026"]}, "--period Jan 2026", id="period"),
        pytest.param({"labels": ["team=offices"]}, "--select team=offices", id="label"),
        pytest.param(
            {"targets": ["rent-jan"], "periods": ["Feb-2026"]},
            "matches all options",
            id="no overlap",
        ),
        pytest.param(
            {"periods": ["Open-Ended"]}, "matches all options", id="a period without entries"
        ),
        pytest.param({"excludes": ["*"]}, "matches all options", id="everything excluded"),
    ],
)
def test_a_scope_that_matches_nothing_is_a_mistake(scope, said):
    _, _, problems = select(Scope(**scope), BOOKS)
    ((problem, remedy),) = problems
    assert said in problem
    assert remedy


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        ({"targets": ["rent-jam"]}, "rent-jan"),
        ({"targets": ["JournalEntry/true-pu"]}, "JournalEntry/true-up"),
        ({"periods": ["Jan-206"]}, "Jan-2026"),
        ({"labels": ["team=revenues"]}, "team=revenue"),
    ],
)
def test_a_near_word_is_suggested(scope, meant):
    _, _, ((_, remedy),) = select(Scope(**scope), BOOKS)
    assert remedy == f'Did you mean "{meant}"?'


ADOPTED = workspace(
    run(accountingPeriodName="Jan-2026"),
    declared(name="of-run", adopts="JE-00000009", made_by="JR-00000001", labels={"a": "b"}),
    declared(name="other"),
)


def of_run(*book):
    return workspace(*ADOPTED.declared.values(), book=book)


def the_run(number="JR-00000001"):
    return replace(recorded(number=number), address=RUN)


def test_a_run_brings_its_declared_entries():
    """Taking a run back takes them back, so they have to be in the same plan."""
    selection, along, problems = select(Scope(targets=["invoices"]), of_run(the_run()))
    assert problems == ()
    assert [address.name for address in along] == ["of-run"]
    assert along[0] in selection


@pytest.mark.parametrize(
    ("scope", "book", "expected"),
    [
        pytest.param({"targets": ["of-run"]}, [the_run()], "of-run", id="an entry brings no run"),
        pytest.param(
            {"targets": ["invoices"]}, [the_run("JR-00000002")], "invoices", id="another run"
        ),
    ],
)
def test_what_is_not_inseparable_stays_out(scope, book, expected):
    assert names(Scope(**scope), of_run(*book)) == expected.split()


def test_an_exclusion_does_not_separate():
    scope = Scope(targets=["invoices"], excludes=["of-run"])
    _, _, ((problem, _),) = select(scope, of_run(the_run()))
    assert "--exclude names of-run" in problem


# What a plan makes of a selection.


def books(size, declared_count, chosen):
    """A workspace of `size` recorded entries, some of them declared, some of them chosen."""
    all_names = [f"entry-{at:02}" for at in range(size)]
    number = {name: f"JE-{at:08}" for at, name in enumerate(all_names, 1)}
    files = [declared(name=name) for name in all_names[:declared_count]]
    book = [recorded(name=name, number=number[name]) for name in all_names]
    selection, _, problems = select(Scope(targets=chosen), workspace(*files, book=book))
    assert problems == ()
    seen = [live(name=name, number=number[name]) for name in all_names]
    return snapshot(files, book, seen, selection=selection)


def test_a_partial_plan_never_touches_what_it_did_not_look_at():
    plan = plan_for(books(12, 10, ["entry-10", "entry-00"]))
    assert [(change.address.name, change.action) for change in plan.changes] == [
        ("entry-00", Action.KEEP),
        ("entry-10", Action.REMOVE),
    ]
    assert plan.scope.partial
    assert plan.out_of_scope.declared == 9


@pytest.mark.parametrize(
    ("size", "kept", "chosen", "refused"),
    [
        pytest.param(50, 40, ["entry-4?"], ["too-many-removals"], id="ten of fifty"),
        pytest.param(50, 45, ["entry-4?"], [], id="five of fifty, though half of those looked at"),
        pytest.param(12, 9, ["entry-09", "entry-10", "entry-11"], [], id="all that was looked at"),
        pytest.param(
            12, 0, ["entry-00"], ["all-entries-removed"], id="one, and no other is declared either"
        ),
        pytest.param(12, 1, ["entry-01"], [], id="one, and one is still declared"),
    ],
)
def test_removals_count_against_the_whole_workspace(size, kept, chosen, refused):
    plan = plan_for(books(size, kept, chosen))
    assert [refusal.rule for refusal in plan.refusals] == refused


def test_a_number_that_another_name_has_is_seen_from_outside_of_the_scope():
    """What is chosen may be in conflict with what is not."""
    taken = declared(name="taken", adopts="JE-00000001")
    files = [taken, declared(name="owner")]
    book = [recorded(name="owner", number="JE-00000001")]
    selection, _, _ = select(Scope(targets=["taken"]), workspace(*files, book=book))
    held = live(name="owner", number="JE-00000001")
    plan = plan_for(snapshot(files, book, [held], selection=selection))
    (change,) = plan.changes
    assert change.action is Action.BLOCKED


def test_the_digest_covers_the_scope_and_not_what_was_left_out():
    """I-12: other people's files leave the review of a part alone."""
    part, more = (plan_for(books(size, size - 1, ["entry-00"])) for size in (5, 9))
    whole = plan_for(books(5, 4, ["entry-*"]))
    assert part.digest == more.digest != whole.digest


def test_the_order_of_options_makes_no_difference():
    """I-12."""
    assert Scope(targets=["b", "a", "b"]) == Scope(targets=["a", "b"])
