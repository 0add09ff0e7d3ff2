"""What an apply is held to comes from the approved base too, and not from the change alone."""

import contextlib
import json
import os
import subprocess
from types import MappingProxyType

import pytest
from books_fixtures import template_of
from books_harness import REFERENCE, Books, process
from checkouts import PEOPLE, Checkout

ONE = "approvals: {tiers: [{required: 1}], evidence: git}"
TWO = "approvals: {tiers: [{required: 1}, {required: 2, amount: {USD: 1000000}}], evidence: git}"
TICKET = {"properties": {"spec": {"required": ["notes"]}}}
RULE = """houseRules: [{id: notes, title: An entry has notes, remedy: Write notes,
  schema: rules/notes.json}]"""
BY = {name: f"Reviewed-by: {name} <{address}>" for name, address in PEOPLE.items()}


@pytest.fixture(autouse=True)
def nobodys_git(monkeypatch, plain_environment):
    for name in os.environ:
        if name.startswith(("GIT_", "CI", "GITHUB_", "GITLAB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session")
def begun(empty_template):
    """Where the books of `begin` are: many tests begin with the same."""
    made = {}

    def begun(settings, files, entry):
        key = (settings, *files.items(), *entry.items())
        if key not in made:
            with template_of(empty_template, f"begun-{len(made)}") as books:
                books.settings(spec=settings)
                for path, text in files.items():
                    books.write(path, text)
                merged(Checkout(books), "first", approvals=("alice", "dave"), first=entry)
                ended = books.apply()
                assert ended.code == 0, ended.said
            made[key] = books.root
        return made[key]

    return begun


@pytest.fixture
def begin(opened, begun):
    """A repository with these settings, applied once with an entry that somebody approved."""

    def begin(policy, spec="", files=MappingProxyType({}), **entry):
        template = begun(f"{{{spec}policy: {{{policy}}}}}", files, entry)
        return Checkout(opened(template), there=True)

    return begin


def merged(checkout, branch, *, approvals=(), settings=None, **entries):
    """A change by mallory that bob merges, with these approvals."""
    checkout.branch(branch)
    if settings is not None:
        checkout.books.settings(spec=settings)
    for name, fields in entries.items():
        checkout.books.declare(name, **fields)
    checkout.commit(branch)
    message = "\n".join(["Merge", "", *(BY[name] for name in approvals)])
    return checkout.merge(branch, message=message)


def refused(books, *more, says="", posted=("first",)):
    planned = books.plan(*more)
    ended = books.apply(*more)
    assert (ended.code, sorted(books.posted())) == (4, sorted(posted)), ended.said
    assert says in ended.said, ended.said
    return planned.said + ended.said


@pytest.mark.parametrize("spec", ["{daybook: .reconciler/other.db}", "{}"])
@pytest.mark.parametrize("how", ["one merge", "two merges", "a rebase"])
def test_t21_no_change_drops_the_approvals(begin, spec, how):
    """A daybook that moved remembers nothing, and git does."""
    checkout = begin(ONE)
    books = checkout.books
    if how == "a rebase":
        books.settings(spec=spec)
        checkout.commit("Loosen")
        books.declare("second")
        checkout.commit("Post")
    elif how == "two merges":
        merged(checkout, "loosen", settings=spec)
        books.apply()
        merged(checkout, "post", second={})
    else:
        merged(checkout, "both", settings=spec, second={})
    # A new daybook does not know the entry, which is another refusal with a way out of its own.
    moved = () if spec == "{}" else ("--adopt-found", "1")
    said = refused(books, *moved, says="1 approval")
    assert "the policy changed since" in said
    assert ("daybook" in said.partition("the policy changed")[2].partition(")")[0]) is (
        spec != "{}"
    )
    merged(checkout, "approved", approvals=("alice",), second={}, third={})
    if how == "one merge":
        assert books.apply(*moved).code == 0


def test_t21_settings_that_nobody_approved_do_not_become_the_base(begin):
    """An apply that changes nothing in the ledger needs no approval, and completes."""
    checkout = begin(ONE)
    merged(checkout, "loosen", settings="{}")
    assert checkout.books.apply().code == 0
    merged(checkout, "post", second={})
    refused(checkout.books, says="1 approval")


def test_t21_settings_that_were_approved_and_applied_are_the_base(begin):
    checkout = begin(ONE)
    merged(checkout, "loosen", settings="{}", approvals=("alice",))
    assert checkout.books.apply().code == 0
    merged(checkout, "post", second={})
    ended = checkout.books.apply()
    assert (ended.code, "the policy changed" in ended.said) == (0, False), ended.said


def test_t21_what_is_not_committed_is_held_to_the_commit(begin):
    checkout = begin("limits: {changes: 1}")
    checkout.books.settings(spec="{daybook: .reconciler/daybook.db}")
    checkout.books.declare("second")
    checkout.books.declare("third")
    said = refused(checkout.books, says="change-limit")
    assert "limits.changes 1 (of commit" in said


@pytest.mark.parametrize("moved", [False, True], ids=["the same daybook", "another daybook"])
@pytest.mark.parametrize(
    ("before", "after", "rule", "told"),
    [
        ("limits: {changes: 1}", "limits: {changes: 9}", "change-limit", "limits.changes 1"),
        ("limits: {money: {USD: 500}}", "", "money-limit", "limits.money USD 500"),
        ("freeze: [{periods: [Feb-2026]}]", "", "", "freeze"),
    ],
)
def test_t21_a_limit_is_that_of_the_base(begin, before, after, rule, told, moved):
    checkout = begin(before)
    where = "daybook: .reconciler/other.db, " if moved else ""
    february = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
    merged(checkout, "both", settings=f"{{{where}policy: {{{after}}}}}", second=february,
           third=february)  # fmt: skip
    said = refused(checkout.books, *(("--adopt-found", "1") if moved else ()), says=rule)
    assert told in said


NO_HOME = "".join(
    line for line in REFERENCE.read_text().splitlines(keepends=True) if "homeCurrency" not in line
)
"""A reference without home currency: an amount in EUR is not known in USD."""


@pytest.mark.parametrize("moved", [False, True], ids=["the same daybook", "another daybook"])
@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("limits: {money: {USD: 500}}", "limits: {money: {USD: 500, EUR: 99999}}", "money-limit"),
        (
            "approvals: {tiers: [{required: 2, amount: {USD: 500}}], evidence: git}",
            "approvals: {tiers: [{required: 1, amount: {EUR: 99999}}], evidence: git}",
            "2 approvals",
        ),
    ],
    ids=["limits", "tiers"],
)
def test_t21_a_change_that_names_a_currency_takes_it_from_no_limit(
    begin, before, after, says, moved
):
    """What no limit names was covered by all: it needed the highest number, or was refused."""
    checkout = begin(before, files={"reference.yaml": NO_HOME})
    euros = {"currency": "EUR"}
    where = "daybook: .reconciler/other.db, " if moved else ""
    settings = f"{{{where}policy: {{{after}}}}}"
    merged(checkout, "both", settings=settings, approvals=("alice",), second=euros)
    more = ("--adopt-found", "1") if moved else ()
    refused(checkout.books, *more, says=says)
    if moved:
        return
    # The way out: the settings first, with the approvals of the highest tier.
    checkout.branch("alone")
    checkout.books.remove("second")
    checkout.commit("Without the entry")
    checkout.merge("alone", message="\n".join(("Merge", "", BY["alice"], BY["dave"])))
    assert checkout.books.apply().code == 0
    merged(checkout, "post", approvals=("alice", "dave"), second=euros)
    ended = checkout.books.apply()
    assert ended.code == 0, ended.said


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("name", ["acme-books", "other-books"])
def test_t21_another_directory_and_name_drop_no_approvals(begin, name, steps):
    """A command without --workspace finds the books wherever the change puts them."""
    checkout = begin(ONE)
    with contextlib.closing(Books(checkout.books.root / "books")) as moved:
        checkout.branch("move")
        checkout.git("rm", "--quiet", "*.yaml")
        moved.settings(name=name)
        moved.write("reference.yaml", REFERENCE.read_text())
        if steps == 2:
            checkout.commit("Move")
            checkout.merge("move", author="mallory")
            assert moved.apply().code == 0
            checkout.branch("post")
        moved.declare("second")
        checkout.commit("Post")
        checkout.merge("move" if steps == 1 else "post", author="mallory")
        ended = moved.apply()
        assert (ended.code, moved.posted()) == (4, {}), ended.said
        assert "1 approval" in ended.said
        checkout.branch("again")
        moved.declare("third")
        checkout.commit("More")
        checkout.merge("again", message=f"Merge\n\n{BY['alice']}")
        assert moved.apply().code == 0
        # Approved and applied, its own settings are the base.
        checkout.branch("last")
        moved.declare("fourth")
        checkout.commit("Last")
        checkout.merge("last")
        ended = moved.apply()
        assert (ended.code, "the policy changed" in ended.said) == (0, False), ended.said


