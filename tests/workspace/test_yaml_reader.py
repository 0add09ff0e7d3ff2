"""The strict loader: what a file means, what is refused, and that nothing else ever happens."""

import time
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.workspace.yaml_reader import read

ENTRY = b"""\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {name: accrual, labels: {team: "revenue"}}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  notes: |
    True-up of d\xc3\xa9ferred revenue
  journalEntryItems:
    - {accountingCodeName: Deferred Revenue, type: Debit, amount: 400.90}
    - {accountingCodeName: 'Subscription Revenue', type: Credit, amount: "400.90"}
"""


# What other readers, or other versions of YAML, take for something else.
TEXTUAL = (
    *("No", "Yes", "on", "off", "y", "n", "True", "FALSE", "Null", "NULL"),
    *("2026-01-31", "2026-02-30", "10:30", "012", "00", "-012", "0x10", "0o7", "0b1", "1_000"),
    *(".inf", "-.inf", ".nan", "NaN", "Infinity", "1e3", "1.5E-3", "+5", ".5", "5.", "--", "-x"),
    *("1.2.3", "4,5", "400.90USD", "\uff14\uff10\uff10", "\u0663"),
)


def value_of(text):
    documents, problems = read(text.encode(), path="a.yaml")
    assert problems == ()
    return documents[0].value


def refusals(data):
    documents, problems = read(data, path="a.yaml")
    assert documents == ()
    return [(problem.rule, problem.line, problem.column) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("true", True, id="true"),
        pytest.param("false", False, id="false"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        *[pytest.param(text, text, id=f"text {text!a}") for text in TEXTUAL],
        pytest.param('"400.90"', "400.90", id="quoted number"),
        pytest.param("'true'", "true", id="quoted boolean"),
        pytest.param('""', "", id="quoted nothing"),
        pytest.param('"a\\tb\\nc"', "a\tb\nc", id="tab and line feed"),
        pytest.param("Zürich €", "Zürich €", id="composed letters"),
        pytest.param("[a, [b], {c: d}]", ("a", ("b",), {"c": "d"}), id="collections"),
    ],
)
def test_meaning_of_a_scalar(text, value):
    assert value_of(f"key: {text}\n") == {"key": value}


@pytest.mark.parametrize(
    "text", ["0", "-0", "7", "400.90", "400.9", "-12.500", "0.1", "99999999999999999999.123456789"]
)
def test_a_number_is_the_decimal_of_its_source_text(text):
    value = value_of(f"key: {text}\n")["key"]
    assert isinstance(value, Decimal)
    assert str(value) == text


def test_tenths_are_exact():
    assert sum(value_of("[0.1, 0.2]")) == Decimal("0.3")


def test_documents_keep_their_lines():
    documents, _ = read(b"# one\na: 1\n---\n# two\nb: 2\n---\n", path="a.yaml")
    assert [(document.value, document.line) for document in documents] == [
        ({"a": Decimal(1)}, 2),
        ({"b": Decimal(2)}, 5),
        (None, 7),
    ]


