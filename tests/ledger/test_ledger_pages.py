"""What the pages of the ledger show: entries, runs, the trial balance, and nothing of others."""

from contextlib import closing
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from ledger_harness import (
    ENTRIES,
    REFERENCE,
    RUNS,
    credit,
    debit,
    entries_of,
    entry,
    post,
    regions,
    start_run,
    transaction,
)
from pages_harness import LocalBench, browse, fill, numbers_of, rows_of, tags_of, text_of
from sqlalchemy import event
from sqlalchemy.pool import Pool

from reconciler.ledger.pages import runs
from reconciler.ledger.pages.listing import COUNTED, SIZE
from reconciler.ledger.pages.rendering import money, visible
from reconciler.ledger.reference_data.currencies import minor_units


@pytest.fixture
def make_local(make_database, tmp_path):
    """Makes ledgers on a loopback name, from the template or with this put into its `spec`."""
    made = []

    def make(spec="", **options):
        if spec:
            options["reference"] = tmp_path / "reference.yaml"
            text = REFERENCE.read_text().replace("spec:\n", f"spec:\n{spec}", 1)
            options["reference"].write_text(text)
        made.append(LocalBench(make_database(empty=bool(spec)), **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def local(make_local):
    """A ledger whose runs are worked on by hand."""
    return make_local(by_hand=True)


@pytest.fixture
def writer(local):
    """A client of the API."""
    return local.client()


@pytest.fixture
def people(local):
    """Somebody with a browser."""
    return browse(local)


def cancel(client, number):
    assert client.put(f"{ENTRIES}/{number}/cancel").json()["success"] is True


def change(client, number, **fields):
    response = client.put(f"{ENTRIES}/{number}/basic-information", json=fields)
    assert response.json()["success"] is True


class TestEntries:
    def test_an_entry_is_a_row_and_a_part_of_the_totals(self, writer, people):
        post(writer, notes="True-up", journalEntryItems=[debit("1234.5"), credit("1234.5")])
        post(writer, currency="JPY", journalEntryItems=[debit("7"), credit("3"), credit("4")])
        cancel(writer, post(writer))
        header, *rows = rows_of(people.get("/"))
        assert header[:6] == ["Number", "Date", "Period", "Currency", "Debit", "Credit"]
        day = ["2026-01-31", "Jan-2026"]
        assert rows == [
            ["JE-00000003", *day, "USD", "400.90", "400.90", "Cancelled", "No", "", ""],
            ["JE-00000002", *day, "JPY", "7", "7", "Created", "No", "", ""],
            ["JE-00000001", *day, "USD", "1,234.50", "1,234.50", "Created", "No", "", "True-up"],
            ["Shown here: 1 entry", "JPY", "7", "7", ""],
            ["Shown here: 1 entry", "USD", "1,234.50", "1,234.50", ""],
            ["Shown here, cancelled: 1 entry", "USD", "400.90", "400.90", ""],
        ]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [4, 3, 2, 1]),
            ({"period": "Feb-2026"}, [3]),
            ({"period": "Mar-1999"}, []),
            ({"status": "Cancelled"}, [2]),
            ({"status": "Created", "period": "Jan-2026"}, [4, 1]),
            ({"transfer": "Yes"}, [4]),
            ({"run": "JR-00000001"}, []),
            ({"text": "00003"}, [3]),
            ({"text": "ACCRUAL"}, [1]),
            ({"text": "100%"}, [4]),
            ({"text": "%"}, [4]),
            ({"text": "_"}, []),
            ({"text": "  "}, [4, 3, 2, 1]),
            ({"surprise": "1"}, [4, 3, 2, 1]),
        ],
        ids=str,
    )
    def test_the_url_carries_a_filter(self, books, query, found):
        response = books.get(f"/?{urlencode(query)}")
        assert numbers_of(response) == [f"JE-{number:08d}" for number in found]
        if not found:
            assert "No entry matches this filter" in response.text
        for name, value in query.items():
            if name in ("period", "status", "transfer"):
                assert ("option", {"value": value, "selected": None}) in tags_of(response)

    @pytest.fixture(scope="class")
    @staticmethod
    def books(databases, tmp_path_factory):
        bench = LocalBench(databases.copy(tmp_path_factory.mktemp("filtered")))
        api = bench.client()
        post(api, notes="Accrual of hosting")
        cancel(api, post(api))
        post(api, accountingPeriodName="Feb-2026")
        post(api, notes="100% of it", transferredToAccounting="Yes")
        yield browse(bench)
        bench.close()

    def test_pages_follow_each_other_in_both_directions(self, local, people):
        fill(local, 2 * SIZE + 3)
        every = [f"JE-{number:08d}" for number in range(2 * SIZE + 3, 0, -1)]
        first = people.get("/?status=Created")
        assert f"{SIZE} of {2 * SIZE + 3} entries" in first.text
        second = people.get(link_of(first, "next"))
        third = people.get(link_of(second, "next"))
        assert [*map(numbers_of, (first, second, third))] == [
            every[:SIZE],
            every[SIZE : 2 * SIZE],
            every[2 * SIZE :],
        ]
        assert (link_of(first, "prev"), link_of(third, "next")) == (None, None)
        assert "status=Created" in link_of(third, "prev")
        assert numbers_of(people.get(link_of(third, "prev"))) == every[SIZE : 2 * SIZE]
        assert "There are no more entries" in people.get("/?older=A").text

    def test_many_are_counted_only_so_far(self, local, people):
        fill(local, COUNTED + 1)
        assert "50 of more than 1,000 entries" in text_of(people.get("/"))

    def test_an_empty_ledger_says_what_to_do(self, people):
        assert "reconciler apply" in people.get("/").text
        assert "POST /v1/journal-runs" in people.get("/runs").text
        assert "Nothing is posted" in people.get("/trial-balance").text


