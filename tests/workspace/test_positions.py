"""From a path in a document to a line and a column."""

from hashlib import sha256

import pytest

from reconciler.core.model.finding import Finding
from reconciler.core.model.resource import Source
from reconciler.workspace import locate as locate_as_read
from reconciler.workspace.positions import positions

TEXT = """\
# a comment
spec:
  notes: é text
  items:
    - {name: a, amount: 1}
    - name: b
      tags: [x, y]
---
- one
- - two
"""


DIGEST = sha256(TEXT.encode()).hexdigest()


def locate(root, findings):
    return locate_as_read(root, findings, {"a.yaml": DIGEST, "b.yaml": DIGEST})


def found(path, *, index=0, file="a.yaml"):
    return Finding(source=Source(file, 2, index), path=path, rule="r", message="m", remedy="do")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param((), (2, 1), id="the document"),
        pytest.param(("spec",), (2, 1), id="a field"),
        pytest.param(("spec", "notes"), (3, 3), id="a field below"),
        pytest.param(("spec", "items", 0), (5, 7), id="an item in braces"),
        pytest.param(("spec", "items", 0, "amount"), (5, 17), id="a field in braces"),
        pytest.param(("spec", "items", 1), (6, 7), id="an item over lines"),
        pytest.param(("spec", "items", 1, "tags", 1), (7, 17), id="an item in brackets"),
        pytest.param(("spec", "items", 1, "amount"), (6, 7), id="a missing field"),
        pytest.param(("spec", "items", 9, "amount"), (4, 3), id="a missing item"),
        pytest.param(("nothing", "at", "all"), (2, 1), id="a missing branch"),
    ],
)
def test_place_of_a_path(tmp_path, path, place):
    (tmp_path / "a.yaml").write_text(TEXT)
    (problem,) = locate(tmp_path, [found(path)])
    assert (problem.line, problem.column) == place
    assert (problem.path, problem.rule, problem.remedy) == ("a.yaml", "r", "do")


def test_the_second_document_has_its_own_places(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    (problem,) = locate(tmp_path, [found((1, 0), index=1)])
    assert (problem.line, problem.column) == (10, 5)


def test_problems_are_sorted_by_place(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(TEXT)
    findings = [
        found(("spec", "items"), file="b.yaml"),
        found(("spec", "notes")),
        found(("spec", "notes"), file="b.yaml"),
        found(()),
    ]
    assert [(problem.path, problem.line) for problem in locate(tmp_path, findings)] == [
        ("a.yaml", 2),
        ("a.yaml", 3),
        ("b.yaml", 3),
        ("b.yaml", 4),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"a: [\n", b"[" * 100_000, b"\xff", b"\n" + TEXT.encode()]
)
def test_a_file_that_changed_meanwhile_keeps_the_line_of_its_document(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content)
    (problem,) = locate(tmp_path, [found(("spec", "notes"))])
    assert (problem.line, problem.column) == (2, 1)


def test_a_file_that_is_gone_keeps_the_line_of_its_document(tmp_path):
    (problem,) = locate(tmp_path, [found(("spec",))])
    assert (problem.line, problem.column) == (2, 1)


def test_every_value_has_a_place():
    first, second = positions(TEXT.encode())
    assert len(first) == 12
    assert len(second) == 4
