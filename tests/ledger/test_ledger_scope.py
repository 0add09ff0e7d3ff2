"""Entities and organizations: who is where, and what is not there for whom."""

import json

import pytest
from ledger_harness import (
    ENTRIES,
    PROCESS,
    REFERENCE,
    RUNS,
    SOCKET,
    Bench,
    categories_of,
    command,
    entries_of,
    entry,
    opened,
    post,
    run_body,
    settled,
    sign_in,
    start_run,
    transaction,
)
from permission_table import MATRIX, READS
from query_harness import rows

from reconciler.ledger import LedgerUnusable, Limits, open_ledger
from reconciler.ledger.journals.organization_scope import NOT_IN_MULTI_ORG

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
        mine = entities.ledger.tenant_of("Europe")
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
        entities.ledger.load_transactions(file, tenant_id=entities.ledger.tenant_of("Asia"))
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

    @pytest.mark.parametrize(
        ("held", "header", "seen"),
        [
            pytest.param(None, None, ["North", "South"], id="all"),
            pytest.param(None, "O-2", ["South"], id="chosen"),
            pytest.param(["North"], None, ["North"], id="the caller's"),
        ],
    )
    @pytest.mark.parametrize("lag", [0, 60])
    def test_a_query_finds_entries_of_the_requests_organizations(
        self, database, tmp_path, held, header, seen, lag
    ):
        path = reference(tmp_path, ORGANIZATIONS)
        with opened(database, reference=path, query_lag=lag) as bench:
            owner = client_of(bench)
            for label in ("North", "South"):
                number = post(owner, organizationLabel=label, notes=label)
            bench.clock.pass_by(seconds=lag)
            # With a lag, what was changed since is found as it was.
            change = {"notes": "changed"} if lag else {"transferredToAccounting": "Error"}
            assert owner.put(f"{ENTRIES}/{number}/basic-information", json=change).is_success
            client = client_of(bench, organizations=held)
            client.headers.update(for_organizations(header) or {})
            found = rows(client, "select notes from journalentry order by notes")
            assert [row["notes"] for row in found] == seen
            assert len(rows(client, "select id from journalentryitem")) == 2 * len(seen)

    def test_an_unknown_organization_is_refused_with_the_known_ones(self, organizations):
        with pytest.raises(LedgerUnusable, match=r"no organization 'West'.*North, South"):
            organizations.ledger.issue_client("ci", organizations=["West"])

    def test_without_organizations_there_is_no_label(self, make_bench):
        client = client_of(make_bench())
        assert categories_of(client.post(ENTRIES, json=entry(organizationLabel="North"))) == [30]
        assert "organizationLabel" not in client.get(f"{ENTRIES}/{post(client)}").json()
        chosen = client.get("/v1/accounting-codes", headers=for_organizations("O-1"))
        assert (chosen.status_code, categories_of(chosen)) == (403, [10])


NORTH, SOUTH = {"organizationName": "North"}, {"organizationId": "O-2"}


def of_organizations(*names):
    """A transaction for each, all of one group but for the organization."""
    return [
        transaction(f"T-{name}-{number}", organizationName=name)
        for number, name in enumerate(names)
    ]


