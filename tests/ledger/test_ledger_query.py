"""Data Query: what a query finds, in which form, and who may see it."""

import gzip
import io
import zipfile
from decimal import Decimal

import httpx
import pytest
from ledger_harness import (
    ENTRIES,
    PROCESS,
    REFERENCE,
    SOCKET,
    credit,
    debit,
    exact,
    post,
    regions,
    settled,
    sign_in,
    start_run,
)
from query_harness import JOBS, content, done, job_body, rows, submit

from reconciler.ledger import create_app


@pytest.fixture(scope="module")
def books(shared):
    """Three entries that differ in key, notes, currency and amounts; the last is cancelled."""
    client = shared.client()
    for key, amount in (("a", "1.10"), ("b", "20.00"), ("c", "3.05")):
        post(
            client,
            ReconcilerKey__c=key,
            notes=f"Note {key}",
            segments=[
                {"segmentName": "Department", "segmentValue": "Sales"},
                {"segmentName": "Region", "segmentValue": key.upper()},
            ],
            journalEntryItems=[debit(amount, CostCenter__c=f"CC{key}"), credit(amount)],
        )
    assert client.put(f"{ENTRIES}/JE-00000003/cancel").status_code == 200
    return client


class TestAnswers:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            pytest.param(
                "SELECT Number FROM JournalEntry WHERE ReconcilerKey__c = 'b'",
                [{"number": "JE-00000002"}],
                id="by a custom field",
            ),
            pytest.param(
                "select NUMBER from journalENTRY where NOTES = 'Note a'",
                [{"number": "JE-00000001"}],
                id="names in any case",
            ),
            pytest.param(
                "select number from journalentry where notes = 'note a'", [], id="text as it is"
            ),
            pytest.param(
                "select number from journalentry where notes like 'note%'", [], id="like too"
            ),
            pytest.param(
                "select number n, status s from journalentry order by n desc limit 1",
                [{"n": "JE-00000003", "s": "Cancelled"}],
                id="order and limit",
            ),
            pytest.param(
                "select e.number, p.name from journalentry e"
                " join accountingperiod p on p.id = e.accountingperiodid"
                " where e.region__s = 'A'",
                [{"number": "JE-00000001", "name": "Jan-2026"}],
                id="the name of the period, by a segment",
            ),
            pytest.param(
                "select c.name, i.type, i.amount, i.costcenter__c from journalentryitem i"
                " join accountingcode c on c.id = i.accountingcodeid"
                " join journalentry e on e.id = i.journalentryid"
                " where e.reconcilerkey__c = 'a' order by i.type desc",
                [
                    {
                        "name": "Deferred Revenue",
                        "type": "Debit",
                        "amount": Decimal("1.100000"),
                        "costcenter__c": "CCa",
                    },
                    {
                        "name": "Subscription Revenue",
                        "type": "Credit",
                        "amount": Decimal("1.100000"),
                        "costcenter__c": None,
                    },
                ],
                id="items with their codes",
            ),
            pytest.param(
                "select sum(case when type = 'Debit' then amount else -amount end) as s, count(*)"
                " from journalentryitem",
                [{"s": Decimal("0.000000"), "_col1": 6}],
                id="the books balance",
            ),
            pytest.param(
                "select sum(amount) as s, min(amount) as l, max(amount) as g from journalentryitem",
                [{"s": Decimal("48.30"), "l": Decimal("1.1"), "g": Decimal(20)}],
                id="aggregates compare numbers, not text",
            ),
            pytest.param(
                "select distinct amount from journalentryitem where amount > 3 order by amount",
                [{"amount": Decimal("3.05")}, {"amount": Decimal(20)}],
                id="amounts in the order of numbers",
            ),
            pytest.param(
                "select number from journalentry where id in"
                " (select journalentryid from journalentryitem where amount between 3 and 3.1)",
                [{"number": "JE-00000003"}],
                id="a query in a condition",
            ),
            pytest.param(
                "with big as (select journalentryid as id, sum(amount) as s from journalentryitem"
                " group by journalentryid having sum(amount) >= 40.0)"
                " select s + 0.1 as s, s * 2 as d, -s as n from big",
                [{"s": Decimal("40.1"), "d": Decimal(80), "n": Decimal(-40)}],
                id="arithmetic on a result",
            ),
            pytest.param(
                "select 0.1 + 0.2 = 0.3 as exact, 100000000000000000000.000001 + 0 as big",
                [{"exact": True, "big": Decimal("100000000000000000000.000001")}],
                id="no float on the way",
            ),
            pytest.param(
                "select count(*) as n from journalentry where journalentrydate = date '2026-01-31'"
                " and createddate > timestamp '2020-01-01 00:00:00' and createddate <= now()"
                " and createddate > date '2020-01-01' and journalrunid is null"
                " and aggregatecurrency = false and transferredtoaccounting <> 'Yes'",
                [{"n": 3}],
                id="dates and moments",
            ),
            pytest.param(
                f"select count(*) as n from journalentry where {'number = null or ' * 400}"
                " notes in ('Note a', 'Note c')",
                [{"n": 2}],
                id="a long condition",
            ),
            pytest.param("select 1 as n limit 1;", [{"n": 1}], id="no table at all"),
        ],
    )
    def test_a_query_finds(self, shared, books, query, expected):
        assert rows(books, query) == expected

    def test_tables_and_columns_are_listed(self, shared, books):
        names = [row["table"] for row in rows(books, "SHOW TABLES")]
        assert {"journalentry", "journalentryitem", "journalrun"} <= set(names)
        for name in names:
            listed = rows(books, f"show columns from {name}")
            columns = [row["column"] for row in listed]
            assert columns[-1] == "deleted"
            found = content(books, done(books, f"select * from {name}", outputFormat="CSV"))
            assert found.decode().splitlines()[0].split(",") == columns[:-1]
        listed = rows(books, "SHOW COLUMNS FROM JournalEntryItem")
        assert {row["column"]: row["type"] for row in listed}["amount"] == "decimal(18,6)"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            pytest.param({}, '{"number":"JE-00000001","amount":1.100000}\n', id="JSON lines"),
            pytest.param(
                {"outputFormat": "CSV"}, "number,amount\nJE-00000001,1.100000\n", id="CSV"
            ),
            pytest.param(
                {"outputFormat": "TSV"}, "number\tamount\nJE-00000001\t1.100000\n", id="TSV"
            ),
            pytest.param(
                {"outputFormat": "DSV", "columnSeparator": "|"},
                "number|amount\nJE-00000001|1.100000\n",
                id="DSV",
            ),
        ],
    )
    @pytest.mark.parametrize("compression", ["NONE", "GZIP", "ZIP"])
    def test_the_form_of_a_result(self, shared, books, fields, expected, compression):
        query = (
            "select e.number, i.amount from journalentry e join journalentryitem i"
            " on i.journalentryid = e.id where i.amount = 1.1 and i.type = 'Debit'"
        )
        job = done(books, query, compression=compression, **fields)
        assert job["outputRows"] == 1
        found = content(books, job)
        if compression == "GZIP":
            found = gzip.decompress(found)
        elif compression == "ZIP":
            with zipfile.ZipFile(io.BytesIO(found)) as archive:
                found = archive.read(archive.namelist()[0])
        assert found.decode() == expected

    def test_text_is_quoted_where_it_must_be(self, bench):
        client = bench.client()
        post(client, notes='a "b", c\nd')
        found = content(client, done(client, "select notes from journalentry", outputFormat="CSV"))
        assert found.decode() == 'notes\n"a ""b"", c\nd"\n'

    def test_the_entries_of_a_run(self, make_bench):
        bench = make_bench()
        bench.load(*regions(3), *[{**row, "id": f"{row['id']}x"} for row in regions(1)])
        client = bench.client()
        settled(client, start_run(client))
        query = (
            "select r.number as run, r.status, e.region__s, e.transactioncount"
            " from journalentry e join journalrun r on r.id = e.journalrunid order by e.number"
        )
        assert [tuple(row.values()) for row in rows(client, query)] == [
            ("JR-00000001", "Completed", "0001", 2),
            ("JR-00000001", "Completed", "0002", 1),
            ("JR-00000001", "Completed", "0003", 1),
        ]


