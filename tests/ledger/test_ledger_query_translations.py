"""A query is translated once, and never answered with the translation of another one."""

import yaml
from ledger_harness import REFERENCE, post
from query_harness import job_body, rows

from reconciler.ledger.query import translation


class TestRememberedTranslations:
    def count(self, monkeypatch):
        done = []
        whole = translation.translate
        monkeypatch.setattr(translation, "_TRANSLATED", {})
        monkeypatch.setattr(
            translation, "translate", lambda *args, **now: done.append(1) or whole(*args, **now)
        )
        return done

    def test_a_query_is_translated_once_whoever_asks(self, make_bench, monkeypatch):
        done = self.count(monkeypatch)
        bench = make_bench()
        for client in (bench.client(), bench.client()):
            post(client)
            rows(client, "select number from journalentry")
        assert len(done) == 1

    def test_time_passes(self, make_bench, monkeypatch):
        done = self.count(monkeypatch)
        bench = make_bench()
        client = bench.client()
        post(client)
        query = "select number from journalentry where createddate < current_timestamp"
        assert rows(client, query) == []
        bench.clock.pass_by(seconds=1)
        assert len(rows(client, query)) == 1
        assert len(done) == 4  # when it is submitted, and when it is executed

    def test_a_column_that_the_tenant_gets_later_is_found(self, make_bench):
        client = make_bench().client()
        with_it = make_bench(reference=with_field("Later__c")).client()
        query = "select later__c from journalentry"
        for _ in range(2):
            assert client.post("/query/jobs", json=job_body(query)).status_code == 400
            assert rows(with_it, query) == []
        star = "select * from journalentry"
        post(client)
        post(with_it)
        assert "later__c" not in rows(client, star)[0]
        assert "later__c" in rows(with_it, star)[0]

    def test_few_are_kept(self, make_bench, monkeypatch):
        monkeypatch.setattr(translation, "_TRANSLATED", {})
        monkeypatch.setattr(translation, "REMEMBERED", 3)
        monkeypatch.setattr(translation, "MAX_REMEMBERED", 50)
        client = make_bench().client()
        for number in range(5):
            rows(client, f"select number from journalentry limit {number}")
        rows(client, f"select number from journalentry {' ' * 50}")
        assert [key[0][-1] for key in translation._TRANSLATED] == ["2", "3", "4"]


def with_field(name):
    """The reference of the tests with one more custom field of entries."""
    document = yaml.load(REFERENCE.read_text(), Loader=yaml.BaseLoader)
    document["spec"]["customFields"]["JournalEntry"].append({"name": name})
    return document
