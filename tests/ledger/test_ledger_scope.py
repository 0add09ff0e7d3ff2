"""Entities and organizations: who is where, and what is not there for whom."""

import json

import pytest
from ledger_bench import (
    ENTRIES,
    PROCESS,
    REFERENCE,
    RUNS,
    SOCKET,
    Bench,
    categories_of,
    entry,
    post,
    run_body,
    settled,
    sign_in,
    start_run,
    transaction,
)
from test_ledger_access import MATRIX, READS

from reconciler.ledger import LedgerUnusable, Limits, open_ledger

EUROPE, ASIA, AFRICA = "E-europe", "E-asia", "E-africa"
ENTITIES = (
    f"spec:\n  entities:\n    - {{id: {EUROPE}, name: Europe}}\n    - {{id: {ASIA}, name: Asia}}\n"
)
ORGANIZATIONS = (
    "spec:\n  organizations:\n    - {id: O-1, name: North}\n    - {id: O-2, name: South}\n"
)


def reference(tmp_path, spec):
    path = tmp_path / "reference.yaml"
    path.write_text(REFERENCE.read_text().replace("spec:\n", spec, 1))
    return path


def in_entity(entity):
    return {"Zuora-Entity-Ids": entity}


def for_organizations(ids):
    return {} if ids is None else {"Zuora-Org-Ids": ids}


def client_of(bench, **limited):
    """A client with every permission, limited to these entities or organizations."""
    client = bench.anonymous()
    token = sign_in(client, *bench.ledger.issue_client("test", **limited)).json()
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    client.scope = token["scope"]
    return client


@pytest.fixture(params=[PROCESS, SOCKET])
def entities(request, database, tmp_path):
    """A tenant of two entities."""
    path = reference(tmp_path, ENTITIES)
    bench = Bench(database, mode=request.param, reference=path)
    yield bench
    bench.close()


