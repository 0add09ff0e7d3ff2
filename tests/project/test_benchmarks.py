"""What benchmarks rely on: functions that they time, versions that they compare, rows to fill."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The modules of the benchmarks, for this test alone."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_every_stage_of_a_plan_is_timed(run):
    command = ("plan", "--offline", "-w", ROOT / "journals")
    ended = run(sys.executable, BENCHMARKS / "stages.py", *command)
    assert ended.returncode == 0, ended.stderr
    spent = json.loads(ended.stdout.splitlines()[-1])
    assert min(spent.values()) >= 0
    assert {"find files", "YAML, schemas", "decisions, impact, digest", "render"} <= {*spent}


def test_another_version_is_measured_instead_of_the_checkout(tmp_path, monkeypatch):
    from compare import ours
    from measure import run

    package = tmp_path / "reconciler"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("print('the other version')")
    monkeypatch.chdir(ROOT)
    run(ours("--version", proof="the other version", environment={"PYTHONPATH": str(tmp_path)}))


def test_each_row_of_a_table_names_what_is_measured():
    from growth_tables import TARGETS, Measured, growth_table, scale_table, targets_table
    from measure import Sample

    taken = Measured()
    for target in TARGETS:
        for name in filter(None, (target.of, target.over)):
            taken.add(target.size, name, Sample(cpu=2, memory=2, wall=2))
    rows = targets_table(taken).splitlines()[2:]
    assert len(rows) == len(TARGETS)
    assert not any("not measured" in row for row in rows)
    assert "| validate | first | 2.00, 2.00, 2 | 2.00, 2.00, 2 |" in growth_table(taken)
    assert "| `validate` | 1,000 | 2.00 s | 2.00 s | 2 MiB |" in scale_table(taken)
