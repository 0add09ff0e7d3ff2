"""What surrounds every operation: versions, headers, bodies, compression, the form of a refusal."""

import gzip
import json
import re
import uuid

import pytest
from ledger_harness import ENTRIES, categories_of, codes_of, credit, debit, entry, post, sign_in

NEW, OLD = "2024-05-20", "2024-05-19"


class TestRefusals:
    def test_the_envelope_of_a_refusal(self, caller):
        response = caller.post(ENTRIES, json={})
        body = response.json()
        assert set(body) == {"success", "processId", "requestId", "reasons"}
        assert re.fullmatch("[0-9A-F]{16}", body["processId"])
        assert body["requestId"] == response.headers["Zuora-Request-Id"]
        assert body["reasons"][0] == {
            "code": 52030022,
            "message": "accountingPeriodName is required",
        }

    def test_requests_without_a_body_are_refused_under_the_general_resource(self, caller):
        number = post(caller)
        assert codes_of(caller.get(f"{ENTRIES}/JE-0")) == [50000040]
        assert codes_of(caller.delete(f"{ENTRIES}/{number}")) == [50000030]
        assert codes_of(caller.put(f"{ENTRIES}/JE-0/cancel")) == [50000040]
        assert codes_of(caller.put(f"{ENTRIES}/JE-0/basic-information", json={})) == [52030040]

    @pytest.mark.parametrize(
        ("version", "has_status"),
        [
            (None, True),
            ("2025-08-12", True),
            (NEW, True),
            ("2199-01-01", True),
            (OLD, False),
            ("2015-01-01", False),
            ("186.0", False),
            ("196.0", False),
            ("211.0", False),
            ("341", False),
        ],
    )
    def test_the_version_decides_the_status(self, caller, version, has_status):
        headers = {} if version is None else {"Zuora-Version": version}
        for status, response in (
            (400, caller.post(ENTRIES, json={}, headers=headers)),
            (404, caller.get(f"{ENTRIES}/JE-0", headers=headers)),
            (404, caller.get("/v1/nothing", headers=headers)),
            (405, caller.patch(ENTRIES, headers=headers)),
            (415, caller.post(ENTRIES, data={"a": "b"}, headers=headers)),
        ):
            assert response.status_code == (status if has_status else 200)
            assert response.json()["success"] is False
            assert response.json()["reasons"]

    @pytest.mark.parametrize(
        "version", ["", "latest", "2025-13-01", "2025-8-12", "20250812", "2025-08-12T00", "1.2.3"]
    )
    def test_another_version_is_refused(self, caller, version):
        response = caller.get(f"{ENTRIES}/JE-0", headers={"Zuora-Version": version})
        assert (response.status_code, categories_of(response)) == (400, [20])

    def test_success_is_200_for_every_version(self, caller):
        for version in ("186.0", OLD, NEW):
            response = caller.post(ENTRIES, json=entry(), headers={"Zuora-Version": version})
            assert response.status_code == 200
            assert response.json()["success"] is True


class TestRouting:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/v1",
            "/v1/",
            "/v2/journal-entries",
            "/v1/journal-entries/",
            "/v1/journal-entries/JE-00000001/",
            "/v1/journal-entries/JE-00000001/approve",
            "/V1/journal-entries/JE-00000001",
            "/v1/%00",
            "/v1/%ff%fe",
            "/oauth/token/x",
        ],
    )
    def test_unknown_paths_are_not_found(self, caller, path):
        response = caller.get(path)
        assert (response.status_code, categories_of(response)) == (404, [40])

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", ENTRIES),
            ("PATCH", ENTRIES),
            ("OPTIONS", ENTRIES),
            ("PUT", f"{ENTRIES}/JE-00000001"),
            ("POST", f"{ENTRIES}/JE-00000001"),
            ("GET", f"{ENTRIES}/JE-00000001/cancel"),
            ("POST", f"{ENTRIES}/JE-00000001/basic-information"),
            ("DELETE", "/v1/accounting-codes"),
        ],
    )
    def test_other_methods_are_not_supported(self, caller, method, path):
        response = caller.request(method, path)
        assert (response.status_code, codes_of(response)) == (405, [50000045])
        assert "Allow" in response.headers
        assert "Access-Control-Allow-Origin" not in response.headers


