"""Each rule of journal runs reports what it names, with its path, and nothing else."""

import pytest
from builders import MARKER, declared, entry, tenant_of

from reconciler.core.model.finding import Severity
from reconciler.core.model.kinds.journal_run import (
    JOURNAL_RUN,
    NOT_UNDER_MULTI_ORG,
    REVENUE_TYPES,
    TRANSACTION_TYPES,
)
from reconciler.core.model.resource import Address
from reconciler.core.model.tenant import AccountingPeriod, CustomField, Organization, tenant_from
from reconciler.core.rules.entries import check, check_together
from reconciler.core.rules.file_rules import FILE_RULES

PERIOD, START, END = "accountingPeriodName", "targetStartDate", "targetEndDate"
TYPES, LABELS = "transactionTypes", "organizationLabels"
UNKNOWN = {"complete": False, "periods": ()}
"""Nothing is known of the tenant: there is no Reference."""
MULTI_ORG = {
    "organizations": (
        Organization(id="7", name="Acme Europe"),
        Organization(id="8", name="Acme Asia"),
    )
}
EARLY = {
    "periods": (
        AccountingPeriod(name="Dec-2014", start_date="2014-12-01", end_date="2014-12-31"),
        AccountingPeriod(name="Jan-2015", start_date="2015-01-01", end_date="2015-01-31"),
    )
}


def types(*names):
    return tuple({"type": name} for name in names or ("Invoice Item",))


def of_period(name="Jan-2026", **fields):
    """The spec of a run over a named period."""
    return {PERIOD: name, "journalEntryDate": "2026-01-31", TYPES: types(), **fields}


def of_days(start="2026-01-01", end="2026-01-15", **fields):
    """The spec of a run over target dates."""
    return {START: start, END: end, "journalEntryDate": "2026-01-15", TYPES: types(), **fields}


def run(spec, name="billing", **more):
    return declared(spec, name=name, address=Address(JOURNAL_RUN.name, name), **more)


def labels(*names, **more):
    return tuple({"organizationName": name, **more} for name in names)


