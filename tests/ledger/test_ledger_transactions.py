"""Source transactions: three formats, one meaning; all of a file is loaded, or none of it."""

import contextlib
import json
import random
import string
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_harness import command, regions, settled, start_run, transaction

from reconciler.ledger import LedgerUnusable
from reconciler.ledger.storage import backend

CSV = """\
id,transactionType,transactionDate,currency,amount,debitAccountingCodeName,debitAccountingCodeType,\
creditAccountingCodeName,segments.Region,segments.Department
T-1,Invoice Item,2026-01-15,USD,10.10,Accounts Receivable,,Subscription Revenue,West,Sales
T-2,"Invoice Item",2026-01-15,KWD,0.125,Twin,OtherAssets,Subscription Revenue,,
"""
JSON_LINES = """\
{"id": "T-1", "transactionType": "Invoice Item", "transactionDate": "2026-01-15", \
"currency": "USD", "amount": 10.10, "debitAccountingCodeName": "Accounts Receivable", \
"creditAccountingCodeName": "Subscription Revenue", \
"segments": {"Region": "West", "Department": "Sales"}}

{"id": "T-2", "transactionType": "Invoice Item", "transactionDate": "2026-01-15", \
"currency": "KWD", "amount": "0.125", "debitAccountingCodeName": "Twin", \
"debitAccountingCodeType": "OtherAssets", \
"creditAccountingCodeName": "Subscription Revenue"}
"""
YAML = """\
# January
- id: T-1
  transactionType: Invoice Item
  transactionDate: 2026-01-15
  currency: USD
  amount: 10.10
  debitAccountingCodeName: Accounts Receivable
  creditAccountingCodeName: Subscription Revenue
  segments: {Region: West, Department: Sales}
- {id: T-2, transactionType: Invoice Item, transactionDate: 2026-01-15, currency: KWD,
   amount: 0.125, homeCurrencyAmount: , debitAccountingCodeName: Twin,
   debitAccountingCodeType: OtherAssets, creditAccountingCodeName: Subscription Revenue}
"""
DOCUMENTS = YAML.replace("- id", "  id").replace("- {", "---\n  {")
FORMATS = [
    pytest.param("t.csv", CSV, id="CSV"),
    pytest.param("t.csv", "\ufeff" + CSV.replace("\n", "\r\n"), id="CSV from a spreadsheet"),
    pytest.param("t.jsonl", JSON_LINES, id="JSON lines"),
    pytest.param("t.NDJSON", JSON_LINES, id="the other ending of JSON lines"),
    pytest.param("t.yaml", YAML, id="YAML list"),
    pytest.param("t.yml", DOCUMENTS, id="YAML documents"),
]
GOOD = json.dumps(transaction("T-0"))


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def load(bench, tmp_path):
    def load(name, text):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return bench.ledger.load_transactions(file)

    return load


@pytest.mark.parametrize(("name", "text"), FORMATS)
def test_every_format_says_the_same(bench, load, name, text):
    loaded = load(name, text)
    assert (loaded.added, loaded.known) == (2, 0)
    rows = bench.truth(
        "SELECT source.*, code.type AS debit FROM source_transactions AS source "
        "JOIN accounting_codes AS code ON code.id = debit_code_id ORDER BY source.id"
    )
    assert [
        (row["id"], row["transaction_type"], row["transaction_date"], row["currency"])
        for row in rows
    ] == [
        ("T-1", "Invoice Item", "2026-01-15", "USD"),
        ("T-2", "Invoice Item", "2026-01-15", "KWD"),
    ]
    assert [Decimal(row["amount"]) for row in rows] == [Decimal("10.10"), Decimal("0.125")]
    assert [row["debit"] for row in rows] == ["AccountsReceivable", "OtherAssets"]
    # In the order of the rule, whatever the order in the file.
    assert [json.loads(row["segments"]) for row in rows] == [
        [["Department", "Sales"], ["Region", "West"]],
        [],
    ]
    assert {row["journal_entry_id"] for row in rows} == {None}
    again = load(name, text)
    assert (again.added, again.known) == (0, 2)


