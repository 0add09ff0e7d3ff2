"""`fmt`: one canonical spelling, and never another value, comment or document."""

import pathlib
import re
from decimal import Decimal

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.model.tenant import Tenant
from reconciler.workspace.formatter.formatter import FormatRefused, format_text
from reconciler.workspace.yaml_reader import read

ROOT = pathlib.Path(__file__).parent.parent.parent
FILES = sorted([*(ROOT / "journals").rglob("*.yaml"), *(ROOT / "tests/errors").glob("*.yaml")])
NOTHING_KNOWN = Tenant()
HEAD = "apiVersion: journal.reconciler/v1\nkind: JournalEntry\nmetadata: {name: accrual}\n"


def fmt(text, tenant=NOTHING_KNOWN):
    formatted = format_text(text, tenant)
    assert format_text(formatted, tenant) == formatted
    return formatted


def values(text):
    documents, problems = read(text.encode(), path="")
    assert problems == ()
    return [document.value for document in documents]


def comments(text):
    """The comments of a text whose scalars hold no `#`."""
    return sorted(match.rstrip() for match in re.findall(r"#[^\n]*", text))


def test_a_whole_entry():
    text = """\
# yaml-language-server: $schema=../schemas/journal-entry.schema.json
# Prepared by hand.

kind: JournalEntry   # the kind
apiVersion: journal.reconciler/v1
spec:
    # The lines.
    journalEntryItems:
    # What we owe.
    - amount: "400.9"   # net
      type: 'Debit'
      accountingCodeName: Deferred Revenue

    - {type: Credit,
       accountingCodeName: 'Subscription: Revenue', amount: 400.9}
    Zeta__c: ~
    transferredToAccounting: No
    Alpha__c: 012
    currency:   USD

    # The period.
    accountingPeriodName: "Jan-2026"
    journalEntryDate: 2026-01-31
metadata: {labels: {b: "1", a: yes}, name: "accrual"}
# The end.
"""
    assert (
        fmt(text)
        == """\
# yaml-language-server: $schema=../schemas/journal-entry.schema.json
# Prepared by hand.

apiVersion: journal.reconciler/v1
kind: JournalEntry  # the kind
metadata: {name: accrual, labels: {b: "1", a: "yes"}}
spec:
  # The period.
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  transferredToAccounting: "No"
  Alpha__c: "012"
  Zeta__c: null
  # The lines.
  journalEntryItems:
    # What we owe.
    - accountingCodeName: Deferred Revenue
      type: Debit
      amount: 400.90  # net

    - {accountingCodeName: "Subscription: Revenue", type: Credit, amount: 400.90}
# The end.
"""
    )


def test_a_whole_run():
    text = """\
kind: JournalRun
apiVersion: journal.reconciler/v1
spec:
    transactionTypes:
    - type: 'Invoice Item'   # billed
    - {
        type: "Invoice Item Adjustment (Tax)" }
    organizationLabels: [ {cascadingDown: true, organizationName: "Acme Europe"} ]
    journalEntryDate: 2026-01-31
    # Half a month.
    targetEndDate: 2026-01-15
    targetStartDate: 2026-01-01
metadata: {adopts: JR-00000008, name: "billing"}
"""
    assert (
        fmt(text)
        == """\
apiVersion: journal.reconciler/v1
kind: JournalRun
metadata: {name: billing, adopts: JR-00000008}
spec:
  targetStartDate: 2026-01-01
  # Half a month.
  targetEndDate: 2026-01-15
  journalEntryDate: 2026-01-31
  organizationLabels: [{organizationName: Acme Europe, cascadingDown: true}]
  transactionTypes:
    - type: Invoice Item  # billed
    - {type: Invoice Item Adjustment (Tax)}
"""
    )


def test_types_on_one_line_open_where_they_do_not_fit():
    types = [f"{{type: External Refund Application Item {at}}}" for at in range(4)]
    text = f"spec:\n  transactionTypes: [{', '.join(types)}]\n"
    rows = "".join(f"    - {row}\n" for row in types)
    assert fmt(text) == f"spec:\n  transactionTypes:\n{rows}"