CASES = [
    # rule, spec, tenant, path, message
    pytest.param(
        "known-period",
        of_period("Jan 2026"),
        {},
        (PERIOD,),
        'no accounting period is named "Jan 2026"',
        id="period unknown",
    ),
    pytest.param(
        "known-period",
        of_period("Mar-2026"),
        {"complete": False},
        (PERIOD,),
        'no accounting period is named "Mar-2026"',
        id="period unknown to the ledger itself",
    ),
    pytest.param(
        "run-dates",
        of_period(**{START: "2026-01-02", END: "2026-01-31"}),
        {},
        (START,),
        "targetStartDate is 2026-01-02, but Jan-2026 starts on 2026-01-01",
        id="another start than that of the period",
    ),
    pytest.param(
        "run-dates",
        of_period(**{START: "2026-01-01", END: "2026-02-28"}),
        {},
        (END,),
        "targetEndDate is 2026-02-28, but Jan-2026 ends on 2026-01-31",
        id="another end than that of the period",
    ),
    pytest.param(
        "run-dates",
        of_days("2026-01-15", "2026-01-14"),
        UNKNOWN,
        (END,),
        "the target dates end on 2026-01-14, before they start on 2026-01-15",
        id="the end before the start",
    ),
    pytest.param(
        "run-dates",
        of_days("2014-12-31", "2015-01-15"),
        UNKNOWN,
        (START,),
        "targetStartDate is 2014-12-31, before 2015-01-01",
        id="a day before the earliest one",
    ),
    pytest.param(
        "run-dates",
        of_period("Dec-2014", journalEntryDate="2014-12-31"),
        EARLY,
        (PERIOD,),
        "Dec-2014 starts on 2014-12-01, before 2015-01-01",
        id="a period before the earliest day",
    ),
    pytest.param(
        "run-one-period",
        of_period("Open-Ended", journalEntryDate="2026-03-31"),
        {},
        (PERIOD,),
        "Open-Ended has no end date",
        id="the open-ended period",
    ),
    pytest.param(
        "run-one-period",
        of_days("2026-01-15", "2026-02-15"),
        {},
        (START,),
        "2026-01-15 to 2026-02-15 is not within one accounting period that has an end date",
        id="days of two periods",
    ),
    pytest.param(
        "run-one-period",
        of_days("2026-03-01", "2026-03-15"),
        {},
        (START,),
        "2026-03-01 to 2026-03-15 is not within one accounting period that has an end date",
        id="days of the open-ended period",
    ),
    pytest.param(
        "run-one-period",
        of_days(),
        {"periods": ()},
        (START,),
        "2026-01-01 to 2026-01-15 is not within one accounting period that has an end date",
        id="no periods at all",
    ),
    pytest.param(
        "run-whole-period",
        of_days(**{TYPES: types("Invoice Item", "Revenue Event Item")}),
        {},
        (TYPES, 1, "type"),
        "Revenue Event Item is covered from 2026-01-01 to 2026-01-15, which is not a whole period",
        id="revenue of half a month",
    ),
    pytest.param(
        "date-in-period",
        of_period(journalEntryDate="2026-02-01"),
        {},
        ("journalEntryDate",),
        "2026-02-01 lies outside Jan-2026 (2026-01-01 to 2026-01-31)",
        id="date after the named period",
    ),
    pytest.param(
        "date-in-period",
        of_days(journalEntryDate="2026-02-01"),
        {},
        ("journalEntryDate",),
        "2026-02-01 lies outside Jan-2026 (2026-01-01 to 2026-01-31)",
        id="date after the period of the days",
    ),
    pytest.param(
        "run-organizations",
        of_period(**{LABELS: labels("Acme Europe")}),
        {},
        (LABELS,),
        "organizationLabels is given, but the Reference lists no organizations",
        id="organizations of a tenant without any",
    ),
    pytest.param(
        "run-organizations",
        of_period(**{LABELS: labels("Acme Asia", "Acme Europa")}),
        MULTI_ORG,
        (LABELS, 1, "organizationName"),
        'no organization has the name "Acme Europa"',
        id="name unknown",
    ),
    pytest.param(
        "run-organizations",
        of_period(**{LABELS: ({"organizationId": "Acme Europe"},)}),
        MULTI_ORG,
        (LABELS, 0, "organizationId"),
        'no organization has the id "Acme Europe"',
        id="a name in place of an id",
    ),
    *[
        pytest.param(
            "run-types",
            of_period(**{TYPES: types("Invoice Item", name)}),
            MULTI_ORG,
            (TYPES, 1, "type"),
            f"{name} does not exist in a tenant with organizations",
            id=f"no {name} under Multi-Org",
        )
        for name in sorted(NOT_UNDER_MULTI_ORG)
    ],
]


@pytest.mark.parametrize(("rule", "spec", "tenant", "path", "message"), CASES)
def test_a_rule_refuses(rule, spec, tenant, path, message):
    (found,) = check(run(spec), tenant_of(**tenant))
    assert (found.rule, found.message) == (rule, message)
    assert found.path == ("spec", *path)
    assert found.severity is FILE_RULES[rule].severity
    assert found.remedy


