"""The library: the names of docs/library.md, their types, and the example that uses them."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from checkout import ROOT

import reconciler
from reconciler.errors import FilesRefused, StalePlan, UsageError

PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
STUB = (ROOT / "reconciler" / "__init__.pyi").read_text(encoding="utf-8")


@pytest.fixture
def books(tmp_path, monkeypatch):
    """Two of the example entries in a repository, and a change that corrects one of them."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "journals"
    for name in ("2026/03/prepaid-release.yaml", "2026/03/service-credits.yaml", "reference.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "journals" / name, root / name)
    settings = (ROOT / "journals" / "reconciler.yaml").read_text(encoding="utf-8")
    (root / "reconciler.yaml").write_text(settings.partition("    waivers:")[0], encoding="utf-8")
    identity = ("-c", "user.name=dave", "-c", "user.email=dave@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Begin")):
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    entry = root / "2026" / "03" / "service-credits.yaml"
    entry.write_text(entry.read_text().replace("2315.40", "2415.40"))
    return root


def test_the_page_the_stub_and_the_package_have_the_same_names():
    stubbed = set(re.findall(r" as (\w+)$", STUB, re.MULTILINE)) | {"__version__"}
    assert stubbed == set(reconciler.__all__)
    documented = {
        name
        for row in PAGE.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)", row.split(" | ")[0])
    }
    assert documented == set(reconciler.__all__) - {"__version__"}
    for name in reconciler.__all__:
        assert getattr(reconciler, name) is not None
    with pytest.raises(AttributeError, match="nosuch"):
        reconciler.nosuch  # noqa: B018 - the look-up is what is tested


def test_a_plan_is_made_saved_read_and_drawn(books, tmp_path):
    workspace = reconciler.read_workspace(books)
    assert workspace.problems == ()
    plan = reconciler.make_plan(workspace, offline=True, base="main")
    (change,) = plan.pending
    assert change.action is reconciler.Action.REPLACE
    saved = tmp_path / "plan.json"
    saved.write_text(reconciler.render_plan(plan, "json"))
    assert reconciler.read_plan(saved).digest == plan.digest
    assert "-/+ replace  2026-03-service-credits" in reconciler.render_plan(plan)
    with pytest.raises(UsageError, match="pdf"):
        reconciler.render_plan(plan, "pdf")
    document = json.loads(saved.read_text())
    saved.write_text(json.dumps({**document, "workspace": "other"}))
    with pytest.raises(StalePlan):
        reconciler.read_plan(saved)


def test_a_plan_of_the_ledger_is_the_same_as_that_of_the_command_line(books):
    plan = reconciler.make_plan(reconciler.read_workspace(books))
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "reconciler", "plan", "-w", books, "--format", "json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ended.stdout)["digest"] == plan.digest


def test_files_with_errors_have_no_plan(books):
    (books / "broken.yaml").write_text("kind: JournalEntry\n")
    workspace = reconciler.read_workspace(books)
    assert [one.path for one in workspace.errors] == ["broken.yaml"] * len(workspace.errors)
    with pytest.raises(FilesRefused):
        reconciler.make_plan(workspace, offline=True)
    with pytest.raises(UsageError, match="offline"):
        reconciler.make_plan(workspace, base="main")


def test_the_example_runs_and_has_types(books):
    """The checks beside the tests read all types once, those of the example too."""
    example = ROOT / "docs" / "examples" / "cancelled.py"
    ended = subprocess.run(
        [sys.executable, example, books, "main"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == "replace 2026-03-service-credits\nUSD 2315.40 cancelled\n"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "docs/examples" in settings["files"]
    assert settings["strict"] is True