def link_of(response, rel):
    found = [attributes for tag, attributes in tags_of(response) if attributes.get("rel") == rel]
    return found[0]["href"] if found else None


class TestOneEntry:
    def test_everything_it_says(self, writer, people):
        number = post(
            writer,
            notes="First\nsecond",
            ReconcilerKey__c="books/one",
            transactionType="Manual",
            segments=[
                {"segmentName": "Department", "segmentValue": "Sales"},
                {"segmentName": "Region", "segmentValue": "EMEA"},
            ],
            journalEntryItems=[
                debit("1000.5", "Accounts Receivable", CostCenter__c="CC-1", notes="Part"),
                credit("1000.00"),
                credit("0.5", glString="01-2200"),
            ],
        )
        response = people.get(f"/entries/{number}")
        rows = rows_of(response)
        assert rows[:5] == [
            ["Accounting code", "Type", "GL account", "GL string", "Debit USD", "Credit USD"],
            [
                "Accounts Receivable Part CostCenter__c: CC-1",
                *("AccountsReceivable", "1100 Trade receivables", "", "1,000.50", ""),
            ],
            ["Subscription Revenue", "SalesRevenue", "", "", "", "1,000.00"],
            ["Subscription Revenue", "SalesRevenue", "", "01-2200", "", "0.50"],
            ["Sum", "1,000.50", "1,000.50"],
        ]
        text = text_of(response)
        for said in (
            "USD: debits 1,000.50 = credits 1,000.50",
            "ReconcilerKey__c books/one",
            "Segment Region EMEA",
            "Transaction type Manual",
            "Transferred to accounting No",
            "First second",
            "by test",
        ):
            assert said in text

    def test_its_history(self, writer, people):
        number = post(writer)
        change(writer, number, notes="Why", transferredToAccounting="Error")
        item = {"accountingCodeName": "Deferred Revenue", "type": "Debit", "CostCenter__c": "7"}
        change(writer, number, notes="", journalEntryItems=[item])
        cancel(writer, number)
        events = [row for row in rows_of(people.get(f"/entries/{number}")) if row[1] == "test"]
        assert [row[2:4] for row in events] == [
            ["Cancelled", ""],
            ["Updated", "notes: cleared Debit Deferred Revenue: CostCenter__c: 7"],
            ["Updated", "notes: Why transferredToAccounting: Error"],
            ["Created", "Lines: 2"],
        ]

    def test_amounts_in_home_currency(self, make_local):
        bench = make_local("  homeCurrency: USD\n")
        api = bench.client()
        lines = [
            debit("10", homeCurrencyAmount="11.07"),
            credit("10", homeCurrencyAmount="11.07"),
        ]
        number = post(api, currency="EUR", journalEntryItems=lines)
        at_home = {"homeCurrencyAmount": "400.90"}
        post(api, currency="USD", journalEntryItems=[debit(**at_home), credit(**at_home)])
        people = browse(bench)
        rows = rows_of(people.get(f"/entries/{number}"))
        assert rows[0][4:] == ["Debit EUR", "Credit EUR", "Home debit USD", "Home credit USD"]
        assert rows[3] == ["Sum", "10.00", "10.00", "11.07", "11.07"]
        balance = people.get("/trial-balance")
        assert ["Total", "10.00", "10.00", "0.00", "11.07", "11.07", "0.00"] in rows_of(balance)
        assert "USD, the home currency: debits 411.97 = credits 411.97" in text_of(balance)

    @pytest.mark.parametrize(
        "number", ["JE-00000002", "JE-1", "%00", "a%2Fb", "%E2%82%AC", "x" * 99]
    )
    def test_what_is_not_there_is_a_page_too(self, writer, people, number):
        post(writer)
        response = people.get(f"/entries/{number}")
        assert response.status_code == 404
        assert "<h1>Not found</h1>" in response.text
        assert 'href="/pages/style.css"' in response.text

    def test_a_deleted_entry_is_not_there(self, writer, people):
        number = post(writer)
        cancel(writer, number)
        assert people.get(f"/entries/{number}").status_code == 200
        assert writer.delete(f"{ENTRIES}/{number}").json()["success"] is True
        response = people.get(f"/entries/{number}")
        assert (response.status_code, numbers_of(people.get("/"))) == (404, [])
        assert "may have been deleted" in response.text