def test_windows_line_ends_are_line_ends():
    documents, problems = read(b"a: 1\r\nb: |\r\n  x\r\n  y\r\n", path="a.yaml")
    assert problems == ()
    assert documents[0].value == {"a": Decimal(1), "b": "x\ny\n"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"a: 1\na: 2\n", [("yaml-duplicate-key", 2, 1)], id="duplicate key"),
        pytest.param(b'a: 1\n"a": 2\n', [("yaml-duplicate-key", 2, 1)], id="duplicate, quoted"),
        pytest.param(
            b"a: &x 1\nb: *x\n", [("yaml-alias", 1, 4), ("yaml-alias", 2, 4)], id="anchor and alias"
        ),
        pytest.param(b"*x : 1\n", [("yaml-alias", 1, 1)], id="alias as a key"),
        pytest.param(b"&x a: 1\n", [("yaml-alias", 1, 1)], id="anchor on a key"),
        pytest.param(b"a: {<<: {b: 1}}\n", [("yaml-merge-key", 1, 5)], id="merge key"),
        pytest.param(b"a: !x 1\n", [("yaml-tag", 1, 4)], id="local tag"),
        pytest.param(b"a: !!str 1\n", [("yaml-tag", 1, 4)], id="standard tag"),
        pytest.param(b"a: ! 1\n", [("yaml-tag", 1, 4)], id="tag without a name"),
        pytest.param(b"a: !!python/object:os.system []\n", [("yaml-tag", 1, 4)], id="object tag"),
        pytest.param(b"%YAML 1.1\n---\na: 1\n", [("yaml-directive", 1, 1)], id="version"),
        pytest.param(b"%TAG ! x:\n---\na: 1\n", [("yaml-directive", 1, 1)], id="tag directive"),
        pytest.param(b"1: a\n", [("yaml-key", 1, 1)], id="number as a key"),
        pytest.param(b"true: a\n", [("yaml-key", 1, 1)], id="boolean as a key"),
        pytest.param(b"?\n: a\n", [("yaml-key", 1, 2)], id="nothing as a key"),
        pytest.param(b"? [a]\n: b\n", [("yaml-key", 1, 3)], id="list as a key"),
        pytest.param(b'"a\\nb": c\n', [("yaml-key", 1, 1)], id="line feed in a key"),
        pytest.param(b"a: \x07\n", [("yaml-control-character", 1, 4)], id="bell"),
        pytest.param(b"a: \x00b\n", [("yaml-control-character", 1, 4)], id="nul"),
        pytest.param(b'a: "\\e[2K"\n', [("yaml-control-character", 1, 4)], id="escape, escaped"),
        pytest.param(b'a: "\\r"\n', [("yaml-line-break", 1, 4)], id="carriage return, escaped"),
        pytest.param(b'a: "\\N"\n', [("yaml-line-break", 1, 4)], id="next line, escaped"),
        pytest.param(b'a: "\\u202e"\n', [("yaml-bidi", 1, 4)], id="override, escaped"),
        pytest.param(
            "a: x # \u2028b: y\n".encode(), [("yaml-line-break", 1, 8)], id="key behind a comment"
        ),
        pytest.param("a: x # \x85b: y\n".encode(), [("yaml-line-break", 1, 8)], id="next line"),
        pytest.param(b"a: x # \rb: y\n", [("yaml-line-break", 1, 8)], id="carriage return"),
        pytest.param("a: \ufeffb\n".encode(), [("yaml-control-character", 1, 4)], id="mark inside"),
        pytest.param("a: b # \u202e\n".encode(), [("yaml-bidi", 1, 8)], id="override in comment"),
        pytest.param("a: e\u0301\n".encode(), [("yaml-normalization", 1, 4)], id="decomposed"),
        pytest.param("e\u0301: a\n".encode(), [("yaml-normalization", 1, 1)], id="decomposed key"),
        pytest.param(b'a: "e\\u0301"\n', [("yaml-normalization", 1, 4)], id="decomposed, escaped"),
        pytest.param(b'a: "\\uD800"\n', [("yaml-syntax", 1, 7)], id="lone surrogate"),
        pytest.param(b"a: \xed\xa0\x80\n", [("file-encoding", 1, 4)], id="surrogate in UTF-8"),
        pytest.param(b"a: \xc3\xa9\nb: \xff\n", [("file-encoding", 2, 4)], id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbfa: 1\n", [("file-encoding", 1, 1)], id="byte order mark"),
        pytest.param("a: 1\n".encode("utf-16"), [("file-encoding", 1, 1)], id="UTF-16"),
        pytest.param("a: 1\n".encode("utf-16-le"), [("file-encoding", 1, 1)], id="UTF-16 bare LE"),
        pytest.param("a: 1\n".encode("utf-16-be"), [("file-encoding", 1, 1)], id="UTF-16 bare BE"),
        pytest.param("a: 1\n".encode("utf-32"), [("file-encoding", 1, 1)], id="UTF-32"),
        pytest.param(b"a: " + b"9" * 5000, [("yaml-number-length", 1, 4)], id="5,000 digits"),
        pytest.param(b"a: " + b"[" * 21 + b"]" * 21, [("yaml-depth", 1, 23)], id="depth 22"),
        pytest.param(b"[" * 500_000, [("yaml-depth", 1, 21)], id="half a million brackets"),
        pytest.param(b"? " * 5000, [("yaml-key", 1, 3)], id="keys in keys"),
        pytest.param(b"[" + b"a," * 100_001 + b"]", [("yaml-size", 1, 1)], id="too many values"),
        pytest.param(b"---\n" * 5_001, [("yaml-size", 5_001, 1)], id="too many documents"),
        pytest.param(b"a: [b\n", [("yaml-syntax", 2, 1)], id="open bracket"),
        pytest.param(b"\ta: b\n", [("yaml-syntax", 1, 1)], id="tab as an indent"),
    ],
)
def test_refused_at_its_place(data, expected):
    assert refusals(data)[: len(expected)] == expected


