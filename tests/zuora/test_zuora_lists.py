"""Lists are read to their end, and never beyond (API facts 4.1, 4.3)."""

import pytest
from fault_server import FaultServer, answer, envelope

from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.errors import AccessRefused, LedgerError
from reconciler.zuora.connection import CallLimits

CASH = {"id": "1", "name": "Cash", "type": "Cash", "status": "Active", "glAccountNumber": "1000"}
SALES = {"name": "Sales", "type": "SalesRevenue", "status": "Inactive", "glAccountName": None}
JANUARY = {
    "name": "Jan-2026",
    "startDate": "2026-01-01",
    "endDate": "2026-01-31",
    "fiscalYear": 2026,
    "fiscalQuarter": 1,
    "status": "Closed",
}
OPEN_ENDED = {
    "name": "Open-Ended",
    "startDate": "2026-02-01",
    "endDate": "",
    "fiscalYear": "0",
    "fiscal_quarter": None,
    "status": "Open",
}


def codes(*rows: dict, next_page: object = None) -> object:
    document = {"success": True, "accountingCodes": list(rows)}
    return answer(document=document | ({} if next_page is None else {"nextPage": next_page}))


def test_accounting_codes_are_read_page_by_page(server, connect):
    client = connect(server.url)
    following = f"{server.url}/v1/accounting-codes?page=2&pageSize=40"
    server.play(codes(SALES, next_page=following), codes(CASH))
    assert client.accounting_codes() == (
        AccountingCode(name="Cash", type="Cash", gl_account_number="1000"),
        AccountingCode(name="Sales", type="SalesRevenue", status="Inactive"),
    )
    assert [request.target for request in server.calls] == [
        "/v1/accounting-codes?page=1&pageSize=40",
        "/v1/accounting-codes?page=2&pageSize=40",
    ]


@pytest.mark.parametrize("prefix", ["", "/gateway"])
def test_a_relative_next_page_is_followed(server, connect, prefix):
    client = connect(server.url + prefix)
    server.play(codes(SALES, next_page=f"{prefix}/v1/accounting-codes?page=2"), codes(CASH))
    assert len(client.accounting_codes()) == 2
    assert server.calls[1].target == f"{prefix}/v1/accounting-codes?page=2"


def test_accounting_periods_are_read_the_earliest_first(server, connect):
    document = {"success": True, "accountingPeriods": [OPEN_ENDED, JANUARY]}
    server.play(answer(document=document))
    assert connect(server.url).accounting_periods() == (
        AccountingPeriod(
            name="Jan-2026",
            start_date="2026-01-01",
            end_date="2026-01-31",
            status="Closed",
            fiscal_year=2026,
            fiscal_quarter=1,
        ),
        AccountingPeriod(name="Open-Ended", start_date="2026-02-01", end_date=None, fiscal_year=0),
    )


def test_an_empty_list_is_a_list(server, connect):
    server.play(codes())
    assert connect(server.url).accounting_codes() == ()


def test_a_next_page_on_another_host_is_not_fetched(server, connect):
    trap = FaultServer()
    try:
        server.play(codes(CASH, next_page=f"{trap.url}/v1/accounting-codes?page=2"))
        with pytest.raises(LedgerError, match="another host"):
            connect(server.url).accounting_codes()
        assert trap.connections == 0
    finally:
        trap.stop()


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/v1/accounting-codes?page=2",
        "//evil.example/v1/accounting-codes?page=2",
        "https://127.0.0.1/v1/accounting-codes?page=2",
        "/v1/accounting-periods?page=2",
        "/v1/accounting-codes/../journal-entries?page=2",
        "/v1/accounting-codes?page=2\r\nX: 1",
        "/v1/accounting-codes?page=\u00e4",
        "http://[::1/",
        "",
        7,
    ],
)
def test_a_next_page_that_leads_elsewhere_is_an_error(server, connect, next_page):
    server.play(then=codes(CASH, next_page=next_page))
    with pytest.raises(LedgerError) as caught:
        connect(server.url, limits=CallLimits(attempts=1)).accounting_codes()
    assert caught.value.track_id in caught.value.message
    assert len(server.calls) == 1


def test_a_page_that_names_itself_as_next_ends_the_list_with_an_error(server, connect):
    server.play(then=codes(CASH, next_page="/v1/accounting-codes?page=1&pageSize=40"))
    with pytest.raises(LedgerError, match="read already"):
        connect(server.url).accounting_codes()
    assert len(server.calls) == 1