class TestJobs:
    def test_a_job_as_documented(self, bench):
        client = bench.client()
        response = client.post(JOBS, json=job_body("select number from journalentry"))
        assert set(response.json()) == {"data"}
        job = response.json()["data"]
        assert job["queryStatus"] == "submitted"
        assert len(job["id"]) == len(job["createdBy"]) == 64
        assert job["remainingRetries"] == 3
        finished = client.get(f"{JOBS}/{job['id']}").json()["data"]
        assert (finished["queryStatus"], finished["outputRows"]) == ("completed", 0)
        assert client.get(f"{JOBS}/{job['id']}").json()["data"] == finished
        other = submit(client, "show tables")
        listed = client.get(JOBS).json()["data"]
        assert [row["id"] for row in listed] == [other, job["id"]]
        only = client.get(JOBS, params={"queryStatus": "cancelled"}).json()["data"]
        assert only == []

    def test_a_job_can_be_cancelled_before_it_is_done(self, bench):
        client = bench.client()
        job = submit(client, "select number from journalentry")
        assert client.delete(f"{JOBS}/{job}").json()["data"]["queryStatus"] == "cancelled"
        assert client.get(f"{JOBS}/{job}").json()["data"]["queryStatus"] == "cancelled"
        again = client.delete(f"{JOBS}/{job}")
        assert again.status_code == 400
        assert set(again.json()) == {"code", "message"}

    def test_only_own_jobs_are_visible(self, bench):
        client, other = bench.client(), bench.client()
        job = submit(client, "show tables")
        assert other.get(JOBS).json() == {"data": []}
        for method in ("GET", "DELETE"):
            response = other.request(method, f"{JOBS}/{job}")
            assert response.status_code == 404
            assert set(response.json()) == {"code", "message"}

    def test_a_file_expires_and_its_name_is_no_guess(self, make_bench):
        bench = make_bench()
        client = bench.client()
        job = done(client, "show tables")
        name = job["dataFile"].rpartition("/")[2]
        assert len(name) > 43
        assert name != done(client, "show tables")["dataFile"].rpartition("/")[2]
        assert bench.anonymous().get("/query/files/nothing.json").status_code == 404
        assert bench.anonymous().get("/query/files/expired").status_code == 404
        bench.clock.pass_by(minutes=59)
        assert bench.anonymous().get(job["dataFile"]).status_code == 200
        bench.clock.pass_by(minutes=1)
        assert bench.anonymous().get(job["dataFile"]).status_code == 404

    def test_the_queue_of_a_tenant_goes_on_when_it_is_full(self, bench):
        client = bench.client()
        jobs = [submit(client, "show tables") for _ in range(12)]
        states = [job["queryStatus"] for job in client.get(JOBS).json()["data"]]
        assert states.count("completed") == 3
        assert {client.get(f"{JOBS}/{job}").json()["data"]["queryStatus"] for job in jobs} == {
            "completed"
        }

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            pytest.param({"query": None}, 400, id="no query"),
            pytest.param({"query": ""}, 400, id="an empty query"),
            pytest.param({"outputFormat": "XML"}, 400, id="another format"),
            pytest.param({"compression": None}, 400, id="no compression"),
            pytest.param({"output": {"target": "FTP"}}, 400, id="another target"),
            pytest.param({"output": "S3"}, 400, id="a target that is no object"),
            pytest.param({"outputFormat": "DSV"}, 400, id="DSV without a separator"),
            pytest.param({"columnSeparator": '"'}, 400, id="a quote as separator"),
            pytest.param({"readDeleted": "yes"}, 400, id="no boolean"),
            pytest.param({"encryptionKey": "x"}, 400, id="an unknown field"),
        ],
    )
    def test_other_requests_are_refused(self, shared, books, change, status):
        response = books.post(JOBS, json=job_body(**{"query": "show tables", **change}))
        assert response.status_code == status
        assert set(response.json()) == {"code", "message"}

    @pytest.mark.parametrize("version", ["2025-08-12", "196.0"])
    def test_errors_have_their_status_in_every_version(self, shared, books, version):
        headers = {"Zuora-Version": version}
        answers = [
            (books.post(JOBS, content=b"{}", headers=headers), 415),
            (books.post(JOBS, json=job_body("drop table x"), headers=headers), 400),
            (books.get(f"{JOBS}/nothing", headers=headers), 404),
            (books.put(JOBS, json={}, headers=headers), 405),
            (books.options(JOBS, headers=headers), 405),
            (books.get("/query/nowhere", headers=headers), 404),
        ]
        for response, status in answers:
            assert response.status_code == status
            assert set(response.json()) == {"code", "message"}
        anonymous = shared.anonymous().get(JOBS, headers=headers)
        assert (anonymous.status_code, set(anonymous.json())) == (401, {"message"})


