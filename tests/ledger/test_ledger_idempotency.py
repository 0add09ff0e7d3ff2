"""Idempotency-Key: one effect per key, and the first answer again for a day."""

import hashlib
import json
import subprocess
import textwrap
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from ledger_harness import ENTRIES, categories_of, credit, debit, entry
from program import Program

from reconciler.ledger.storage import idempotency

REFUSED = entry(debit("1.00"), credit("2.00"))


def send(client, key, body=None, path=ENTRIES, **headers):
    headers["Idempotency-Key"] = key
    return client.post(path, json=entry() if body is None else body, headers=headers)


def same(one, two):
    return (one.status_code, one.content) == (two.status_code, two.content)


class TestReplays:
    def test_the_first_answer_comes_again(self, bench):
        """I-63: a success is replayed as it was."""
        client = bench.client()
        first = send(client, "k")
        again = send(client, "k")
        assert same(first, again)
        assert again.headers["Zuora-Request-Id"] == first.headers["Zuora-Request-Id"]
        assert len(bench.truth("SELECT * FROM journal_entries")) == 1

    def test_a_refusal_comes_again_although_its_cause_is_gone(self, bench):
        """I-63: so is a failure."""
        client = bench.client()
        body = entry(accountingPeriodName="Mar-2026")
        first = send(client, "k", body)
        assert first.status_code == 400
        period = {"name": "Mar-2026", "startDate": "2026-03-01", "endDate": "2026-03-31"}
        made = client.post("/v1/accounting-periods", json={**period, "fiscalYear": 2026})
        assert made.json()["success"] is True
        assert same(first, send(client, "k", body))
        assert bench.truth("SELECT * FROM journal_entries") == []

    def test_a_lacking_permission_is_remembered_too(self, bench):
        first = send(bench.client([]), "k")
        assert first.status_code == 403
        assert same(first, send(bench.client(), "k"))

    def test_a_stored_success_is_not_shown_to_those_who_may_not_create(self, bench):
        send(bench.client(), "k")
        assert send(bench.client([]), "k").status_code == 403

    def test_malformed_json_is_remembered_too(self, bench):
        client = bench.client()
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        first = client.post(ENTRIES, content=b"{", headers=headers)
        assert categories_of(first) == [90]
        assert same(first, client.post(ENTRIES, content=b"{", headers=headers))

    def test_the_status_is_that_of_the_first_version(self, bench):
        client = bench.client()
        first = send(client, "k", REFUSED, **{"Zuora-Version": "196.0"})
        assert first.status_code == 200
        assert same(first, send(client, "k", REFUSED))

    def test_keys_are_forgotten_after_a_day(self, make_bench):
        bench = make_bench(token_lifetime=10**6)
        client = bench.client()
        first = send(client, "k").json()["journalEntryNumber"]
        bench.clock.pass_by(hours=24, seconds=-1)
        assert send(client, "k").json()["journalEntryNumber"] == first
        bench.clock.pass_by(seconds=1)
        assert send(client, "k").json()["journalEntryNumber"] != first

    @pytest.mark.parametrize(("prefix", "left"), [("", ["l"]), ("no token begins so", ["k", "l"])])
    def test_one_claim_of_many_deletes_what_has_expired(
        self, make_bench, monkeypatch, prefix, left
    ):
        bench = make_bench(token_lifetime=10**6)
        client = bench.client()
        monkeypatch.setattr(idempotency, "_SOMETIMES", prefix)
        send(client, "k")
        bench.clock.pass_by(hours=24)
        send(client, "l")
        assert [row["key"] for row in bench.truth("SELECT key FROM replays ORDER BY key")] == left

    def test_another_client_of_the_tenant_shares_the_keys(self, bench):
        assert same(send(bench.client(), "k"), send(bench.client(), "k"))

    def test_a_key_survives_the_end_of_the_server(self, make_bench):
        from ledger_harness import Bench

        bench = make_bench()
        first = send(bench.client(), "k")
        bench.close()
        again = Bench(bench.database)
        try:
            assert same(first, send(again.client(), "k"))
        finally:
            again.close()


