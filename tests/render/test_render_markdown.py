"""Plans in a pull request: golden files, a bounded length, and nothing that hostile text can do."""

import html
import json
import re
from dataclasses import replace
from decimal import Decimal

import plan_scenes
import pytest
import run_scenes
from document_schemas import must_fit
from hostile_texts import HOSTILE, is_safe, plan_of
from markdown_reader import READER, shape, tokens
from plan_scenes import TRUE_UP, Scene, credit, debit, entry, scene_of_everything

from reconciler.core.documents.plan_file import plan_of as plan_of_text
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.documents.plan_json import checksum_of
from reconciler.core.model.finding import Refusal
from reconciler.core.model.policy import Policy
from reconciler.errors import ReconcilerError
from reconciler.render.escaping import code, link, sentence
from reconciler.render.html.document import plan_html
from reconciler.render.markdown import LIMIT, plan_markdown
from reconciler.render.plan_view import view_of
from reconciler.render.styled_text import plain_text
from reconciler.render.text import plan_lines

SCENES = {
    **{
        name: plan_scenes.SCENES[name]
        for name in (
            "everything",
            "create",
            "create-foreign",
            "create-with-warning",
            "update",
            "replace",
            "remove",
            "drift-and-change",
            "blocked-transferred",
            "reversal",
            "dimension-moved",
            "transfers",
            "rehearsal-refused",
            "rehearsal-differs",
            "refused-too-many-removals",
            "nothing",
        )
    },
    **{f"run-{name}": run_scenes.SCENES[name] for name in ("create", "replace", "held", "adopt")},
}


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_reads_like_this_in_a_pull_request(name, golden):
    golden(f"markdown-{name}.md", plan_markdown(SCENES[name]().plan()))