class TestRuns:
    def test_a_run_from_its_beginning_to_its_end(self, local, writer, people):
        local.load(*regions(45))
        run = start_run(writer)
        page = f"/runs/{run}"
        seen = []
        for _ in range(6):
            response = people.get(page)
            progress = [attributes for tag, attributes in tags_of(response) if tag == "progress"]
            seen.append(
                (
                    "Pending" in response.text,
                    progress[0].get("value") if progress else None,
                    progress[0].get("max") if progress else None,
                    response.headers.get("Refresh"),
                )
            )
            local.step()
        assert seen == [
            (True, None, None, "3"),
            (False, "0", "45", "3"),
            (False, "20", "45", "3"),
            (False, "40", "45", "3"),
            (False, None, None, None),
            (False, None, None, None),
        ]
        assert "Completed" in text_of(response)
        assert numbers_of(response)[0] == "JE-00000045"
        assert rows_of(people.get("/runs"))[1][:2] == [run, "Completed"]
        assert numbers_of(people.get(f"/?run={run}&text=00045")) == ["JE-00000045"]

    def test_nobody_has_to_live_with_the_refreshing(self, local, writer, people):
        local.load(*regions(1))
        run = start_run(writer)
        response = people.get(f"/runs/{run}")
        assert f"/runs/{run}?refresh=off" in response.text
        assert "Refresh" not in people.get(f"/runs/{run}?refresh=off").headers

    def test_what_a_cancel_leaves_alone(self, local, writer, people):
        local.load(*regions(30))
        run = start_run(writer)
        local.step(5)
        first, second = (made["number"] for made in entries_of(writer, run)[:2])
        change(writer, first, transferredToAccounting="Yes")
        change(writer, second, transferredToAccounting="Processing")
        assert writer.put(f"{RUNS}/{run}/cancel").json()["success"] is True
        local.step()
        text = text_of(people.get(f"/runs/{run}"))
        assert "18 of 30 entries cancelled" in text
        assert "2 entries that a cancellation leaves posted" in text
        assert f"{first} Yes {second} Processing" in text
        local.step(3)
        assert "Cancellation done Status: Completed" in text_of(people.get(f"/runs/{run}"))

    def test_a_run_that_is_deleted_is_not_there(self, local, writer, people):
        run = start_run(writer)
        local.step(3)
        assert "No transactions matched" in people.get(f"/runs/{run}").text
        for verb, path in (("PUT", f"{RUNS}/{run}/cancel"), ("DELETE", f"{RUNS}/{run}")):
            assert writer.request(verb, path).json()["success"] is True
            local.step(3)
        assert people.get(f"/runs/{run}").status_code == 404