@pytest.mark.parametrize(
    ("spec", "tenant"),
    [
        pytest.param(of_period(), {}, id="a period"),
        pytest.param(
            of_period("Dec-2025", journalEntryDate="2025-12-31"), {}, id="a closed period"
        ),
        pytest.param(
            of_period(**{START: "2026-01-01", END: "2026-01-31"}), {}, id="a period and its dates"
        ),
        pytest.param(of_days(), {}, id="some days"),
        pytest.param(of_days("2026-01-31", "2026-01-31"), {}, id="one day"),
        pytest.param(
            of_days("2025-12-01", "2025-12-15", journalEntryDate="2025-12-15"),
            {},
            id="days of a closed period",
        ),
        pytest.param(
            of_period(**{TYPES: types("Revenue Event Item")}), {}, id="revenue of a named period"
        ),
        pytest.param(
            of_days("2026-01-01", "2026-01-31", **{TYPES: types("Revenue Event Item")}),
            {},
            id="revenue of the days of a period",
        ),
        pytest.param(
            of_period("Jan-2015", journalEntryDate="2015-01-31"), EARLY, id="the earliest period"
        ),
        pytest.param(
            of_days("2015-01-01", "2015-01-02", journalEntryDate="2015-01-02"),
            EARLY,
            id="the earliest day",
        ),
        pytest.param(of_period("Any period"), UNKNOWN, id="without a Reference, any period"),
        pytest.param(
            of_days("2026-01-15", "2026-02-15", **{TYPES: types("Revenue Event Item")}),
            UNKNOWN,
            id="without a Reference, any days",
        ),
        pytest.param(
            of_period(**{LABELS: labels("Acme Europe")}),
            UNKNOWN,
            id="without a Reference, any organization",
        ),
        pytest.param(
            of_period(**{LABELS: ({"organizationId": "8"}, *labels("Acme Europe"))}),
            MULTI_ORG,
            id="organizations by id and by name",
        ),
        pytest.param(of_period(**{TYPES: types(*sorted(TRANSACTION_TYPES))}), {}, id="all types"),
        pytest.param(
            of_period(**{TYPES: types(*sorted(TRANSACTION_TYPES - NOT_UNDER_MULTI_ORG))}),
            MULTI_ORG,
            id="all types of Multi-Org",
        ),
        pytest.param(
            of_period(),
            {"entry_fields": {MARKER: CustomField(name=MARKER, max_length=1)}},
            id="a run carries no marker that would have to fit",
        ),
    ],
)
def test_no_rule_refuses(spec, tenant):
    assert check(run(spec), tenant_of(**tenant)) == ()


def test_every_rule_of_runs_has_a_case():
    shown = {case.values[0] for case in CASES} | {"run-overlap"}
    assert {rule for rule in FILE_RULES if rule.startswith("run-")} <= shown


def test_days_of_two_periods_become_two_runs():
    (found,) = check(run(of_days("2025-12-15", "2026-02-15")), tenant_of())
    assert found.remedy == "Declare a run for each of Dec-2025, Jan-2026, Feb-2026."


def test_a_near_miss_names_what_was_meant():
    spec = of_period(**{LABELS: labels("Acme Europa")})
    (found,) = check(run(spec), tenant_of(**MULTI_ORG))
    assert found.remedy == 'Did you mean "Acme Europe"?'


def test_the_special_types_are_types():
    assert REVENUE_TYPES | NOT_UNDER_MULTI_ORG < TRANSACTION_TYPES
    assert (len(TRANSACTION_TYPES), len(NOT_UNDER_MULTI_ORG)) == (29, 9)


SECOND_HALF = of_days("2026-01-16", "2026-01-31")
ASIA, EUROPE = labels("Acme Asia"), labels("Acme Europe")