class TestBodies:
    @pytest.mark.parametrize(
        ("content", "category"),
        [
            pytest.param(b"", 90, id="empty"),
            pytest.param(b"{", 90, id="cut off"),
            pytest.param(b"{} {}", 90, id="two documents"),
            pytest.param(b"\xff\xfe{}", 90, id="not UTF-8"),
            pytest.param(b"\xef\xbb\xbf{}", 90, id="a byte order mark"),
            pytest.param(b'{"notes": "a", "notes": "b"}', 90, id="a duplicate key"),
            pytest.param(b'{"x": {"a": 1, "a": 1}}', 90, id="a duplicate key inside"),
            pytest.param(b'{"notes": "\\ud800"}', 90, id="half a surrogate pair"),
            pytest.param(b'{"\\ud800": 1}', 90, id="half a surrogate pair as a key"),
            pytest.param(b'{"x": NaN}', 90, id="NaN"),
            pytest.param(b'{"x": -Infinity}', 90, id="Infinity"),
            pytest.param(b'{"x": 1' + b"0" * 100 + b"}", 90, id="a long number"),
            pytest.param(b'{"x":' + b"[" * 20 + b"]" * 20 + b"}", 90, id="deep"),
            pytest.param(b'{"x":' + b"[" * 90000 + b"]" * 90000 + b"}", 90, id="very deep"),
            pytest.param(b'{"a":' * 90000 + b"1" + b"}" * 90000, 90, id="very deep objects"),
            pytest.param(b"[]", 20, id="a list"),
            pytest.param(b"null", 20, id="null"),
            pytest.param(b'"text"', 20, id="text"),
            pytest.param(b"7", 20, id="a number"),
        ],
    )
    def test_what_is_not_a_json_object_is_refused(self, caller, content, category):
        headers = {"Content-Type": "application/json"}
        response = caller.post(ENTRIES, content=content, headers=headers)
        assert (response.status_code, categories_of(response)) == (400, [category])

    @pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/jsonx", ""])
    def test_another_content_type_is_not_supported(self, caller, media):
        response = caller.post(
            ENTRIES, content=json.dumps(entry()), headers={"Content-Type": media}
        )
        assert (response.status_code, categories_of(response)) == (415, [45])

    def test_a_charset_does_not_matter(self, caller):
        response = caller.post(
            ENTRIES,
            content=json.dumps(entry()),
            headers={"Content-Type": "Application/JSON; charset=UTF-8"},
        )
        assert response.json()["success"] is True

    @pytest.mark.parametrize("content", [b"", b"{}", b"  "])
    def test_cancel_takes_no_fields(self, caller, content):
        headers = {"Content-Type": "application/json"}
        number = post(caller)
        path = f"{ENTRIES}/{number}/cancel"
        refused = caller.put(path, content=b'{"a": 1}', headers=headers)
        assert categories_of(refused) == [21]
        assert caller.put(path, content=content, headers=headers).json() == {"success": True}

    def test_a_body_over_a_mebibyte_is_refused(self, caller):
        body = json.dumps(entry()).encode()
        headers = {"Content-Type": "application/json"}
        fits = body + b" " * (1024 * 1024 - len(body))
        assert caller.post(ENTRIES, content=fits, headers=headers).json()["success"] is True
        response = caller.post(ENTRIES, content=fits + b" ", headers=headers)
        assert (response.status_code, categories_of(response)) == (413, [20])