class TestRunsOfOrganizations:
    @pytest.mark.parametrize(
        ("held", "header", "labels", "outcome"),
        [
            pytest.param(None, None, [NORTH], None, id="by name"),
            pytest.param(None, None, [SOUTH], None, id="by id"),
            pytest.param(None, None, [NORTH, SOUTH], None, id="several"),
            pytest.param(None, None, [{**SOUTH, "organizationName": "South"}], None, id="by both"),
            pytest.param(None, None, None, (400, [22]), id="none"),
            pytest.param(None, None, [], (400, [22]), id="an empty list"),
            pytest.param(None, None, [{}], (400, [22]), id="a label of nothing"),
            pytest.param(None, None, ["North"], (400, [20]), id="a label that is text"),
            pytest.param(
                None, None, [{**NORTH, "excluded": True}], (400, [21]), id="undocumented fields"
            ),
            pytest.param(None, None, [{**SOUTH, **NORTH}], (400, [20]), id="two in one"),
            pytest.param(
                None, None, [SOUTH, {"organizationName": "South"}], (400, [20]), id="one twice"
            ),
            pytest.param(None, None, [{"organizationName": "West"}], (400, [20]), id="unknown"),
            pytest.param(None, "O-1", [SOUTH], (400, [20]), id="not chosen"),
            pytest.param(["North"], None, [NORTH, SOUTH], (400, [20]), id="not the caller's"),
            pytest.param(["South"], None, [SOUTH], None, id="the caller's"),
        ],
    )
    def test_a_run_is_for_organizations_of_the_request(
        self, organizations, held, header, labels, outcome
    ):
        client = client_of(organizations, organizations=held)
        client.headers.update(for_organizations(header))
        response = client.post(RUNS, json=run_body(organizationLabels=labels))
        if outcome is None:
            run = client.get(f"{RUNS}/{response.json()['journalRunNumber']}").json()
            names = [label["organizationName"] for label in run["organizationLabels"]]
            assert names == ["North" if label is NORTH else "South" for label in labels]
        else:
            assert (response.status_code, categories_of(response)) == outcome
            assert organizations.truth("SELECT * FROM journal_runs") == []

    @pytest.mark.parametrize("kind", sorted(NOT_IN_MULTI_ORG))
    def test_types_that_such_a_tenant_has_not(self, organizations, kind):
        client = client_of(organizations)
        response = client.post(RUNS, json=run_body(kind, organizationLabels=[NORTH]))
        assert categories_of(response) == [30]

    def test_a_run_summarises_its_organizations_each_in_entries_of_its_own(self, organizations):
        organizations.load(*of_organizations("North", "North", "South"))
        client = client_of(organizations)
        first = start_run(client, organizationLabels=[NORTH])
        settled(client, first)
        (only,) = entries_of(client, first)
        assert (only["organizationLabel"], only["journalEntryItems"][0]["amount"]) == ("North", 20)
        both = start_run(client, organizationLabels=[NORTH, SOUTH])
        assert settled(client, both)["totalJournalEntryCount"] == 1
        assert [entry["organizationLabel"] for entry in entries_of(client, both)] == ["South"]
        assert client.put(f"{RUNS}/{first}/cancel").is_success
        settled(client, first)
        again = start_run(client, organizationLabels=[SOUTH, NORTH])
        settled(client, again)
        labels = [entry["organizationLabel"] for entry in entries_of(client, again)]
        assert labels == ["North"]

    @pytest.mark.parametrize(
        ("held", "header", "seen"),
        [
            pytest.param(None, None, {"N", "S", "NS"}, id="all"),
            pytest.param(None, "O-2", {"S"}, id="chosen"),
            pytest.param(["North"], None, {"N"}, id="the caller's"),
            pytest.param(["North", "South"], None, {"N", "S", "NS"}, id="the caller's two"),
        ],
    )
    @pytest.mark.parametrize("lag", [0, 60])
    def test_nobody_sees_runs_of_other_organizations(
        self, database, tmp_path, held, header, seen, lag
    ):
        path = reference(tmp_path, ORGANIZATIONS)
        with opened(database, reference=path, query_lag=lag) as bench:
            bench.load(*of_organizations("North", "South"))
            owner = client_of(bench)
            runs = {"N": [NORTH], "S": [SOUTH], "NS": [NORTH, SOUTH]}
            for name, labels in runs.items():
                runs[name] = start_run(owner, organizationLabels=labels)
                settled(owner, runs[name])
            bench.clock.pass_by(seconds=lag)
            if lag:  # what has changed since is found as it was, by the same people
                owner.put(f"{RUNS}/{runs['NS']}/cancel")
                settled(owner, runs["NS"])
            client = client_of(bench, organizations=held)
            client.headers.update(for_organizations(header))
            for name, number in runs.items():
                statuses = {
                    client.get(f"{RUNS}/{number}").status_code,
                    client.get(f"{ENTRIES}/journal-runs/{number}").status_code,
                }
                assert statuses == ({200} if name in seen else {404})
                if name not in seen:
                    assert client.put(f"{RUNS}/{number}/cancel").status_code == 404
                    assert client.delete(f"{RUNS}/{number}").status_code == 404
            found = rows(client, "select number, status from journalrun order by number")
            assert [row["number"] for row in found] == sorted(runs[name] for name in seen)
            assert {row["status"] for row in found} == {"Completed"}

    def test_one_run_at_a_time_in_the_tenant_and_no_word_on_whose(self, database, tmp_path):
        path = reference(tmp_path, ORGANIZATIONS)
        with opened(database, reference=path, by_hand=True) as bench:
            number = start_run(client_of(bench), organizationLabels=[NORTH])
            client = client_of(bench, organizations=["South"])
            refused = client.post(RUNS, json=run_body(organizationLabels=[SOUTH]))
            assert categories_of(refused) == [30]
            assert number not in refused.text
            owner = client_of(bench, organizations=["North"])
            assert number in owner.post(RUNS, json=run_body(organizationLabels=[NORTH])).text

    def test_transactions_from_before_there_were_organizations_stay(self, make_bench, tmp_path):
        bench = make_bench()
        bench.load(transaction("T-1"))
        open_ledger(bench.database.url, reference(tmp_path, ORGANIZATIONS)).close()
        client = client_of(bench)
        run = settled(client, start_run(client, organizationLabels=[NORTH, SOUTH]))
        assert (run["status"], run["totalJournalEntryCount"]) == ("Completed", 0)

    @pytest.mark.parametrize(
        ("spec", "fields", "message"),
        [
            (ORGANIZATIONS, {}, "organizationName is required"),
            (ORGANIZATIONS, {"organizationName": "West"}, "no organization 'West'"),
            (
                ORGANIZATIONS,
                {"organizationName": "North", "organizationLabel": "South"},
                "must name one organization",
            ),
            ("spec:\n", {"organizationLabel": "North"}, "has no organizations"),
        ],
    )
    def test_a_transaction_names_its_organization(
        self, make_bench, tmp_path, spec, fields, message
    ):
        bench = make_bench(reference=reference(tmp_path, spec))
        with pytest.raises(LedgerUnusable, match=message):
            bench.load(transaction("T-1", **fields))

    def test_a_transaction_may_name_it_by_the_label_and_never_change_it(self, organizations):
        organizations.load(transaction("T-1", organizationLabel="North"))
        organizations.load(transaction("T-1", organizationName="North"))
        with pytest.raises(LedgerUnusable, match="a different organization"):
            organizations.load(transaction("T-1", organizationName="South"))