@pytest.mark.parametrize(
    ("currency", "written", "spelt"),
    [
        ("USD", "400.9", "400.90"),
        ("USD", "400", "400.00"),
        ("USD", '"400.9"', "400.90"),
        ("USD", "400.900", "400.900"),
        ("EUR", '"1.000"', '"1.000"'),
        ("EUR", "'1.000'", "'1.000'"),
        ("USD", "1.005", "1.005"),
        ("USD", "123456789012345.1", "123456789012345.10"),
        ("JPY", "500", "500"),
        ("JPY", "500.00", "500.00"),
        ("JPY", "500.5", "500.5"),
        ("KWD", "1.5", "1.500"),
        ("XYZ", "1.50", "1.50"),
        ("XYZ", '"1.50"', "1.50"),
        ("USD", "-1.5", "-1.5"),
        ("USD", '"1e3"', '"1e3"'),
        ("USD", "1,5", "1,5"),
    ],
)
def test_an_amount_gets_the_decimals_of_its_currency(currency, written, spelt):
    text = f"{HEAD}spec:\n  currency: {currency}\n  journalEntryItems:\n    - amount: {written}\n"
    assert f"    - amount: {spelt}\n" in fmt(text)


def test_amounts_in_home_currency_need_to_know_which_it_is():
    text = f"{HEAD}spec:\n  currency: JPY\n  journalEntryItems:\n    - homeCurrencyAmount: 1.5\n"
    assert "homeCurrencyAmount: 1.5\n" in fmt(text)
    assert "homeCurrencyAmount: 1.50\n" in fmt(text, Tenant(home_currency="USD"))


def test_limits_and_other_numbers_stay_as_written():
    text = HEAD.replace("JournalEntry", "Workspace") + (
        "spec: {policy: {limits: {removals: 3, money: {USD: 1000000.0}}}}\n"
    )
    assert fmt(text) == text


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        pytest.param("No", '"No"', id="a word other readers take for false"),
        pytest.param('"No"', '"No"', id="the same in quotes"),
        pytest.param("n", '"n"', id="one letter that is a boolean in YAML 1.1"),
        pytest.param("12_000", '"12_000"', id="a number of YAML 1.1"),
        pytest.param("10:30", '"10:30"', id="a number to the base of sixty"),
        pytest.param("0o7", '"0o7"', id="an octal number of YAML 1.2"),
        pytest.param("1e3", '"1e3"', id="a float of YAML 1.2"),
        pytest.param(".inf", '".inf"', id="infinity"),
        pytest.param('"400.90"', '"400.90"', id="text that looks like a number"),
        pytest.param("'true'", '"true"', id="text that looks like a boolean"),
        pytest.param("2026-01-31", "2026-01-31", id="a date"),
        pytest.param('"2026-01-31"', '"2026-01-31"', id="a date in quotes"),
        pytest.param("'plain text'", "plain text", id="quotes nobody needs"),
        pytest.param('"a: b"', '"a: b"', id="a colon"),
        pytest.param('"a:b"', "a:b", id="a colon that is text"),
        pytest.param('"a #b"', '"a #b"', id="what would be a comment"),
        pytest.param('"- a"', '"- a"', id="a dash"),
        pytest.param('"it\'s"', "it's", id="an apostrophe"),
        pytest.param('"say \\"x\\": y"', "'say \"x\": y'", id="double quotes"),
        pytest.param('" a "', '" a "', id="space around"),
        pytest.param('""', '""', id="empty text"),
        pytest.param('"a\\tb"', '"a\\tb"', id="a tab"),
        pytest.param("~", "null", id="null"),
        pytest.param("", "null", id="nothing"),
        pytest.param("Zürich 💰", "Zürich 💰", id="letters of the world"),
    ],
)
def test_a_text_has_quotes_where_a_reader_could_err(written, spelt):
    assert fmt(f"key: {written}\n") == f"key: {spelt}\n"
    assert fmt(f"- {{key: {written}}}\n") == f"- {{key: {spelt}}}\n"