def test_every_problem_of_a_file_is_told():
    rules = [rule for rule, _, _ in refusals(b"a: !x 1\na: &y 2\n1: b\n---\n<<: c\n")]
    assert rules == ["yaml-tag", "yaml-alias", "yaml-duplicate-key", "yaml-key", "yaml-merge-key"]


def test_a_file_full_of_problems_is_told_in_part():
    assert len(refusals(b"a: 1\n" * 50_000)) == 100


def test_twenty_levels_are_fine():
    assert value_of("[" * 20 + "]" * 20)


# What opens a level, how wide that is, and how many levels each opens.
NESTING = {
    "lists in brackets": ("[", 1),
    "mappings in braces": ("{a: ", 1),
    "mappings in braces, quoted": ('{"a":', 1),
    "pairs in brackets": ("[a: ", 2),
    "dashes": ("- ", 1),
    "brackets on lines": ("[\n", 1),
    "bracket and brace": ("[{a: ", 2),
}
BEFORE = {
    "at the top": "",
    "in a later document": "a: b\n---\n",
    "after a comment": "# [[[[\n",
    "after brackets in text": 'x: "[[[[[[[[[[[[[[[[[[[[[[[["\n---\n',
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize(("opening", "levels"), NESTING.values(), ids=NESTING)
def test_the_first_bracket_too_many_is_named_however_many_follow(before, opening, levels):
    """Parsers have limits too, which differ between versions, and scan ahead of what they tell."""

    def opened(times):
        _, problems = read(f"{before}{opening * times}".encode(), path="")
        # What is not closed is no YAML either, where it is not too deep.
        return [(p.rule, p.line, p.column) for p in problems if p.rule != "yaml-syntax"]

    assert opened(20 // levels) == []
    (told,) = opened(20 // levels + 1)
    assert told[0] == "yaml-depth"
    for times in (30, 999, 1000, 1001, 1025, 5000, 500_000):
        assert opened(times) == [told]


@pytest.mark.parametrize("times", [21, 1000, 1001, 500_000])
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("a: {}", ("yaml-depth", 1, 23), id="as a value"),
        pytest.param("a: [1,\n{}", ("yaml-depth", 2, 19), id="inside a list"),
        pytest.param("- - a\n- {}", ("yaml-depth", 2, 22), id="after deeper lists"),
        pytest.param("é: 1\nß: {}", ("yaml-depth", 2, 23), id="after other letters"),
        pytest.param("- a: [b, {}", ("yaml-depth", 1, 27), id="all forms at once"),
        pytest.param("a: 1\n{}", ("yaml-depth", 2, 20), id="where a key must be"),
        pytest.param("a:\n  b: 1\n  {}: 2", ("yaml-depth", 3, 21), id="as an inner key"),
    ],
)
def test_brackets_are_counted_from_where_they_are(form, expected, times):
    assert refusals(form.format("[" * times).encode())[-1] == expected


@pytest.mark.parametrize("times", [21, 1000, 500_000])
def test_mappings_as_keys_are_told_up_to_the_one_too_deep(times):
    keys = [("yaml-key", 1, column) for column in range(2, 21)]
    assert refusals(b"{" * times) == [*keys, ("yaml-key", 1, 21), ("yaml-depth", 1, 21)]
    assert refusals(b"? " * times)[-1] == ("yaml-depth", 1, 41)


def by_indent(levels):
    return "".join(f"{' ' * level}a:\n" for level in range(levels))


@pytest.mark.parametrize("levels", [21, 1000, 1100])
def test_mappings_by_indent_are_counted(levels):
    assert value_of(by_indent(20))
    assert refusals(by_indent(levels).encode()) == [("yaml-depth", 21, 21)]


@pytest.mark.parametrize("times", [21, 1000, 500_000])
@pytest.mark.parametrize("form", ['a: "{}"', "a: '{}'", "a: b{}", "a: b # {}", "a: |\n  {}\n"])
def test_brackets_in_text_open_nothing(form, times):
    assert value_of(form.format("[" * times))


def test_what_breaks_elsewhere_is_told_as_what_it_is():
    assert refusals(b"b" + b"[" * 1000 + b": 1\n" + b"c: @\n") == [("yaml-syntax", 2, 4)]
    assert refusals(b"a: 1\n[b]\n") == [("yaml-syntax", 3, 1)]


def test_problems_before_the_depth_are_kept():
    rules = [rule for rule, _, _ in refusals(b"a: 1\na: !x 2\n---\n" + b"[" * 5000)]
    assert rules == ["yaml-tag", "yaml-duplicate-key", "yaml-depth"]
    assert len(refusals(b"a: 1\n" * 95 + b"---\n" + b"{" * 5000)) == 100


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"a: " + b"1" * 1_000_000, id="a million digits"),
        pytest.param(b"a: " + b"'" * 1_000_000, id="a million quotes"),
        pytest.param(b"- " * 500_000, id="dashes"),
        pytest.param(b"{" * 1_000_000, id="braces"),
        pytest.param(b"a:\n" * 300_000, id="one key, over and over"),
        pytest.param(b"#" + b"\n\n" * 500_000, id="empty lines"),
        pytest.param(b"a: |\n" + b" \n" * 500_000, id="an empty block"),
        pytest.param(b"!" * 1_000_000, id="exclamation marks"),
        pytest.param(b"&a " * 300_000, id="anchors"),
    ],
)
def test_a_large_file_is_refused_or_read_in_seconds(data):
    started = time.process_time()
    read(data, path="a.yaml")
    assert time.process_time() - started < 10


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=30
).filter(lambda text: read(yaml.safe_dump(text).encode(), path="")[1] == ())
TREES = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def as_value(tree):
    if isinstance(tree, dict):
        return {key: as_value(item) for key, item in tree.items()}
    return tuple(as_value(item) for item in tree) if isinstance(tree, list) else tree


