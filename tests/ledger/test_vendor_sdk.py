"""The vendor's own Python SDK, unmodified, walks through the life of entries and of a run."""

import gc
import json
from datetime import date

import pytest
from ledger_harness import REFERENCE, SOCKET, Bench, regions

# The SDK's models use two names that its pydantic has deprecated: `construct`, and `model_fields`
# of an instance. Nothing else may warn.
pytestmark = [
    pytest.mark.vendor,
    pytest.mark.filterwarnings("ignore:The `construct` method is deprecated"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance"),
]

JANUARY = date(2026, 1, 31)


@pytest.fixture(scope="module")
def sdk():
    """The SDK. It builds its thousands of models when it is imported: only here, and only once."""
    gc.disable()  # nothing is freed while they are built, and looking for it takes long
    try:
        import zuora_sdk
        import zuora_sdk.zuora_client
    finally:
        gc.enable()
    return zuora_sdk


@pytest.fixture
def bench(database):
    bench = Bench(database, mode=SOCKET, reference=REFERENCE)
    yield bench
    bench.close()


@pytest.fixture
def api_client(sdk, bench):
    """The SDK's client, with a token that the SDK fetched itself."""
    configuration = sdk.Configuration(host=bench.url)
    credentials = bench.ledger.issue_client("sdk")
    client = sdk.zuora_client.ZuoraClient(*credentials, env=None, config=configuration)
    client.refresh_token()
    assert client.is_token_expired() is False
    yield client.api_client
    client.api_client.rest_client.pool_manager.clear()


def new_entry(sdk):
    def line(side, code):
        return sdk.CreateJournalEntryRequestItem(
            accounting_code_name=code, type=side, amount="400.90"
        )

    return sdk.CreateJournalEntryRequest(
        accounting_period_name="Jan-2026",
        currency="USD",
        journal_entry_date=JANUARY,
        journal_entry_items=[
            line(sdk.JournalEntryItemType.DEBIT, "Deferred Revenue"),
            line(sdk.JournalEntryItemType.CREDIT, "Subscription Revenue"),
        ],
        notes="True-up",
    )


def new_run(sdk):
    kind = sdk.JournalRunTransactionType.INVOICE_ITEM
    return sdk.CreateJournalRunRequest(
        accounting_period_name="Jan-2026",
        journal_entry_date=JANUARY,
        transaction_types=[sdk.CreateJournalRunRequestTransactionType(type=kind)],
    )


def transfer(sdk, entries, number, state, **fields):
    request = sdk.UpdateBasicSummaryJournalEntryRequest(
        transferred_to_accounting=sdk.TransferredToAccountingStatus(state), **fields
    )
    assert entries.update_basic_summary_journal_entry(number, request).success is True


def refused(sdk, call, number):
    """The status and the category of the one reason that the SDK's own error carries."""
    with pytest.raises(sdk.ApiException) as raised:
        call(number)
    [reason] = json.loads(raised.value.body)["reasons"]
    return raised.value.status, int(reason["code"]) % 100


def polled(runs, number):
    for _ in range(200):
        run = runs.get_journal_run(number)
        if run.status not in ("Pending", "Processing", "CancelInprogress", "DeleteInprogress"):
            return run
    raise AssertionError(f"the run is still {run.status}")


@pytest.mark.both_databases
def test_the_sdk_walks_through_the_life_of_an_entry_and_of_a_run(sdk, api_client, bench):
    entries = sdk.SummaryJournalEntriesApi(api_client)
    walk_an_entry(sdk, entries)
    bench.load(*regions(10))
    walk_a_run(sdk, entries, sdk.JournalRunsApi(api_client))


def walk_an_entry(sdk, entries):
    number = entries.create_summary_journal_entry(new_entry(sdk)).journal_entry_number
    live = entries.get_summary_journal_entry(number)
    assert (live.number, live.status, live.currency) == (number, "Created", "USD")
    assert (live.notes, str(live.journal_entry_date)) == ("True-up", "2026-01-31")
    assert [
        (each.type, each.accounting_code_name, str(each.amount))
        for each in live.journal_entry_items
    ] == [("Debit", "Deferred Revenue", "400.9"), ("Credit", "Subscription Revenue", "400.9")]

    transfer(sdk, entries, number, "Processing", notes="Reviewed")
    live = entries.get_summary_journal_entry(number)
    assert (live.notes, live.transferred_to_accounting) == ("Reviewed", "Processing")

    assert refused(sdk, entries.cancel_summary_journal_entry, number) == (400, 30)
    transfer(sdk, entries, number, "No")
    assert refused(sdk, entries.delete_summary_journal_entry, number) == (400, 30)
    assert entries.cancel_summary_journal_entry(number).success is True
    assert entries.get_summary_journal_entry(number).status == "Cancelled"
    assert entries.delete_summary_journal_entry(number).success is True
    assert refused(sdk, entries.get_summary_journal_entry, number) == (404, 40)


def walk_a_run(sdk, entries, runs):
    number = runs.create_journal_run(new_run(sdk)).journal_run_number
    run = polled(runs, number)
    assert (run.number, run.status, run.total_journal_entry_count) == (number, "Completed", 10)
    assert (str(run.target_start_date), str(run.target_end_date)) == ("2026-01-01", "2026-01-31")
    assert [each.type for each in run.transaction_types] == ["Invoice Item"]
    numbers = listed(entries, number)
    assert len(set(numbers)) == 10

    # Cancelled in part: one entry is on its way to the general ledger, and stays.
    transfer(sdk, entries, numbers[6], "Processing")
    assert runs.cancel_journal_run(number).success is True
    assert polled(runs, number).status == "Completed"
    assert [entries.get_summary_journal_entry(each).status for each in numbers] == [
        "Created" if each == numbers[6] else "Cancelled" for each in numbers
    ]
    assert refused(sdk, runs.delete_journal_run, number) == (400, 30)

    # Cancelled wholly, and deleted with its entries.
    transfer(sdk, entries, numbers[6], "No")
    assert runs.cancel_journal_run(number).success is True
    assert polled(runs, number).status == "Cancelled"
    assert refused(sdk, runs.cancel_journal_run, number) == (400, 30)
    assert runs.delete_journal_run(number).success is True
    assert refused(sdk, runs.get_journal_run, number) == (404, 40)
    assert refused(sdk, entries.get_summary_journal_entry, numbers[0]) == (404, 40)


def listed(entries, run):
    """The numbers of a run's entries, page by page."""
    sizes, numbers, more = [], [], True
    while more:
        page = entries.get_all_summary_journal_entries(run, page=len(sizes) + 1, page_size=4)
        sizes.append(len(page.journal_entries))
        numbers += [live.number for live in page.journal_entries]
        more = page.next_page
    assert sizes == [4, 4, 2]
    return numbers
