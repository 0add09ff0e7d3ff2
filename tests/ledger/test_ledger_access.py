"""Tokens, permissions and tenants: who gets in, and what each may do."""

import hashlib
import re

import pytest
from ledger_harness import ENTRIES, REFERENCE, categories_of, entry, post, sign_in, start_run
from permission_table import MATRIX, READS

from reconciler.ledger.auth.permissions import STANDARD, Permission, UnknownPermission
from reconciler.ledger.routes import ROUTES

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TestTokens:
    def test_a_token_as_documented(self, bench):
        client_id, secret = bench.ledger.issue_client("ci")
        assert len(client_id) == 36
        assert len(secret) <= 42
        body = sign_in(bench.anonymous(), client_id, secret).json()
        assert set(body) == {"access_token", "token_type", "expires_in", "scope", "jti"}
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == 3600
        kinds = dict(element.split(".", 1) for element in body["scope"].split(" "))
        assert set(kinds) == {"user", "entity", "tenant"}
        assert kinds["tenant"] == bench.ledger.tenant_id

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            pytest.param({"client_secret": "wrong"}, 401, id="another secret"),
            pytest.param({"client_secret": "\N{EURO SIGN}"}, 401, id="a secret beyond ASCII"),
            pytest.param({"client_id": "0" * 36}, 401, id="an unknown client"),
            pytest.param({"client_id": "0" * 35}, 400, id="a short id"),
            pytest.param({"client_secret": "x" * 43}, 400, id="a long secret"),
            pytest.param({"client_secret": ""}, 400, id="no secret"),
            pytest.param({"grant_type": "password"}, 400, id="another grant"),
            pytest.param({"grant_type": ""}, 400, id="no grant"),
            pytest.param({"client_id": ["a", "b"]}, 400, id="an id twice"),
        ],
    )
    def test_other_credentials_are_refused(self, shared, change, status):
        client_id, secret = shared.ledger.issue_client("ci")
        response = sign_in(shared.anonymous(), client_id, secret, **change)
        assert response.status_code == status
        assert set(response.json()) == ({"message"} if status == 401 else {"code", "message"})
        assert secret not in response.text

    @pytest.mark.parametrize(
        ("content", "headers", "status"),
        [
            (b"", FORM, 400),
            (b"%ff=%ff", FORM, 400),
            (b"a=b&" * 20, FORM, 400),
            (b"client_id=" + b"x" * 9000, FORM, 400),
            (b"{}", {"Content-Type": "application/json"}, 415),
        ],
        ids=["empty", "not text", "many fields", "long", "JSON"],
    )
    def test_other_forms_are_refused(self, shared, content, headers, status):
        response = shared.anonymous().post("/oauth/token", content=content, headers=headers)
        assert response.status_code == status
        assert set(response.json()) == {"code", "message"}

    @pytest.mark.parametrize(
        "header",
        [None, "", "Bearer", "Bearer nonsense", "Basic eDp5", "bearer x y"],
    )
    def test_without_a_good_token_nothing_is_told(self, shared, header):
        client = shared.anonymous()
        if header is not None:
            client.headers["Authorization"] = header
        for method, path in (
            ("GET", f"{ENTRIES}/JE-00000001"),
            ("POST", ENTRIES),
            ("PATCH", ENTRIES),
            ("GET", "/nowhere"),
        ):
            response = client.request(method, path)
            assert response.status_code == 401
            assert response.json() == {"message": "Authentication error"}

    def test_a_token_ends_with_its_lifetime(self, make_bench):
        bench = make_bench(token_lifetime=60)
        client = bench.client()
        bench.clock.pass_by(seconds=59)
        assert client.get(f"{ENTRIES}/JE-0").status_code == 404
        bench.clock.pass_by(seconds=1)
        assert client.get(f"{ENTRIES}/JE-0").status_code == 401

    def test_a_client_may_have_a_lifetime_of_its_own(self, make_bench):
        bench = make_bench()
        credentials = bench.ledger.issue_client("short", expires_in=5)
        assert sign_in(bench.anonymous(), *credentials).json()["expires_in"] == 5

    @pytest.mark.only_sqlite
    def test_secrets_and_tokens_are_stored_only_as_hashes(self, make_bench):
        bench = make_bench()
        client_id, secret = bench.ledger.issue_client("ci")
        token = sign_in(bench.anonymous(), client_id, secret).json()["access_token"]
        assert len(token) >= 43  # 256 bits in base 64
        bench.close()
        stored = b"".join(path.read_bytes() for path in bench.database.folder.glob("ledger-*.db*"))
        for text in (secret, token):
            assert text.encode() not in stored
            assert hashlib.sha256(text.encode()).hexdigest().encode() in stored


