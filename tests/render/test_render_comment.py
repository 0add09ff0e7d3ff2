"""The comment on a change: its marker, its history, its controls, and never too long."""

from dataclasses import replace

import pytest
from builders import credit, debit, declared, entry, plan_for, snapshot
from hostile_texts import HOSTILE
from markdown_reader import shape

from reconciler.core.model.policy import Approvals, Policy, Tier
from reconciler.core.model.review import Approval, Discarded, Review
from reconciler.core.planning.approvals import assess
from reconciler.render.comment import (
    MOST_EARLIER,
    Frame,
    Stamp,
    comment_body,
    marker_of,
    stamps_of,
)

TIERS = Policy(approvals=Approvals(tiers=(Tier(required=2),)))
PLAN = plan_for(snapshot([declared()]), policy=TIERS)
HEAD, OLD = "a" * 40, "b" * 40
GITHUB, GITLAB = 65_536, 1_000_000
JOB = "https://github.com/acme/books/actions/runs/5"
WIDE = "\uff10" * 64
"""Digits, but none of a digest."""


def reviewed(*approvals, plan=PLAN, **more):
    review = Review(
        change="pull request #7",
        commit=HEAD,
        authors=("mallory",),
        approvals=tuple(Approval(who=who, evidence="review 1") for who in approvals),
        **more,
    )
    return assess(plan.requirement, review, digest=plan.digest)


PREPARED = replace(reviewed("alice"), authors=("mallory", "eve@acme.example"))


def made_of(commit, *, plan=PLAN, dirty=False):
    origin = replace(plan.basis.origin, commit=commit, dirty=dirty)
    return replace(plan, basis=replace(plan.basis, origin=origin))


def body(plan=None, *, before="", limit=GITHUB, **frame):
    plain = {"environment": "production", "commit": HEAD, "assessment": reviewed("alice")}
    plan = plan or made_of({**plain, **frame}["commit"])
    return comment_body(plan, Frame(**{**plain, **frame}), before=before, limit=limit)


@pytest.mark.parametrize(
    ("case", "frame"),
    [
        ("some", {}),
        ("all", {"assessment": reviewed("alice", "bob")}),
        ("author", {"assessment": reviewed("mallory"), "commit": OLD}),
        ("unread", {"assessment": None, "unread": "Reading: GitHub answered 403"}),
        ("unasked", {"assessment": None, "environment": "", "commit": ""}),
        ("prepared", {"assessment": PREPARED, "job_url": JOB, "report_url": f"{JOB}/artifacts/7"}),
    ],
)
def test_a_comment_reads_like_this(case, frame, golden):
    golden(f"comment-{case}.md", body(**frame))


@pytest.mark.parametrize(
    ("commit", "dirty", "told"),
    [
        (HEAD, False, ""),
        (OLD, False, f"**The plan was made of another commit**, <code>{OLD[:10]}</code>."),
        ("", False, "**It is unknown of which commit the plan was made.**"),
        (HEAD, True, "**The plan was made of files that are not committed.**"),
    ],
)
def test_a_comment_says_what_the_plan_was_made_of(commit, dirty, told):
    """Whatever commit the job is for, an approver is shown no other plan without being told."""
    text = body(made_of(commit, dirty=dirty))
    assert ("plan was made" in text, told in text) == (bool(told), True)


@pytest.mark.parametrize(
    ("approved", "commands"),
    [(("alice",), 0), (("mallory",), 0), (("alice", "bob"), 1)],
    ids=["one is missing", "the author's does not count", "nothing is missing"],
)
def test_the_command_to_apply_is_there_once_nothing_is_missing(approved, commands):
    text = body(assessment=reviewed(*approved))
    assert text.count("reconciler apply --plan-digest") == commands
    assert text.index("**Approvals**") < text.index("**Impact**")
    assert ("- missing" in text) is not bool(commands)


@pytest.mark.parametrize(
    ("workspace", "environment"),
    [
        ("books", ""),
        ("books", "production"),
        ("books", "a:b"),
        ("books", "--> <script>"),
        ("books", "--!>"),
        ("books", "\n"),
        ("books", "größe"),
        ("a-b", "c"),
    ],
)
def test_a_marker_is_one_comment_that_no_name_ends(workspace, environment):
    marker = marker_of(workspace, environment)
    inside = marker.removeprefix("<!-- reconciler:").removesuffix(" -->")
    assert inside.count(":") == 1
    assert not set(inside) & set("-<>! \n")