class TestTrialBalance:
    def test_codes_add_up_exactly_and_cancelled_entries_do_not_count(self, writer, people):
        for _ in range(10):
            post(writer, journalEntryItems=[debit("0.10", "Cash"), credit("0.10")])
        post(writer, journalEntryItems=[debit("900000000000000"), credit("900000000000000")])
        post(writer, journalEntryItems=[debit("0.30"), credit("0.30", "Cash")])
        post(writer, currency="KWD", journalEntryItems=[debit("1.125"), credit("1.125")])
        post(writer, accountingPeriodName="Feb-2026")
        cancel(writer, post(writer))
        response = people.get("/trial-balance?period=Jan-2026")
        rows = rows_of(response)
        assert [row for row in rows if row[0] not in ("Accounting code",)] == [
            ["Deferred Revenue", "DeferredRevenue", "1.125", "", "1.125 Dr"],
            ["Subscription Revenue", "SalesRevenue", "", "1.125", "1.125 Cr"],
            ["Total", "1.125", "1.125", "0.000"],
            ["Cash", "Cash", "1.00", "0.30", "0.70 Dr"],
            [
                "Deferred Revenue",
                "DeferredRevenue",
                *["900,000,000,000,000.30", ""],
                "900,000,000,000,000.30 Dr",
            ],
            [
                "Subscription Revenue",
                "SalesRevenue",
                *["", "900,000,000,000,001.00"],
                "900,000,000,000,001.00 Cr",
            ],
            ["Total", "900,000,000,000,001.30", "900,000,000,000,001.30", "0.00"],
        ]
        assert "Cancelled entries are not included" in response.text
        assert "USD: debits 900,000,000,000,001.30 = credits" in text_of(response)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("", "Trial balance Feb-2026"),
            ("?period=Jan-2026", "No entry is posted in Jan-2026"),
            ("?period=Never", "There is no accounting period Never"),
            ("?currency=EUR", "No entry in EUR is posted in Feb-2026"),
            ("?period=Feb-2026&currency=USD", "USD: debits 400.90 = credits 400.90"),
        ],
    )
    def test_period_and_currency_are_chosen_in_the_url(self, writer, people, query, said):
        post(writer, accountingPeriodName="Feb-2026")
        assert said in text_of(people.get(f"/trial-balance{query}"))

    def test_it_opens_on_the_latest_period_with_postings(self, writer, people):
        """Not on that of the newest entry, and not on a period whose entries are all cancelled."""
        post(writer, accountingPeriodName="Feb-2026")
        post(writer, accountingPeriodName="Jan-2026")
        assert "Trial balance Feb-2026" in text_of(people.get("/trial-balance"))
        cancel(writer, "JE-00000001")
        assert "Trial balance Jan-2026" in text_of(people.get("/trial-balance"))


HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)' onfocus='x",
    "template": "{{ 7*7 }}{% raw %}",
    "entity": "&lt;b&gt;&#x202e;",
    "override": "abc\u202e123,00 USD\u202c",
    "isolate": "\u2066\u2067unbalanced",
    "invisible": "a\u200bb\ufeffc",
    "long": "W" * 1900,
    "comment": "<!-- --></bdi></td></table></main>",
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_text_of_others_is_only_text(writer, people, payload):
    plain = [tag for tag, _ in tags_of(people.get("/"))]
    number = post(
        writer,
        notes=payload,
        Preparer__c=payload[:200],
        transactionType=payload[:200],
        journalEntryItems=[debit(notes=payload[:900], glString=payload[:300]), credit()],
    )
    change(writer, number, notes=payload + ".")
    for path in ("/", f"/entries/{number}", f"/entries/{number}?{urlencode({'text': payload})}"):
        response = people.get(path)
        assert response.status_code == 200
        tags = tags_of(response)
        assert {"script", "img"}.isdisjoint(tag for tag, _ in tags)
        assert not [name for _, found in tags for name in found if name.startswith("on")]
        assert set(plain) >= {tag for tag, _ in tags} - KNOWN
        assert visible(payload[:100]).split("\n")[0][:40] in text_of(response).replace("  ", " ")
        for character in "\u202e\u202c\u2066\u2067\u200b\ufeff":
            assert character not in response.text


KNOWN = {"table", "thead", "tbody", "tfoot", "caption", "tr", "th", "td", "bdi", "small", "span"}
KNOWN |= {"section", "h2", "dl", "dt", "dd", "time", "strong", "div", "nav", "p"}


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234.5", "USD", "1,234.50"),
        ("1234567", "JPY", "1,234,567"),
        ("1234.5678", "CLF", "1,234.5678"),
        ("1234.5678", "USD", "1,234.5678"),
        ("0.1", "KWD", "0.100"),
        ("900000000000000000000000000000000000.01", "USD", None),
        ("5", "XAU", "5"),
    ],
)
def test_amounts_keep_their_digits(amount, currency, written):
    text = money(Decimal(amount), currency, minor_units)
    assert Decimal(text.replace(",", "")) == Decimal(amount)
    assert text == (written or text)


def test_amounts_have_the_decimals_that_the_reference_states(make_database, tmp_path):
    path = tmp_path / "reference.yaml"
    stated = "currencies: [USD, {code: XYZ, minorUnits: 3}, EUR"
    path.write_text(REFERENCE.read_text().replace("currencies: [USD, EUR", stated, 1))
    bench = LocalBench(make_database(empty=True), reference=path)
    with closing(bench):
        lines = [debit("1.5"), credit("1.5")]
        number = post(bench.client(), currency="XYZ", journalEntryItems=lines)
        people = browse(bench)
        for page in ("/", f"/entries/{number}", "/trial-balance?period=Jan-2026"):
            assert "1.500" in text_of(people.get(page)), page


class TestEntities:
    @pytest.fixture
    def two(self, make_local):
        bench = make_local(
            "  entities:\n    - {id: E-1, name: Europe}\n    - {id: E-2, name: Asia}\n"
        )
        api = bench.client()
        for entity, notes in (("E-1", "European"), ("E-2", "Asian")):
            api.headers["Zuora-Entity-Ids"] = entity
            post(api, notes=notes)
        post(api, notes="Asian too", currency="JPY", journalEntryItems=[debit("1"), credit("1")])
        return bench

    def test_each_has_its_own_pages(self, two):
        people = browse(two)
        for query, ours, theirs in (
            ("", "European", "Asian"),
            ("?entity=E-1", "European", "Asian"),
            ("?entity=E-2", "Asian", "European"),
        ):
            for path in ("/", "/entries/JE-00000001"):
                text = text_of(people.get(f"{path}{query}"))
                assert ours in text
                assert theirs not in text
        assert people.get("/entries/JE-00000002").status_code == 404
        assert people.get("/entries/JE-00000002?entity=E-2").status_code == 200
        assert "JPY" not in text_of(people.get("/trial-balance?entity=E-1"))
        assert "JPY" in text_of(people.get("/trial-balance?entity=E-2"))

    def test_links_stay_in_the_entity_and_the_page_names_it(self, two):
        response = browse(two).get("/?entity=E-2")
        assert "Entity Asia" in text_of(response)
        links = [found["href"] for tag, found in tags_of(response) if tag == "a"]
        assert {link for link in links if "entity=E-2" not in link} == {"#main"}

    def test_another_entity_is_not_there(self, two):
        assert browse(two).get("/?entity=E-3").status_code == 404


