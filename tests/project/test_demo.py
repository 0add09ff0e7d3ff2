"""The demo runs to its end on both transports, shows what it promises, and leaves nothing."""

import re
import sys
from pathlib import Path

import pytest
from checkout import Run

EXIT_CODES = {
    "reconciler validate": 0,
    "reconciler plan": 0,
    "reconciler apply --auto-approve": 0,
    "reconciler plan --detailed-exitcode": 2,
    "reconciler drift": 7,
}
PROMISES = [
    pytest.param(r"^Plan: 35 to create\.$", id="the first plan creates everything"),
    pytest.param(r"^Applied: 35 created\.$", id="the first apply creates everything"),
    pytest.param(r"^  ~ update  2026-03-prepaid-release ", id="notes are updated in place"),
    pytest.param(
        r"^  -/\+ replace  2026-03-service-credits (?s:.*?)^      journalEntryItems  # forces repl",
        id="an amount is replaced, and the field that forces it is named",
    ),
    pytest.param(
        r"^  - remove  2026-03-kuwait-unbilled-usage (?s:.*?)^      calls: cancel .*, delete ",
        id="a removed file is cancelled and deleted",
    ),
    pytest.param(
        r"^  ! blocked  2026-02-services-revenue (?s:.*?)^      To fix: ",
        id="what was transferred is blocked, with what to do",
    ),
    pytest.param(r"^Plan: 1 to update, 1 to replace, 1 to remove, 1 blocked\.$", id="plan of all"),
    pytest.param(r"^Applied: 1 updated, 1 replaced, 1 removed, 1 blocked\.$", id="apply of all"),
    pytest.param(r"^No changes\. ", id="a plan with nothing to do"),
    pytest.param(r"^Drift: 1 entry has changed in the ledger\.$", id="drift is seen"),
    pytest.param(r"^No drift\. ", id="and put back"),
    pytest.param(r"^Impact on ", id="impact"),
    pytest.param(r"^Balance +Currency +Debits +Credits$", id="balance"),
    pytest.param(r"^All [0-9]+ steps ended as expected\.$", id="the end"),
]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param([], id="in process", marks=pytest.mark.long),
        pytest.param(["--socket"], id="over a socket", marks=pytest.mark.long),
    ],
)
def shown(
    request: pytest.FixtureRequest, run: Run, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """What the demo prints. It fails by itself at an exit code that it did not expect."""
    scratch = tmp_path_factory.mktemp("demo")
    before = _books(root)
    ended = run(
        root / "demo" / "run",
        *request.param,
        env={
            "DEMO_BIN": str(Path(sys.executable).parent),
            "TMPDIR": str(scratch),
            # A demo never goes where a user's environment leads: it makes its own ledger.
            "ZUORA_BASE_URL": "https://rest.example.invalid",
            "RECONCILER_WORKSPACE": "/nowhere",
        },
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert list(scratch.iterdir()) == [], "the demo left its scratch directory"
    assert _books(root) == before, "the demo touched the books of the checkout"
    return ended.stdout


@pytest.mark.parametrize("promise", PROMISES)
def test_the_demo_shows(shown: str, promise: str) -> None:
    assert re.search(promise, shown, re.MULTILINE)


def test_every_command_is_followed_by_its_exit_code(shown: str) -> None:
    codes = re.findall(
        r"^\$ ((?:reconciler|python) .*[^&])\n(?s:.*?)^exit code (\d+)$", shown, re.M
    )
    first = {command: int(code) for command, code in reversed(codes)}
    assert {command: first[command] for command in EXIT_CODES} == {
        **EXIT_CODES,
        # Its first run is right after the first apply.
        "reconciler plan --detailed-exitcode": 0,
    }
    assert [int(code) for command, code in codes if "detailed" in command] == [0, 2, 0]
    assert [int(code) for command, code in codes if "apply" in command] == [0, 4, 0]
    assert [int(code) for command, code in codes if "drift" in command] == [7, 0]


def test_the_documents_show_the_plan_of_the_demo(shown: str, root: Path) -> None:
    plans = (root / "docs" / "plans.md").read_text(encoding="utf-8")
    printed = re.search(
        r"^\$ reconciler plan --detailed-exitcode\n((?s:(?!^\$).)*?1 blocked(?s:.*?))^exit code 2$",
        shown,
        re.M,
    )
    pictured = re.search(r"^```text\n(?s:(.*?))^```$", plans, re.MULTILINE)
    assert printed and pictured
    assert _without_what_varies(pictured[1]) == _without_what_varies(printed[1])


def test_the_demo_says_what_is_missing(run: Run, root: Path, tmp_path: Path) -> None:
    ended = run(root / "demo" / "run", env={"DEMO_BIN": str(tmp_path)})
    assert ended.returncode == 1
    assert "`make demo`" in ended.stderr


def _without_what_varies(plan: str) -> str:
    """Numbers are given in the order of arrival, ids and digests belong to one ledger."""
    plan = re.sub(r"\bJE-\d{8}\b", "JE-…", plan)
    plan = re.sub(r"(?m)^(Workspace acme-books on ).*$", r"\1…", plan)
    return re.sub(r"sha256:[0-9a-f]+", "sha256:…", plan)


def _books(root: Path) -> dict[str, bytes]:
    files = sorted((root / "journals").rglob("*.yaml"))
    return {str(file): file.read_bytes() for file in files}
