"""The ledger is named, or it is no CI job and nothing names another: it is never assumed."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import click
import pytest
from books_harness import WORKSPACE, process, reconciler

from reconciler.cli.main import root as command_line
from reconciler.core.model.finding import Refusal
from reconciler.core.model.variables import FLAGS, ci_variable, flag_variable, known_variables
from reconciler.workspace.ledger_choice import LEDGER_RULES, LedgerChoice, choose_ledger
from reconciler.workspace.settings import Settings, Target

ROOT = Path(__file__).parents[2]
URL = "https://rest.zuora.com"
TENANT = Settings(name="books", target=Target(base_url="https://file.example"))
EMBEDDED = Settings(name="books", embedded=True)
NOBODY = Settings(name="books")
PAIR = {"ZUORA_CLIENT_ID": "id", "ZUORA_CLIENT_SECRET": "secret"}
IN_CI = {"CI": "true"}
NAMED, BLANK, CONTRADICTION = "ledger-not-named", "ledger-blank", "ledger-contradiction"
BY_FILE = "https://file.example"
INSIDE = ""


def settings_of(books, spec):
    """Write settings as they are given, without a ledger where the spec names none."""
    books.write("reconciler.yaml", WORKSPACE.format(name="acme-books", spec=spec))


CASES = [
    pytest.param(NOBODY, {}, INSIDE, id="nothing at all, outside CI"),
    pytest.param(NOBODY, {"CI": "false"}, INSIDE, id="CI is off"),
    pytest.param(NOBODY, {"CI": ""}, INSIDE, id="CI is empty"),
    pytest.param(NOBODY, {"CI": "0", "GITLAB_CI": "False"}, INSIDE, id="CI is 0"),
    pytest.param(NOBODY, IN_CI, NAMED, id="CI"),
    pytest.param(NOBODY, {"CI": "1"}, NAMED, id="CI is 1"),
    pytest.param(NOBODY, {"CI": "woodpecker"}, NAMED, id="CI is a word"),
    pytest.param(NOBODY, {"GITHUB_ACTIONS": "true"}, NAMED, id="GitHub Actions"),
    pytest.param(NOBODY, {"GITLAB_CI": "true"}, NAMED, id="GitLab CI"),
    pytest.param(NOBODY, {"TF_BUILD": "True"}, NAMED, id="Azure Pipelines"),
    pytest.param(NOBODY, {"JENKINS_URL": "http://j/"}, NAMED, id="Jenkins"),
    pytest.param(NOBODY, PAIR, NAMED, id="credentials"),
    pytest.param(NOBODY, {"ZUORA_TOKEN": "t"}, NAMED, id="a token"),
    pytest.param(NOBODY, {"ZUORA_TOKEN": ""}, NAMED, id="a secret that is missing"),
    pytest.param(NOBODY, {"ZUORA_CLIENT_ID": "id"}, NAMED, id="half of the credentials"),
    pytest.param(NOBODY, {"ZUORA_BASEURL": URL}, NAMED, id="a misspelt name"),
    pytest.param(NOBODY, {"ZUORA_BASE_URL": ""}, BLANK, id="blank"),
    pytest.param(NOBODY, {"ZUORA_BASE_URL": " \t\n"}, BLANK, id="only spaces"),
    pytest.param(NOBODY, {"ZUORA_BASE_URL": "", **PAIR, **IN_CI}, BLANK, id="blank, credentials"),
    pytest.param(NOBODY, {"ZUORA_BASE_URL": URL, **PAIR, **IN_CI}, URL, id="the environment"),
    pytest.param(TENANT, {**PAIR, **IN_CI}, BY_FILE, id="the file"),
    pytest.param(TENANT, {"ZUORA_BASE_URL": URL, **PAIR}, URL, id="the environment wins"),
    pytest.param(TENANT, {"ZUORA_BASE_URL": "", **PAIR}, BLANK, id="blank beside the file"),
    pytest.param(EMBEDDED, {}, INSIDE, id="on purpose"),
    pytest.param(EMBEDDED, IN_CI, INSIDE, id="on purpose in CI"),
    pytest.param(EMBEDDED, {"ZUORA_TOKEN": "", **IN_CI}, INSIDE, id="on purpose, no secret"),
    pytest.param(EMBEDDED, {"ZUORA_BASE_URL": URL}, CONTRADICTION, id="two ledgers"),
    pytest.param(EMBEDDED, PAIR, CONTRADICTION, id="embedded, with credentials"),
    pytest.param(EMBEDDED, {"ZUORA_TOKEN": "t"}, CONTRADICTION, id="embedded, with a token"),
    pytest.param(EMBEDDED, {"ZUORA_BASE_URL": " "}, BLANK, id="embedded, blank"),
]


@pytest.mark.parametrize(("settings", "environment", "expected"), CASES)
def test_t01_a_ledger_is_named_or_nothing_names_another(settings, environment, expected):
    choice = choose_ledger(settings, environment)
    if isinstance(choice, LedgerChoice):
        assert choice.base_url == expected
        assert bool(choice.named_by) == bool(expected or settings.embedded)
    else:
        assert choice.rule == expected
        assert choice.remedy.startswith("For a tenant, ")
        assert "For the embedded ledger, " in choice.remedy


@pytest.mark.parametrize(("settings", "environment", "expected"), CASES)
def test_t01_each_way_of_a_refusal_ends_it(settings, environment, expected):
    """The remedy is followed to the letter, for a tenant and for the embedded ledger."""
    refusal = choose_ledger(settings, environment)
    if not isinstance(refusal, Refusal):
        return
    for_tenant, for_embedded = refusal.remedy.split("For the embedded ledger, ")
    ways = []
    if "set ZUORA_BASE_URL" in for_tenant:
        ways.append(({"ZUORA_BASE_URL": URL}, (), settings, URL))
    removed = ("ZUORA_BASE_URL",) if "remove that variable" in for_tenant else ()
    ways.append(({}, removed, TENANT, environment.get("ZUORA_BASE_URL", "").strip() or BY_FILE))
    names = tuple(re.findall(r"ZUORA_[A-Z_]+", for_embedded))
    ways.append(({}, names, EMBEDDED, INSIDE))
    for more, less, said, wanted in ways:
        there = {name: text for name, text in {**environment, **more}.items() if name not in less}
        choice = choose_ledger(said, there)
        if settings is EMBEDDED and more:
            # The file names another ledger: the next refusal says so.
            continue
        assert isinstance(choice, LedgerChoice), (refusal.remedy, choice)
        assert choice.base_url == wanted


VERBS = [
    ["plan"],
    ["plan", "--out", "plan.json"],
    ["apply", "--auto-approve"],
    ["drift"],
    ["doctor"],
    ["import", "JE-00000001"],
    ["import", "--write-only", "JE-00000001"],
    ["forget", "--auto-approve", "entry-00"],
    ["daybook", "recover"],
    ["daybook", "recover", "--dry-run"],
]
"""Every verb that opens a ledger."""


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    ("environment", "rule"),
    [
        pytest.param(IN_CI, NAMED, id="CI"),
        pytest.param(PAIR, NAMED, id="credentials"),
        pytest.param({"ZUORA_BASE_URL": ""}, BLANK, id="blank"),
    ],
)
def test_t01_no_verb_assumes_a_ledger(*, empty, verb, environment, rule, monkeypatch):
    monkeypatch.chdir(empty.root)
    empty.declare("entry-00")
    settings_of(empty, "{}")
    state = empty.root / ".reconciler"
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    empty.env = environment
    first, *rest = verb
    ended = empty.run(first, *rest)
    assert ended.code == 64, ended.said
    assert rule in ended.said
    assert "For a tenant, set ZUORA_BASE_URL" in ended.said
    assert "`target: embedded`" in ended.said
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before
    assert not (empty.root / "plan.json").exists()


def test_t01_a_green_apply_in_ci_is_into_a_ledger_that_was_named(empty):
    """With the real command line: what a job without its secrets does."""
    empty.declare("one")
    settings_of(empty, "{}")
    job = {"CI": "true", "GITHUB_ACTIONS": "true"}
    apply = ("apply", "-w", empty.root, "--auto-approve")
    for env in (job, {"ZUORA_BASE_URL": "", "ZUORA_CLIENT_ID": "", **job}):
        ended = process(*apply, env=env)
        assert (ended.code, ended.out) == (64, ""), ended.said
        assert empty.posted() == {}
    offline = process("plan", "--offline", "-w", empty.root, env=job)
    assert offline.code == 0, "offline needs no ledger"
    assert "embedded ledger" not in offline.out, "and claims none"
    empty.settings(spec="{target: embedded}")
    ended = process(*apply, env=job)
    assert ended.code == 0, ended.said
    assert "one" in empty.posted()


def test_t01_embedded_is_a_word_of_its_own(empty):
    empty.settings(spec="{target: embeded}")
    ended = empty.run("validate")
    assert ended.code == 3
    assert "`target` is `embeded`, but takes `embedded` for the embedded ledger" in ended.out
    empty.settings(spec=f"{{target: '{URL}'}}")
    assert "a mapping with the `baseUrl`" in empty.run("validate").out


def test_t01_what_init_writes_and_the_examples_name_their_ledger(tmp_path):
    assert reconciler("init", tmp_path / "new").code == 0
    for settings in (tmp_path / "new" / "reconciler.yaml", ROOT / "journals" / "reconciler.yaml"):
        assert "\n  target: embedded\n" in settings.read_text()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ZUORA_BASEURL", "ZUORA_BASE_URL"),
        ("ZUORA_CLIENTID", "ZUORA_CLIENT_ID"),
        ("zuora_token", "ZUORA_TOKEN"),
        ("RECONCILER_WORKSPCE", "RECONCILER_WORKSPACE"),
        ("RECONCILER_PLANKEY", "RECONCILER_PLAN_KEY"),
        ("RECONCILER_BASE_URL", "ZUORA_BASE_URL"),
        ("RECONCILER_QQQQ", ""),
        ("RECONCILER_PLAN_TARGTE", "RECONCILER_PLAN_TARGET"),
        ("RECONCILER_VALIDATE_PARALLELISM", "RECONCILER_PARALLELISM"),
        ("RECONCILER_DAYBOOK_RECOVER_DRYRUN", "RECONCILER_DAYBOOK_RECOVER_DRY_RUN"),
    ],
)
def test_t01_a_variable_that_sets_nothing_is_told(small, name, nearest):
    small.env = {name: "x"}
    small.settings(spec="{target: embedded}")
    ended = small.plan()
    assert (ended.code, ended.err.count("warning[unknown-variable]")) == (0, 1), ended.said
    assert f"{name} sets nothing" + (f"; did you mean {nearest}?" if nearest else "") in ended.err
    small.env["CI"] = "true"
    for verb in ("plan", "validate", "apply"):
        ended = small.run(verb)
        assert ended.code == 64, ended.said
        assert f"unknown-variable: {name} sets nothing" in ended.err
    assert small.run("plan", "--help").code == 0


def test_t01_many_unknown_variables_stay_one_message(small):
    small.env = {f"RECONCILER_{'X' * 5000}{at}": "" for at in range(500)} | {"CI": "true"}
    ended = small.plan()
    assert ended.code == 64
    assert ended.err.count("sets nothing") == 10


def every_flag(command: click.Command) -> set[str]:
    found = {
        option.envvar[-1]
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found |= every_flag(command.get_command(context, name))
    return found


def test_t01_the_table_of_flags_is_that_of_the_verbs():
    assert set(map(flag_variable, FLAGS)) == every_flag(command_line)


def variables_of_verbs(command: click.Command) -> list[str]:
    """The variable of every flag that only its verb reads."""
    context = click.Context(command)
    inner = command.list_commands(context) if isinstance(command, click.Group) else ()
    own = [option.envvar[0] for option in command.params if option.envvar]
    return own + [
        name for word in inner for name in variables_of_verbs(command.get_command(context, word))
    ]


def test_t01_a_variable_means_one_flag():
    """The variable of a verb's flag is neither that of another verb nor one for all verbs."""
    root = {option.envvar[0] for option in command_line.params if option.envvar}
    own = [name for name in variables_of_verbs(command_line) if name not in root]
    assert [name for name, times in Counter(own).items() if times > 1] == []
    assert known_variables().isdisjoint(own)


