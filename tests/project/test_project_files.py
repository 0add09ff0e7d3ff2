"""What holds for every file that git keeps."""

import re
import runpy
from pathlib import Path

import pytest
from checkout import ROOT, Run

MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|work|builds|private|mnt)/[\w.-]+")
CONFLICT = re.compile(r"^(?:<{7} |>{7} )", re.MULTILINE)
EXEMPT = {Path("tests/project/test_project_files.py")}


@pytest.fixture(scope="module")
def texts(tracked: tuple[Path, ...]) -> dict[Path, str]:
    """Every text file; what is no UTF-8 is a picture, or data of some test."""
    found = {}
    for path in tracked:
        try:
            found[path] = (ROOT / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            picture = path.suffix == ".png"
            assert picture or path.parts[0] == "tests", f"{path} is not UTF-8"
    return found


def test_no_file_names_a_path_of_some_machine(texts: dict[Path, str]) -> None:
    found = {
        f"{path}: {hit.group()}"
        for path, text in texts.items()
        if path not in EXEMPT
        for hit in MACHINE_PATH.finditer(text)
    }
    assert found == set()


def test_no_conflict_was_left(texts: dict[Path, str]) -> None:
    left = [path for path, text in texts.items() if CONFLICT.search(text)]
    assert [path for path in left if path.parts[0] != "tests"] == []


def test_the_licence_is_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["demo/run", ".ci/run", ".ci/install-browser"])
def test_scripts_can_be_run(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    assert (ROOT / script).read_text(encoding="utf-8").startswith("#!")


def test_a_build_server_runs_the_test_command_of_the_readme_and_what_is_beyond_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make test  +#", readme, re.MULTILINE)
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make --no-print-directory (.*)$", steps, re.MULTILINE) == [
        "test || failed=1",
        "test-postgresql || failed=1",
        "demo-socket || failed=1",
        "docs || failed=1",
    ]
    assert steps.endswith('exit "$failed"\n')


def test_hooks_are_the_checks_of_make_lint() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = re.search(r"^lint: ([a-z -]+)##", makefile, re.MULTILINE)
    assert lint is not None
    assert re.findall(r"entry: make .* (\S+)$", hooks, re.MULTILINE) == lint[1].split()


GOOD = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}'


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param(GOOD, None, id="sound"),
        pytest.param("{", "Expecting", id="not JSON"),
        pytest.param('{"type": "object"}', "$schema is not", id="another draft"),
        pytest.param(GOOD.replace('"object"', '"objekt"'), "objekt", id="breaks the meta-schema"),
        pytest.param(GOOD.replace("{", '{"type": 1, ', 1), "occurs twice", id="a key twice"),
        pytest.param(
            GOOD.replace("{", '{"$ref": "https://example.com/a.json", ', 1),
            "leads to nothing",
            id="fetches",
        ),
        pytest.param(
            GOOD.replace("{", '{"not": {"$ref": "#/$defs/gone"}, ', 1),
            "leads to nothing",
            id="gone",
        ),
    ],
)
def test_schemas_are_checked(tmp_path: Path, text: str, finding: str | None) -> None:
    findings = runpy.run_path(str(ROOT / "tests/project/check_schemas.py"))["findings"]
    (tmp_path / "one.schema.json").write_text(text, encoding="utf-8")
    found = list(findings(tmp_path))
    assert [finding in line for line in found] == ([True] if finding else []), found


def test_no_schema_at_all_is_a_finding(run: Run, tmp_path: Path) -> None:
    ended = run("python", ROOT / "tests" / "project" / "check_schemas.py", tmp_path)
    assert (ended.returncode, ended.stdout) == (1, f"{tmp_path}: no schema is here\n")
