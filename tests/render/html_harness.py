"""What tests of the HTML report share: its scenes, large plans, and a document as its parts."""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from html.parser import HTMLParser

import plan_scenes
import run_scenes
from builders import plan_warning
from hostile_texts import plan_of
from plan_scenes import EUR, LONG, LONG_BEFORE, NAMES, Scene, credit, debit, entry

from reconciler.core.model.plan import Allowances
from reconciler.core.model.policy import Policy
from reconciler.core.model.scope import OutOfScope, Provenance, Scope

SCENES = {
    **{
        name: plan_scenes.SCENES[name]
        for name in (
            "create",
            "create-foreign",
            "update",
            "update-line-notes",
            "replace",
            "replace-currency",
            "replace-one-of-many-lines",
            "remove",
            "forget",
            "blocked-transferred",
            "reversal",
            "dimension-moved",
            "transfers",
            "waiting",
            "rehearsal-refused",
            "rehearsal-differs",
            "drift-notes",
            "drift-gone",
            "refused-too-many-removals",
            "everything",
            "nothing",
            "nothing-at-all",
        )
    },
    **{
        f"run-{name}": run_scenes.SCENES[name]
        for name in ("create", "replace", "held", "in-part", "adopt")
    },
}


def whole_plan():
    """A plan with every part that a report has: a run, several currencies, drift, and refusals."""
    held = run_scenes.HELD
    scene = run_scenes.RunScene().run(run_scenes.spec(), was=None)
    scene.entry("2026-01-eur", EUR).entry("2026-01-line", LONG, was=LONG_BEFORE)
    scene.entry("2026-01-moved", entry(notes="Checked"), was=entry(), live={"notes": "By hand"})
    scene.entry("2026-01-gone", was=entry(debit("75.00"), credit("75.00")))
    scene.entry(
        "2026-01-sent",
        entry(debit("8.00"), credit("8.00")),
        was=entry(debit("7.00"), credit("7.00")),
        live={"transferredToAccounting": "Yes"},
    )
    scene.adopt("je-00000044", held[3], entry(notes="x"))
    scene.policy = Policy(max_money={"USD": Decimal("1.00")})
    scene.warnings = (plan_warning("the Reference is a month old"),)
    origin = Provenance(commit="4f1c0de9a7b2", made_at="2026-02-02T08:14:05Z")
    plan = scene.plan()
    scope, unseen = Scope(periods=("Jan-2026",)), OutOfScope(declared=3)
    return replace(plan, basis=replace(plan.basis, origin=origin), scope=scope, out_of_scope=unseen)


CODES = tuple(NAMES)
PERIODS = (("Jan-2026", "2026-01-31"), ("Feb-2026", "2026-02-28"))


def large_plan(count):
    """So many changes: of ten, five are created, three replaced, one removed, one updated."""
    scene = Scene()
    scene.allowances = Allowances(max_removals=count)
    for at in range(count):
        period, date = PERIODS[at % 2]
        dated = {"accountingPeriodName": period, "journalEntryDate": date}
        name, amount = f"2026-01-accrual-{at:04}", f"{at + 1}.{at % 100:02}"
        codes = CODES[at % 5], CODES[5 + at % 2]
        was, now = (
            entry(debit(sum_, codes[0]), credit(sum_, codes[1]), notes=notes, **dated)
            for sum_, notes in (("1.00", "Estimate"), (amount, f"Accrual {at}, as agreed"))
        )
        if at % 10 < 5:
            scene.entry(name, now)
        elif at % 10 < 8:
            scene.entry(name, now, was=was)
        elif at % 10 == 8:
            scene.entry(name, was=was)
        else:
            scene.entry(name, now, was={**now, "notes": "Estimate"})
    return scene.plan()


@dataclass
class Parts(HTMLParser):
    """A document's tags with their attributes, its text, and what its scripts and styles say."""

    text: str = ""
    tags: list = field(default_factory=list)
    raw: dict = field(default_factory=lambda: {"script": [], "style": []})
    rows: list = field(default_factory=list)
    _inside: str = ""

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), f"an attribute stands twice: {attributes}"
        self.tags.append((tag, dict(attributes)))
        if tag in self.raw:
            self._inside = tag
            self.raw[tag].append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, text):
        if self._inside:
            self.raw[self._inside][-1] += text
        else:
            self.text += text
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] += text


def parts_of(document):
    parts = Parts()
    parts.feed(document)
    parts.close()
    return parts


def without_our_own(document):
    """A document without its style, its script and their hashes: what differs from plan to plan."""
    document = re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-…", document)
    kept = re.compile(r"<(style|script)>(?!@page|document).*?</\1>", re.DOTALL)
    return kept.sub(r"<\1>…</\1>", document)


MARKUP = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "end of a style": "</style><script>alert(1)</script>",
    "end of a string": "'\"`; } * { display: none } /*",
    "comment": "--><!--",
    "entity": "&lt;b&gt; &#x202e;",
    "template": "{{ 7 * 7 }} {% raw %}",
    "address": "javascript:alert(1)",
}


def everywhere(text):
    """A plan with a text wherever a file, the server or a person could have put it."""
    plan = plan_of(text)
    basis = replace(
        plan.basis, workspace=text, host=text, tenant_id=text, origin=Provenance(commit=text)
    )
    drift = tuple(replace(moved, status=text) for moved in plan.drift)
    scope = Scope(targets=(text,))
    return replace(plan, basis=basis, drift=drift, scope=scope, digest=text)