def test_a_file_of_many_batches(bench, tmp_path):
    bench.load(*regions(2500), *regions(10))
    assert bench.truth("SELECT COUNT(*) AS n FROM source_transactions") == [{"n": 2500}]
    events = bench.truth("SELECT details FROM audit_events WHERE action='load'")
    assert [json.loads(event["details"]) for event in events] == [{"added": 2500, "known": 10}]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": None}, "id is required"),
        ({"amount": None}, "amount is required"),
        ({"amount": "-1"}, "amount must be"),
        ({"amount": 0}, "greater than zero"),
        ({"amount": "1.001"}, "at most 2 decimals in USD"),
        ({"amount": "1e3"}, "plain digits"),
        ({"amount": "9" * 16}, "15 digits"),
        ({"currency": "GBP"}, "'GBP' is not active"),
        ({"homeCurrencyAmount": "1.00"}, "no home currency is set"),
        ({"transactionType": "Invoice"}, "transactionType must be one of"),
        ({"transactionDate": "2026-13-01"}, "transactionDate is not a day"),
        ({"transactionDate": "15.01.2026"}, "transactionDate must be a date"),
        ({"debitAccountingCodeName": "Nowhere"}, "debit: no accounting code is named 'Nowhere'"),
        ({"creditAccountingCodeName": "Twin"}, "credit: several codes are named 'Twin'"),
        ({"debitAccountingCodeName": "Retired"}, "'Retired' is not active"),
        ({"debitAccountingCodeType": "Shoe"}, "must be an accounting code type"),
        ({"segments": {"Region": "West"}}, "segments must be Department, Region"),
        ({"segments": {"Region": "", "Department": "X"}}, "a value for each segment"),
        ({"segments": "West"}, "a value for each segment"),
        ({"memo": "x"}, "Unknown field: memo"),
        ({"id": "a\u0007b"}, "Control character"),
    ],
    ids=str,
)
def test_a_bad_row_is_named_by_its_line_and_nothing_is_loaded(bench, load, fields, message):
    bad = json.dumps(
        {key: value for key, value in {**transaction("T-2"), **fields}.items() if value is not None}
    )
    with pytest.raises(LedgerUnusable) as refused:
        load("t.jsonl", f"{GOOD}\n\n{bad}\n")
    assert "t.jsonl:3: " in str(refused.value)
    assert message in str(refused.value)
    assert str(refused.value).endswith("; nothing was loaded")
    assert bench.truth("SELECT * FROM source_transactions") == []
    assert bench.truth("SELECT * FROM audit_events WHERE action='load'") == []


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("t.jsonl", f"{GOOD}\n[1]\n", 2, "must be a JSON object"),
        ("t.jsonl", f"{GOOD}\n{{\n", 2, "Malformed JSON"),
        ("t.jsonl", '{"id": "1", "id": "2"}', 1, "a key appears twice"),
        ("t.jsonl", '{"amount": NaN}', 1, "NaN is not a JSON number"),
        ("t.csv", "id,id\n", 1, "a repeated or an empty column name"),
        ("t.csv", "id,currency\nT-1\n", 2, "has 1 values, and the header 2 names"),
        ("t.csv", CSV + 'T-3,"open\n', 4, "not readable as CSV"),
        ("t.csv", CSV.replace("10.10", "ten"), 2, "amount must be"),
        ("t.csv", CSV.replace("T-1,", '"T\n1",').replace("0.125", "x"), 4, "amount must be"),
        ("t.yaml", "- a: [\n", 2, "not readable as YAML"),
        ("t.yaml", "- word\n", 1, "not a mapping"),
        ("t.yaml", YAML + "- &a {id: x}\n", 13, "an anchor, an alias or a tag"),
        ("t.yaml", YAML + "- {id: !!str x}\n", 13, "an anchor, an alias or a tag"),
        ("t.yaml", YAML + "- {id: x, id: y}\n", 13, "names 'id' twice"),
        ("t.yaml", "- {? [id] : x}\n", 1, "not text"),
        ("t.yaml", f"- {'[' * 20}{']' * 20}\n", 1, "nested deeper"),
        ("t.yaml", YAML.replace("10.10", "1_0"), 2, "amount must be"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(bench, load, name, text, line, message):
    with pytest.raises(LedgerUnusable) as refused:
        load(name, text)
    assert f"{name}:{line}: " in str(refused.value)
    assert message in str(refused.value)
    assert bench.truth("SELECT * FROM source_transactions") == []


@pytest.mark.parametrize(
    "field",
    [
        {"amount": "10.01"},
        {"currency": "EUR"},
        {"transactionDate": "2026-01-16"},
        {"creditAccountingCodeName": "Deferred Revenue"},
        {"segments": {"Department": "Sales", "Region": "West"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("loaded_before", [True, False])
def test_an_id_means_one_transaction_for_ever(bench, load, field, loaded_before):
    first, other = transaction("T-1"), transaction("T-1", **{"amount": "10.0", **field})
    lines = [json.dumps(first), json.dumps(other)]
    if loaded_before:
        load("t.jsonl", lines[0])
    with pytest.raises(LedgerUnusable, match=r"t.jsonl:2: the transaction 'T-1' exists with"):
        load("t.jsonl", "\n".join(lines))
    assert len(bench.truth("SELECT * FROM source_transactions")) == loaded_before


def test_what_a_run_has_summarised_is_known_too(bench, load):
    load("t.jsonl", GOOD)
    client = bench.client()
    settled(client, start_run(client))
    assert load("t.jsonl", GOOD.replace("10.00", "10.0")).known == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", GOOD, r"\.txt.*\.csv, \.yaml, \.yml, \.jsonl, \.ndjson"),
        ("t.csv", b"id\n\xff\n", "not UTF-8"),
    ],
)
def test_files_of_another_kind(load, name, text, message):
    with pytest.raises(LedgerUnusable, match=message):
        load(name, text)


@pytest.mark.parametrize("name", ["t.csv", "t.yaml", "t.jsonl"])
def test_an_empty_file_loads_nothing(load, name):
    with pytest.raises(LedgerUnusable, match="holds no transaction; nothing was loaded"):
        load(name, "")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["t.csv", "t.yaml", "t.jsonl"]),
    content=st.binary(max_size=100)
    | st.text("[]{}?:-,&*!|>'\"\n\r\t #aé0.\\", max_size=60).map(str.encode),
)
def test_any_bytes_are_loaded_or_refused(load, name, content):
    with contextlib.suppress(LedgerUnusable):
        assert load(name, content).added == 0


class TestCommand:
    def run(self, *arguments):
        return command("load-transactions", "--database", *arguments)

    def test_it_says_what_it_loaded(self, bench, tmp_path):
        file = tmp_path / "t.csv"
        file.write_text(CSV)
        first = self.run(bench.database.url, file)
        assert (first.exit_code, first.output) == (
            0,
            "Loaded 2 transactions; 0 were already there.\n",
        )
        again = self.run(bench.database.url, file)
        assert again.output == "Loaded 0 transactions; 2 were already there.\n"

    @pytest.mark.parametrize(
        ("url", "file", "message"),
        [
            ("{bench}", "bad.csv", "bad.csv:2: "),
            ("{new}", "bad.csv", "bad.csv:2: "),
            ("nonsense", "bad.csv", "not understood"),
        ],
    )
    def test_what_the_user_got_wrong_is_a_line_and_its_remedy_another(
        self, bench, make_database, tmp_path, url, file, message
    ):
        (tmp_path / "bad.csv").write_text("id\nT-1\n")
        database = url.format(bench=bench.database.url, new=make_database(empty=True).url)
        result = self.run(database, tmp_path / file)
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert message in result.output
        assert ["To fix: " in row for row in result.output.splitlines()] == [False, True]

    def test_a_file_that_is_missing_is_a_usage_error(self, bench, tmp_path):
        result = self.run(bench.database.url, tmp_path / "nowhere.csv")
        assert result.exit_code == 64
        assert "nowhere.csv' does not exist" in result.output

    def test_a_busy_database_is_a_line_and_its_remedy_too(self, bench, tmp_path, monkeypatch):
        monkeypatch.setattr(backend, "LOCK_WAIT", 0)
        (tmp_path / "t.csv").write_text(CSV)
        with bench.ledger.store.writing():
            result = self.run(bench.database.url, tmp_path / "t.csv")
        assert (result.exit_code, len(result.output.splitlines())) == (1, 2)
        assert "another process keeps the database busy" in result.output


@pytest.mark.parametrize(("length", "loaded"), [(1400, True), (1500, False)])
def test_segments_are_as_long_as_every_database_can_group_by(make_bench, length, loaded):
    bench = make_bench()
    # Nothing that could be compressed: it is the size on disk that is bounded.
    region = "".join(random.Random(length).choices(string.ascii_letters + string.digits, k=length))
    row = transaction("T-1", segments={"Department": "Sales", "Region": region})
    if loaded:
        bench.load(row)
        client = bench.client()
        assert settled(client, start_run(client))["totalJournalEntryCount"] == 1
    else:
        with pytest.raises(LedgerUnusable, match="at most 1500 characters as JSON"):
            bench.load(row)
