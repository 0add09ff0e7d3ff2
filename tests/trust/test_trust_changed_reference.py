"""Number 5: no change of the Reference touches books that are posted and unchanged."""

import copy
import json

import pytest
import yaml
from books_harness import credit, debit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MARKER = "ReconcilerKey__c"
DATES = st.sampled_from(["2020-01-01", "2026-01-31", "2026-02-01", "2027-01-01"])
NUMBERS = {"fiscalYear", "fiscalQuarter", "maxLength"}


def _plain(value, key=""):
    if isinstance(value, dict):
        return {name: _plain(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if key in NUMBERS else value


def _codes(draw, spec):
    rows = spec["accountingCodes"]
    used = [row for row in rows if row["name"] in USED]
    row = draw(st.sampled_from(used or rows))
    match draw(st.sampled_from(["drop", "rename", "inactive", "since", "type", "twin"])):
        case "drop":
            rows.remove(row)
        case "rename":
            row["name"] = f"Former {row['name']}"
        case "inactive":
            row["status"] = "Inactive"
        case "since":
            row.pop("status", None)
            row["inactiveSince"] = draw(DATES)
        case "type":
            row["type"] = "OtherEquity"
        case "twin" if row["type"] not in {"OtherEquity", "BadDebt"}:
            rows.append({"name": row["name"], "type": "BadDebt"})


def _currencies(draw, spec):
    rows = spec["currencies"]
    row = draw(st.sampled_from(rows))
    code = row if isinstance(row, str) else row["code"]
    rows.remove(row)
    if draw(st.booleans()):
        rows.append({"code": code, "inactiveSince": draw(DATES)})


def _periods(draw, spec):
    rows = spec["accountingPeriods"]
    row = draw(st.sampled_from(rows[2:] or rows))
    match draw(st.sampled_from(["drop", "rename", "Closed", "PendingClose"])):
        case "drop":
            rows.remove(row)
        case "rename":
            row["name"] = f"Former {row['name']}"
        case status:
            row["status"] = status


def _fields(draw, spec):
    kind = draw(st.sampled_from(sorted(spec["customFields"])))
    rows = spec["customFields"][kind]
    row = draw(st.sampled_from(rows))
    how = draw(st.sampled_from(["drop", "since", "short"]))
    if how == "short":
        row["maxLength"] = 1
    elif len(rows) > 1:
        rows.remove(row)
        if how == "since" and row["name"] != MARKER:
            rows.append({**row, "inactiveSince": draw(DATES)})


def _segments(draw, spec):
    for form in ("segmentationRule", "segmentationRules"):
        spec.pop(form, None)
    new = {"name": "New", "segments": draw(st.permutations(["Region", "Department", "Team"]))}
    day = draw(DATES)
    old = {"name": "Old", "segments": ["Department", "Region"], "inactiveSince": day}
    match draw(st.sampled_from(["none", "other", "since", "ended"])):
        case "other":
            spec["segmentationRule"] = new
        case "since":
            spec["segmentationRules"] = [old, {**new, "activeSince": day}]
        case "ended":
            spec["segmentationRules"] = [old]


def _home(draw, spec):
    spec.pop("homeCurrency", None)
    spec.pop("aggregateCurrency", None)
    if home := draw(st.sampled_from(["", "USD", "EUR", "JPY"])):
        spec |= {"homeCurrency": home, "aggregateCurrency": draw(st.booleans())}


CHANGES = (_codes, _currencies, _periods, _fields, _segments, _home)
CONTROLS = (
    "{policy: {freeze: [{periods: [Jan-2026]}], limits: {money: {EUR: 1000.00, JPY: 1000}}, "
    "approvals: {tiers: [{required: 1, accountingCodes: [Deferred Revenue]}]}}}"
)
"""Controls that name what the Reference may lose."""
FEBRUARY = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
USED = {"Deferred Revenue", "Subscription Revenue"}


@st.composite
def changed(draw, reference):
    """A Reference after some changes, that does not contradict itself."""
    document = copy.deepcopy(reference)
    spec = document["spec"]
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=6)):
        change(draw, spec)
        if not any(isinstance(row, str) for row in spec["currencies"]):
            spec["currencies"].append("CHF")
        if spec.get("homeCurrency") not in spec["currencies"]:
            spec.pop("homeCurrency", None)
            spec.pop("aggregateCurrency", None)
    return document


