"""Whatever is declared, edited and broken in between, one clean apply ends in the files' state."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from apply_bench import (
    REFERENCE,
    Bench,
    each,
    files,
    instead,
    lost_after,
    lost_before,
    of,
    refusal,
    refused_connection,
    unless_executed,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reconciler.ledger import open_ledger

NAMES = st.sampled_from("abcd")
SPECS = st.builds(
    lambda amount, **fields: of(
        amount, **{name: value for name, value in fields.items() if value is not None}
    ),
    st.sampled_from(["1.00", "2.50"]),
    notes=st.sampled_from([None, "x", "y"]),
    Ticket__c=st.sampled_from([None, "T1"]),
)
FAULTS = {
    "none": None,
    "lost": lost_before,
    "answer lost": lost_after,
    "refused": refused_connection,
    "a rule": unless_executed(instead(refusal(52030030, "No"))),
    "a lock": instead(refusal(52030050, "Locked")),
}


@cache
def seeded() -> Path:
    path = Path(tempfile.mkdtemp()) / "ledger.db"
    open_ledger(f"sqlite:///{path}", REFERENCE).close()
    return path


class Books(RuleBasedStateMachine):
    """People edit, runs meet faults, hours pass; the ledger stays explainable throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        shutil.copy(seeded(), self.root / "ledger.db")
        self.bench = Bench(self.root)
        self.bench.post_foreign()
        self.foreign = self.bench.foreign()
        self.specs: dict[str, Any] = {}
        self.hours = 0

    @rule(name=NAMES, spec=SPECS)
    def declare(self, name: str, spec: Any) -> None:
        self.specs[name] = spec

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.specs.pop(name, None)

    @rule(faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=14))
    def apply(self, faults: list[str]) -> None:
        self.bench.line.choose = each(*(FAULTS[name] for name in faults))
        report = self.bench.apply(files(**self.specs), continue_on_error=True)
        assert len({item.change.address for item in report.applied}) == len(report.applied)
        self.bench.require_true(report)

    @rule()
    def an_hour_passes(self) -> None:
        # Less than the safe window in all: after it an unknown outcome needs a person (T3).
        self.hours += 1
        if self.hours < 15:
            self.bench.clock.pass_by(hours=1)

    @invariant()
    def i03_no_name_stands_twice(self) -> None:
        assert all(len(numbers) == 1 for numbers in self.bench.live().values())
        assert self.bench.doubled == []

    @invariant()
    def i02_the_entries_of_others_are_untouched(self) -> None:
        assert self.bench.foreign() == self.foreign

    def teardown(self) -> None:
        try:
            self.bench.converge(files(**self.specs))
            assert self.bench.foreign() == self.foreign
        finally:
            self.bench.close()
            shutil.rmtree(self.root)


SLOW = list(HealthCheck)


def test_i01_i02_i03_faults_and_edits_always_converge():
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=12, stateful_step_count=8, suppress_health_check=SLOW),
    )


@pytest.mark.long
def test_i01_i02_i03_faults_and_edits_always_converge_at_length():
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=400, stateful_step_count=20, suppress_health_check=SLOW),
    )
