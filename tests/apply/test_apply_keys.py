"""The key of a create: the same for one attempt in every process, another for everything else."""

import json
from dataclasses import replace

import pytest
from builders import address

from reconciler.core.model.history import Act
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Basis
from reconciler.daybook import Intent
from reconciler.engine.call_outcome import idempotency_key, result_of
from reconciler.engine.read_back import shows_in_a_read
from reconciler.errors import (
    AccessRefused,
    EntryMoved,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)

BASIS = Basis(
    workspace="books",
    host="rest.example.com",
    tenant_id="T1",
    entity_id="E1",
    lineage="L",
    home_currency=None,
    marker_place="ReconcilerKey__c",
)
INTENT = Intent(address=address("a"), act=Act.CREATE, payload='{"amount":"400.90"}')


@pytest.mark.parametrize(
    ("basis", "intent"),
    [
        pytest.param({"tenant_id": "T2"}, {}, id="T12 another tenant"),
        pytest.param({"entity_id": "E2"}, {}, id="another entity"),
        pytest.param({"workspace": "others"}, {}, id="another workspace"),
        pytest.param({"tenant_id": ""}, {}, id="another host"),
        pytest.param({}, {"address": address("b")}, id="B1 T10 another name"),
        pytest.param({}, {"incarnation": 1}, id="B1 I-06 another incarnation"),
        pytest.param({}, {"attempt": 1}, id="B5 another attempt"),
    ],
)
def test_i05_what_differs_has_another_key(basis, intent):
    other = idempotency_key(replace(BASIS, **basis), replace(INTENT, **intent))
    assert other != idempotency_key(BASIS, INTENT)


@pytest.mark.parametrize(
    ("basis", "intent"),
    [
        pytest.param({"lineage": "M", "serial": 9, "files_digest": "x"}, {}, id="a later run"),
        pytest.param({}, {"track_id": "t", "seq": 7}, id="another track id"),
        pytest.param({}, {"payload": '{"amount":"400.91"}'}, id="B3 another payload"),
    ],
)
def test_i05_the_same_attempt_has_the_same_key(basis, intent):
    other = idempotency_key(replace(BASIS, **basis), replace(INTENT, **intent))
    assert other == idempotency_key(BASIS, INTENT)


def test_i06_what_follows_another_number_has_another_key():
    keys = {idempotency_key(BASIS, INTENT, after=number) for number in (None, "JE-1", "JE-2")}
    assert len(keys) == 3


def test_i06_what_follows_one_number_has_one_key_in_every_daybook():
    other = replace(INTENT, incarnation=4)
    assert idempotency_key(BASIS, other, after="JE-1") == idempotency_key(
        BASIS, INTENT, after="JE-1"
    )


def test_b02_the_key_is_the_same_in_every_process():
    assert idempotency_key(BASIS, INTENT) == (
        "reconciler-dd896e4a749989444fe1884a3f02183e1031db7cce237a11924dd39074f8a6a7"
    )


@pytest.mark.parametrize(
    ("error", "result"),
    [
        pytest.param(LedgerUnreachable("x"), "unsent", id="nothing left: the key stays"),
        pytest.param(RequestRefused("x", status=200), "refused", id="a definite no"),
        pytest.param(AccessRefused("x", status=403), "refused", id="no permission"),
        pytest.param(
            RequestRefused("x", status=422), "unsent", id="N27 the key is taken, and stays"
        ),
        pytest.param(OutcomeUnknown("x", status=422), "unknown", id="N27 after a doubt"),
        pytest.param(OutcomeUnknown("x"), "unknown", id="B4 no answer"),
        pytest.param(LedgerError("x"), "unknown", id="an answer nobody can read"),
        pytest.param(EntryMoved("x"), "unknown", id="anything else promises nothing"),
    ],
)
def test_what_an_error_says_of_its_call(error, result):
    assert result_of(error) == result


@pytest.mark.parametrize(
    ("payload", "shows"),
    [
        ('{"notes":"x"}', True),
        ('{"Ticket__c":null}', True),
        ("{}", False),
        ('{"journalEntryItems":[{"accountingCodeName":"c","type":"Debit","notes":"x"}]}', False),
        (
            (
                '{"journalEntryItems":[{"accountingCodeName":"c","type":"Debit",'
                '"accountingCodeType":"Cash","notes":"x","CostCenter__c":"y"}]}'
            ),
            True,
        ),
        (
            (
                '{"notes":"x","journalEntryItems":[{"accountingCodeName":"c","type":"Debit",'
                '"notes":"x"}]}'
            ),
            True,
        ),
    ],
)
def test_an_update_is_proved_by_a_read_only_if_a_read_shows_any_of_it(payload, shows):
    assert shows_in_a_read(KINDS["JournalEntry"], json.loads(payload)) is shows