class TestEntities:
    @pytest.mark.parametrize(
        ("span", "header", "outcome"),
        [
            pytest.param(None, EUROPE, 200, id="several, one chosen"),
            pytest.param(None, ASIA, 200, id="several, the other chosen"),
            pytest.param(None, None, (400, [23]), id="several, none chosen"),
            pytest.param(None, "", (400, [23]), id="several, an empty choice"),
            pytest.param(None, f"{EUROPE},{ASIA}", (400, [20]), id="several, both chosen"),
            pytest.param(None, AFRICA, (403, [10]), id="several, another chosen"),
            pytest.param(["Asia"], None, 200, id="one"),
            pytest.param([ASIA], None, 200, id="one, given by its id"),
            pytest.param(["Asia"], ASIA, (400, [20]), id="one, chosen all the same"),
            pytest.param(["Asia"], EUROPE, (400, [20]), id="one, another chosen"),
        ],
    )
    def test_the_header_is_needed_exactly_where_there_is_a_choice(
        self, entities, span, header, outcome
    ):
        client = client_of(entities, entities=span)
        headers = {} if header is None else in_entity(header)
        response = client.post(ENTRIES, json=entry(), headers=headers)
        if outcome == 200:
            assert response.json()["success"] is True
        else:
            assert (response.status_code, categories_of(response)) == outcome
            assert entities.truth("SELECT * FROM journal_entries") == []

    @pytest.mark.parametrize(
        ("span", "listed"), [(None, {EUROPE, ASIA}), (["Asia"], {ASIA})], ids=["all", "one"]
    )
    def test_the_token_names_the_entities_it_spans(self, entities, span, listed):
        words = client_of(entities, entities=span).scope.split(" ")
        assert {word[len("entity.") :] for word in words if word.startswith("entity.")} == listed

    @pytest.mark.parametrize(
        ("method", "path"), [row[:2] for row in MATRIX] + [("GET", path) for path in READS]
    )
    def test_what_another_entity_has_looks_like_nothing(self, entities, method, path):
        if "{" not in path:
            return
        client = client_of(entities)
        client.headers.update(in_entity(EUROPE))
        post(client)
        start_run(client)
        mine = entities.ledger.books_of("Europe")
        there = {
            "entry": "JE-00000001",
            "run": "JR-00000001",
            **{
                word: entities.truth(f"SELECT id FROM {table} WHERE tenant_id=?", mine)[0]["id"]
                for word, table in (("code", "accounting_codes"), ("period", "accounting_periods"))
            },
        }
        nowhere = dict.fromkeys(there, "nowhere")
        body = {} if path.endswith("basic-information") else None

        def told(places):
            response = client.request(
                method, path.format(**places), json=body, headers=in_entity(ASIA)
            )
            (reason,) = response.json()["reasons"]
            message = reason["message"]
            for place in places.values():
                message = message.replace(place, "?")
            return response.status_code, reason["code"] % 100, message

        before = entities.truth("SELECT * FROM journal_entries")
        assert told(there) == told(nowhere)
        assert told(there)[:2] == (404, 40)
        assert entities.truth("SELECT * FROM journal_entries") == before

    def test_each_entity_has_its_own_numbers_keys_and_codes(self, entities):
        client = client_of(entities)
        keyed = {"Idempotency-Key": "k"}
        for entity in (EUROPE, ASIA):
            made = client.post(ENTRIES, json=entry(), headers=in_entity(entity) | keyed)
            assert made.json()["journalEntryNumber"] == "JE-00000001"
        codes = [
            {
                code["id"]
                for code in client.get("/v1/accounting-codes", headers=in_entity(entity)).json()[
                    "accountingCodes"
                ]
            }
            for entity in (EUROPE, ASIA)
        ]
        assert len(codes[0]) == len(codes[1]) > 0
        assert not codes[0] & codes[1]

    def test_runs_summarise_the_transactions_of_their_entity(self, entities, tmp_path):
        client = client_of(entities)
        client.headers.update(in_entity(ASIA))
        file = tmp_path / "transactions.jsonl"
        file.write_text(json.dumps(transaction("T-1")) + "\n")
        entities.ledger.load_transactions(file)  # without a word, they are the first entity's
        assert settled(client, start_run(client))["totalJournalEntryCount"] == 0
        entities.ledger.load_transactions(file, tenant_id=entities.ledger.books_of("Asia"))
        assert settled(client, start_run(client))["totalJournalEntryCount"] == 1

    def test_the_audit_chain_of_every_entity_is_verified(self, entities):
        client = client_of(entities, entities=["Asia"])
        post(client)
        assert entities.ledger.broken_audit() is None

    def test_places_are_counted_per_entity_and_requests_per_tenant(self, make_bench, tmp_path):
        limits = Limits(requests_per_minute=9, concurrency=3)
        bench = make_bench(reference=reference(tmp_path, ENTITIES), limits=limits)
        client = client_of(bench)
        left = [
            (answer.headers["RateLimit-Remaining"], answer.headers["Concurrency-Limit-Remaining"])
            for answer in (
                client.get(f"{ENTRIES}/JE-1", headers=in_entity(entity))
                for entity in (EUROPE, ASIA)
            )
        ]
        assert left == [("8", "2"), ("7", "2")]

    @pytest.mark.parametrize("names", [["Africa"], ["Asia", "Africa"]])
    def test_an_unknown_entity_is_refused_with_the_known_ones(self, entities, names):
        with pytest.raises(LedgerUnusable, match=r"no entity 'Africa'.*Europe, Asia"):
            entities.ledger.issue_client("ci", entities=names)

    def test_a_client_limited_to_nothing_is_refused(self, entities):
        with pytest.raises(LedgerUnusable, match="at least one entity"):
            entities.ledger.issue_client("ci", entities=[])