def test_t01_the_table_of_variables_is_complete():
    """Every name that the package, the templates, or the reference mention has a meaning."""
    files = [
        *(ROOT / "reconciler").rglob("*.py"),
        ROOT / "action.yml",
        *(ROOT / "docs" / "ci").glob("*"),
    ]
    files += [ROOT / "docs" / "reference.md", ROOT / "docs" / "daybook.md"]
    named = {
        name
        for file in files
        for name in re.findall(r"\b(?:ZUORA|RECONCILER)_[A-Z_]+[A-Z]\b", file.read_text())
    }
    own = {*variables_of_verbs(command_line)}
    assert named <= known_variables() | own | {"RECONCILER_FLAG"}
    reference = (ROOT / "docs" / "reference.md").read_text()
    flags = set(map(flag_variable, FLAGS))
    assert [name for name in known_variables() - flags if f"`{name}`" not in reference] == []


def test_t01_these_tests_are_no_ci_job():
    """Otherwise the suite would fail on a build server, where nobody names a ledger."""
    assert ci_variable(os.environ) == ""


@pytest.fixture
def tenant(small):
    settings_of(small, "{policy: {approvals: {tiers: [{required: 2}]}}}")
    return small


def test_t01_doctor_says_what_a_job_would_use(tenant):
    key = "k" * 40
    tenant.env = {
        "ZUORA_BASE_URL": URL,
        "ZUORA_CLIENT_ID": "the-id",
        "ZUORA_CLIENT_SECRET": "the-secret",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/books",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_TOKEN": "ghs-token",
        "RECONCILER_PLAN_KEY": key,
        "RECONCILER_AUTO_APPROVE": "1",
        "HTTPS_PROXY": "http://user:pw@proxy:3128",
    }
    ended = tenant.run("doctor", "--ci")
    assert ended.code == 0, ended.said
    for fact in (
        f"ok   ledger: {URL}, named by ZUORA_BASE_URL",
        "ok   credentials: ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET set",
        "note daybook: ",
        "ok   RECONCILER_PLAN_KEY: ",
        "ok   flags: set by RECONCILER_AUTO_APPROVE",
        "ok   approvals: the policy requires up to 2",
        "ok   forge: GitHub, acme/books",
        "ok   evidence: GITHUB_TOKEN set",
        "note proxies: HTTPS_PROXY: not used",
    ):
        assert fact in ended.out, (fact, ended.out)
    for secret in ("the-id", "the-secret", "ghs-token", key, "pw"):
        assert secret not in ended.said