def test_a_text_may_need_quotes_only_between_brackets():
    assert fmt("- 'a, b'\n- ['a, b']\n") == '- a, b\n- ["a, b"]\n'


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        pytest.param("a: {b: 1}\n", "a: {b: 1}\n", id="braces that fit stay"),
        pytest.param(
            "a: {b: 1,\n    c: 2}\n", "a: {b: 1, c: 2}\n", id="braces over lines close up"
        ),
        pytest.param(
            f"a: {{b: {'x' * 70}, c: {'y' * 70}}}\n",
            f"a:\n  b: {'x' * 70}\n  c: {'y' * 70}\n",
            id="braces that do not fit open",
        ),
        pytest.param("a:\n    b: 1\n", "a:\n  b: 1\n", id="two spaces"),
        pytest.param("a:\n- 1\n", "a:\n  - 1\n", id="items indented"),
        pytest.param("-   - 1\n    - 2\n", "- - 1\n  - 2\n", id="items in items"),
        pytest.param("a: []\nb: {}\n", "a: []\nb: {}\n", id="empty collections"),
        pytest.param("a: 1\n\n\n\nb: 2\n", "a: 1\n\nb: 2\n", id="one blank line"),
        pytest.param("a:\n\n  b: 1\n", "a:\n  b: 1\n", id="none below a key"),
        pytest.param("a: 1   \n", "a: 1\n", id="space at the end of a line"),
        pytest.param("a: 1", "a: 1\n", id="a last line feed"),
        pytest.param("a: |\n    x\n     y\n\n    z\n", "a: |\n  x\n   y\n\n  z\n", id="literal"),
        pytest.param('a: "x\\ny"\n', "a: |-\n  x\n  y\n", id="lines become a literal"),
        pytest.param('a: " x\\ny"\n', 'a: " x\\ny"\n', id="but not after a space"),
        pytest.param("a: >-\n  b\n  c\n", "a: b c\n", id="folded text that fits"),
        pytest.param(
            f"a: {'word ' * 25}\n",
            f"a: >-\n  {('word ' * 19).strip()}\n  {('word ' * 6).strip()}\n",
            id="text that does not fit folds",
        ),
        pytest.param("a: 1\n---\nb: 2\n", "a: 1\n---\nb: 2\n", id="two documents"),
        pytest.param(
            "---\na: 1\n...\n---\nb: 2\n", "---\na: 1\n---\nb: 2\n", id="marked documents"
        ),
        pytest.param("a: 1\r\n\r\nb: [ 2 ]\r\n", "a: 1\r\n\r\nb: [2]\r\n", id="Windows line ends"),
    ],
)
def test_layout(text, formatted):
    assert fmt(text) == formatted


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        pytest.param("a: 1 # x\n", "a: 1  # x\n", id="beside"),
        pytest.param("a: # x\n  b: 1\n", "a:  # x\n  b: 1\n", id="beside a key"),
        pytest.param("# x\n\n# y\na: 1\n", "# x\n\n# y\na: 1\n", id="heading"),
        pytest.param("# x\n---\n# y\na: 1\n", "# x\n---\n# y\na: 1\n", id="before the mark"),
        pytest.param("a: 1\n# x\n---\nb: 1\n", "a: 1\n# x\n---\nb: 1\n", id="end of a document"),
        pytest.param("a:\n  - 1\n  # x\nb: 2\n", "a:\n  - 1\n  # x\nb: 2\n", id="end of a list"),
        pytest.param("a:\n  - 1\n# x\nb: 2\n", "a:\n  - 1\n# x\nb: 2\n", id="before the next"),
        pytest.param("a: [1, # x\n  2]\n", "a:\n  - 1  # x\n  - 2\n", id="inside brackets"),
        pytest.param("- # x\n  a: 1\n", "# x\n- a: 1\n", id="beside a dash"),
        pytest.param("a: 'b#c' #d\n", "a: b#c  #d\n", id="after text with a hash"),
        pytest.param("a: | # x\n  b\n  c\n", "a: |  # x\n  b\n  c\n", id="beside a block"),
        pytest.param("a: | # x", 'a: ""  # x\n', id="beside a block without lines"),
        pytest.param("a: |\n  b", "a: b\n", id="no comment, no last line feed"),
        pytest.param("a: |+\n  b\n\n", 'a: "b\\n\\n"\n', id="kept line feeds"),
        pytest.param("a: >- # x\n  b\n", "a: b  # x\n", id="beside a block that fits a line"),
        pytest.param("a: >-\n  b\n  # c\n# d\n", 'a: "b # c"\n# d\n', id="after a block"),
    ],
)
def test_comments_stay_where_they_belong(text, formatted):
    assert fmt(text) == formatted


