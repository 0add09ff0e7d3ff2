"""A plan file is read by its schema: whatever was written into it, it is shown whole or refused."""

import contextlib
import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.main import run
from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.documents.plan_json import NOT_A_PLAN, checksum_of, plan_from
from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.json_text import read_json
from reconciler.errors import StalePlan
from reconciler.render import RENDERERS

ENTRIES = ("updated", "replaced", "removed")


@pytest.fixture(scope="session")
def books(tmp_path_factory):
    """A workspace with a saved plan that creates, updates, replaces and removes."""
    root = tmp_path_factory.mktemp("documents") / "books"
    assert run(["init", str(root)]) == 0
    first = root / "2026/01/first-entry.yaml"
    text = first.read_text()
    for name in ENTRIES:
        (root / f"{name}.yaml").write_text(text.replace("first-entry", name))
    first.unlink()
    assert run(["apply", "-y", "-w", str(root)]) == 0
    updated, replaced, removed = (root / f"{name}.yaml" for name in ENTRIES)
    updated.write_text(
        re.sub(r"notes: .*", "notes: Corrected", text).replace("first-entry", "updated")
    )
    replaced.write_text(
        text.replace("first-entry", "replaced")
        .replace("Jan-2026", "Feb-2026")
        .replace("2026-01-31", "2026-02-28")
    )
    removed.unlink()
    first.write_text(text)
    assert run(["plan", "-w", str(root), "--out", str(root.parent / "plan.json")]) == 0
    return root


@pytest.fixture(scope="session")
def text(books):
    return (books.parent / "plan.json").read_text()


def sealed(document):
    """The text of a document whose checksum fits, and its digest too where it can have one."""
    whole = read_json(json.dumps(document))
    with contextlib.suppress(*NOT_A_PLAN):
        whole["digest"] = digest_of(plan_from(whole))
    whole["checksum"] = checksum_of(whole)
    return json_bytes(whole).decode()


def of(document, action):
    return next(row for row in document["changes"] if row["action"] == action)


def put(action, name, value):
    return lambda document: of(document, action).__setitem__(name, value)


def step(action, at, **named):
    return lambda document: of(document, action)["steps"][at].update(named)


def repeated(document):
    document["changes"].append(of(document, "update"))
    document["summary"]["update"] += 1


NONSENSE = [
    # Wrong types, missing keys, unknown words, null.
    (lambda d: d.update(changes=None), "$.changes"),
    (lambda d: d["changes"].insert(0, "x"), "$.changes[0]"),
    (lambda d: d["changes"][0].pop("steps"), "$.changes[0]"),
    (lambda d: d["changes"][0].update(reason="because"), "$.changes[0].reason"),
    (lambda d: d["changes"][0].update(kind="Invoice"), "$.changes[0].kind"),
    (lambda d: d["changes"][0].update(action="keep"), "$.changes[0].action"),
    (lambda d: d["changes"][0]["steps"][0].update(verb="post"), "$.changes[0].steps[0].verb"),
    (lambda d: d["changes"][0].update(path=7), "$.changes[0].path"),
    (lambda d: d["changes"][0].update(line=-1), "$.changes[0].line"),
    (lambda d: d["basis"].update(daybook_serial=10**30), "$.basis.daybook_serial"),
    (lambda d: d["basis"].update(daybook_serial=True), "$.basis.daybook_serial"),
    (lambda d: d["origin"].update(expires_at="tomorrow"), "$.origin.expires_at"),
    (lambda d: d["origin"].update(expires_at="2026-01-31T00:00:00"), "$.origin.expires_at"),
    (lambda d: d["summary"].update(postpone=1), "$.summary"),
    (lambda d: d["controls"]["approvals"].update(required=-1), "$.controls.approvals.required"),
    (lambda d: d["controls"]["approvals"].update(evidence="hearsay"), "approvals.evidence"),
    (lambda d: d["warnings"].append("boo"), "$.warning_rules"),
    (lambda d: d["impact"][0].update(debit_after="1e9"), "$.impact[0].debit_after"),
    (lambda d: d["impact"][0].update(debit_after="9" * 99), "$.impact[0].debit_after"),
    (lambda d: of(d, "create")["after"].update(journalEntryItems={}), "after.journalEntryItems"),
    (lambda d: of(d, "create")["after"]["journalEntryItems"][0].pop("amount"), "Items[0]"),
    (lambda d: of(d, "create")["after"]["journalEntryItems"][0].update(amount=1), "[0].amount"),
    (lambda d: of(d, "create")["after"]["journalEntryItems"][1].update(type=1), "[1].type"),
    # A change that contradicts itself.
    (put("update", "steps", []), "update has no step - at `$.changes["),
    (put("replace", "steps", []), "replace has no step - at `$.changes["),
    (put("remove", "steps", []), "remove has no step - at `$.changes["),
    (put("create", "steps", []), "create has no step - at `$.changes["),
    (step("update", 0, number=None), "another number - at `$.changes["),
    (step("update", 0, number="JE-00009999"), "another number - at `$.changes["),
    (step("remove", 0, number="JE-00009999"), "another number - at `$.changes["),
    (step("create", 0, number="JE-00009999"), "has a number - at `$.changes["),
    (step("create", 0, verb="update"), "no such step - at `$.changes["),
    (step("update", 0, verb="cancel"), "no such step - at `$.changes["),
    (lambda d: of(d, "replace")["steps"].reverse(), "another order - at `$.changes["),
    (lambda d: of(d, "remove")["steps"].insert(0, of(d, "remove")["steps"][0]), "is repeated"),
    (put("create", "after", None), "$.changes["),
    (put("remove", "before", None), "$.changes["),
    (put("update", "number", None), "$.changes["),
    (put("update", "wanted", "remove"), "not the wanted one - at `$.changes["),
    (put("update", "action", "blocked"), "blocked if it says why - at `$.changes["),
    (put("update", "blocked", {"rule": "a", "message": "b", "remedy": "c"}), "says why"),
    (put("update", "feasible", False), ".feasible"),
    (put("update", "address", "JournalEntry/another"), ".address"),
    (put("update", "forces_replacement", ["currency"]), ".forces_replacement"),
    (put("create", "totals", {"debit": "1", "credit": "1"}), ".totals.debit"),
    (put("create", "totals", None), ".totals"),
    (repeated, "several changes of JournalEntry/updated"),
    # Figures that contradict the changes.
    (lambda d: d["changes"].pop(), "does not"),
    (lambda d: d["balance"][0].update(holds=False), "$.balance[0].holds"),
    (lambda d: d["balance"][0].update(posted_debit="1"), "its balance does not follow"),
    (lambda d: d["impact"][0].update(net_change="1"), "$.impact[0].net_change"),
    (lambda d: d["scope"].update(partial=True), "$.scope.partial"),
    (lambda d: d["summary"].update(create=5), "its summary does not follow"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), NONSENSE, ids=[f"{at}" for at in range(len(NONSENSE))])