def test_organizations_share_their_books_and_not_their_entries(make_local):
    units = "  organizations:\n    - {id: O-1, name: North}\n    - {id: O-2, name: South}\n"
    bench = make_local(units, allowed_hosts=None)
    api = bench.client()
    for name in ("North", "South"):
        assert api.post(ENTRIES, json=entry(organizationLabel=name)).json()["success"]
    people = browse(bench)
    credentials = bench.ledger.issue_client("north", organizations=["North"])
    form = dict(zip(("client_id", "client_secret"), credentials, strict=True))
    assert people.post("/sign-in", data=form).status_code == 303
    assert numbers_of(people.get("/")) == ["JE-00000001"]
    assert people.get("/entries/JE-00000002").status_code == 404
    assert ["Total", "400.90", "400.90", "0.00"] in rows_of(people.get("/trial-balance"))


def test_organizations_see_the_runs_all_of_whose_organizations_they_are(make_local):
    """As the API: a run is not there for who may not enter one of its organizations."""
    units = "  organizations:\n    - {id: O-1, name: North}\n    - {id: O-2, name: South}\n"
    bench = make_local(units, allowed_hosts=None, by_hand=True)
    api = bench.client()
    bench.load(
        *(
            transaction(f"{organization}-{code}", organizationName=organization, **{field: code})
            for organization in ("North", "South")
            for field, code in (("debitAccountingCodeName", "Cash"), ("currency", "EUR"))
        )
    )
    asked = [["North"], ["South"], ["North", "South"]] + [["South"]] * runs.SIZE
    for names in asked:
        labels = [{"organizationName": name} for name in names]
        number = start_run(api, organizationLabels=labels)
        bench.ledger.work(clock=bench.clock)
        if names == ["North", "South"]:
            continue
        assert api.put(f"{RUNS}/{number}/cancel").json()["success"]
        bench.ledger.work(clock=bench.clock)
    people = browse(bench)
    credentials = bench.ledger.issue_client("north", organizations=["North"])
    form = dict(zip(("client_id", "client_secret"), credentials, strict=True))
    assert people.post("/sign-in", data=form).status_code == 303
    listed = people.get("/runs")
    assert [row[0] for row in rows_of(listed) if row[0].startswith("JR-")] == ["JR-00000001"]
    assert "Older" not in listed.text  # runs of others fill no page
    numbers = [f"JR-{number:08d}" for number in (1, 2, 3)]
    assert [people.get(f"/runs/{number}").status_code for number in numbers] == [200, 404, 404]
    shared = people.get("/")
    assert "JR-00000001" in shared.text
    assert len(numbers_of(shared)) == 4  # of both runs, and the other one is not named
    assert "JR-00000003" not in shared.text
    own = next(iter(numbers_of(shared)))
    assert "JR-00000003" not in people.get(f"/entries/{own}").text


def work_of(bench, path):
    """Thousands of instructions that the database carries out for a page."""
    done = []

    def watch(connection, *_):
        connection.set_progress_handler(lambda: done.append(1) and 0, 1000)

    event.listen(Pool, "checkout", watch)
    assert browse(bench).get(path).status_code == 200
    event.remove(Pool, "checkout", watch)
    return len(done)


@pytest.mark.only_sqlite
def test_a_page_costs_the_same_in_a_larger_ledger(make_local):
    small, large = make_local(), make_local()
    fill(small, 1200)
    fill(large, 4800)
    for path in ("/", "/?older=JE-00001100", "/?period=Jan-2026", "/runs"):
        assert work_of(large, path) <= 1.3 * work_of(small, path) + 2, path
