"""Each accounting rule reports what it names, with its path, and nothing else."""

from decimal import Decimal

import pytest
from builders import MARKER, credit, debit, declared, entry, tenant_of
from iso4217 import Currency

from reconciler.core.model.finding import Severity
from reconciler.core.model.marker import IN_NOTES
from reconciler.core.model.money import minor_units
from reconciler.core.model.resource import Source
from reconciler.core.model.tenant import CustomField
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.entries import check, check_marker, check_together
from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES

LINES = "journalEntryItems"
HOME = {"home_currency": "USD"}
UNKNOWN = {
    "complete": False,
    "codes": (),
    "periods": (),
    "currencies": frozenset(),
    "segments": None,
    "entry_fields": {},
    "line_fields": {},
}
"""Nothing is known of the tenant: there is no Reference."""

CASES = [
    # rule, spec, tenant, path, message
    pytest.param(
        "lines-balance",
        entry(debit("400.90"), credit("400.80")),
        {},
        (LINES,),
        "debits exceed credits by USD 0.10",
        id="debits exceed credits",
    ),
    pytest.param(
        "lines-balance",
        entry(debit("1"), credit("12500"), currency="JPY"),
        {},
        (LINES,),
        "credits exceed debits by JPY 12,499",
        id="credits exceed debits, in a currency without decimals",
    ),
    pytest.param(
        "home-balance",
        entry(debit(home="370.01"), credit(home="370"), currency="EUR"),
        HOME,
        (LINES,),
        "in the home currency, debits exceed credits by USD 0.01",
        id="M9 balanced in the currency, not at home",
    ),
    pytest.param(
        "home-balance",
        entry(debit(home="370.01"), credit(home="370"), currency="EUR"),
        UNKNOWN,
        (LINES,),
        "in the home currency, debits exceed credits by 0.01",
        id="home amounts balance even when no home currency is known",
    ),
    pytest.param(
        "home-amount",
        entry(debit(), credit(home="370"), currency="EUR"),
        HOME,
        (LINES, 0),
        "homeCurrencyAmount is missing on a line in EUR",
        id="home amount missing",
    ),
    pytest.param(
        "home-amount",
        entry(debit(), credit(home="400.91")),
        HOME,
        (LINES, 1, "homeCurrencyAmount"),
        "homeCurrencyAmount differs from amount, but both are in USD",
        id="home amount differs in the home currency",
    ),
    pytest.param(
        "home-amount",
        entry(debit(home="400.90"), credit()),
        {},
        (LINES, 0, "homeCurrencyAmount"),
        "homeCurrencyAmount is given, but the tenant has no home currency",
        id="home amount without a home currency",
    ),
    pytest.param(
        "minor-units",
        entry(debit("0.25"), credit("0.25"), currency="JPY"),
        {},
        (LINES, 0, "amount"),
        "0.25 has 2 decimal places; JPY has none",
        id="a quarter of a yen",
    ),
    pytest.param(
        "minor-units",
        entry(debit(home="370.005"), credit(home="370.005"), currency="EUR"),
        HOME,
        (LINES, 0, "homeCurrencyAmount"),
        "370.005 has 3 decimal places; USD has 2",
        id="half a cent at home",
    ),
    pytest.param(
        "currency-code",
        entry(currency="ABC"),
        {"currencies": frozenset({"ABC"})},
        ("currency",),
        "ABC is not a currency of ISO 4217 with known decimal places",
        id="no code of the standard",
    ),
    pytest.param(
        "active-currency",
        entry(currency="CHF"),
        {},
        ("currency",),
        "CHF is not active in the tenant; active currencies: EUR, JPY, KWD, USD",
        id="inactive currency",
    ),
    pytest.param(
        "active-currency",
        entry(),
        {"currencies": frozenset()},
        ("currency",),
        "USD is not active in the tenant; active currencies: none",
        id="no active currency at all",
    ),
    pytest.param(
        "aggregate-currency",
        entry(debit(home="1"), credit(home="1"), currency="EUR"),
        {**HOME, "aggregate_currency": True},
        ("currency",),
        "the tenant aggregates currencies, and EUR is not its home currency USD",
        id="aggregated",
    ),
    pytest.param(
        "known-accounting-code",
        entry(debit(code="Defered Revenue"), credit()),
        {},
        (LINES, 0, "accountingCodeName"),
        'no accounting code is named "Defered Revenue"',
        id="code unknown",
    ),
    pytest.param(
        "known-accounting-code",
        entry(debit(code="?"), credit()),
        {**UNKNOWN, "codes": tenant_of().codes},
        (LINES, 0, "accountingCodeName"),
        'no accounting code is named "?"',
        id="code unknown to the ledger itself",
    ),
    pytest.param(
        "known-accounting-code",
        entry(debit(accountingCodeType="Cash"), credit()),
        {},
        (LINES, 0, "accountingCodeType"),
        'accounting code "Deferred Revenue" has the type DeferredRevenue, not Cash',
        id="code of another type",
    ),
    pytest.param(
        "active-accounting-code",
        entry(debit(code="Old Cash"), credit()),
        {},
        (LINES, 0, "accountingCodeName"),
        'accounting code "Old Cash" is inactive',
        id="code inactive",
    ),
    pytest.param(
        "accounting-code-type",
        entry(debit(code="Suspense"), credit()),
        {},
        (LINES, 0, "accountingCodeName"),
        'more than one accounting code is named "Suspense": OtherAssets, OtherLiabilities',
        id="code ambiguous",
    ),
    pytest.param(
        "known-period",
        entry(accountingPeriodName="Jan 2026"),
        {},
        ("accountingPeriodName",),
        'no accounting period is named "Jan 2026"',
        id="period unknown",
    ),
    pytest.param(
        "open-period",
        entry(accountingPeriodName="Dec-2025", journalEntryDate="2025-12-31"),
        {},
        ("accountingPeriodName",),
        "the accounting period Dec-2025 is closed",
        id="period closed",
    ),
    pytest.param(
        "date-in-period",
        entry(journalEntryDate="2026-02-01"),
        {},
        ("journalEntryDate",),
        "2026-02-01 lies outside Jan-2026 (2026-01-01 to 2026-01-31)",
        id="date after its period",
    ),
    pytest.param(
        "date-in-period",
        entry(accountingPeriodName="Open-Ended"),
        {},
        ("journalEntryDate",),
        "2026-01-31 lies outside Open-Ended (2026-03-01 to open end)",
        id="date before the open-ended period",
    ),
    pytest.param(
        "segments",
        entry(segments=({"segmentName": "Region", "segmentValue": "EMEA"},)),
        {},
        ("segments",),
        "segments are Region; the rule has Department, Region",
        id="segments incomplete",
    ),
    pytest.param(
        "segments",
        entry(segments=({"segmentName": "Region", "segmentValue": "EMEA"},)),
        {"segments": None},
        ("segments",),
        "segments are given, but no segmentation rule is active",
        id="segments without a rule",
    ),
    pytest.param(
        "custom-field",
        entry(Tiket__c="T-1"),
        {},
        ("Tiket__c",),
        "the tenant has no custom field Tiket__c here; "
        f"it has Count__c, Done__c, {MARKER}, Ticket__c",
        id="custom field unknown",
    ),
    pytest.param(
        "custom-field",
        entry(debit(Ticket__c="T-1"), credit()),
        {"line_fields": {}},
        (LINES, 0, "Ticket__c"),
        "the tenant has no custom field Ticket__c here",
        id="custom field of the entry, on a line",
    ),
    pytest.param(
        "custom-field",
        entry(Ticket__c="T-123456789"),
        {},
        ("Ticket__c",),
        "Ticket__c has 11 characters; at most 10 are allowed",
        id="custom field too long",
    ),
    pytest.param(
        "reserved-field",
        entry(**{MARKER: "books/other"}),
        {},
        (MARKER,),
        f"{MARKER} holds the marker; only reconciler writes it",
        id="the marker in a file",
    ),
    pytest.param(
        "marker-field",
        entry(),
        {"entry_fields": {MARKER: CustomField(name=MARKER, max_length=12)}},
        ("metadata", "name"),
        f"the marker has 13 characters; {MARKER} holds 12",
        id="a marker that would be cut off",
    ),
    pytest.param(
        "line-limit",
        entry(*(debit("1") for _ in range(50)), *(credit("1") for _ in range(51)), debit("1")),
        {},
        (LINES,),
        "the entry has 102 lines; at most 100 are allowed",
        id="too many lines",
    ),
    pytest.param(
        "notes-length",
        entry(notes="x" * 2001),
        {},
        ("notes",),
        "the notes have 2,001 characters; at most 2,000 are allowed",
        id="notes too long",
    ),
    pytest.param(
        "notes-length",
        entry(notes="x" * 1974),
        {"marker": IN_NOTES},
        ("notes",),
        "the notes have 1,974 characters; at most 1,973 are allowed",
        id="notes too long with the marker",
    ),
]