@pytest.fixture
def posted(empty):
    """Entries with everything that a Reference has a say in, posted."""
    home = {"homeCurrencyAmount": "110.00"}
    empty.declare("plain", Preparer__c="Ann")
    empty.declare(
        "segments",
        segments=[
            {"segmentName": name, "segmentValue": "One"} for name in ("Department", "Region")
        ],
    )
    empty.declare("euro", debit("100.00", **home), credit("100.00", **home), currency="EUR")
    empty.declare(
        "home",
        debit("7.25", homeCurrencyAmount="7.25"),
        credit("7.25", homeCurrencyAmount="7.25"),
    )
    empty.declare("yen", debit("100", **home), credit("100", **home), currency="JPY")
    assert empty.apply().code == 0
    empty.settings(spec=CONTROLS)
    return empty


def stays(books):
    reference = _plain(yaml.load((books.root / "reference.yaml").read_text(), yaml.BaseLoader))
    before = books.content()

    def untouched(document):
        books.write("reference.yaml", json.dumps(document, indent=2))
        said = books.run("validate")
        assert said.code == 0, said.said
        plan = books.plan("--detailed-exitcode")
        assert plan.code == 0, plan.said
        assert books.plan_document()["changes"] == []
        for verb in (books.apply(), books.run("drift")):
            assert verb.code == 0, verb.said
        assert books.content() == before

    return reference, untouched


def test_t05_a_dropped_custom_field_plans_nothing(posted):
    reference, untouched = stays(posted)
    fields = reference["spec"]["customFields"]
    fields["JournalEntry"] = [row for row in fields["JournalEntry"] if row["name"] == MARKER]
    untouched(reference)
    posted.declare("new", Preparer__c="Ann", **FEBRUARY)
    (row,) = posted.plan_document()["changes"]
    assert (row["name"], row["blocked"]["rule"]) == ("new", "ledger-facts")


def test_t05_the_field_of_the_marker_is_a_fact_of_the_tenant(posted):
    """Without it nothing can be posted, and nothing that is posted is wrong."""
    reference, untouched = stays(posted)
    rows = reference["spec"]["customFields"]["JournalEntry"]
    reference["spec"]["customFields"]["JournalEntry"] = [r for r in rows if r["name"] != MARKER]
    untouched(reference)
    assert "marker-field" in posted.plan().out
    posted.declare("new", **FEBRUARY)
    (row,) = posted.plan_document()["changes"]
    assert (row["name"], row["blocked"]["rule"]) == ("new", "ledger-facts")
    assert "marker-field: the tenant has no custom field" in row["blocked"]["message"]
    said = posted.run("validate")
    assert (said.code, "error[marker-field]" in said.out) == (3, True), said.said


@pytest.mark.parametrize("what", ["accountingCodes", "accountingPeriods", "currencies"])
def test_t05_a_control_applies_while_a_declaration_uses_its_name(posted, what):
    """A name that the Reference lost still controls what is posted. Unused, it controls nothing."""
    reference, untouched = stays(posted)
    lost = {"accountingCodes": "Deferred Revenue", "accountingPeriods": "Jan-2026"}.get(what, "EUR")
    rows = reference["spec"][what]
    reference["spec"][what] = [r for r in rows if lost not in (r, *getattr(r, "values", list)())]
    untouched(reference)
    assert "warning[policy-name]" in posted.run("validate").out
    for file in posted.root.glob("*.yaml"):
        if file.name not in ("reconciler.yaml", "reference.yaml"):
            file.unlink()
    said = posted.run("plan")
    assert (said.code, "error[policy-name]" in said.said) == (3, True), said.said


def _held(books, examples):
    reference, untouched = stays(books)

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(changed(reference))
    def hold(document):
        untouched(document)

    hold()


def test_t05_a_changed_reference_plans_nothing_for_posted_books(posted):
    _held(posted, 6)


@pytest.mark.long
def test_t05_any_changed_reference_plans_nothing_for_posted_books(posted):
    _held(posted, 150)