def fill(bench, path):
    return path.format(
        entry="JE-00000001",
        run="JR-00000001",
        code=bench.truth("SELECT id FROM accounting_codes LIMIT 1")[0]["id"],
        period=bench.truth("SELECT id FROM accounting_periods LIMIT 1")[0]["id"],
    )


def test_the_matrix_has_every_route():
    def plain(path):
        return re.sub(r"\{\w+\}", "{}", path)

    routes = {(route.method, plain(route.path)): set(route.permissions) for route in ROUTES}
    gated = {(method, plain(path)): needed for method, path, needed in MATRIX}
    free = {("GET", plain(path)): set() for path in READS}
    assert routes == gated | free


class TestPermissions:
    """Each operation needs its own permissions, all of them, before anything else is looked at."""

    @pytest.fixture(scope="class")
    @staticmethod
    def first(caller):
        start_run(caller)
        return post(caller)

    @pytest.mark.parametrize(
        ("method", "path", "needed"), MATRIX, ids=[f"{row[0]} {row[1]}" for row in MATRIX]
    )
    def test_an_operation_needs_exactly_its_permissions(self, shared, first, method, path, needed):
        """I-64: without one of them nothing has an effect."""
        path = fill(shared, path)
        for missing in needed:
            client = shared.client([name for name in Permission if name != missing])
            response = client.request(method, path, json={"surprise": True})
            assert (response.status_code, categories_of(response)) == (403, [10])
            assert missing in response.text
        # The body is looked at only now, and none of these requests takes this one.
        allowed = shared.client(sorted(needed)).request(method, path, json={"surprise": True})
        assert 21 in categories_of(allowed)

    @pytest.mark.parametrize("path", READS)
    def test_reading_needs_no_permission(self, shared, first, path):
        assert shared.client([]).get(fill(shared, path)).json()["success"] is True

    def test_a_client_lacks_only_the_override_unless_told_otherwise(self):
        assert set(Permission) - set(STANDARD) == {"Override Transferred to Accounting"}

    def test_an_unknown_permission_is_refused_with_the_known_ones(self, shared):
        with pytest.raises(UnknownPermission, match=r"'Rule the World'.*Create Journal Entry"):
            shared.ledger.issue_client("ci", ["Rule the World"])


class TestTenants:
    """A token opens its own tenant; what others own looks as if it did not exist."""

    @pytest.fixture
    def neighbours(self, make_bench):
        bench = make_bench()
        other = bench.ledger.add_tenant(REFERENCE)
        return bench, bench.client(), bench.client(tenant_id=other)

    def test_numbers_rise_per_tenant(self, neighbours):
        _bench, one, two = neighbours
        assert [post(one), post(two), post(one)] == ["JE-00000001", "JE-00000001", "JE-00000002"]

    @pytest.mark.parametrize(
        ("method", "path"), [(row[0], row[1]) for row in MATRIX] + [("GET", path) for path in READS]
    )
    def test_what_another_tenant_owns_is_not_found(self, neighbours, method, path):
        """I-65: it looks like what does not exist."""
        bench, one, two = neighbours
        post(one)
        start_run(one)
        if "{" not in path:
            return
        owner = bench.ledger.tenant_id
        ids = {
            "entry": "JE-00000001",
            "run": "JR-00000001",
            "code": bench.truth("SELECT id FROM accounting_codes WHERE tenant_id=?", owner)[0][
                "id"
            ],
            "period": bench.truth("SELECT id FROM accounting_periods WHERE tenant_id=?", owner)[0][
                "id"
            ],
        }
        body = {} if path.endswith("basic-information") else None
        response = two.request(method, path.format(**ids), json=body)
        assert (response.status_code, categories_of(response)) == (404, [40])
        assert one.get(f"{ENTRIES}/JE-00000001").json()["status"] == "Created"

    def test_lists_show_only_the_own(self, neighbours):
        _bench, one, two = neighbours
        for path, key in (
            ("/v1/accounting-codes", "accountingCodes"),
            ("/v1/accounting-periods", "accountingPeriods"),
        ):
            mine, theirs = ({row["id"] for row in c.get(path).json()[key]} for c in (one, two))
            assert mine
            assert not mine & theirs

    def test_idempotency_keys_are_per_tenant(self, neighbours):
        bench, one, two = neighbours
        for client in (one, two):
            response = client.post(ENTRIES, json=entry(), headers={"Idempotency-Key": "k"})
            assert response.json()["success"] is True
        assert len(bench.truth("SELECT * FROM journal_entries")) == 2