def test_t21_a_new_workspace_beside_one_without_approvals_needs_none(begin):
    checkout = begin("limits: {changes: 9}")
    with contextlib.closing(Books(checkout.books.root / "books")) as moved:
        checkout.git("rm", "--quiet", "*.yaml")
        moved.settings(name="other-books")
        moved.write("reference.yaml", REFERENCE.read_text())
        moved.declare("second")
        checkout.commit("Other books")
        assert moved.apply().code == 0


def test_t21_a_new_strict_workspace_beside_another_is_begun_by_its_settings_alone(begin):
    checkout = begin("limits: {changes: 9}")
    with contextlib.closing(Books(checkout.books.root / "books")) as added:
        added.settings(name="other-books", spec="{policy: {strict: true}}")
        added.write("reference.yaml", REFERENCE.read_text())
        checkout.commit("Other books")
        assert added.apply().code == 0
        added.declare("second")
        checkout.commit("Post")
        ended = added.apply()
        assert ended.code == 0, ended.said


def test_t21_what_was_removed_raises_no_limit_of_removals(begin):
    """The default is a part of the entries that stand, whatever was recorded before."""
    checkout = begin("")
    books = checkout.books
    names = [f"entry-{at:02}" for at in range(60)]
    for at, name in enumerate(names):
        books.declare(name, notes=f"Number {at}")
    checkout.commit("Many")
    books.applied()
    books.remove(*names[10:])
    checkout.commit("Few")
    books.applied("--max-removals", "50")
    books.remove(*names[4:10])
    books.settings(spec="{policy: {limits: {removals: 6}}}")
    checkout.commit("Loosen")
    said = refused(books, says="too-many-removals", posted=("first", *names[:10]))
    assert "the limit is 3" in said
    assert "limits.removals 3 (of commit" in said


