"""The page docs/schedules.md: its files, its command and its output are those of a run."""

import re
import shutil
from pathlib import Path

from schedule_books import WORKSPACE

from reconciler.cli.main import run

ROOT = Path(__file__).parents[2]


def test_the_page_shows_what_the_command_prints(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "schedules.md").read_text()
    insurance, hosting, generated, amendments, *_ = re.findall(
        r"```yaml\n(.*?)```", page, re.DOTALL
    )
    printed, planned = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZUORA_BASE_URL", raising=False)
    shutil.copy(ROOT / "journals" / "reference.yaml", tmp_path)
    for name, text in (
        ("insurance", insurance), ("hosting", hosting), ("reconciler", WORKSPACE)
    ):  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(text)
    command, _, output = printed.partition("\n")
    assert run(command.removeprefix("$ reconciler ").split()) == 0
    assert capsys.readouterr().out == output
    assert (tmp_path / "insurance.generated.yaml").read_text().startswith(f"{generated}---")
    assert run(["plan"]) == 0
    assert planned in capsys.readouterr().out
    (tmp_path / "insurance.yaml").write_text(insurance + amendments)
    assert run(["generate", "--through", "Apr-2026"]) == 0
    assert "4 of 12 parts, 6,133.33 of 19,200.00 USD" in capsys.readouterr().out