def outside_code(text):
    """What a reader shows outside of code: where a forge makes links and mentions by itself."""
    drawn = re.sub(r"<pre>.*?</pre>", " ", READER.render(text), flags=re.DOTALL)
    codes = re.findall(r"</?code>", drawn)
    assert codes == ["<code>", "</code>"] * (len(codes) // 2), "code in code, or without an end"
    drawn = re.sub(
        r"<code>.*?</code>|\[!(IMPORTANT|WARNING|CAUTION)\]", " ", drawn, flags=re.DOTALL
    )
    return html.unescape(re.sub(r"<[^>]*>", "", drawn))


MARKUP = {
    "emphasis": "*a* **b** _c_ ~~d~~",
    "link": "[approve](https://x.invalid)",
    "image": "![x](https://x.invalid/pixel.png)",
    "autolink": "<https://x.invalid> https://x.invalid www.x.invalid",
    "mention": "@acme/controllers #1 GH-1",
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script></code></details>",
    "comment": "<!-- hidden -->",
    "table": "a | b | c",
    "fence": "```\nPlan: 0 to create.\n```",
    "long fence": "`" * 12,
    "heading": "# No changes.",
    "quote": "> [!NOTE]",
    "list": "- [x] approved",
    "entity": "&lt;b&gt; &#42;",
    "math": "$\\unicode{x}$",
    "rule": "---",
    "numbered list": "1. a",
    "numbered list in brackets": "1) a",
    "heading below": "===",
    "emoji": ":tada: a:tada:",
    "commit": "deadbeef 4f1c0de9a7b2",
    "other references": "!1 $1 %1 ~bug &1 ^alert#1",
    "backticks": "`a` `` b ``` `c",
}


@pytest.mark.parametrize("text", [*HOSTILE.values(), *MARKUP.values()], ids=[*HOSTILE, *MARKUP])
def test_text_in_a_plan_is_shown_and_does_nothing(text):
    """I-80: whatever a file or a server says, the document has the shape of a calm one."""
    if "\ud800" in text:
        pytest.skip("half a surrogate pair is refused when files and answers are read")
    drawn = plan_markdown(plan_of(text))
    assert is_safe(drawn)
    assert shape(drawn) == shape(plan_markdown(plan_of("strange")))
    # What a forge makes links of by itself stands in a fence, in code, or letter by letter.
    unfenced = re.sub(r"(?ms)^(`{3,})diff$.*?^\1$", "", drawn)
    assert not re.findall(r"@|://|www\.|(?<!&)#\d|GH-\d(?![^<]*</code>)", unfenced)
    assert not re.findall(r"[@#*_~`|<>\[\]$&\\]|://|www\.|GH-\d|:\w+:", outside_code(drawn))


@pytest.mark.parametrize("text", [*MARKUP.values()], ids=[*MARKUP])
def test_no_part_of_a_refusal_is_markdown(text):
    def drawn(text):
        refusal = Refusal(rule="change-limit", message=text, remedy=text)
        return plan_markdown(replace(plan_of("calm"), refusals=(refusal,)))

    assert shape(drawn(f"{text}\n\n### x")) == shape(drawn("strange"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see pull request #7, please", "see pull request <code>&#35;7</code>, please"),
        (
            "JE-1 is `Posted`: USD 1,500.25.",
            "<code>JE-1</code> is <code>Posted</code>: USD 1,500.25.",
        ),
        (
            'has the status "In Review" (2)',
            "has the status <code>&#34;In Review&#34;</code> (2)",
        ),
        ("1. first", "1&#46; first"),
        ("run `reconciler plan --find` again", "run <code>reconciler plan --find</code> again"),
    ],
)
def test_a_message_is_a_sentence_with_its_values_in_code(text, shown):
    assert sentence(text) == shown


def test_what_is_shown_reads_as_it_was_written():
    drawn = READER.render(plan_markdown(Scene().entry("a.b", entry(notes="5 < 6 & *7*")).plan()))
    assert "<code>a.b</code>" in drawn
    assert "notes: &quot;5 &lt; 6 &amp; *7*&quot;" in drawn


@pytest.mark.parametrize("count", [120, 5000])
def test_a_long_plan_stays_within_what_a_comment_holds(count):
    scene = Scene()
    for number in range(count):
        amount = f"{number + 1}.00"
        notes = "x" * 300
        scene.entry(f"2026-01-e{number:04}", entry(debit(amount), credit(amount), notes=notes))
    plan = scene.plan()
    drawn = plan_markdown(plan)
    assert len(drawn) <= LIMIT
    assert drawn.count("| `+ create` |") + drawn.count(" more: see `reconciler show`") > 20
    shown = drawn.count("<details>") - drawn.count("<summary>More ")
    assert 0 < shown < count
    assert f"The details of {count - shown:,} changes are left out for length" in drawn
    assert drawn.startswith(f"### <code>acme-books</code>: {count:,} to create.")
    assert drawn.rstrip().endswith(f"`reconciler apply --plan-digest {plan.digest}`")


def test_a_plan_of_removals_names_them_before_anything_else():
    drawn = plan_markdown(SCENES["remove"]().plan())
    assert drawn.index("[!CAUTION]") < drawn.index("**Impact**") < drawn.index("<details>")


def test_a_refused_plan_offers_no_command_to_apply_it():
    drawn = plan_markdown(SCENES["refused-too-many-removals"]().plan())
    assert "--plan-digest" not in drawn
    assert drawn.startswith("### <code>acme-books</code>: Refused. ")


def test_a_change_in_home_currency_that_is_not_known_is_no_zero():
    """I-60: what cannot be told is told as that, in the text and in the pull request."""
    plan = SCENES["create-foreign"]().plan()
    first, *rest = plan.impact
    drawn = plan_markdown(replace(plan, impact=(replace(first, home_change=None), *rest)))
    (row,) = [row for row in drawn.splitlines() if first.code in row and first.currency in row]
    assert row.endswith("| ? |")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://docs.example.com/a/b.pdf?x=1&y=2#page=3", "docs.example.com"),
        ("https://Example.COM:8443", "Example.COM"),
        ("https://xn--fsq.example/~me/a_b-c%20d", "xn--fsq.example"),
        ("http://example.com/a", ""),
        ("javascript:alert(1)", ""),
        ("HTTPS://example.com", "example.com"),
        ("https://user:pass@example.com/", ""),
        ("https://example.com@evil.example/", ""),
        ("https://127.0.0.1/a", ""),
        ("https://localhost/a", ""),
        ("https://example.com/a) [x](https://evil.example", ""),
        ("https://example.com/<b>", ""),
        ("https://example.com/`a`", ""),
        ('https://example.com/"a"', ""),
        ("https://example.com/a\\b", ""),
        ("https://example.com/a b", ""),
        ("https://example.com/a\nb", ""),
        ("https://exämple.com/", ""),
        ("https://example.com/\u202e", ""),
        ("https://example.com/&copy;", ""),
        ("https://example.com/" + "a" * 1001, ""),
        ("REV-2026-003", ""),
        ("", ""),
    ],
)
def test_only_an_https_address_is_a_link_and_it_shows_its_host(text, host):
    found = [token for token in tokens(f"Support: {link(text)}") if token.type == "link_open"]
    if not host:
        assert found == []
        return
    (opened,) = found
    assert opened.attrs["href"].lower() == text.lower()
    assert f"[{code(host)}](" in link(text)