class TestSight:
    @pytest.mark.parametrize("mode", [PROCESS, SOCKET])
    def test_nobody_sees_another_tenant(self, make_bench, mode):
        bench = make_bench(mode=mode)
        stranger = bench.ledger.add_tenant(REFERENCE)
        ours, theirs = bench.client(), bench.client(tenant_id=stranger)
        post(ours, ReconcilerKey__c="ours")
        for _ in range(2):
            post(theirs, ReconcilerKey__c="theirs")
        for table, (mine, other) in {
            "journalentry": (1, 2),
            "journalentryitem": (2, 4),
            "journalrun": (0, 0),
            "accountingperiod": (5, 5),
            "accountingcode": (7, 7),
        }.items():
            query = f"select id from {table}"
            seen = {row["id"] for row in rows(ours, query)}
            strange = {row["id"] for row in rows(theirs, query)}
            assert (len(seen), len(strange)) == (mine, other)
            assert not seen & strange
        keys = rows(
            ours, "select distinct reconcilerkey__c k from journalentry where 1 = 1 or true"
        )
        assert keys == [{"k": "ours"}]
        job = submit(ours, "show tables")
        assert theirs.get(f"{JOBS}/{job}").status_code == 404

    def test_a_client_without_permissions_may_read(self, bench):
        client = bench.client(permissions=[])
        assert rows(client, "select number from journalentry") == []

    def test_deleted_rows_for_thirty_days(self, make_bench):
        bench = make_bench()
        client = bench.client()
        for _ in range(2):
            post(client)
        client.put(f"{ENTRIES}/JE-00000001/cancel")
        assert client.delete(f"{ENTRIES}/JE-00000001").status_code == 200

        def numbers(query="select number from journalentry order by number", **fields):
            return [row["number"] for row in rows(client, query, **fields)]

        naming = "select number, deleted from journalentry order by number"
        assert numbers() == ["JE-00000002"]
        assert numbers(readDeleted=True) == ["JE-00000001"]
        assert numbers(naming) == ["JE-00000001", "JE-00000002"]
        items = "select amount from journalentryitem"
        assert len(rows(client, items, readDeleted=True)) == 2
        bench.clock.pass_by(days=30)
        client = bench.client()
        assert numbers(readDeleted=True) == ["JE-00000001"]
        bench.clock.pass_by(seconds=1)
        assert numbers(readDeleted=True) == []
        assert numbers(naming) == ["JE-00000002"]


