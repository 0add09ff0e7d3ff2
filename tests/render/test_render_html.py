"""The report in HTML: golden files, one file that needs nothing, and text that can do nothing."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from builders import declared, plan_for, plan_warning, snapshot
from hostile_texts import HOSTILE, is_safe
from html_harness import MARKUP, SCENES, everywhere, large_plan, parts_of, without_our_own
from plan_scenes import Scene, credit, debit, entry

from reconciler.core.model.plan import Action
from reconciler.core.model.policy import Approvals, Policy, Tier
from reconciler.core.model.review import Approval, SignOff
from reconciler.core.model.scope import OutOfScope, Provenance, Scope
from reconciler.core.planning.impact import impact_of
from reconciler.render.html.document import plan_html
from reconciler.render.plan_view import counts_of, view_of
from reconciler.render.problems import escaped


@pytest.fixture(params=[*HOSTILE.values(), *MARKUP.values()], ids=[*HOSTILE, *MARKUP])
def hostile(request):
    if "\ud800" in request.param:
        pytest.skip("half a surrogate pair is refused when files and answers are read")
    return request.param


WHOLE_PAGES = ("create", "everything", "nothing", "refused-too-many-removals")
"""The scenes whose head is shown too: one for each verdict."""


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_reads_like_this_as_a_report(name, golden):
    drawn = without_our_own(plan_html(SCENES[name]().plan()))
    golden(f"html-{name}.html", drawn if name in WHOLE_PAGES else body_of(drawn))


APPROVED = Approval(who="alice", evidence="review 2", commit="4f1c0de9a7b2" * 3)


@pytest.mark.parametrize(
    ("sign_off", "rows"),
    [
        pytest.param(
            SignOff(prepared_by=("mallory", "bob"), approved_by=(APPROVED,)),
            [
                ("Prepared by", "mallory, bob"),
                ("Reviewed by", ""),
                ("Approved by", "alice (review 2) at 4f1c0de9a7"),
                ("Approved by", ""),
            ],
            id="one of two approvals",
        ),
        pytest.param(
            SignOff(
                prepared_by=("mallory",),
                prepared_not_read="nobody says who pushed it",
                approved_not_read="no token",
            ),
            [
                ("Prepared by", "mallory; not read: nobody says who pushed it"),
                ("Reviewed by", ""),
                *[("Approved by", "not read: no token")] * 2,
            ],
            id="unknown",
        ),
        pytest.param(
            None,
            [
                ("Prepared by", "not read: the plan does not name them"),
                ("Reviewed by", ""),
                *[("Approved by", "not read: the plan does not name them")] * 2,
            ],
            id="not saved",
        ),
    ],
)
def test_the_fields_to_sign_have_the_names_that_are_known(sign_off, rows):
    policy = Policy(approvals=Approvals(tiers=(Tier(required=2),)))
    plan = replace(plan_for(snapshot([declared()]), policy=policy), sign_off=sign_off)
    signing = plan_html(plan).partition('<section class="signing"')[2]
    found = re.findall(r'<th scope="row">(.*?)</th><td><bdi>(.*?)</bdi></td>', signing)
    assert found == rows


def body_of(document):
    """What is read; the head and the scripts around it are those of every page."""
    _, found, body = document.partition("<body>\n")
    assert found
    return body.rpartition("</footer>\n")[0]


def partial():
    plan = Scene().entry("2026-01-true-up", entry()).plan()
    origin = Provenance(
        tool_version="0.1.0",
        commit="4f1c0de9a7b2",
        dirty=True,
        made_at="2026-02-02T08:14:05Z",
        expires_at="2026-02-09T08:14:05Z",
    )
    return replace(
        plan,
        basis=replace(plan.basis, origin=origin, entity_id="<e>"),
        scope=Scope(offline=True, periods=("Jan-2026",)),
        out_of_scope=OutOfScope(declared=3, recorded=1),
    )


def test_a_partial_plan_made_offline_says_so_and_offers_no_command(golden):
    drawn = plan_html(partial())
    golden("html-partial-offline.html", body_of(without_our_own(drawn)))
    assert "--plan-digest" not in drawn


def test_five_hundred_changes(golden):
    """Too long to read; what it is made of can be told, and that not a byte of it moved."""
    plan = large_plan(500)
    drawn = plan_html(plan)
    parts = parts_of(drawn)
    digest = hashlib.sha256(without_our_own(drawn).encode()).hexdigest()
    ids = [values["id"] for _, values in parts.tags if values.get("class") == "c"]
    assert ids == [f"c-{at}" for at in range(1, 501)]
    text = f"{counts_of(plan)}\n{len(parts.tags)} tags\n{len(parts.rows)} rows\nsha256:{digest}\n"
    golden("html-500.txt", text)


def test_a_change_has_a_bounded_weight():
    """So that thousands open at once: what one adds to the document does not grow with others."""
    small, large = (plan_html(large_plan(count)) for count in (100, 200))
    assert (len(large) - len(small)) / 100 < 2500
    assert (large.count("<") - small.count("<")) / 100 < 2 * 75


@pytest.mark.parametrize("name", SCENES)
def test_a_report_is_one_file_that_refers_to_nothing_outside(name):
    parts = parts_of(plan_html(SCENES[name]().plan()))
    ids = [values["id"] for _, values in parts.tags if "id" in values]
    assert len(ids) == len({*ids})
    for tag, values in parts.tags:
        assert tag not in ("img", "iframe", "object", "embed", "base", "audio", "video")
        assert not {"src", "style", "srcset", "action"} & {*values}, (tag, values)
        assert not [key for key in values if key.startswith("on")], (tag, values)
        if "href" in values:
            place = values["href"]
            assert place == "data:," or place.removeprefix("#") in ids, place
        for key in ("aria-labelledby", "for"):
            assert values.get(key, "main") in ids, (tag, values)
    css = "".join(parts.raw["style"])
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize(
    ("support", "linked"),
    [
        pytest.param("https://files.example.com/a?b=1&c=2", True, id="https"),
        pytest.param("http://files.example.com/a", False, id="not encrypted"),
        pytest.param("javascript:alert(1)", False, id="a script"),
        pytest.param("https://user@files.example.com/a", False, id="a user before the host"),
        pytest.param("INC-2026-0309", False, id="no address"),
    ],
)
def test_support_is_a_link_only_to_an_https_address_and_shows_its_host(support, linked):
    scene = Scene().entry("2026-01-a", entry(SupportingDocument__c=support))
    parts = parts_of(plan_html(scene.plan()))
    links = [values for tag, values in parts.tags if tag == "a" and values.get("rel")]
    assert links == [{"href": support, "rel": "noopener noreferrer"}] * linked
    assert ("Support: files.example.com" in parts.text) is linked
    assert support in parts.text


@pytest.mark.parametrize("name", ["everything", "nothing"])
def test_the_policy_names_each_style_and_script_by_its_content(name):
    parts = parts_of(plan_html(SCENES[name]().plan()))
    (policy,) = [
        values["content"] for tag, values in parts.tags if tag == "meta" and "http-equiv" in values
    ]
    said = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for tag, word in (("style", "style-src"), ("script", "script-src")):
        digests = [hashlib.sha256(text.encode()).digest() for text in parts.raw[tag]]
        wanted = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert said[word].split() == wanted
    assert said["default-src"] == "'none'"


def shape(document):
    """What a browser builds of a document: tags and the names of their attributes."""
    return [(tag, sorted(values)) for tag, values in parts_of(document).tags]


def test_no_text_makes_markup_or_hides_anything(hostile):
    drawn = plan_html(everywhere(hostile))
    assert is_safe(drawn)
    assert shape(drawn) == shape(plan_html(everywhere("strange")))
    assert escaped(hostile) in parts_of(drawn).text


def test_no_text_says_more_in_a_style_than_its_words(hostile):
    _, pages = parts_of(plan_html(everywhere(hostile))).raw["style"]
    boxes = re.findall(r'@([a-z-]+) \{ content: ((?:"[^"]*"| |counter\(pages?\))+); \}', pages)
    assert [name for name, _ in boxes] == ["top-left", "top-right", "bottom-left", "bottom-right"]
    for _, content in boxes:
        assert re.fullmatch(r'(?:[A-Za-z0-9 .,:"()-]|\\[0-9a-f]+ )+', content), content


@pytest.mark.parametrize(
    ("name", "style", "said"),
    [
        pytest.param("create", "good", "No change is blocked", id="nothing to fear"),
        pytest.param("remove", "warning", "1 posted entry will be cancelled", id="removal"),
        pytest.param("everything", "warning", "skips 1 blocked change. 2 posted", id="both"),
        pytest.param("blocked-transferred", "bad", "Every change is blocked", id="all blocked"),
        pytest.param("refused-too-many-removals", "bad", "changes nothing", id="refused"),
        pytest.param("nothing", "good", "The ledger holds", id="nothing to do"),
    ],
)
def test_the_verdict_comes_first(name, style, said):
    plan = SCENES[name]().plan()
    verdict = view_of(plan).verdict
    assert verdict.style == style
    assert said in verdict.sentence
    text = parts_of(plan_html(plan)).text
    assert text.index(verdict.sentence) < text.index("Digest")


def test_a_rehearsal_names_things_as_they_are_written():
    plan = SCENES["rehearsal-refused"]().plan()
    rehearsal = replace(plan.rehearsal, unknown=("what JournalRun/Q1 will post",))
    text = parts_of(plan_html(replace(plan, rehearsal=rehearsal))).text
    assert "Not known here: what JournalRun/Q1 will post." in text


@pytest.mark.parametrize("name", ["rehearsal-refused", "rehearsal-differs"])
def test_a_failed_rehearsal_is_told_before_the_impact_and_offers_no_command(name):
    plan = SCENES[name]().plan()
    assert view_of(plan).verdict.words == "Rehearsal failed"
    text = parts_of(plan_html(plan)).text
    assert text.index("Rehearsal on a scratch ledger") < text.index("Net of debits and credits")
    assert "--plan-digest" not in text


@pytest.mark.parametrize("name", ["everything", "remove", "run-replace", "replace-currency"])
def test_what_is_cancelled_is_named_before_the_impact(name):
    plan = SCENES[name]().plan()
    text = parts_of(plan_html(plan)).text
    for change in plan.feasible:
        if change.cancels:
            assert text.index(change.address.name) < text.index("Net of debits and credits")


def cells(document, first):
    """The cells of the rows that begin with a text, or with a mark and the text."""
    rows = ([" ".join(cell.split()) for cell in row] for row in parts_of(document).rows)
    return [row for row in rows if first in row[:2]]


def test_both_sides_of_a_replacement_stand_on_one_row():
    drawn = plan_html(SCENES["replace"]().plan())
    assert ["~ changed", "Deferred Revenue", "12,500.00", "", "12,500.10", ""] in [
        [" ".join(cell.split()).replace("~changed", "~ changed") for cell in row]
        for row in parts_of(drawn).rows
    ]


def test_lines_that_say_the_same_are_paired_before_lines_that_differ():
    twice = (debit("1.00"), debit("2.00"), credit("3.00"))
    plan = Scene().entry(
        "2026-01-a", entry(debit("2.00"), debit("5.00"), credit("7.00")), was=entry(*twice)
    )
    rows = cells(plan_html(plan.plan()), "Deferred Revenue")
    marks = [row for row in rows if row[1] == "Deferred Revenue" and "USD" not in row]
    assert [row[2::2] for row in marks] == [["1.00", "5.00"], ["2.00", "2.00"]]
    assert [bool(row[0]) for row in marks] == [True, False]


def test_amounts_are_sorted_as_numbers_of_one_currency():
    scene = Scene()
    for at, amount in enumerate(("9.00", "100.00", "20.00")):
        scene.entry(f"2026-01-e{at}", entry(debit(amount), credit(amount)))
    ranks = [
        values["data-s"].split()[5]
        for _, values in parts_of(plan_html(scene.plan())).tags
        if values.get("class") == "c"
    ]
    assert ranks == ["0", "2", "1"]


def test_a_change_in_home_currency_that_is_not_known_is_in_no_chart_and_that_is_said():
    plan = SCENES["create-foreign"]().plan()
    first, *rest = plan.impact
    drawn = plan_html(replace(plan, impact=(replace(first, home_change=None), *rest)))
    assert f"The charts leave out {first.currency}: the amounts in USD are unknown." in drawn


def test_without_a_home_currency_each_currency_has_charts_of_its_own():
    plan = SCENES["create-foreign"]().plan()
    impact = impact_of(plan.changes, None)
    drawn = plan_html(replace(plan, basis=replace(plan.basis, home_currency=None), impact=impact))
    for currency in ("EUR", "JPY", "KWD"):
        assert f"Posted and cancelled by period, in {currency}" in drawn


def test_what_is_in_backticks_in_a_message_is_code():
    plan = replace(
        SCENES["create"]().plan(),
        warnings=(plan_warning("run `a <b>` or `c"), plan_warning("plain")),
    )
    drawn = plan_html(plan)
    assert "run <code>a &lt;b&gt;</code> or `c</bdi>" in drawn
    assert "<bdi>warning[file-warnings]: plain</bdi>" in drawn


def test_every_pending_change_has_its_row_and_kept_ones_have_none():
    plan = SCENES["remove"]().plan()
    assert plan.summary[Action.KEEP] == 1
    drawn = plan_html(plan)
    assert drawn.count('class="c"') == len(plan.pending)
    assert "2026-01-kept" not in drawn


@pytest.mark.parametrize(("required", "word"), [(1, "Needs 1 approval"), (2, "Needs 2 approvals")])
def test_a_plan_that_requires_approvals_does_not_say_that_it_can_be_applied(required, word):
    policy = Policy(approvals=Approvals(tiers=(Tier(required=required),)))
    drawn = plan_html(plan_for(snapshot([declared()]), policy=policy))
    text = parts_of(drawn).text
    assert word in text
    assert f"{required} required before an apply" in text
    assert "Can be applied" not in drawn
    assert "--plan-digest" not in text