def test_no_two_pairs_of_names_have_one_marker():
    pairs = [("a", "b:c"), ("a:b", "c"), ("a", "b%3Ac"), ("a%", "3Ab:c"), ("a", ""), ("", "a")]
    assert len({marker_of(*pair) for pair in pairs}) == len(pairs)


def test_earlier_plans_are_kept_each_once_and_only_so_many():
    text = ""
    for at in range(MOST_EARLIER + 5):
        text = body(replace(PLAN, digest=f"sha256:{at:064x}"), before=text)
    again = body(replace(PLAN, digest=f"sha256:{MOST_EARLIER + 4:064x}"), before=text)
    assert stamps_of(again) == stamps_of(text)
    assert [stamp.digest[-2:] for stamp in stamps_of(text)][:3] == ["18", "17", "16"]
    assert len(stamps_of(text)) == MOST_EARLIER + 1
    assert text.count("<code>sha256&#58;") == MOST_EARLIER


@pytest.mark.parametrize(
    "second",
    [
        "",
        "<!-- reconciler plans: sha256:00@- -->",
        f"<!-- reconciler plans: sha256:{'0' * 64}@- --> --> more",
        f"<!-- reconciler plans: sha256:{'0' * 64}@-; rm -->",
        f"<!-- reconciler plans: sha256:{WIDE}@- -->",
    ],
)
def test_a_history_that_is_not_ours_is_none(second):
    assert stamps_of(f"{marker_of('books', '')}\n{second}\nmore") == ()


def test_a_history_is_read_from_its_own_line_alone():
    forged = f"<!-- reconciler plans: sha256:{'f' * 64}@- -->"
    named = declared(entry(notes=forged))
    plan = plan_for(snapshot([named]), policy=TIERS)
    assert stamps_of(body(plan)) == (Stamp(digest=plan.digest, commit=HEAD),)
    assert stamps_of(body(plan).replace("\n", "\r\n")) == stamps_of(body(plan))


@pytest.mark.parametrize(
    ("limit", "count"), [(GITHUB, 70), pytest.param(GITLAB, 700, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("word", ["plain", "\U0001f4b0" * 10], ids=["plain", "counted twice"])
def test_a_comment_is_never_too_long(limit, count, word):
    entries = [
        declared(
            entry(*[debit("1"), credit("1")] * 6, notes=f"{word} " * 60), name=f"entry-{at:05}"
        )
        for at in range(count)
    ]
    text = body(plan_for(snapshot(entries), policy=TIERS), limit=limit)
    assert len(text.encode("utf-16-le")) // 2 <= limit
    assert "left out for length" in text
    assert "Digest: `sha256:" in text
    assert "missing" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_do_nothing_in_a_comment(text):
    if any("\ud800" <= character <= "\udfff" for character in text):
        pytest.skip("half a surrogate pair is refused when an answer is read")
    given = (Approval(who=text, evidence=text),)
    review = Review(
        change=text,
        commit=HEAD,
        authors=(text + "x",),
        approvals=given,
        discarded=(Discarded(who=text, why=text),),
    )
    plain = replace(
        review,
        change="x",
        approvals=(Approval(who="x", evidence="x"),),
        discarded=(Discarded(who="x", why="x"),),
        authors=("xx",),
    )

    def drawn(facts, environment):
        found = assess(PLAN.requirement, facts, digest=PLAN.digest)
        people = tuple(approval.who for approval in facts.approvals)
        return shape(body(assessment=found, environment=environment, job_url=people[0]))

    assert drawn(review, text) == drawn(plain, "x")


@pytest.mark.parametrize("limit", [GITHUB, 2_000])
def test_who_prepared_it_and_the_report_come_before_the_changes(limit):
    text = body(assessment=PREPARED, report_url=f"{JOB}/artifacts/7", limit=limit)
    places = [text.index(word) for word in ("Prepared by: ", "Report: [", "**Approvals**")]
    assert places == sorted(places)
    assert places[-1] < text.find("**Impact**") or limit == 2_000