@given(tree=TREES, flow=st.booleans(), plain=st.booleans())
def test_text_written_by_another_program_is_read_unchanged(tree, flow, plain):
    written = yaml.dump(
        {"root": tree},
        Dumper=NoAliases,
        default_flow_style=flow,
        default_style='"',
        allow_unicode=plain,
    )
    assert value_of(written) == {"root": as_value(tree)}


def same_as_all_text(value, text):
    """Whether a strict value is what a reader that takes every scalar for text has read."""
    if isinstance(value, dict):
        return set(value) == set(text) and all(same_as_all_text(value[k], text[k]) for k in value)
    if isinstance(value, tuple):
        return len(value) == len(text) and all(map(same_as_all_text, value, text))
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, Decimal):
        return text == str(value) or Decimal(text) == value
    return text in ("", "~", "null") if value is None else value == text


@given(data=st.data())
def test_mutated_bytes_give_problems_or_what_an_independent_reader_sees(data):
    mutated = bytearray(ENTRY)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(mutated) - 1))
        piece = data.draw(
            st.binary(max_size=3)
            | st.sampled_from([b"\n", b": ", b"- ", b"'", b'"', b"#", b"{", b"]", b"&", b"*", b"!"])
        )
        mutated[position : position + data.draw(st.integers(0, 3))] = piece
    documents, problems = read(bytes(mutated), path="a.yaml")
    if problems:
        assert documents == ()
        assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    elif (expected := all_as_text(bytes(mutated))) is not None:
        assert len(documents) == len(expected)
        assert all(
            same_as_all_text(document.value, text)
            for document, text in zip(documents, expected, strict=True)
        )


def all_as_text(data):
    """What the pure-Python parser reads, every scalar as text; it knows less of YAML than ours."""
    try:
        return list(yaml.load_all(data.decode(), Loader=yaml.BaseLoader))
    except yaml.YAMLError:
        return None


@given(data=st.binary(max_size=200))
def test_any_bytes_give_values_or_problems(data):
    documents, problems = read(data, path="a.yaml")
    assert not (documents and problems)