def test_t25_a_plan_that_cannot_be_is_refused_with_its_place(text, change, said):
    document = json.loads(text)
    change(document)
    with pytest.raises(StalePlan) as caught:
        plan_of(sealed(document))
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("mangle", "said"),
    [
        (lambda text: text.replace('"digest"', '"digest": "x", "digest"', 1), "key `digest`"),
        (lambda text: text.replace("{", '{"deep": ' + "[" * 40 + "]" * 40 + ",", 1), "32 levels"),
        (lambda text: text.replace("{", '{"deep": ' + "[" * 99999 + ",", 1), "32 levels"),
        (lambda text: text.replace("{", '{"huge": 1e999999999,', 1), "out of bounds"),
        (lambda text: text.replace("{", '{"huge": ' + "9" * 5000 + ",", 1), "characters"),
        (lambda text: text.replace("{", '{"odd": NaN,', 1), "NaN in place of a number"),
        (lambda text: text.replace("{", '{"odd": "\\ud800",', 1), "surrogate"),
        (lambda text: text[:-9], "not complete JSON"),
    ],
    ids=["duplicate", "deep", "deeper", "exponent", "digits", "NaN", "surrogate", "cut"],
)
def test_t25_every_command_that_reads_a_plan_refuses_what_is_none(
    books, text, tmp_path, capsys, mangle, said
):
    whole, odd = tmp_path / "whole.json", tmp_path / "odd.json"
    whole.write_text(text)
    odd.write_text(mangle(text))
    for words in (
        ["show", odd],
        ["show", whole, "--diff", odd],
        ["apply", odd, "-y", "-w", books],
        ["comment", odd, "--dry-run"],
    ):
        assert run([str(word) for word in words]) == 5
        told = capsys.readouterr().err
        assert said in told
        assert "Traceback" not in told


def test_t25_a_plan_of_wrong_types_is_refused_by_the_command(books, text, tmp_path, capsys):
    document = json.loads(text)
    document["changes"][0]["steps"][0]["number"] = {"x": []}
    odd = tmp_path / "odd.json"
    odd.write_text(sealed(document))
    for words in (["show", odd], ["apply", odd, "-y", "-w", books], ["comment", odd, "--dry-run"]):
        assert run([str(word) for word in words]) == 5
        assert "`$.changes[0].steps[0].number`" in " ".join(capsys.readouterr().err.split())


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 7, 10**18, "", "x", "0", "-0", "1.5", "JE-00000001", "\u202e", "update"]
    ),
    st.sampled_from([[], {}, [None], ["x"], [{}], {"x": {}}, [[]]]),
)


@given(data=st.data())
def test_t25_a_document_mutated_anywhere_is_shown_whole_or_refused(text, data):
    document = json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        here = document
        while True:
            keys = sorted(here) if isinstance(here, dict) else range(len(here))
            key = data.draw(st.sampled_from(keys))
            deeper = isinstance(here[key], dict | list) and here[key]
            if not deeper or data.draw(st.integers(0, 7)) == 0:
                break
            here = here[key]
        kind = data.draw(st.sampled_from(["put", "put", "remove", "repeat"]))
        if kind == "put":
            here[key] = copy.deepcopy(data.draw(ODD))
        elif kind == "remove":
            del here[key]
        elif isinstance(here, list):
            here.insert(0, here[key])
        if not document:
            return
    try:
        plan = plan_of(sealed(document))
    except StalePlan as refused:
        assert refused.message
        return
    for draw in RENDERERS.values():
        assert "".join(map(str, draw(plan, "")))