@pytest.mark.parametrize(("rule", "spec", "tenant", "path", "message"), CASES)
def test_a_rule_refuses(rule, spec, tenant, path, message):
    found, *others = check(declared(spec), tenant_of(**tenant))
    assert (found.rule, found.message) == (rule, message)
    assert all(other.rule == rule for other in others)
    assert found.path == (path if path[0] == "metadata" else ("spec", *path))
    assert found.severity is FILE_RULES[rule].severity
    assert found.source == declared().source
    assert found.remedy


@pytest.mark.parametrize(
    ("spec", "tenant"),
    [
        pytest.param(entry(), {}, id="the plain entry"),
        pytest.param(entry(debit("0.30"), credit("0.10"), credit("0.20")), {}, id="M3 0.1 + 0.2"),
        pytest.param(
            entry(debit("1"), *(credit("0.1") for _ in range(10))), {}, id="M3 ten tenths"
        ),
        pytest.param(entry(debit("400.9"), credit("400.90")), {}, id="M6 scales are no decimals"),
        pytest.param(entry(), HOME, id="in the home currency, home amounts need no statement"),
        pytest.param(entry(debit(home="400.9"), credit()), HOME, id="or may be stated"),
        pytest.param(
            entry(debit(home="370"), credit(home="370"), currency="EUR"), HOME, id="M9 both balance"
        ),
        pytest.param(
            entry(debit(home="370"), credit(home="369"), credit("0.01", home="1"), debit("0.01")),
            UNKNOWN,
            id="some home amounts, and no home currency known",
        ),
        pytest.param(
            entry(debit(home="1"), credit(home="1"), currency="EUR"),
            {**HOME, "aggregate_currency": False},
            id="not aggregated",
        ),
        pytest.param(entry(), {**HOME, "aggregate_currency": True}, id="aggregated, at home"),
        pytest.param(
            entry(debit(home="0.123456"), credit(home="0.123456"), currency="EUR"),
            {"home_currency": "XXX"},
            id="a home currency without decimal places of its own",
        ),
        pytest.param(
            entry(debit(code="Suspense", accountingCodeType="OtherAssets"), credit()),
            {},
            id="code made unambiguous by its type",
        ),
        pytest.param(
            entry(debit(code="On Account", accountingCodeType="OnAccountReceivable"), credit()),
            {},
            id="the other spelling of a code type",
        ),
        pytest.param(
            entry(accountingPeriodName="Open-Ended", journalEntryDate="2031-01-01"),
            {},
            id="no date is too late for the open-ended period",
        ),
        pytest.param(
            entry(accountingPeriodName="Jan-2026", journalEntryDate="2026-01-01"),
            {},
            id="the first day of the period",
        ),
        pytest.param(
            entry(
                segments=(
                    {"segmentName": "Department", "segmentValue": "Finance"},
                    {"segmentName": "Region", "segmentValue": "EMEA"},
                )
            ),
            {},
            id="all segments in their order",
        ),
        pytest.param(
            entry(
                segments=({"segmentName": "X", "segmentValue": "Y"},), Any__c="x", currency="CHF"
            ),
            UNKNOWN,
            id="without a Reference nothing is unknown",
        ),
        pytest.param(entry(Ticket__c="T-12345678", Count__c=Decimal(7)), {}, id="custom fields"),
        pytest.param(entry(debit(Team__c="a"), credit()), {}, id="a custom field of lines"),
        pytest.param(
            entry(),
            {"entry_fields": {MARKER: CustomField(name=MARKER, max_length=13)}},
            id="a marker that just fits",
        ),
        pytest.param(
            entry(*(debit("1") for _ in range(50)), *(credit("1") for _ in range(50))),
            {},
            id="a hundred lines",
        ),
        pytest.param(entry(notes="\N{EURO SIGN}" * 2000), {}, id="2,000 characters, not bytes"),
        pytest.param(
            entry(notes="x" * 1973), {"marker": IN_NOTES}, id="notes that just fit the marker"
        ),
    ],
)
def test_no_rule_refuses(spec, tenant):
    assert check(declared(spec), tenant_of(**tenant)) == ()


