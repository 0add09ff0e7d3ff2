"""The same inputs give the same plan, byte for byte (I-12; M10)."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from builders import credit, debit, declared, entry, live, plan_for, recorded, snapshot, tenant_of

from reconciler.core.documents.plan_file import plan_text

TESTS = Path(__file__).parents[1]


def busy_plan(shuffle):
    """A plan over many entries; `shuffle` turns a list into another order of it."""
    names = [f"entry-{at:02}" for at in range(24)]
    number = {name: f"JE-{at:08}" for at, name in enumerate(names, 1)}

    def spec(at, *, more=0):
        lines = (
            debit(f"{at + 1}.5", Team__c=f"t{at % 3}", Project__c="p"),
            debit("7", code="Cash"),
            debit("7", code="Cash"),
            credit(f"{at + 15 + more}.5"),
            credit("0.75", code="Cash"),
            debit("0.75", code="Deferred Revenue" if at % 2 else "Cash"),
        )
        fields = {"Ticket__c": f"T-{at}", "notes": "Jan", "currency": "EUR" if at % 5 else "USD"}
        return reordered(entry(*shuffle(list(lines)), **fields), shuffle)

    tenant = tenant_of()
    return plan_for(
        snapshot(
            shuffle([declared(spec(at), name=name) for at, name in enumerate(names) if at % 4]),
            shuffle(
                [
                    recorded(spec(at, more=at % 3), name=name, number=number[name])
                    for at, name in enumerate(names)
                    if at % 7
                ]
            ),
            shuffle(
                [
                    live(spec(at, more=at % 3), name=name, number=number[name])
                    for at, name in enumerate(names)
                    if at % 7 and at % 11
                ]
            ),
            tenant=tenant_of(
                codes=tuple(shuffle(list(tenant.codes))),
                periods=tuple(shuffle(list(tenant.periods))),
            ),
        )
    )


def reordered(fields, shuffle):
    """The same mapping with its keys, and those of its lines, in another order."""
    lines = tuple(
        {name: line[name] for name in shuffle(list(line))} for line in fields["journalEntryItems"]
    )
    return {**{name: fields[name] for name in shuffle(list(fields))}, "journalEntryItems": lines}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_everything_that_has_none_does_not_matter(seed):
    def keys_only(items):
        """Lines keep their place: a plan shows them as the file does."""
        keep = items and isinstance(items[0], dict)
        return items if keep else random.Random(seed).sample(items, len(items))

    assert plan_text(busy_plan(keys_only)) == plan_text(busy_plan(list))


def test_the_order_of_lines_changes_no_decision():
    turned = busy_plan(lambda items: items[::-1])
    plain = busy_plan(list)
    assert [(change.address, change.action, change.reason, change.steps, change.fingerprint)
            for change in turned.changes] == [
        (change.address, change.action, change.reason, change.steps, change.fingerprint)
        for change in plain.changes
    ]  # fmt: skip
    assert (turned.impact, turned.balance) == (plain.impact, plain.balance)


PRINT_DIGEST = """
import hashlib
from core.test_determinism import busy_plan
from reconciler.core.documents.plan_file import plan_text
print(hashlib.sha256(plan_text(busy_plan(list)).encode()).hexdigest())
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "2", "TZ": "Pacific/Kiritimati", "LC_ALL": "de_DE.UTF-8"},
    ],
    ids=["seed 0", "another time zone and locale"],
)
def test_hash_seed_time_zone_and_locale_do_not_matter(environment):
    """I-12, I-55: a plan has the same bytes whatever surrounds it."""
    here = hashlib.sha256(plan_text(busy_plan(list)).encode()).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here