def test_t21_removal_is_that_of_the_base(begin):
    checkout = begin("removal: forbid")
    checkout.branch("remove")
    checkout.books.settings(spec="{policy: {removal: delete}}")
    checkout.books.remove("first")
    checkout.commit("Remove")
    checkout.merge("remove")
    said = refused(checkout.books)
    assert "removal forbid (of commit" in said


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("", "transferState: managed, ", "transferState"),
        ("", RULE.replace("notes.json", "other.json") + ", ", "houseRules"),
    ],
)
@pytest.mark.parametrize("approvals", [("alice",), ("alice", "dave")])
def test_t21_what_cannot_be_compared_needs_the_highest_tier(begin, before, after, key, approvals):
    checkout = begin(f"{before}{TWO}")
    if key == "houseRules":
        # A new rule only forbids more. One that changes may forbid less.
        for name in ("notes", "other"):
            checkout.books.write(f"rules/{name}.json", json.dumps({"type": "object"}))
        merged(checkout, "rule", settings=f"{{policy: {{{RULE}, {TWO}}}}}",
               approvals=("alice", "dave"))  # fmt: skip
        assert checkout.books.apply().code == 0
    merged(checkout, "change", settings=f"{{policy: {{{after}{TWO}}}}}", approvals=approvals,
           second={})  # fmt: skip
    if len(approvals) == 1:
        said = refused(checkout.books, says="2 approvals")
        assert f"No value of {key} is the stricter one" in said
    else:
        ended = checkout.books.apply()
        assert ended.code == 0, ended.said


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("alice", "stranger"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
        subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.mark.parametrize("name", ["alice", "stranger"])
def test_t21_who_a_change_adds_to_the_signers_does_not_count_for_it(empty, keys, name):
    books = empty
    line = f'{PEOPLE["alice"]} namespaces="git" {(keys / "alice.pub").read_text()}'
    books.write("signers", line)
    books.settings(spec=f"{{policy: {{{ONE[:-1]}, allowedSigners: signers}}}}}}")
    checkout = Checkout(books)
    added = f'{PEOPLE["dave"]} namespaces="git" {(keys / "stranger.pub").read_text()}'
    checkout.branch("change")
    books.write("signers", line + added)
    books.declare("first")
    checkout.commit("Add a signer")
    checkout.merge("change")
    sign = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={keys / name}.pub")
    checkout.git(*sign, "tag", "--sign", "ok", "--message", "Approved")
    if name == "stranger":
        refused(books, says="1 approval", posted=())
        return
    ended = books.apply()
    assert ended.code == 0, ended.said
    # Approved and applied, the addition counts.
    merged(checkout, "next", second={})
    sign = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={keys / 'stranger'}.pub")
    checkout.git(*sign, "tag", "--sign", "ok2", "--message", "Approved")
    ended = books.apply()
    assert ended.code == 0, ended.said


@pytest.mark.parametrize("how", ["the schema", "the rule", "a waiver"])
def test_t21_custom_rules_are_those_of_the_base(begin, how):
    checkout = begin(RULE, files={"rules/notes.json": json.dumps(TICKET)}, notes="Reviewed")
    waiver = ", waivers: [{rule: notes, name: second, reason: Why, expires: 2099-12-31}]"
    spec = {"the schema": RULE, "the rule": "", "a waiver": RULE + waiver}[how]
    if how == "the schema":
        checkout.books.write("rules/notes.json", "{}")
    merged(checkout, "loosen", settings=f"{{policy: {{{spec}}}}}", second={})
    said = refused(checkout.books, says="declarations break custom rules of the approved base")
    assert "second.yaml:1: house/notes: An entry has notes" in said
    # The remedy: the change of the rules alone, first.
    checkout.books.remove("second")
    checkout.commit("Without the entry")
    assert checkout.books.apply().code == 0
    checkout.books.declare("second")
    checkout.commit("The entry")
    ended = checkout.books.apply()
    assert ended.code == 0, ended.said


def test_t21_credentials_are_not_sent_to_a_host_that_only_the_change_names(
    begin, empty, monkeypatch
):
    """By the real command line. The base is the first parent: nothing was applied yet."""
    before = "{target: {baseUrl: 'https://rest.zuora.com'}}"
    empty.settings(spec=before)
    checkout = Checkout(empty)
    empty.settings(spec="{target: {baseUrl: 'https://rest.zuora.example'}}")
    checkout.commit("Direct it elsewhere")
    secrets = {"ZUORA_CLIENT_ID": "i" * 36, "ZUORA_CLIENT_SECRET": "s" * 40}
    for again in range(2):
        for verb in ("plan", "drift")[: 2 - again]:
            ended = process(verb, "-w", empty.root, env=secrets)
            assert ended.code == 4, ended.said
            assert "wrong-host: the change directs the workspace to rest.zuora.example" in ended.err
        # Nor if the parent names the host already: nobody applied that either.
        empty.write("words.txt", f"More {again}")
        checkout.commit("Something else")


def test_t21_a_base_that_cannot_be_read_is_a_refusal(begin):
    checkout = begin(ONE)
    head = merged(checkout, "post", approvals=("alice",), second={})
    shallow = checkout.books.root / ".git" / "shallow"
    shallow.write_text(f"{head}\n")
    for ended in (checkout.books.plan(), checkout.books.apply()):
        assert ended.code == 4, ended.said
        assert "fetch-depth: 0" in ended.err
        assert "git fetch --unshallow" in ended.err
    shallow.unlink()
    assert checkout.books.apply().code == 0


def test_t21_a_new_workspace_is_held_to_its_own_settings(empty):
    books = empty
    (books.root / "reconciler.yaml").rename(books.root / "kept")
    checkout = Checkout(books)
    (books.root / "kept").rename(books.root / "reconciler.yaml")
    books.settings(spec="{policy: {limits: {changes: 9}}}")
    books.declare("first")
    checkout.commit("Begin a workspace")
    ended = books.apply()
    assert (ended.code, "the policy changed" in ended.said) == (0, False), ended.said


def test_t21_a_workspace_in_another_directory_is_not_a_new_one(begin):
    checkout = begin(ONE)
    root = checkout.books.root
    checkout.branch("move")
    (root / "books").mkdir()
    checkout.git("mv", "reconciler.yaml", "reference.yaml", "first.yaml", "books")
    (root / ".reconciler").rename(root / "books" / ".reconciler")
    checkout.books.root = root / "books"
    checkout.books.database = root / "books" / ".reconciler" / "ledger.db"
    checkout.books.settings(spec="{}")
    checkout.books.declare("second")
    checkout.commit("Move")
    checkout.merge("move")
    said = refused(checkout.books, says="1 approval")
    assert "approvals" in said.partition("the policy changed")[2].partition(")")[0]