class TestOneEntity:
    """A tenant that declares none, or one, has nothing to choose."""

    @pytest.mark.parametrize(
        ("header", "status"), [(None, 200), ("own", 200), ("other", 403), ("", 403)]
    )
    @pytest.mark.parametrize("declared", [False, True])
    def test_only_its_own_id_may_be_named(self, make_bench, tmp_path, declared, header, status):
        spec = f"spec:\n  entities: [{{id: {ASIA}, name: Asia}}]\n"
        bench = make_bench(reference=reference(tmp_path, spec) if declared else None)
        client = client_of(bench)
        own = next(word[7:] for word in client.scope.split(" ") if word.startswith("entity."))
        assert (own == ASIA) is declared
        headers = {} if header is None else in_entity(own if header == "own" else header)
        assert client.post(ENTRIES, json=entry(), headers=headers).status_code == status

    def test_a_tenant_may_grow_and_its_books_become_those_of_the_first(self, make_bench, tmp_path):
        bench = make_bench()
        before = client_of(bench)
        number = post(before)
        open_ledger(bench.database.url, reference(tmp_path, ENTITIES)).close()
        # A client that was never limited may enter the new entity too, and so has to choose.
        assert categories_of(before.get(f"{ENTRIES}/{number}")) == [23]
        statuses = [
            before.get(f"{ENTRIES}/{number}", headers=in_entity(entity)).status_code
            for entity in (EUROPE, ASIA)
        ]
        assert statuses == [200, 404]

    def test_an_entity_that_is_declared_no_longer_stays(self, make_bench, tmp_path):
        bench = make_bench(reference=reference(tmp_path, ENTITIES))
        client = client_of(bench)
        post_in_asia = client.post(ENTRIES, json=entry(), headers=in_entity(ASIA)).json()
        open_ledger(bench.database.url, REFERENCE).close()
        found = client.get(
            f"{ENTRIES}/{post_in_asia['journalEntryNumber']}", headers=in_entity(ASIA)
        )
        assert found.status_code == 200


@pytest.fixture(params=[PROCESS, SOCKET])
def organizations(request, database, tmp_path):
    """A Multi-Org tenant of two organizations."""
    path = reference(tmp_path, ORGANIZATIONS)
    bench = Bench(database, mode=request.param, reference=path)
    yield bench
    bench.close()


