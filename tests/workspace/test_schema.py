"""The schemas: one verdict from two validators, exact on money, closed, and readable."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from second_opinion import is_valid_too

import reconciler
from reconciler.core.model.finding import Severity
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.resource import Source
from reconciler.workspace import SCHEMAS, load, schema_errors, schema_text
from reconciler.workspace.json_schema import SUPPORTING, is_valid
from reconciler.workspace.schema_errors import _KEYWORDS, explain
from reconciler.workspace.yaml_reader import read

ROOT = pathlib.Path(__file__).parent.parent.parent
FILES = sorted([*(ROOT / "journals").rglob("*.yaml"), *(ROOT / "tests/errors").glob("*.yaml")])


def as_value(tree):
    if isinstance(tree, dict):
        return {key: as_value(item) for key, item in tree.items()}
    if isinstance(tree, list | tuple):
        return tuple(as_value(item) for item in tree)
    return Decimal(str(tree)) if type(tree) in (int, float) else tree


def schema_of(kind):
    return json.loads(schema_text(kind))


def parts(node, path=()):
    """Every subschema, with the path to it."""
    if isinstance(node, dict):
        yield path, node
        for key, item in node.items():
            if key not in ("examples", "enum", "const"):
                yield from parts(item, (*path, key))
    elif isinstance(node, list):
        for position, item in enumerate(node):
            yield from parts(item, (*path, position))


def agreed(kind, document):
    """The verdict both validators give."""
    verdict = is_valid(kind, document)
    assert is_valid_too(kind, document) is verdict, document
    return verdict


def entry(**line):
    return as_value(
        {
            "apiVersion": "journal.reconciler/v1",
            "kind": "JournalEntry",
            "metadata": {"name": "accrual"},
            "spec": {
                "accountingPeriodName": "Jan-2026",
                "currency": "USD",
                "journalEntryDate": "2026-01-31",
                "journalEntryItems": [
                    {"accountingCodeName": "Cash", "type": "Debit", "amount": "1", **line},
                    {"accountingCodeName": "Cash", "type": "Credit", "amount": "1"},
                ],
            },
        }
    )


def with_spec(**fields):
    document = dict(entry())
    document["spec"] = {**document["spec"], **fields}
    return document


def test_every_kind_has_a_schema_of_its_own():
    assert set(SCHEMAS) == {*KINDS, *SUPPORTING, "Workspace", "Reference"}
    identities = {schema_of(kind)["$id"] for kind in SCHEMAS}
    names = {file.removesuffix(".schema.json") for file in SCHEMAS.values()}
    assert identities == {f"urn:journal-reconciler:v1:{name}" for name in names}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_closed_and_refers_to_itself_only(kind):
    for path, part in parts(schema_of(kind)):
        assert "multipleOf" not in part, path
        assert str(part.get("$ref", "#")).startswith("#"), path
        if part.get("type") == "object":
            assert "additionalProperties" in part, path
            assert part["additionalProperties"] is not True, path


STRUCTURE = {
    *("$schema", "$id", "$ref", "$defs", "$comment", "title", "description", "default"),
    *("properties", "patternProperties", "propertyNames", "items", "examples", "allOf"),
}
"""What refuses no value by itself."""


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_keyword_that_can_refuse_a_value_is_explained(kind):
    for path, part in parts(schema_of(kind)):
        if {*path[-1:]}.isdisjoint(
            {"properties", "patternProperties", "$defs", "dependentRequired"}
        ):
            assert {*part} - STRUCTURE - {*_KEYWORDS} == set(), path


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        pytest.param(
            {"policy": {"severities": {}}}, "`severities` is empty", id="a mapping without a field"
        ),
        pytest.param(
            {"policy": {"severities": {"x" * 81: "off"}}},
            f"`{'x' * 60}…` has 81 characters, but takes at most 80",
            id="a long name of a field",
        ),
        pytest.param(
            {"dimensions": [f"a{at}__c" for at in range(21)]},
            "`dimensions` has 21 items, but takes at most 20",
            id="a long list",
        ),
    ],
)
def test_a_limit_of_a_workspace_is_told(spec, says):
    document = {
        "apiVersion": "journal.reconciler/v1",
        "kind": "Workspace",
        "metadata": {"name": "books"},
        "spec": spec,
    }
    found = explain("Workspace", as_value(document), source=Source("reconciler.yaml"))
    assert [(one.rule, one.message) for one in found] == [("schema-length", says)]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_teaches_its_format(kind):
    schema = schema_of(kind)
    for path, part in parts(schema):
        if len(path) > 1 and path[-2] == "properties":
            described = {**schema.get("$defs", {}).get(part.get("$ref", "")[8:], {}), **part}
            assert described["description"].endswith("."), path
        if isinstance(part.get("pattern"), str):
            assert part["$comment"], path
    assert all(agreed(kind, as_value(example)) for example in schema["examples"])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_patterns_mean_the_same_to_every_engine(kind):
    schema = schema_of(kind)
    patterns = [
        part["pattern"] for _, part in parts(schema) if isinstance(part.get("pattern"), str)
    ]
    for _, part in parts(schema):
        patterns += part.get("patternProperties", {})
    for pattern in patterns:
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        # Classes such as \d take digits of other scripts in some engines and not in others.
        assert not re.search(r"\\[dDwWsSbB]", pattern)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_both_validators_agree_on_every_file(path):
    documents, _ = read(path.read_bytes(), path="")
    for document in documents:
        for kind in SCHEMAS:
            agreed(kind, document.value)


@pytest.mark.parametrize(
    ("amount", "fits"),
    [
        *[
            pytest.param(Decimal(text), True, id=f"number {text}")
            for text in ("400.90", "0.29", "0.01", "0.000001", "1", "999999999999999.99", "1.005")
        ],
        *[
            pytest.param(Decimal(text), False, id=f"number {text}")
            for text in ("0", "0.00", "-0", "-0.01", "1000000000000000", "1000000000000000.01")
        ],
        *[
            pytest.param(text, True, id=f"text {text}")
            for text in ("400.90", "0.01", "999999999999999.999999", "7", "0.000001")
        ],
        *[
            pytest.param(text, False, id=f"text {text!a}")
            for text in (
                *("", " ", "0", "0.00", "-1", "+1", "1e3", "1E3", "1,000", "1 000", "1_000", "01"),
                *("00.5", ".5", "5.", " 1", "1 ", "1\n", "1\r\n", "\n1", "NaN", "Infinity", "0x10"),
                *("1000000000000000", "0.0000001", "\uff14\uff10\uff10", "\u0663", "1\u00a0000"),
            )
        ],
        pytest.param(True, False, id="boolean"),
        pytest.param(None, False, id="null"),
        pytest.param((), False, id="list"),
    ],
)
def test_amounts(amount, fits):
    assert agreed("JournalEntry", entry(amount=amount)) is fits
    assert agreed("JournalEntry", entry(homeCurrencyAmount=amount)) is fits


@pytest.mark.parametrize(
    ("date", "fits"),
    [
        ("2026-01-31", True),
        ("2024-02-29", True),
        ("2026-02-29", False),
        ("2026-02-30", False),
        ("2026-13-01", False),
        ("2026-1-31", False),
        ("20260131", False),
        ("2026-W05-6", False),
        ("2026-01-31T00:00:00Z", False),
        ("2026-01-31\n", False),
        ("\uff12026-01-31", False),
        ("0000-01-01", False),
        ("", False),
        (Decimal(20260131), False),
    ],
)
def test_dates(date, fits):
    assert agreed("JournalEntry", with_spec(journalEntryDate=date)) is fits


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("2026-01-accrual_1.b", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("", False),
        ("A", False),
        ("a\n", False),
        ("-a", False),
        ("a-", False),
        ("a/b", False),
        ("../a", False),
        ("a b", False),
        ("\u0430", False),
        ("é", False),
    ],
)
@pytest.mark.parametrize("kind", SCHEMAS)
def test_names(kind, name, fits):
    example, *_ = schema_of(kind)["examples"]
    document = as_value(example)
    document["metadata"]["name"] = name
    assert agreed(kind, document) is fits


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        pytest.param({"transferredToAccounting": "No"}, True, id="No is a word"),
        pytest.param({"transferredToAccounting": False}, False, id="false is none"),
        pytest.param({"Key__c": None}, True, id="custom field cleared"),
        pytest.param({"Key__c": Decimal("1.5")}, True, id="custom number"),
        pytest.param({"Key__c": True}, True, id="custom boolean"),
        pytest.param({"Key__c": ("a",)}, False, id="custom list"),
        pytest.param({"key": "a"}, False, id="unknown field"),
        pytest.param({"1__c": "a"}, False, id="custom field beginning with a digit"),
        pytest.param({"Key__c\n": "a"}, False, id="custom field with a line feed"),
        pytest.param({"notes": "n" * 2000}, True, id="longest notes"),
        pytest.param({"notes": "n" * 2001}, False, id="longer notes"),
        pytest.param({"notes": "\U0001f4b0" * 2000}, True, id="characters, not code units"),
        pytest.param({"notes": None}, False, id="no notes but a field for them"),
        pytest.param({"currency": "usd"}, False, id="currency in small letters"),
        pytest.param({"currency": "USD\n"}, False, id="currency with a line feed"),
        pytest.param({"accountingPeriodName": "Jan\n2026"}, False, id="period over two lines"),
        pytest.param({"journalEntryItems": ()}, False, id="no lines"),
        pytest.param(
            {"segments": ({"segmentName": "Region", "segmentValue": "EMEA"},)}, True, id="segments"
        ),
    ],
)
def test_fields_of_an_entry(fields, fits):
    assert agreed("JournalEntry", with_spec(**fields)) is fits


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        pytest.param({}, True, id="defaults"),
        pytest.param({"daybook": "state/daybook.db"}, True, id="path"),
        pytest.param({"daybook": "../daybook.db"}, False, id="path leaving"),
        pytest.param({"daybook": "a/../../b"}, False, id="path leaving later"),
        pytest.param({"daybook": "/var/daybook.db"}, False, id="absolute path"),
        pytest.param({"daybook": "postgresql://ci@db.example.com/books"}, True, id="PostgreSQL"),
        pytest.param({"daybook": "postgresql://ci:pw@db/books"}, False, id="password in git"),
        pytest.param({"target": {"baseUrl": "https://rest.zuora.com"}}, True, id="https"),
        pytest.param({"target": {"baseUrl": "http://rest.zuora.com"}}, False, id="http"),
        pytest.param({"target": {"baseUrl": "http://127.0.0.1:8021"}}, True, id="http, loopback"),
        pytest.param({"target": {"baseUrl": "https://a@evil.example"}}, False, id="user info"),
        pytest.param({"target": {"baseUrl": "https://rest.zuora.com/v1"}}, False, id="path in URL"),
        pytest.param({"target": {}}, False, id="target without address"),
        pytest.param({"identity": {"marker": "notes"}}, True, id="marker in notes"),
        pytest.param({"identity": {"marker": "Key"}}, False, id="marker in no custom field"),
        pytest.param({"policy": {"removal": "keep"}}, False, id="unknown policy"),
        pytest.param({"policy": {"limits": {"removals": 0}}}, True, id="no removals"),
        pytest.param({"policy": {"limits": {"removals": 1.5}}}, False, id="half a removal"),
        pytest.param({"policy": {"limits": {"money": {"USD": 1e6}}}}, True, id="money"),
        pytest.param({"policy": {"limits": {"money": {"usd": 1}}}}, False, id="no currency"),
    ],
)
def test_fields_of_a_workspace(spec, fits):
    document = {
        "apiVersion": "journal.reconciler/v1",
        "kind": "Workspace",
        "metadata": {"name": "acme"},
        "spec": spec,
    }
    assert agreed("Workspace", as_value(document)) is fits


def run(*, metadata=(), **fields):
    """A run over a period; None leaves a field out."""
    spec = {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": [{"type": "Invoice Item"}],
        **fields,
    }
    return as_value(
        {
            "apiVersion": "journal.reconciler/v1",
            "kind": "JournalRun",
            "metadata": {"name": "billing", **dict(metadata)},
            "spec": {name: value for name, value in spec.items() if value is not None},
        }
    )


def test_an_organization_is_repeated_in_whatever_order_its_fields_are():
    label = {"organizationId": "7", "cascadingDown": True}
    document = run(organizationLabels=[label, dict(reversed(label.items()))])
    assert not agreed("JournalRun", document)
    (found,) = explain("JournalRun", document, source=Source("run.yaml"))
    assert (found.rule, found.path) == ("schema-duplicate", ("spec", "organizationLabels", 1))


def test_what_no_words_explain_is_refused_nevertheless(monkeypatch, tmp_path):
    """A file that counted as absent would remove what it posted."""
    silent = dict.fromkeys(_KEYWORDS, lambda *_: ())
    monkeypatch.setattr(schema_errors, "_KEYWORDS", silent)
    (tmp_path / "reconciler.yaml").touch()
    (tmp_path / "run.yaml").write_text(json.dumps(run(transactionTypes=None)))
    found = [one for one in load(tmp_path).problems if one.path == "run.yaml"]
    assert [(one.rule, one.severity) for one in found] == [("schema-value", Severity.ERROR)]


NO_PERIOD = {"accountingPeriodName": None}
DAYS = {"targetStartDate": "2026-01-01", "targetEndDate": "2026-01-31"}


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        pytest.param({}, True, id="a period"),
        pytest.param({**NO_PERIOD, **DAYS}, True, id="days"),
        pytest.param(DAYS, True, id="a period and days"),
        pytest.param(NO_PERIOD, False, id="neither"),
        pytest.param({**NO_PERIOD, "targetStartDate": "2026-01-01"}, False, id="no end"),
        pytest.param({**NO_PERIOD, "targetEndDate": "2026-01-01"}, False, id="no start"),
        pytest.param({"targetEndDate": "2026-01-31"}, False, id="a period and no start"),
        pytest.param({"journalEntryDate": None}, False, id="no date"),
        pytest.param({"transactionTypes": None}, False, id="no types"),
        pytest.param({"transactionTypes": []}, False, id="an empty list of types"),
        pytest.param({"transactionTypes": ["Invoice Item"]}, False, id="types without a field"),
        pytest.param({"transactionTypes": [{"type": "invoice item"}]}, False, id="unknown type"),
        pytest.param({"transactionTypes": [{"type": "Invoice Item"}] * 2}, False, id="type twice"),
        pytest.param({"organizationLabels": []}, False, id="an empty list of organizations"),
        pytest.param({"organizationLabels": [{"organizationId": "7"}]}, True, id="an id"),
        pytest.param({"organizationLabels": [{"organizationName": "Acme"}]}, True, id="a name"),
        pytest.param(
            {"organizationLabels": [{"organizationId": "7", "organizationName": "Acme"}]},
            False,
            id="an id and a name",
        ),
        pytest.param({"organizationLabels": [{"excluded": True}]}, False, id="no organization"),
        pytest.param(
            {
                "organizationLabels": [
                    {"organizationId": "7", "cascadingDown": True, "excluded": False}
                ]
            },
            True,
            id="an organization with all below it",
        ),
        pytest.param({"currency": "USD"}, False, id="a field of entries"),
        pytest.param({"Key__c": "a"}, False, id="no custom fields"),
    ],
)
def test_fields_of_a_run(fields, fits):
    assert agreed("JournalRun", run(**fields)) is fits


def test_the_transaction_types_are_those_the_planner_knows():
    types = schema_of("JournalRun")["$defs"]["transactionType"]["properties"]["type"]["enum"]
    assert len(types) == len(set(types))
    assert set(types) == TRANSACTION_TYPES


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_is_adopted_has_a_number_of_its_kind(kind):
    metadata = schema_of(kind.name)["$defs"]["metadata"]["properties"]
    assert metadata["adopts"]["pattern"] == f"^{kind.number_pattern}$"


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [
        ({"adopts": "JE-00000008"}, True),
        ({"adopts": "JE-123456789"}, True),
        ({"adopts": "JE-0000008"}, False),
        ({"adopts": "JE-00000008\n"}, False),
        ({"adopts": "JR-00000008"}, False),
        ({"adopts": None}, False),
        ({"adopts": "JE-00000008", "journalRun": "JR-00000002"}, True),
        ({"adopts": "JE-00000008", "journalRun": "JE-00000002"}, False),
        ({"journalRun": "JR-00000002"}, False),
    ],
)
def test_adoption_of_an_entry(metadata, fits):
    document = dict(entry())
    document["metadata"] = {**document["metadata"], **metadata}
    assert agreed("JournalEntry", document) is fits


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [
        ({"adopts": "JR-00000008"}, True),
        ({"adopts": "JE-00000008"}, False),
        ({"adopts": "JR-00000008", "journalRun": "JR-00000008"}, False),
    ],
)
def test_adoption_of_a_run(metadata, fits):
    assert agreed("JournalRun", run(metadata=metadata)) is fits


ODD = st.sampled_from(
    [
        *(None, True, False, "", "No", "true", "a\n", "USD", "2026-01-31", "2026-02-30", "1e3"),
        *(Decimal(0), Decimal(-1), Decimal("0.29"), Decimal("999999999999999.9999999999")),
        *(Decimal(10) ** 31, Decimal("0.0000000000000000000000000001"), Decimal("1.0")),
        *((), {}, ("USD", "USD"), {"name": "x"}, "x" * 101, "x" * 2001),
    ]
) | st.text(max_size=4)


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def mutate(document, data):
    """Replace, remove, rename or repeat one value somewhere in the document."""
    *above, last = data.draw(st.sampled_from([path for path in places(document) if path]))
    parent = document
    for key in above:
        parent = parent[key]
    value = parent.pop(last)
    deed = data.draw(st.sampled_from(["replace", "remove", "rename", "repeat"]))
    if deed == "replace":
        value = data.draw(ODD)
    if deed != "remove" and isinstance(parent, list):
        parent[last:last] = [value, value] if deed == "repeat" else [value]
    elif deed != "remove":
        parent[data.draw(st.text(min_size=1)) if deed == "rename" else last] = value


@pytest.mark.parametrize("kind", SCHEMAS)
@given(data=st.data())
def test_both_validators_agree_on_mutations_and_refusals_are_explained(kind, data):
    document = copy.deepcopy(data.draw(st.sampled_from(schema_of(kind)["examples"])))
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(document, data)
        document = json_like(document)
    if not agreed(kind, as_value(document)):
        findings = explain(kind, as_value(document), source=Source("a.yaml"))
        assert findings
        assert all(finding.message and finding.remedy for finding in findings)


def json_like(value):
    if isinstance(value, dict):
        return {key: json_like(item) for key, item in value.items()}
    return [json_like(item) for item in value] if isinstance(value, list | tuple) else value


def test_schemas_are_found_in_an_installed_package(tmp_path):
    package = pathlib.Path(reconciler.__file__).parent
    shutil.copytree(package, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", tmp_path / "reconciler/schemas", dirs_exist_ok=True)
    code = (
        "import reconciler.workspace.json_schema as s; "
        "print(s.__file__); s.schema_text('Workspace')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(tmp_path))
