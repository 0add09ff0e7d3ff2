"""Flags, their environment variables, and the options that every verb takes."""

import json
from importlib import import_module

import pytest
from books_harness import credit, debit, reconciler


@pytest.fixture
def pending(small):
    """Books with one create to come."""
    small.declare("new")
    return small


def plan_with(books, monkeypatch, **said):
    for name, value in said.items():
        monkeypatch.setenv(f"RECONCILER_{name}", value)
    return reconciler("plan", "-w", books.root)


def test_a_workspace_may_come_from_the_environment(pending, monkeypatch, tmp_path):
    monkeypatch.setenv("RECONCILER_WORKSPACE", str(pending.root))
    ended = reconciler("plan", cwd=tmp_path)
    assert (ended.code, "+ create  new" in ended.out) == (0, True)
    other = reconciler("plan", "-w", tmp_path / "other")
    assert (other.code, "other" in other.err) == (3, True), "what is typed wins"


def test_a_format_may_come_from_the_environment(pending, monkeypatch):
    assert plan_with(pending, monkeypatch, FORMAT="json").json["summary"]["create"] == 1


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DETAILED_EXITCODE", "1", 2),
        ("DETAILED_EXITCODE", "true", 2),
        ("DETAILED_EXITCODE", "0", 0),
        ("EXPECT_NO_CHANGES", "true", 7),
        ("MAX_REMOVALS", "2", 0),
        ("PARALLELISM", "3", 0),
        ("PARALLELISM", "none", 64),
        ("PARALLELISM", "0", 64),
        ("FORMAT", "yaml", 0),
        ("NO_COLOR", "true", 0),
        ("QUIET", "1", 0),
        ("VERBOSE", "1", 0),
    ],
)
def test_every_flag_is_an_environment_variable(pending, monkeypatch, name, value, code):
    ended = plan_with(pending, monkeypatch, **{name: value})
    assert ended.code == code, ended.said


@pytest.mark.parametrize(
    ("variables", "typed", "code"),
    [
        pytest.param({"PLAN_EXPECT_NO_CHANGES": "1"}, (), 7, id="of the verb"),
        pytest.param({"APPLY_PARALLELISM": "0"}, (), 0, id="of another verb"),
        pytest.param({"PLAN_PARALLELISM": "2", "PARALLELISM": "0"}, (), 0, id="before the shared"),
        pytest.param({"PLAN_PARALLELISM": "0", "PARALLELISM": "2"}, (), 64, id="and refused"),
        pytest.param({"PLAN_PARALLELISM": "", "PARALLELISM": "0"}, (), 64, id="unless it is empty"),
        pytest.param({"PLAN_PARALLELISM": "0"}, ("--parallelism", "2"), 0, id="typed wins"),
        pytest.param({"PLAN_FORMAT": "yaml", "FORMAT": "json"}, (), 64, id="a format of none"),
    ],
)
def test_a_verb_has_variables_of_its_own(pending, monkeypatch, variables, typed, code):
    monkeypatch.setenv("CI", "true")
    for name, value in variables.items():
        monkeypatch.setenv(f"RECONCILER_{name}", value)
    ended = pending.run("plan", *typed)
    assert ended.code == code, ended.said


def test_what_is_typed_before_the_verb_wins(pending, monkeypatch):
    monkeypatch.setenv("RECONCILER_WORKSPACE", "nowhere")
    monkeypatch.setenv("RECONCILER_PLAN_WORKSPACE", "nowhere")
    assert reconciler("-w", pending.root, "plan", "--detailed-exitcode").code == 2


def test_a_plan_may_be_saved_by_the_environment(pending, monkeypatch, tmp_path):
    plan_with(pending, monkeypatch, OUT=str(tmp_path / "plan.json"))
    assert json.loads((tmp_path / "plan.json").read_text())["digest"].startswith("sha256:")


def test_consent_may_come_from_the_environment(pending, monkeypatch):
    monkeypatch.setenv("RECONCILER_AUTO_APPROVE", "1")
    assert pending.run("apply").code == 0
    assert "new" in pending.posted()


def test_a_flag_of_the_ledger_is_one_too(tmp_path, monkeypatch):
    monkeypatch.setenv("RECONCILER_DATABASE", f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("RECONCILER_FORMAT", "json")
    ended = reconciler("ledger", "create-client", "--name", "ci")
    assert ended.code == 0
    assert set(ended.json) == {"client_id", "client_secret"}


@pytest.mark.parametrize("option", [["--workspace"], ["-w"]])
def test_common_options_stand_before_or_after_the_verb(pending, option):
    before = reconciler(*option, pending.root, "plan", "-q")
    after = reconciler("-q", "plan", *option, pending.root)
    both = reconciler(*option, "nowhere", "plan", *option, pending.root)
    assert before.out == after.out == both.out != ""
    assert {before.code, after.code, both.code} == {0}


def test_a_flag_takes_its_value_with_an_equals_sign(pending):
    ended = reconciler(f"--workspace={pending.root}", "plan", "--format=json", "--parallelism=2")
    assert ended.json["summary"]["create"] == 1


def test_the_workspace_is_journals_or_here(pending, tmp_path):
    assert reconciler("plan", "--detailed-exitcode", cwd=pending.root).code == 2
    home = tmp_path / "home"
    home.mkdir()
    (home / "journals").symlink_to(pending.root)
    assert reconciler("plan", "--detailed-exitcode", cwd=home).code == 2


def test_parallelism_does_not_change_a_plan(pending):
    plans = {reconciler("plan", "-w", pending.root, "--parallelism", n).out for n in (1, 2, 40)}
    assert len(plans) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [("CostCenter__c", 0), ("Department", 0), ("Region__c", 64), ("Country", 64)],
)
def test_an_impact_is_divided_by_dimensions_of_the_workspace_alone(small, name, code):
    small.settings(spec="{target: embedded, dimensions: [CostCenter__c]}")
    small.declare("by-center", debit("9.00", CostCenter__c="PLAT"), credit("9.00"))
    ended = small.plan("--by", name)
    assert ended.code == code, ended.said
    if code:
        assert f"no dimension {name}. It knows CostCenter__c, Department" in ended.err
    else:
        assert f"Currency  {name}" in ended.out
    small.settings(spec="{target: embedded, dimensions: [Center__c]}")
    assert 'no custom field of lines is named "Center__c"' in small.plan().said


def test_a_verb_learns_the_names_of_its_variables_once(monkeypatch):
    main, named = import_module("reconciler.cli.main"), []
    read = main._read_environment
    monkeypatch.setattr(main, "_read_environment", lambda *of: named.append(of) or read(*of))
    main.root.commands.pop("explain", None)
    for _ in range(2):
        assert main.run(["explain", "--help"]) == 0
    assert len(named) == 1