class TestOrganizations:
    @pytest.mark.parametrize(
        ("held", "header", "label", "outcome"),
        [
            pytest.param(None, None, "North", None, id="any of all"),
            pytest.param(None, None, None, (400, [22]), id="no label"),
            pytest.param(None, None, "West", (400, [20]), id="an unknown label"),
            pytest.param(None, None, "O-1", (400, [20]), id="an id for a label"),
            pytest.param(None, "O-1", "North", None, id="the one chosen"),
            pytest.param(None, "O-1, O-2", "South", None, id="one of those chosen"),
            pytest.param(None, "O-1", "South", (400, [20]), id="one not chosen"),
            pytest.param(None, "", "South", None, id="an empty choice is none"),
            pytest.param(None, "O-3", "North", (403, [10]), id="an unknown choice"),
            pytest.param(["South"], None, "South", None, id="the caller's own"),
            pytest.param(["O-2"], None, "North", (400, [20]), id="not the caller's"),
            pytest.param(["South"], "O-1", "North", (403, [10]), id="a choice not the caller's"),
            pytest.param(["South"], "O-1,O-2", "South", (403, [10]), id="a choice too wide"),
        ],
    )
    def test_an_entry_belongs_to_an_organization_of_the_request(
        self, organizations, held, header, label, outcome
    ):
        client = client_of(organizations, organizations=held)
        response = client.post(
            ENTRIES, json=entry(organizationLabel=label), headers=for_organizations(header)
        )
        if outcome is None:
            number = response.json()["journalEntryNumber"]
            live = client.get(f"{ENTRIES}/{number}").json()
            assert live["organizationLabel"] == label
        else:
            assert (response.status_code, categories_of(response)) == outcome
            assert organizations.truth("SELECT * FROM journal_entries") == []

    @pytest.mark.parametrize(
        ("method", "ending", "body"),
        [
            ("GET", "", None),
            ("PUT", "/basic-information", {"notes": "x"}),
            ("PUT", "/cancel", None),
            ("DELETE", "", None),
        ],
        ids=["read", "update", "cancel", "delete"],
    )
    @pytest.mark.parametrize(
        ("held", "header", "there"),
        [
            pytest.param(None, None, True, id="all"),
            pytest.param(None, "O-1", True, id="chosen"),
            pytest.param(None, "O-2", False, id="not chosen"),
            pytest.param(["North"], None, True, id="the caller's"),
            pytest.param(["South"], None, False, id="not the caller's"),
        ],
    )
    def test_entries_of_other_organizations_look_like_nothing(
        self, organizations, method, ending, body, held, header, there
    ):
        owner = client_of(organizations)
        number = post(owner, organizationLabel="North")
        if method == "DELETE":
            owner.put(f"{ENTRIES}/{number}/cancel")
        client = client_of(organizations, organizations=held)
        response = client.request(
            method, f"{ENTRIES}/{number}{ending}", json=body, headers=for_organizations(header)
        )
        assert response.status_code == (200 if there else 404)
        assert there or categories_of(response) == [40]

    def test_journal_runs_are_refused(self, organizations):
        client = client_of(organizations)
        assert categories_of(client.post(RUNS, json=run_body())) == [30]

    def test_an_unknown_organization_is_refused_with_the_known_ones(self, organizations):
        with pytest.raises(LedgerUnusable, match=r"no organization 'West'.*North, South"):
            organizations.ledger.issue_client("ci", organizations=["West"])

    def test_without_organizations_there_is_no_label(self, make_bench):
        client = client_of(make_bench())
        assert categories_of(client.post(ENTRIES, json=entry(organizationLabel="North"))) == [30]
        assert "organizationLabel" not in client.get(f"{ENTRIES}/{post(client)}").json()
        chosen = client.get("/v1/accounting-codes", headers=for_organizations("O-1"))
        assert (chosen.status_code, categories_of(chosen)) == (403, [10])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("entities: [{id: E-1}]", "name is missing"),
        ("entities: [{name: Asia}]", "id is missing"),
        ("entities: [{id: 'a,b', name: Asia}]", "letters, digits or hyphens"),
        ("entities: [{id: E-1, name: Asia}, {id: E-1, name: Europe}]", "comes twice"),
        ("organizations: [{id: O-1, name: North}, {id: O-2, name: North}]", "comes twice"),
        ("organizations: North", "is not a list"),
    ],
)
def test_a_reference_names_each_once(database, tmp_path, spec, message):
    path = reference(tmp_path, f"spec:\n  {spec}\n")
    with pytest.raises(LedgerUnusable, match=message):
        open_ledger(database.url, path)


def test_create_client_with_entities(database, tmp_path):
    from click.testing import CliRunner

    from reconciler.cli.ledger import ledger

    open_ledger(database.url, reference(tmp_path, ENTITIES)).close()
    common = ["create-client", "--database", database.url, "--name", "ci"]
    made = CliRunner().invoke(ledger, [*common, "--entity", "Asia", "--entity", EUROPE])
    assert made.exit_code == 0, made.output
    books = json.loads(
        database.truth("SELECT entities FROM tenants ORDER BY position")[0]["entities"]
    )
    spanned = json.loads(database.truth("SELECT entities FROM clients")[0]["entities"])
    assert spanned == [books[1]["books"], books[0]["books"]]
    refused = CliRunner().invoke(ledger, [*common, "--entity", "Africa"])
    assert (refused.exit_code, "no entity 'Africa'" in refused.output) == (1, True)