@pytest.mark.parametrize(
    ("spec", "environment", "code", "fact"),
    [
        pytest.param("{}", {}, 64, "bad  ledger: ledger-not-named: this is a CI", id="no ledger"),
        pytest.param("{}", {"ZUORA_BASE_URL": ""}, 64, "ledger-blank", id="blank"),
        pytest.param(
            "{}", {"ZUORA_BASE_URL": URL}, 8,
            "bad  credentials: none set; not set: ZUORA_CLIENT_ID", id="no credentials",
        ),
        pytest.param(
            "{}", {"ZUORA_BASE_URL": URL, "ZUORA_CLIENT_ID": "id"}, 8,
            "ZUORA_CLIENT_ID set; not set: ZUORA_CLIENT_SECRET", id="half of the credentials",
        ),
        pytest.param(
            "{}", {"ZUORA_BASE_URL": "http://rest.zuora.com", **PAIR}, 1, "without TLS", id="no TLS"
        ),
        pytest.param(
            "{target: embedded}", {"RECONCILER_WORKSPCE": "x"}, 64, "bad  variables", id="a slip"
        ),
        pytest.param(
            "{target: embedded}", {"RECONCILER_PLAN_KEY": "short"}, 1, "too short", id="short key"
        ),
        pytest.param(
            "{target: embedded, daybook: 'postgresql://db.example.com/daybook'}", {}, 1,
            "PGUSER and PGPASSWORD are not set", id="the daybook's host",
        ),
        pytest.param(
            "{target: embedded, policy: {approvals: {tiers: [{required: 1}]}}}", {}, 1,
            "bad  evidence: the forge is unknown", id="no forge",
        ),
        pytest.param(
            "{target: embedded, policy: {approvals: {tiers: [{required: 1}]}}}",
            {"GITLAB_CI": "true", "CI_PROJECT_ID": "7", "CI_COMMIT_SHA": "a" * 40}, 8,
            "bad  evidence: GITLAB_TOKEN is not set", id="no token",
        ),
        pytest.param("{target: embedded}", {}, 0, "ok   ledger: embedded, ", id="embedded"),
    ],
)  # fmt: skip
def test_t01_doctor_says_what_a_job_lacks(*, small, spec, environment, code, fact):
    settings_of(small, spec)
    small.env = environment
    ended = small.run("doctor", "--ci")
    assert ended.code == code, ended.said
    assert fact in ended.out, ended.out
    assert ("  bad  " in ended.out) == bool(code)


def test_t01_a_served_ledger_is_named_by_the_environment(served_small):
    ended = served_small.run("doctor")
    assert ended.code == 0
    assert f"ledger: {served_small.url}, named by ZUORA_BASE_URL" in ended.out
    assert served_small.run("doctor", "--ci").code == 0


def test_t01_every_rule_of_the_choice_names_both_ways():
    ways = [name for name in LEDGER_RULES if name.startswith("ledger-")]
    assert len(ways) == 3
    for name in ways:
        remedy = LEDGER_RULES[name].remedy
        assert "For a tenant, " in remedy, name
        assert "or the embedded ledger, " in remedy.replace("\n", " "), name


def test_t01_the_plan_of_a_named_ledger_is_as_before(small):
    """Choosing on purpose what was the default changes no digest."""
    settings_of(small, "{}")
    before = json.loads(small.plan("--format", "json").out)["digest"]
    small.settings(spec="{target: embedded}")
    assert json.loads(small.plan("--format", "json").out)["digest"] == before