def validate(tmp_path, capsys):
    """Exit code and output of `reconciler validate` over a workspace with the reference in it."""
    from reconciler.cli.main import run

    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: scope}\n"
    )
    code = run(["-w", str(tmp_path), "validate"])
    return code, "".join(capsys.readouterr())


def test_a_reference_with_both_is_good_for_the_workspace_and_for_the_ledger(
    database, tmp_path, capsys
):
    both = ENTITIES + ORGANIZATIONS.removeprefix("spec:\n")
    path = reference(tmp_path, both)
    code, output = validate(tmp_path, capsys)
    assert code == 0, output
    with open_ledger(database.url, path) as ledger:
        client_id, _secret = ledger.issue_client("ci", entities=["Asia"], organizations=["North"])
    assert len(client_id) == 36


@pytest.mark.parametrize(
    ("spec", "message", "finding"),
    [
        ("entities: [{id: E-1}]", "name is missing", "schema-missing-field"),
        ("entities: [{name: Asia}]", "id is missing", "schema-missing-field"),
        ("entities: [{id: 'a,b', name: Asia}]", "letters, digits or hyphens", "schema-spelling"),
        ('entities: [{id: E-1, name: "A\\nB"}]', "on one line", "schema-spelling"),
        (f"entities: [{{id: E-1, name: {'x' * 101}}}]", "at most 100", "schema-length"),
        (
            "entities: [{id: E-1, name: Asia}, {id: E-1, name: Europe}]",
            "is repeated",
            "reference-duplicate",
        ),
        (
            "organizations: [{id: O-1, name: North}, {id: O-2, name: North}]",
            "is repeated",
            "reference-duplicate",
        ),
        ("organizations: North", "is not a list", "schema-type"),
    ],
)
def test_a_reference_names_each_once(database, tmp_path, capsys, spec, message, finding):
    path = reference(tmp_path, f"spec:\n  {spec}\n")
    with pytest.raises(LedgerUnusable, match=message):
        open_ledger(database.url, path)
    code, output = validate(tmp_path, capsys)
    assert (code, f"[{finding}]" in output) == (3, True), output


def test_create_client_with_entities(database, tmp_path):
    open_ledger(database.url, reference(tmp_path, ENTITIES)).close()
    common = ["create-client", "--database", database.url, "--name", "ci"]
    made = command(*common, "--entity", "Asia", "--entity", EUROPE)
    assert made.exit_code == 0, made.output
    entities = json.loads(
        database.truth("SELECT entities FROM tenants ORDER BY position")[0]["entities"]
    )
    spanned = json.loads(database.truth("SELECT entities FROM clients")[0]["entities"])
    assert spanned == [entities[1]["tenant_id"], entities[0]["tenant_id"]]
    refused = command(*common, "--entity", "Africa")
    assert (refused.exit_code, "no entity 'Africa'" in refused.output) == (1, True)


def test_two_apps_of_one_process_answer_from_their_own_ledgers(make_bench):
    """Apps share their routes, and nothing else."""
    first, second = make_bench(), make_bench(token_lifetime=7)
    number = post(first.client(), notes="First")
    answers = [bench.client().get(f"{ENTRIES}/{number}").json() for bench in (first, second)]
    assert [answer["success"] for answer in answers] == [True, False]
    jobs = [bench.client().get("/query/jobs").json()["data"] for bench in (first, second)]
    assert jobs == [[], []]
    signed_in = [
        sign_in(bench.anonymous(), *bench.ledger.issue_client("test")).json()["expires_in"]
        for bench in (first, second)
    ]
    assert signed_in[1] < 8 < signed_in[0]