def without_lag(bench):
    """A client of a second app over the same ledger, which sees the present."""
    app = create_app(bench.ledger, clock=bench.clock, worker=bench.worker)
    client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://ledger.test")
    client.headers["Authorization"] = bench.client().headers["Authorization"]
    return client


class TestLag:
    """With a lag, a query sees every row as it was, whatever has happened to it since."""

    STATE = (
        "select e.number, e.status, e.notes, e.transferredtoaccounting as t, e.reconcilerkey__c as"
        " k, e.updateddate as u, i.costcenter__c as c from journalentry e"
        " join journalentryitem i on i.journalentryid = e.id and i.type = 'Debit' order by e.number"
    )

    def test_each_state_of_an_entry_appears_in_its_time(self, make_bench):
        lagging = make_bench(query_lag=1000)
        client = lagging.client()
        present = without_lag(lagging)
        url = f"{ENTRIES}/JE-00000001"
        line = {"accountingCodeName": "Deferred Revenue", "type": "Debit", "CostCenter__c": "C2"}
        steps = [
            lambda: post(client, ReconcilerKey__c="k", notes="first"),
            lambda: client.put(f"{url}/basic-information", json={"notes": "second"}),
            lambda: client.put(
                f"{url}/basic-information",
                json={"transferredToAccounting": "Error", "journalEntryItems": [line]},
            ),
            lambda: client.put(f"{url}/basic-information", json={"ReconcilerKey__c": None}),
            lambda: client.put(f"{url}/cancel"),
            lambda: post(client, notes="another"),
            lambda: client.delete(url),
        ]
        states = []
        for step in steps:
            lagging.clock.pass_by(seconds=100)
            step()
            states.append(rows(present, self.STATE))
        assert len({str(state) for state in states}) == len(steps)
        assert rows(client, self.STATE) == []
        lagging.clock.pass_by(seconds=1000 - 100 * len(steps))
        for state in states:
            assert rows(client, self.STATE) != state
            lagging.clock.pass_by(seconds=100)
            assert rows(client, self.STATE) == state

    @pytest.mark.parametrize("entity", ["E-1", "E-2"])
    def test_the_past_of_every_entity_names_its_users(self, make_bench, tmp_path, entity):
        path = tmp_path / "two.yaml"
        units = "  entities:\n    - {id: E-1, name: Europe}\n    - {id: E-2, name: Asia}\n"
        path.write_text(REFERENCE.read_text().replace("spec:\n", f"spec:\n{units}", 1))
        bench = make_bench(reference=path, query_lag=1000)
        client, present = bench.client(), without_lag(bench)
        for each in (client, present):
            each.headers["Zuora-Entity-Ids"] = entity
        number = post(client)
        query = "select number, createdbyid, updatedbyid, transferredby from journalentry"
        url = f"{ENTRIES}/{number}/basic-information"
        assert client.put(url, json={"transferredToAccounting": "Yes"}).json()["success"]
        was = rows(present, query)
        bench.clock.pass_by(seconds=1000)
        assert client.put(url, json={"notes": "later"}).json()["success"]
        assert rows(client, query) == was

    def test_each_state_of_a_run_appears_in_its_time(self, make_bench):
        query = (
            "select r.status, r.executedon as x, r.updateddate as u, e.number, e.status as s,"
            " e.transactioncount as n from journalrun r"
            " left join journalentry e on e.journalrunid = r.id order by e.number"
        )
        bench = make_bench(query_lag=1000, by_hand=True)
        bench.load(*regions(2))
        client, present = bench.client(), without_lag(bench)
        steps = [
            lambda: start_run(client),
            bench.step,
            bench.step,
            lambda: client.put("/v1/journal-runs/JR-00000001/cancel"),
            bench.step,
            lambda: client.delete("/v1/journal-runs/JR-00000001"),
            bench.step,
        ]
        states = []
        for step in steps:
            bench.clock.pass_by(seconds=100)
            step()
            states.append(rows(present, query))
        assert [state[0]["status"] if state else None for state in states] == [
            "Pending",
            "Processing",
            "Completed",
            "CancelInprogress",
            "Cancelled",
            "DeleteInprogress",
            None,
        ]
        bench.clock.pass_by(seconds=1000 - 100 * len(steps))
        for state in states:
            bench.clock.pass_by(seconds=100)
            assert rows(client, query) == state


DOCUMENTED = {
    *("createdBy", "id", "query", "sourceData", "remainingRetries", "updatedOn"),
    *("useIndexJoin", "dataFile", "outputRows", "processingTime", "queryStatus"),
}


def test_a_job_has_documented_fields_only(books):
    assert set(done(books, "select number from journalentry")) <= DOCUMENTED
    error = exact(books.post(JOBS, json=job_body("drop table x")))
    assert isinstance(error["code"], int)


def test_sign_in_is_needed_to_submit(shared):
    client_id, secret = shared.ledger.issue_client("query")
    anonymous = shared.anonymous()
    assert anonymous.post(JOBS, json=job_body("show tables")).status_code == 401
    token = sign_in(anonymous, client_id, secret).json()["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    assert anonymous.post(JOBS, json=job_body("show tables")).status_code == 200