def test_no_rounding_line_is_proposed_that_its_currency_has_no_amount_for():
    spec = entry(debit(home="370.005"), credit(home="370"), currency="EUR")
    found = {one.rule: one.remedy for one in check(declared(spec), tenant_of(**HOME))}
    assert found["home-balance"].endswith(" from 370.00 to 370.005.")
    assert "minor-units" in found


def test_every_rule_for_files_has_a_case():
    runs = {rule for rule in FILE_RULES if rule.startswith("run-")}
    together = {rule for rule in FILE_RULES if rule.startswith("reversal-")} | {"same-economics"}
    schedules = {*SCHEDULE_RULES}
    elsewhere = {"home-currency", "unusual-rate"} | runs | together | schedules
    assert {case.values[0] for case in CASES} | elsewhere == set(FILE_RULES)


def test_rules_of_files_and_plans_have_one_name_each():
    assert not set(FILE_RULES) & set(PLAN_RULES)


def test_all_findings_of_a_declaration_are_reported_at_once():
    spec = entry(debit("1.005", code="?"), credit("1"), notes="x" * 2001)
    rules = [found.rule for found in check(declared(spec), tenant_of())]
    assert rules == ["minor-units", "lines-balance", "known-accounting-code", "notes-length"]


def test_a_near_miss_names_what_was_meant():
    (found,) = check(declared(entry(debit(code="Defered Revenue"), credit())), tenant_of())
    assert found.remedy == 'Did you mean "Deferred Revenue"?'