@pytest.mark.parametrize(
    ("one", "other", "tenant", "meet"),
    [
        pytest.param(of_period(), of_period(), {}, True, id="equal"),
        pytest.param(of_period(), SECOND_HALF, {}, True, id="days of a named period"),
        pytest.param(of_days(), SECOND_HALF, {}, False, id="two halves"),
        pytest.param(
            of_days(), of_days("2026-01-15", "2026-01-31"), {}, True, id="one day in common"
        ),
        pytest.param(of_period(), of_period("Feb-2026"), {}, False, id="two periods"),
        pytest.param(
            of_period(), of_period(**{TYPES: types("External Refund")}), {}, False, id="other types"
        ),
        pytest.param(
            of_period(**{TYPES: types("External Refund", "Taxation Item")}),
            of_period(**{TYPES: types("Invoice Item", "Taxation Item")}),
            {},
            True,
            id="one type in common",
        ),
        pytest.param(
            of_period("Mar-2026"), of_period("Mar-2026"), UNKNOWN, True, id="a period nobody knows"
        ),
        pytest.param(of_period(), SECOND_HALF, UNKNOWN, False, id="days nobody can tell"),
        pytest.param(of_period(), of_period("Feb-2026"), UNKNOWN, False, id="two unknown periods"),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: EUROPE}),
            MULTI_ORG,
            False,
            id="two organizations",
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: (*EUROPE, *ASIA)}),
            MULTI_ORG,
            True,
            id="one organization in common",
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}), of_period(), MULTI_ORG, True, id="all organizations"
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: labels("Acme Europe", cascadingDown=True)}),
            MULTI_ORG,
            True,
            id="an organization and what is below it",
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: labels("Acme Europe", excluded=True)}),
            MULTI_ORG,
            True,
            id="all organizations but one",
        ),
        pytest.param(
            of_period(**{LABELS: EUROPE}),
            of_period(**{LABELS: ({"organizationId": "7"},)}),
            MULTI_ORG,
            True,
            id="one organization, by name and by id",
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: ({"organizationId": "7"},)}),
            MULTI_ORG,
            False,
            id="two organizations, by name and by id",
        ),
        pytest.param(
            of_period(**{LABELS: ASIA}),
            of_period(**{LABELS: ({"organizationId": "7"},)}),
            UNKNOWN,
            True,
            id="a name and an id that may mean the same",
        ),
    ],
)
def test_two_runs_of_one_transaction_are_pointed_out(one, other, tenant, meet):
    for first, second in ((one, other), (other, one)):
        runs = [run(first, "a"), run(second, "b")]
        found = list(check_together(runs, tenant_of(**tenant)))
        assert [item.rule for item in found] == ["run-overlap"] * meet
        assert all(item.severity is Severity.WARNING for item in found)


def test_a_run_that_meets_another_names_it_and_the_types():
    shared = ("Invoice Item", "Taxation Item")
    runs = [
        run(of_days("2026-01-10", "2026-01-31", **{TYPES: types(*shared, "External Refund")}), "a"),
        run(of_days(**{TYPES: types(*shared)}), "b"),
    ]
    (found,) = check_together(runs, tenant_of())
    assert (found.source.path, found.path) == ("2026/a.yaml", ("spec", TYPES))
    assert found.message == (
        "Invoice Item, Taxation Item: some of these days are also covered by b (2026/b.yaml:1)"
    )


def test_a_run_names_one_other_however_many_it_meets():
    spec = of_period(**{TYPES: types(*sorted(TRANSACTION_TYPES))})
    runs = [run(spec, f"run-{at:05}") for at in range(300)]
    assert len(list(check_together(runs, tenant_of()))) == 299


def test_runs_and_entries_are_not_compared_with_each_other():
    mixed = [run(of_period(), "a"), declared(entry(), name="a"), run(of_period("Feb-2026"), "b")]
    assert list(check_together(mixed, tenant_of())) == []


def test_two_adopted_entries_may_say_the_same_and_a_new_one_may_not():
    adopted = [declared(name=name, adopts=f"JE-0000000{name}") for name in ("1", "2")]
    assert list(check_together(adopted, tenant_of())) == []
    (found,) = check_together([*adopted, declared(name="3")], tenant_of())
    assert (found.rule, found.source.path) == ("same-economics", "2026/3.yaml")


@pytest.mark.parametrize(
    ("stated", "organizations"),
    [
        pytest.param({}, (), id="no Multi-Org"),
        pytest.param(
            {"organizations": ({"id": "7", "name": "Acme Europe"},)},
            MULTI_ORG["organizations"][:1],
            id="an id and a name",
        ),
        pytest.param(
            {"organizations": ({"name": "Acme Europe"},)},
            (Organization(id="", name="Acme Europe"),),
            id="a name only",
        ),
    ],
)
def test_organizations_are_read_from_the_reference(stated, organizations):
    assert tenant_from({"spec": stated}).organizations == organizations
    assert tenant_of().organizations == ()