def test_the_support_of_an_entry_is_a_link_in_its_details():
    address = "https://docs.example.com/rev/2026-003.pdf"
    scene = Scene().entry(TRUE_UP, entry(SupportingDocument__c=address))
    drawn = plan_markdown(scene.plan())
    assert f"Support: [<code>docs.example.com</code>]({address})" in drawn
    links = [token.attrs["href"] for token in tokens(drawn) if token.type == "link_open"]
    assert links == [address]


def large(creates, removals):
    scene = Scene()
    scene.policy = Policy(max_removals=removals)
    for number in range(creates):
        amount = f"{number + 1}.00"
        scene.entry(f"2026-01-a{number:03}", entry(debit(amount), credit(amount)))
    for number in range(removals):
        scene.entry(f"2026-01-r{number:03}", was=entry(debit("1.00"), credit("1.00")))
    return scene.plan()


def test_what_does_not_fit_in_the_head_is_folded_and_nothing_is_lost():
    """Twenty rows of each part stand in the comment itself; all others are below, each once."""
    drawn = plan_markdown(large(30, 25), limit=200_000)
    head, _, _ = drawn.partition("<details>")
    assert head.count("USD 1.00 cancelled\n") == 20
    assert "- and 5 more" in head
    assert "More cancelled entries</summary>" in drawn
    assert "More changes</summary>" in drawn
    for number in range(25):
        assert (
            drawn.count(f"> - `- remove` <code>2026-01-r{number:03}</code>")
            + drawn.count(f"\n- `- remove` <code>2026-01-r{number:03}</code>")
            == 1
        )
    for number in range(30):
        assert drawn.count(f"| `+ create` | <code>2026-01-a{number:03}</code>") == 1


def test_the_order_is_verdict_missing_destructive_impact_details():
    drawn = plan_markdown(SCENES["everything"]().plan())
    order = [
        "### ", "**Can be applied.**", "**Blocked**", "[!CAUTION]", "**Largest change**",
        "**Impact**", "| Balance |", "| Action |", "<details>", "Digest: ",
    ]  # fmt: skip
    places = [drawn.index(piece) for piece in order]
    assert places == sorted(places)


def test_an_update_says_what_changes():
    drawn = plan_markdown(SCENES["update"]().plan())
    (row,) = [row for row in drawn.splitlines() if row.startswith("| `~ update`")]
    assert "<code>notes</code>: <code>&#34;True-up of deferred revenue&#34;</code> → " in row
    assert "12,500.00" not in row