def test_what_is_near_nothing_gets_the_remedy_of_the_rule():
    (found,) = check(declared(entry(debit(code="?"), credit())), tenant_of())
    assert found.remedy == FILE_RULES["known-accounting-code"].remedy


@pytest.mark.parametrize(
    ("tenant", "found"),
    [
        pytest.param({"entry_fields": {}}, True, id="the tenant lacks the field"),
        pytest.param({}, False, id="the tenant has it"),
        pytest.param({"entry_fields": {}, "complete": False}, False, id="nobody knows"),
        pytest.param({"entry_fields": {}, "marker": IN_NOTES}, False, id="notes need no field"),
    ],
)
def test_the_tenant_must_be_able_to_carry_the_marker(tenant, found):
    findings = list(check_marker(tenant_of(**tenant)))
    assert [item.rule for item in findings] == ["marker-field"] * found
    assert all(item.source == Source("reconciler.yaml") for item in findings)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(entry(), True, id="equal"),
        pytest.param(entry(notes="other", journalEntryDate="2026-01-02"), True, id="other words"),
        pytest.param(entry(credit("400.9"), debit("400.900")), True, id="other order and scale"),
        pytest.param(entry(debit("1"), credit("1")), False, id="other amounts"),
        pytest.param(entry(accountingPeriodName="Feb-2026"), False, id="another period"),
        pytest.param(entry(currency="EUR"), False, id="another currency"),
        pytest.param(entry(debit(), debit(), credit("801.8")), False, id="a line twice"),
    ],
)
def test_two_entries_of_one_posting_are_pointed_out(other, same):
    entries = [declared(entry(), name="a"), declared(other, name="b")]
    found = list(check_together(entries, tenant_of()))
    assert [item.rule for item in found] == ["same-economics"] * same
    for item in found:
        assert item.source.path == "2026/b.yaml"
        assert item.message.endswith("as a (2026/a.yaml:1)")
        assert item.severity is Severity.WARNING


def rules_of(spec):
    return [found.rule for found in check(declared(spec), tenant_of(**UNKNOWN))]


CENTS = [1, *(10**power for power in range(1, 17)), 2**53, 2**53 + 1, 10**17 - 1]


@pytest.mark.parametrize("cents", CENTS)
def test_m4_one_cent_is_never_lost(cents):
    """At 2^53 cents both sides are one and the same float."""
    amount, more = (str(Decimal(value).scaleb(-2)) for value in (cents, cents + 1))
    assert rules_of(entry(debit(amount), credit(amount))) == []
    for lines in ((debit(more), credit(amount)), (debit(amount), credit(more))):
        (found,) = check(declared(entry(*lines)), tenant_of(**UNKNOWN))
        assert found.rule == "lines-balance"
        assert found.message.endswith("by USD 0.01")


def test_m2_every_cent_up_to_a_thousand_is_accepted():
    """Dividing by 0.01 in floats refuses thousands of them."""
    refused = [
        cents
        for cents in range(1, 100_001, 7)
        if rules_of(
            entry(debit(str(Decimal(cents).scaleb(-2))), credit(str(Decimal(cents).scaleb(-2))))
        )
    ]
    assert refused == []


def accepted(amount, currency):
    return "minor-units" not in rules_of(entry(debit(amount), credit(amount), currency=currency))


@pytest.mark.parametrize("code", [item.code for item in Currency if item.exponent is not None])
def test_m5_an_amount_may_have_the_decimal_places_of_its_currency_and_no_more(code):
    units = minor_units(code)
    assert accepted("1" + ("." + "0" * (units - 1) + "1" if units else ""), code)
    assert not accepted("1." + "0" * units + "1", code)
    # One reader takes `1.000` for one, another for one thousand.
    assert not accepted("1." + "0" * (units + 1), code)


@pytest.mark.parametrize("code", [item.code for item in Currency if item.exponent is None])
def test_m5_a_code_without_decimal_places_is_no_currency_of_an_entry(code):
    assert rules_of(entry(currency=code)) == ["currency-code"]


def test_an_amount_that_is_no_decimal_is_never_left_out_of_a_sum():
    """I-53: the schema lets none through, and the sums do not rely on it."""
    spec = entry({**debit(), "amount": "400.90"}, credit())
    with pytest.raises(AssertionError):
        check(declared(spec), tenant_of())