class TestCompression:
    HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}  # noqa: RUF012

    def test_a_compressed_body_is_read(self, caller):
        content = gzip.compress(json.dumps(entry()).encode())
        assert caller.post(ENTRIES, content=content, headers=self.HEADERS).json()["success"]

    @pytest.mark.parametrize(
        ("content", "status", "category"),
        [
            pytest.param(b"{}", 400, 90, id="not compressed"),
            pytest.param(gzip.compress(b"{}")[:-4], 400, 90, id="cut off"),
            pytest.param(gzip.compress(b"{}") + b"x", 400, 90, id="something after it"),
            pytest.param(gzip.compress(b" " * 20_000_000), 413, 20, id="a bomb"),
        ],
    )
    def test_other_streams_are_refused(self, caller, content, status, category):
        response = caller.post(ENTRIES, content=content, headers=self.HEADERS)
        assert (response.status_code, categories_of(response)) == (status, [category])

    def test_another_encoding_is_not_supported(self, caller):
        headers = self.HEADERS | {"Content-Encoding": "br"}
        response = caller.post(ENTRIES, content=b"x", headers=headers)
        assert (response.status_code, categories_of(response)) == (415, [45])

    @pytest.mark.parametrize(
        ("accepted", "compressed"),
        [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("identity", False)],
    )
    def test_a_long_answer_is_compressed_for_those_who_accept_it(
        self, caller, accepted, compressed
    ):
        number = caller.post(ENTRIES, json=entry(*[debit("1.00")] * 10, credit("10.00"))).json()[
            "journalEntryNumber"
        ]
        response = caller.get(f"{ENTRIES}/{number}", headers={"Accept-Encoding": accepted})
        assert ("Content-Encoding" in response.headers) is compressed
        assert len(response.json()["journalEntryItems"]) == 11

    def test_a_short_answer_is_not(self, caller):
        response = caller.post(ENTRIES, json=entry(), headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in response.headers


class TestHeaders:
    def test_every_answer_has_a_request_id_of_its_own(self, caller, shared):
        answers = [
            caller.get(f"{ENTRIES}/JE-0"),
            caller.get("/nowhere"),
            caller.post(ENTRIES, json=entry()),
            shared.anonymous().get(f"{ENTRIES}/JE-0"),
            sign_in(shared.anonymous(), "x" * 36, "y"),
        ]
        ids = {answer.headers["Zuora-Request-Id"] for answer in answers}
        assert len({uuid.UUID(request_id) for request_id in ids}) == len(answers)

    def test_the_date_is_the_servers_clock(self, bench):
        bench.clock.pass_by(days=40)
        date = bench.client().get(f"{ENTRIES}/JE-0").headers["Date"]
        assert date == bench.clock.time.strftime("%a, %d %b %Y %H:%M:%S GMT")

    @pytest.mark.parametrize("track", ["a", "reconciler run 7/3 (retry) <x>", "x" * 64])
    def test_a_track_id_is_echoed(self, caller, shared, track):
        headers = {"Zuora-Track-Id": track}
        assert caller.get(f"{ENTRIES}/JE-0", headers=headers).headers["Zuora-Track-Id"] == track
        assert caller.post(ENTRIES, json={}, headers=headers).headers["Zuora-Track-Id"] == track
        rejected = shared.anonymous().get(f"{ENTRIES}/JE-0", headers=headers)
        assert (rejected.status_code, rejected.headers["Zuora-Track-Id"]) == (401, track)

    @pytest.mark.parametrize("track", ["", "a:b", "a;b", 'a"b', "a'b", "x" * 65])
    def test_another_track_id_is_refused(self, caller, track):
        response = caller.get(f"{ENTRIES}/JE-0", headers={"Zuora-Track-Id": track})
        assert (response.status_code, categories_of(response)) == (400, [20])
        assert "Zuora-Track-Id" not in response.headers

    def test_only_the_own_entity_may_be_named(self, shared, caller):
        entity = shared.truth("SELECT entity_id FROM tenants")[0]["entity_id"]
        own = caller.post(ENTRIES, json=entry(), headers={"Zuora-Entity-Ids": entity})
        assert own.json()["success"] is True
        for value in (str(uuid.uuid4()), f"{entity},{entity}", ""):
            other = caller.post(ENTRIES, json=entry(), headers={"Zuora-Entity-Ids": value})
            assert (other.status_code, categories_of(other)) == (403, [10])

    def test_organizations_need_multi_org(self, caller):
        response = caller.get(f"{ENTRIES}/JE-0", headers={"Zuora-Org-Ids": "a,b"})
        assert (response.status_code, categories_of(response)) == (403, [10])

    @pytest.mark.parametrize(
        ("host", "served"),
        [
            ("localhost", True),
            ("localhost:8021", True),
            ("127.0.0.1:8021", True),
            ("[::1]:8021", True),
            ("LOCALHOST", True),
            ("evil.example", False),
            ("localhost.evil.example", False),
            ("127.0.0.1.evil.example:8021", False),
            ("", False),
        ],
    )
    def test_a_name_bound_to_loopback_by_others_is_not_served(self, make_bench, host, served):
        from reconciler.ledger.web.headers import LOOPBACK_HOSTS

        client = make_bench(allowed_hosts=LOOPBACK_HOSTS).anonymous()
        response = client.get(f"{ENTRIES}/JE-0", headers={"Host": host})
        assert response.status_code == (401 if served else 403)
        assert served or set(response.json()) == {"code", "message"}