class TestClashes:
    def test_another_url_or_query_is_refused(self, bench):
        client = bench.client()
        first = send(client, "k")
        for path in ("/v1/accounting-codes", f"{ENTRIES}?x=1"):
            response = send(client, "k", path=path)
            assert response.status_code == 422
            assert response.json()["success"] is False
        assert same(first, send(client, "k"))

    def test_another_body_is_refused(self, bench):
        """The documents are silent, so the stricter reading holds."""
        client = bench.client()
        first = send(client, "k")
        assert send(client, "k", entry(debit("7.00"), credit("7.00"))).status_code == 422
        assert same(first, send(client, "k"))

    def test_another_body_is_not_noticed_when_lenient(self, make_bench):
        client = make_bench(strict_idempotency=False).client()
        first = send(client, "k")
        assert same(first, send(client, "k", entry(debit("7.00"), credit("7.00"))))

    @pytest.mark.parametrize("version", ["196.0", "2025-08-12"])
    def test_while_the_first_is_running_it_is_409(self, make_bench, version):
        bench = make_bench()
        client = bench.client()
        begin(bench, "k")
        response = send(client, "k", **{"Zuora-Version": version})
        assert (response.status_code, categories_of(response)) == (409, [50])
        assert bench.truth("SELECT * FROM journal_entries") == []

    def test_an_abandoned_claim_is_taken_over_and_its_holder_can_not_settle(self, make_bench):
        bench = make_bench()
        client = bench.client()
        abandoned = begin(bench, "k")
        bench.clock.pass_by(seconds=idempotency.LEASE)
        first = send(client, "k")
        assert first.json()["success"] is True
        answer = idempotency.Answer(status=200, body=b"{}", request_id="r")
        with pytest.raises(idempotency.ClaimLost), bench.ledger.store.writing() as tx:
            idempotency.store_answer(tx, abandoned, answer)
        assert same(first, send(client, "k"))

    def test_a_key_is_free_again_after_an_unexpected_error(self, make_bench, caplog):
        bench = make_bench()
        client = bench.client()
        bench.database.run("ALTER TABLE journal_entries RENAME TO away")
        broken = send(client, "k")
        assert (broken.status_code, categories_of(broken)) == (500, [60])
        assert "journal_entries" in caplog.text
        assert "journal_entries" not in broken.text
        bench.database.run("ALTER TABLE away RENAME TO journal_entries")
        assert send(client, "k").json()["success"] is True


class TestKeys:
    @pytest.mark.parametrize("key", ["x" * 254, "a b:c;d", "7"])
    def test_accepted(self, caller, key):
        assert send(caller, key).json()["success"] is True

    @pytest.mark.parametrize("key", ["x" * 255, ""])
    def test_refused(self, caller, key):
        response = send(caller, key)
        assert (response.status_code, categories_of(response)) == (400, [20])

    def test_other_methods_do_not_know_keys(self, bench):
        client = bench.client()
        number = send(client, "k").json()["journalEntryNumber"]
        headers = {"Idempotency-Key": "k"}
        assert client.get(f"{ENTRIES}/{number}", headers=headers).status_code == 200
        assert client.put(f"{ENTRIES}/{number}/cancel", headers=headers).status_code == 200
        again = client.put(f"{ENTRIES}/{number}/cancel", headers=headers)
        assert categories_of(again) == [30]


class TestConcurrency:
    def test_eight_posts_with_one_key_make_one_entry(self, bench):
        """I-61: one of them executes, and the others get its answer or 409."""
        clients = [bench.client() for _ in range(8)]
        for round_ in range(5):
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(send, clients, [f"k{round_}"] * 8))
            check_one_winner(answers)
        assert len(bench.truth("SELECT * FROM journal_entries")) == 5

    def test_also_from_two_processes(self, make_bench):
        bench = make_bench()
        credentials = bench.ledger.issue_client("ci")
        script = textwrap.dedent(
            """
            import json, sys
            from concurrent.futures import ThreadPoolExecutor
            import httpx
            from reconciler.ledger import create_app, open_ledger

            url, form, body = json.loads(sys.argv[1])
            with open_ledger(url) as ledger:
                transport = httpx.WSGITransport(app=create_app(ledger))
                with httpx.Client(transport=transport, base_url="http://ledger.test") as client:
                    token = client.post("/oauth/token", data=form).json()["access_token"]
                    client.headers["Authorization"] = "Bearer " + token
                    print("ready", flush=True)
                    sys.stdin.readline()

                    def send(i):
                        headers = {"Idempotency-Key": f"k{i // 2}"}
                        answer = client.post("/v1/journal-entries", json=body, headers=headers)
                        return [f"k{i // 2}", answer.status_code, answer.text]

                    with ThreadPoolExecutor(4) as pool:
                        print(json.dumps(list(pool.map(send, range(20)))))
            """
        )
        form = dict(
            zip(
                ("client_id", "client_secret", "grant_type"),
                (*credentials, "client_credentials"),
                strict=True,
            )
        )
        argument = json.dumps([bench.database.url, form, entry()])
        processes = [
            Program([argument], script=script, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = []
        for process in processes:
            output, _ = process.communicate()
            assert process.returncode == 0
            answers += json.loads(output)
        for key in {answer[0] for answer in answers}:
            bodies = {answer[2] for answer in answers if answer[0] == key and answer[1] == 200}
            assert len(bodies) == 1
        assert {answer[1] for answer in answers} <= {200, 409}
        numbers = bench.truth("SELECT number FROM journal_entries ORDER BY number")
        assert [row["number"] for row in numbers] == [f"JE-{n:08d}" for n in range(1, 11)]


def check_one_winner(answers):
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1


def begin(bench, key):
    """Claim a key as a request does that is still at work."""
    body = httpx.Request("POST", "http://ledger.test", json=entry()).content
    claimed = idempotency.Claim(
        tenant_id=bench.ledger.tenant_id,
        key=key,
        method="POST",
        url=ENTRIES,
        body_digest=hashlib.sha256(body).hexdigest(),
    )
    now = int(bench.clock.time.timestamp())
    assert idempotency.claim(bench.ledger.store, claimed, now=now, strict=True) is None
    return claimed