def test_a_comment_moves_with_its_field():
    date = "  # of the date\n  journalEntryDate: 2026-01-31\n"
    money = "  # of the money\n  currency: USD\n"
    assert fmt(f"spec:\n{date}{money}{HEAD}") == f"{HEAD}spec:\n{money}{date}"


@pytest.mark.parametrize(
    "text", ["a: &x 1\n", "a: [\n", "\ufeffa: 1\n", "a: \ud800\n", "a: 1\na: 2\n"]
)
def test_a_file_with_problems_is_not_touched(text):
    with pytest.raises(FormatRefused) as refused:
        format_text(text, NOTHING_KNOWN)
    assert refused.value.problems


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_a_file_without_documents_is_not_touched(text):
    with pytest.raises(FormatRefused, match="no document"):
        format_text(text, NOTHING_KNOWN)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_this_repository_keep_what_they_say(path):
    try:
        text = path.read_bytes().decode()
        formatted = fmt(text)
    except (UnicodeDecodeError, FormatRefused):
        assert path.parent.name == "errors"
        return
    assert comments(formatted) == comments(text)
    before, after = values(text), values(formatted)
    assert [sorted(map(repr, flat(value))) for value in before] == [
        sorted(map(repr, flat(value))) for value in after
    ]


def flat(value, path=()):
    """Every value with its path; amounts as numbers without superfluous zeros."""
    if isinstance(value, dict):
        return [pair for key in value for pair in flat(value[key], (*path, key))]
    if isinstance(value, tuple):
        return [pair for at, item in enumerate(value) for pair in flat(item, (*path, at))]
    if path and path[-1] in ("amount", "homeCurrencyAmount"):
        try:
            return [(path, f"{Decimal(value).normalize():f}")]
        except (ArithmeticError, TypeError):
            return [(path, value)]
    return [(path, value)]


SCALARS = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=20)
    | st.sampled_from(["No", "null", "a: b", "a #b", "- x", "x\ny", " x", "x\n", "word " * 30, "{"])
    | st.booleans()
    | st.none()
    | st.integers(-(10**9), 10**9)
)
KEYS = st.sampled_from(["spec", "kind", "notes", "amount", "a", "b: c", "Key__c", "No", "x, y"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(
    tree=TREES,
    flow=st.sampled_from([True, False, None]),
    indent=st.integers(2, 6),
    width=st.sampled_from([20, 80, 1000]),
    notes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), max_size=5),
)
def test_any_tree_with_comments_anywhere_survives(tree, flow, indent, width, notes):
    text = yaml.safe_dump(
        tree, default_flow_style=flow, indent=indent, width=width, allow_unicode=True
    )
    lines = text.splitlines()
    for position, column in notes:
        lines.insert(min(position, len(lines)), " " * column + "# note")
    text = "\n".join(lines) + "\n"
    documents, problems = read(text.encode(), path="")
    assume(not problems and documents)
    formatted = fmt(text)
    assert values(formatted) == [document.value for document in documents]
    assert formatted.count("# note") == text.count("# note")
