"""Money on its way from the file to the ledger and back: no digit is added, lost or rounded."""

import json
import re
from decimal import Decimal

import pytest
from books_harness import credit, debit


def amounts_stored(books, number):
    """The amounts of an entry as the ledger's database holds them."""
    rows = books.rows(
        "select i.amount from journal_entry_items i join journal_entries e"
        " on e.id = i.journal_entry_id where e.number = ? order by i.position",
        number,
    )
    return [row["amount"] for row in rows]


def amounts_answered(books, number):
    """The amounts of an entry, digit for digit as the API writes them."""
    text = books.api.get(f"/v1/journal-entries/{number}").text
    lines = json.loads(text, parse_float=str, parse_int=str)["journalEntryItems"]
    return [line["amount"] for line in lines]


def digits(amount):
    """The digits that count: an amount may be kept in the smallest unit, or with more zeros."""
    return re.sub(r"\D", "", str(amount)).strip("0")


@pytest.mark.parametrize(
    ("currency", "amount", "home"),
    [
        ("USD", "0.01", None),
        ("USD", "0.10", None),
        ("USD", "400.90", None),
        ("USD", "9007199254740.93", None),
        pytest.param("USD", "123456789012345.67", None, id="17 digits, more than a float has"),
        pytest.param("JPY", "968000", "6292.00", id="JPY has no minor unit"),
        pytest.param("KWD", "4312.625", "14059.16", id="KWD has three places"),
    ],
)
def test_an_amount_arrives_digit_for_digit(empty, currency, amount, home):
    fields = {} if home is None else {"homeCurrencyAmount": home}
    lines = (debit(amount, **fields), credit(amount, **fields))
    empty.declare("exact", *lines, currency=currency)
    empty.applied()
    number = empty.number("exact")
    assert {Decimal(text) for text in amounts_answered(empty, number)} == {Decimal(amount)}
    assert {digits(text) for text in amounts_answered(empty, number)} == {digits(amount)}
    assert {digits(stored) for stored in amounts_stored(empty, number)} == {digits(amount)}


def test_ten_and_twenty_cents_are_thirty(empty):
    empty.declare("cents", debit("0.10"), debit("0.20", "Hosting Costs"), credit("0.30"))
    plan = empty.plan()
    assert "\nposted   USD         0.30     0.30  equal\n" in plan.out
    empty.applied()


@pytest.mark.parametrize("spelling", ["400.90", "400.9", "'400.9'", '"400.90"'])
def test_another_spelling_of_an_amount_plans_nothing(empty, spelling):
    empty.declare("spelling", debit("400.9"), credit("400.9"))
    empty.applied()
    empty.declare("spelling", debit(spelling), credit("400.9"))
    ended = empty.plan("--detailed-exitcode")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("ins", "outs", "difference"),
    [
        (["0.02"], ["0.01"], "0.01"),
        (["400.90"], ["400.91"], "0.01"),
        (["0.10", "0.20"], ["0.31"], "0.01"),
        (["90071992547409.92"], ["90071992547409.93"], "0.01"),
        (["123456789012345.67"], ["123456789012345.66"], "0.01"),
        (["33.33", "33.33", "33.33"], ["100.00"], "0.01"),
    ],
)
def test_a_cent_too_much_is_refused_and_named(empty, ins, outs, difference):
    codes = ["Deferred Revenue", "Hosting Costs", "Insurance"]
    lines = [debit(amount, code) for amount, code in zip(ins, codes, strict=False)]
    empty.declare("cent", *lines, *(credit(amount) for amount in outs))
    for verb in ("validate", "plan", "apply"):
        ended = empty.run(verb, *(["--auto-approve"] if verb == "apply" else []))
        assert ended.code == 3
        assert "error[lines-balance]" in ended.said
        assert f"USD {difference}" in ended.said
    assert empty.posted() == {}


@pytest.mark.parametrize(
    ("currency", "amount", "rule"),
    [
        ("USD", "0.001", "minor-units"),
        ("JPY", "10.5", "minor-units"),
        ("KWD", "0.0001", "minor-units"),
        ("USD", "-1.00", "schema"),
        ("USD", "0", "schema"),
        ("USD", "0.00", "schema"),
        ("USD", "1e2", "schema"),
        ("USD", "1,000.00", ""),
        ("USD", "1_000", "schema"),
        ("USD", ".inf", "schema"),
        ("USD", ".nan", "schema"),
        ("USD", "0x10", "schema"),
        ("USD", "1:30", "schema"),
    ],
)
def test_an_amount_that_is_none_is_refused(empty, currency, amount, rule):
    lines = (debit(amount, homeCurrencyAmount="1.00"), credit(amount, homeCurrencyAmount="1.00"))
    empty.declare("odd", *lines, currency=currency)
    ended = empty.run("validate")
    assert ended.code == 3
    assert f"error[{rule}" in ended.out
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    ("lines", "code"), [(100, 0), (101, 3)], ids=["100 lines are taken", "101 are not"]
)
def test_an_entry_has_at_most_a_hundred_lines(empty, lines, code):
    total = f"{(lines - 1) * Decimal('0.01'):.2f}"
    empty.declare("long", *(debit("0.01") for _ in range(lines - 1)), credit(total))
    ended = empty.apply()
    assert ended.code == code
    if code:
        assert "line-limit" in ended.err
        assert empty.posted() == {}
    else:
        assert len(amounts_stored(empty, empty.number("long"))) == lines
        assert empty.plan("--detailed-exitcode").code == 0


def test_lines_that_are_equal_are_all_posted(empty):
    empty.declare("twice", debit("5.00"), debit("5.00"), credit("10.00"))
    empty.applied()
    assert len(amounts_stored(empty, empty.number("twice"))) == 3
    empty.declare("twice", debit("5.00"), credit("5.00"))
    assert empty.actions() == {"twice": "replace"}
    empty.applied()
    assert len(amounts_stored(empty, empty.number("twice"))) == 2


def test_no_stays_the_word_no_all_the_way(empty):
    path = empty.declare("word", transferredToAccounting="No")
    assert "transferredToAccounting: No}" in path.read_text()
    document = empty.plan_document()
    assert document["changes"][0]["after"]["transferredToAccounting"] == "No"
    empty.applied()
    number = empty.number("word")
    assert empty.get(number)["transferredToAccounting"] == "No"
    stored = "select transferred_to_accounting from journal_entries where number = ?"
    assert empty.rows(stored, number) == [{"transferred_to_accounting": "No"}]


@pytest.mark.parametrize("word", ["false", "no", "n", "off", "~", "NO"])
def test_another_word_for_no_is_refused(empty, word):
    empty.declare("word", transferredToAccounting=word)
    ended = empty.run("validate")
    assert (ended.code, "transferredToAccounting" in ended.out) == (3, True)


def test_a_foreign_entry_balances_in_the_home_currency_too(empty):
    lines = (
        debit("100.00", homeCurrencyAmount="109.00"),
        credit("100.00", homeCurrencyAmount="109.01"),
    )
    empty.declare("foreign", *lines, currency="EUR")
    ended = empty.run("validate")
    assert ended.code == 3
    assert "error[home-balance]" in ended.out
    assert "0.01" in ended.out
