"""Texts that move a cursor, hide a line or forge one, and a plan that holds them."""

import re
import unicodedata

from builders import plan_warning
from plan_scenes import TRUE_UP, Scene, credit, debit, entry

HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear the screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;https://x.invalid\x1b\\text\x1b]8;;\x1b\\",
    "8-bit control": "\x9b31m",
    "carriage return": "harmless\rNo changes.",
    "line feed": "x\nPlan: 0 to create.\nDigest: sha256:0",
    "backspace": "1000\b\b\b\b1",
    "null": "a\x00b",
    "delete": "a\x7fb",
    "right to left": "a\u202e000.1\u202c",
    "isolate": "\u2066a\u2069",
    "mark": "a\u200eb\u061c",
    "line separator": "a\u2028Plan: 0 to create.",
    "paragraph separator": "a\u2029b",
    "next line": "a\x85b",
    "vertical tab": "a\x0bb\x0cc",
    "zero width": "Deferred\u200bRevenue",
    "joiner": "a\u2060b\ufeffc",
    "runner command": "\n::error file=x::forged",
    "surrogate": "a\ud800b",
    "tag": "a\U000e0041b",
    "variation": "a\ufe0fb",
    "blank letter": "Sales\u3164 \u115f\u1160\uffa0\u2800",
    "other spaces": "Cost\u00a0Center\u2009\u202f\u205f",
    "invisible mark": "a\u034fb\u180e\u17b4c",
    "joiner of nothing": "A\u200d",
    "many joiners": "\u0628\u200c\u200c\u0628",
    "tower of marks": "e" + "\u0489\u0335" * 20,
    "variation of an ideograph": "\u8fbb\U000e0100",
    "soft hyphen": "a\u00adb",
    "markup": "[bold red]x[/]",
}


UNSAFE = {"Cc", "Cs", "Zl", "Zp"}


TURNING = set(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(0xE0100)}
"""Letters and marks that nobody sees."""


def is_safe(text):
    rest = text.replace("\n", "")
    return (
        not any(unicodedata.category(char) in UNSAFE or char in TURNING | BLANK for char in rest)
        and not re.search("[A-Za-z][\ufe00-\ufe0f\u200c\u200d]|\u200c\u200c", rest)
        and not re.search("[\u0300-\u036f\u0483-\u0489]{3}", rest)
    )


CALM = entry(debit("1.00", notes="calm"), credit("1.00"), notes="calm", Preparer__c="calm")


def plan_of(text):
    spec = entry(
        debit("1.00", text), credit("1.00"), notes=text, Preparer__c=text, accountingPeriodName=text
    )
    scene = Scene().entry(TRUE_UP, spec).entry("2026-01-was", CALM, was=spec)
    scene.entry("2026-01-moved", CALM, was=CALM, live={"notes": text})
    scene.entry("2026-01-theirs", entry(notes="x"), was=CALM, marker=text)
    scene.entry("2026-01-odd", CALM, was=CALM, status=text)
    scene.warnings = (plan_warning(text),)
    return scene.plan()