def test_the_largest_change_is_compared_in_the_home_currency():
    """Where no home currency is known, each currency has its largest change."""
    scene = Scene().entry("2026-01-a", entry(debit("5.00"), credit("5.00")))
    scene.entry("2026-01-b", was=entry(debit("9.00"), credit("9.00")))
    scene.entry("2026-01-kept", entry(), was=entry())
    lines = debit("1.00", home="30.00"), credit("1.00", home="30.00")
    scene.entry("2026-01-eur", entry(*lines, currency="EUR"))
    plan = scene.plan()

    def largest(plan):
        return [(one.name, amount) for one, amount in view_of(plan).largest]

    assert largest(plan) == [("2026-01-eur", "EUR 1.00"), ("2026-01-eur", "USD 30.00")]
    rated = replace(plan, rates={"USD": {"EUR": Decimal("31.5")}})
    assert largest(rated) == [("2026-01-eur", "USD 31.50")]
    unknown = replace(plan, basis=replace(plan.basis, home_currency=None))
    assert largest(unknown) == [("2026-01-eur", "EUR 1.00"), ("2026-01-b", "USD 9.00")]


def material(limits):
    scene = scene_of_everything()
    scene.policy = Policy(materiality={name: Decimal(least) for name, least in limits.items()})
    return scene.plan()


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        pytest.param({}, [], id="no limits"),
        pytest.param({"USD": "70000.00"}, [], id="nothing reaches it"),
        pytest.param({"USD": "61400.00"}, [("2026-01-hosting", "USD 61,400.00")], id="equal"),
        pytest.param({"USD": "12500.05"}, [("2026-01-hosting", "USD 61,400.00"),
                                           ("2026-01-true-up", "USD 12,500.10")],
                     id="what is posted instead counts"),
        pytest.param({"USD": "12500.00"}, [("2026-01-hosting", "USD 61,400.00"),
                                           ("2026-01-true-up", "USD 12,500.10")],
                     id="an update moves nothing, and what is blocked does not happen"),
        pytest.param({"USD": "1.00"}, [("2026-01-hosting", "USD 61,400.00"),
                                       ("2026-01-true-up", "USD 12,500.10"),
                                       ("2026-01-obsolete", "USD 75.00")],
                     id="the largest is first"),
        pytest.param({"EUR": "1"}, [("2026-01-hosting", "USD 61,400.00, without a limit"),
                                    ("2026-01-obsolete", "USD 75.00, without a limit"),
                                    ("2026-01-true-up", "USD 12,500.10, without a limit")],
                     id="an amount that no limit covers"),
    ],
)  # fmt: skip
def test_a_material_change_is_named_in_every_form(limits, named):
    plan = material(limits)
    assert [(one.name, amount) for one, amount in view_of(plan).material] == named
    text, drawn = plain_text(plan_lines(plan)), plan_markdown(plan)
    assert text.count("Material: ") == len(named)
    assert ("**Material changes**" in drawn) == bool(named)
    for name, amount in named:
        assert re.search(rf"^Material: \S+ \w+ {name}, {amount}$", text, re.MULTILINE)
    report = plan_html(plan)
    assert ("Material by the policy:" in report) == bool(named)
    for name, amount in named:
        assert re.search(rf"<li>[^\n]*{name}[^\n]*, {amount}</li>", report)
    document = json.loads(plan_text(plan))["controls"].get("materiality", {"changes": []})
    assert [row["because"] for row in document["changes"]] == [amount for _, amount in named]
    read = plan_of_text(plan_text(plan))
    assert (read.materiality, read.digest) == (plan.materiality, plan.digest)
    must_fit("plan", plan_text(plan))


def test_a_journal_run_is_material_because_its_amounts_are_unknown():
    scene = run_scenes.SCENES["create"]()
    scene.policy = Policy(materiality={"USD": Decimal("1.00")})
    ((_, why),) = view_of(scene.plan()).material
    assert why == "amounts known only after the run"


def test_the_digest_covers_the_limits_of_materiality():
    assert material({"USD": "70000.00"}).digest != material({"USD": "80000.00"}).digest


def test_a_saved_plan_whose_limit_is_no_number_is_refused():
    document = json.loads(plan_text(material({"USD": "1.00"})))
    document["controls"]["materiality"]["limits"]["USD"] = "NaN"
    document["checksum"] = checksum_of(document)
    with pytest.raises(ReconcilerError, match=r"controls\.materiality\.limits"):
        plan_of_text(json.dumps(document))
