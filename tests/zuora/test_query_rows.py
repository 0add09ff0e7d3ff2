"""The quick reader of rows finds what the strict one finds, and refuses what it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.json_text import Unreadable
from reconciler.core.model.resource import text_of
from reconciler.zuora import data_query

COLUMNS = ("number", "status")

VALUES = st.none() | st.text(max_size=6) | st.sampled_from(["number", "status", "é", "😀"])
PARTS = st.sampled_from(
    [
        *(b'{"number":"JE-1","status":"Created"}', b'{"status":null,"number":"JE-2"}', b"\n", b" "),
        *(b'{"number":"JE-1","number":"JE-2","status":""}', b'{"number":"\\ud800","status":""}'),
        *(b'{"number":"a","\\u006eumber":"b","status":""}', b'{"Number":"JE-1","STATUS":"x"}'),
        *(b'{"number":1,"status":"x"}', b'{"number":"JE-1"}', b'{"number":"n","status":"number"}'),
        *(
            b'{"number":"JE-1","status":"x","more":1}',
            b'{"number":"JE-1","status":NaN}',
            b"{",
            b"}",
        ),
        *(b"\xff", b"\xef\xbb\xbf", b"\r\n", b"[]", b'{"number" : "JE-1", "status":"x"}', b"\\"),
    ]
)


def strictly(body):
    try:
        rows = data_query.objects(body)
    except Unreadable:
        return "refused"
    return tuple(tuple(text_of(row.get(name)) for name in COLUMNS) for row in rows)


def quickly(body):
    try:
        return data_query.texts(body, COLUMNS)
    except Unreadable:
        return "refused"


@given(st.lists(PARTS, max_size=5).map(b"".join) | st.lists(PARTS, max_size=5).map(b"\n".join))
def test_any_bytes_are_read_alike(body):
    assert quickly(body) == strictly(body)


@given(st.lists(st.fixed_dictionaries({"number": VALUES, "status": VALUES}), max_size=4))
def test_rows_of_texts_are_read_alike(rows):
    for ascii_only in (True, False):
        body = b"\n".join(json.dumps(one, ensure_ascii=ascii_only).encode() for one in rows)
        assert (
            quickly(body) == strictly(body) == tuple(tuple(map(one.get, COLUMNS)) for one in rows)
        )


@pytest.mark.parametrize(
    "body", [b'{"number":"a","number":"b","status":""}', b'{"number":"a","status":"x"}\n{"num']
)
def test_a_key_twice_and_a_cut_row_are_refused(body):
    assert quickly(body) == "refused"


def test_usual_rows_need_no_strict_reader(monkeypatch):
    monkeypatch.setattr(data_query, "read_object", None)
    rows = b'{"number":"JE-1","status":"Created"}\n{"number":"JE-2","status":null}\n'
    assert data_query.texts(rows, COLUMNS) == (("JE-1", "Created"), ("JE-2", None))