def test_the_same_rows_again_end_the_list_with_an_error(server, connect):
    server.script = lambda request, index: codes(
        CASH, next_page=f"/v1/accounting-codes?page={index + 2}"
    )
    with pytest.raises(LedgerError, match="same page twice"):
        connect(server.url).accounting_codes()
    assert len(server.calls) == 2


def test_an_endless_list_ends_with_an_error(server, connect):
    server.script = lambda request, index: codes(
        CASH | {"name": f"Cash {index}"}, next_page=f"/v1/accounting-codes?page={index + 2}"
    )
    with pytest.raises(LedgerError, match="more than 7 pages"):
        connect(server.url, limits=CallLimits(pages=7)).accounting_codes()
    assert len(server.calls) == 7


def test_a_page_that_fails_once_is_read_again(server, connect):
    server.play(
        codes(SALES, next_page="/v1/accounting-codes?page=2"), answer(502, raw=b""), codes(CASH)
    )
    assert len(connect(server.url).accounting_codes()) == 2


def test_a_page_that_is_denied_ends_the_list(server, connect):
    server.play(codes(SALES, next_page="/v1/accounting-codes?page=2"), answer(403, {}))
    with pytest.raises(AccessRefused, match="Listing accounting codes"):
        connect(server.url).accounting_codes()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("Cash", id="no object"),
        pytest.param(CASH | {"name": ""}, id="no name"),
        pytest.param(CASH | {"name": 7}, id="name is a number"),
        pytest.param(CASH | {"type": None}, id="no type"),
        pytest.param(CASH | {"status": None}, id="no status"),
        pytest.param(CASH | {"glAccountName": 7}, id="account name is a number"),
    ],
)
def test_a_code_that_does_not_fit_is_an_error(server, connect, row):
    server.play(then=codes(row))
    with pytest.raises(LedgerError):
        connect(server.url, limits=CallLimits(attempts=1)).accounting_codes()


@pytest.mark.parametrize(
    "change",
    [
        {"fiscalYear": "MMXXVI"},
        {"fiscalYear": 2026.5},
        {"startDate": None},
        {"status": None},
        {"startDate": "01/01/2026"},
        {"endDate": "01/31/2026"},
        {"endDate": "20260131"},
    ],
)
def test_a_period_that_does_not_fit_is_an_error(server, connect, change):
    document = {"success": True, "accountingPeriods": [JANUARY | change]}
    server.play(then=answer(document=document))
    with pytest.raises(LedgerError):
        connect(server.url, limits=CallLimits(attempts=1)).accounting_periods()


def test_a_period_has_days_without_a_time(server, connect):
    """Days are compared as text, so a last day with a time would not be in its period."""
    timed = {"startDate": "2026-01-01 00:00:00", "endDate": "2026-01-31T00:00:00.000-08:00"}
    server.play(answer(document={"success": True, "accountingPeriods": [JANUARY | timed]}))
    (found,) = connect(server.url).accounting_periods()
    assert (found.start_date, found.end_date) == ("2026-01-01", "2026-01-31")


@pytest.mark.parametrize(
    ("status", "decoded", "known"),
    [("PendingClose", "PendingClose", True), ("Pending Close", "PendingClose", True),
     ("Locked", "Locked", False)],
)  # fmt: skip
def test_a_period_has_the_canonical_status_or_the_unknown_word(
    server, connect, status, decoded, known
):
    """An unknown status is not an error of the list: the plan blocks what needs that period."""
    document = {"success": True, "accountingPeriods": [JANUARY | {"status": status}]}
    server.play(then=answer(document=document))
    (period,) = connect(server.url, limits=CallLimits(attempts=1)).accounting_periods()
    assert (period.status, period.status_known) == (decoded, known)


def test_a_code_with_an_unknown_status_does_not_end_the_list(server, connect):
    """The plan blocks what needs that code."""
    server.play(then=codes(CASH | {"status": "Archived"}))
    (code,) = connect(server.url).accounting_codes()
    assert code.status == "Archived"


def test_a_row_that_the_next_page_repeats_is_one_row(server, connect):
    """A code that is added while pages are read moves the last row of a page to the next one."""
    more = f"{server.url}/v1/accounting-codes?page=2&pageSize=40"
    other = CASH | {"name": "Bank"}
    server.play(codes(other, CASH, next_page=more), codes(CASH))
    assert [code.name for code in connect(server.url).accounting_codes()] == ["Bank", "Cash"]


def test_missing_is_no_empty_list(server, connect):
    server.play(then=answer(404, envelope((50000040, "Not found"))))
    with pytest.raises(LedgerError):
        connect(server.url).accounting_codes()
