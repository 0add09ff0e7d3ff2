"""What a saved plan is checked against, in addition to its digest (I-30, I-41)."""

from datetime import UTC, datetime

import pytest
from builders import basis, plan_for, snapshot

from reconciler.core.documents.plan_file import (
    expiry_of,
    plan_of,
    plan_text,
    refusals_of,
    remarks_on,
)
from reconciler.core.model.scope import Provenance
from reconciler.errors import StalePlan

MADE = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
NOON = MADE.replace(hour=12)


def origin(**changes):
    plain = {
        "tool_version": "1.0",
        "policy_digest": "sha256:p",
        "commit": "c" * 40,
        "made_at": MADE.isoformat(),
        "expires_at": expiry_of(MADE, 24),
    }
    return Provenance(**{**plain, **changes})


def books(serial=7, lineage="5f0c", **changes):
    of_basis = {
        name: changes.pop(name)
        for name in ("workspace", "host", "tenant_id", "entity_id", "files_digest")
        if name in changes
    }
    return basis(serial=serial, lineage=lineage, origin=origin(**changes), **of_basis)


REFUSED, SAID = "refused", "said"


@pytest.mark.parametrize(
    ("reviewed", "now", "verdict", "words"),
    [
        pytest.param({}, {}, None, "", id="nothing moved"),
        pytest.param({}, {"workspace": "w"}, REFUSED, "this is w on", id="another workspace"),
        pytest.param({}, {"tenant_id": "9"}, REFUSED, "tenant 9", id="another tenant"),
        pytest.param({}, {"entity_id": "9"}, REFUSED, "entity 9", id="another entity"),
        pytest.param({}, {"host": "h"}, None, "", id="the same tenant by another host name"),
        pytest.param({"expires_at": ""}, {}, REFUSED, "no expiry time", id="printed and not saved"),
        pytest.param(
            {"expires_at": NOON.isoformat()}, {}, REFUSED, "expired", id="expired this very second"
        ),
        pytest.param({}, {"tool_version": "1.1"}, REFUSED, "this is 1.1", id="another version"),
        pytest.param({}, {"policy_digest": "x"}, REFUSED, "policy", id="another policy"),
        pytest.param({}, {"lineage": "x"}, REFUSED, "another daybook", id="I-41 another daybook"),
        pytest.param({"lineage": ""}, {}, None, "", id="the daybook is new"),
        pytest.param({}, {"serial": 6}, REFUSED, "older copy", id="I-44 an older daybook"),
        pytest.param({}, {"serial": 8}, SAID, "written to", id="the daybook grew"),
        pytest.param({}, {"commit": "d" * 40}, SAID, "dddddd", id="merged or squashed"),
        pytest.param({}, {"commit": ""}, SAID, "no commit", id="from a copy without git"),
        pytest.param({}, {"dirty": True}, SAID, "not committed", id="uncommitted now"),
        pytest.param({"dirty": True}, {}, SAID, "not committed", id="uncommitted then"),
        pytest.param(
            {}, {"files_digest": "x"}, SAID, "the plan is the same", id="files elsewhere moved"
        ),
    ],
)
def test_what_a_saved_plan_is_bound_to(reviewed, now, verdict, words):
    refused = [*refusals_of(books(**reviewed), books(**now), at=NOON)]
    told = [*remarks_on(books(**reviewed), books(**now))]
    assert bool(refused) is (verdict == REFUSED)
    if verdict:
        assert words in "; ".join(refused if verdict == REFUSED else told)
    else:
        assert told == []


def test_the_digest_stands_above_where_a_plan_comes_from():
    """The merge commit has the digest of the head that was reviewed (I-12)."""
    of = snapshot()
    plans = [plan_for(of, origin=origin(**more)) for more in ({}, {"commit": "d" * 40})]
    assert plans[0].digest == plans[1].digest
    assert plan_text(plans[0]) != plan_text(plans[1])


KEY, OTHER = "k" * 32, "o" * 32


@pytest.mark.parametrize(
    ("signed", "asked", "taken"),
    [
        pytest.param("", "", True, id="no key at all"),
        pytest.param(KEY, "", True, id="signed, and nobody asks"),
        pytest.param(KEY, KEY, True, id="signed with the key"),
        pytest.param("", KEY, False, id="not signed"),
        pytest.param(OTHER, KEY, False, id="signed with another key"),
    ],
)
def test_a_key_is_asked_for_once_it_is_set(signed, asked, taken):
    text = plan_text(plan_for(snapshot()), key=signed)
    if taken:
        assert plan_of(text, key=asked).digest
    else:
        with pytest.raises(StalePlan, match="not signed"):
            plan_of(text, key=asked)
