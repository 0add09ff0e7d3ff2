"""Our dataclasses behave as those of the standard library do."""

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import asdict, field, fields, is_dataclass, replace
from typing import Any

import msgspec
import pytest

from reconciler.values import dataclass

OPTIONS = {"frozen": True, "slots": True, "kw_only": True, "order": True}


def define(decorator: Callable[..., Any], **options: bool) -> Any:
    class Line:
        """A line."""

        name: str
        amount: int = 0
        notes: list[str] = field(default_factory=list)

        @property
        def twice(self) -> int:
            return self.amount * 2

    return decorator(**options)(Line)


Line = define(dataclass, **OPTIONS)

CASES: list[Callable[[Any], object]] = [
    lambda kind: repr(kind(name="a")).rpartition(".")[2],
    lambda kind: kind(name="a") == kind(name="a", amount=0, notes=[]),
    lambda kind: kind(name="a") == ("a", 0, []),
    lambda kind: kind(name="a") < kind(name="a", amount=1),
    lambda kind: kind(name="a", amount=2).twice,
    lambda kind: kind(name="a").notes is kind(name="a").notes,
    lambda kind: asdict(replace(kind(name="a"), amount=5)),
    lambda kind: [(one.name, one.type, one.default) for one in fields(kind)],
    lambda kind: is_dataclass(kind) and is_dataclass(kind(name="a")),
    lambda kind: asdict(copy.copy(kind(name="a"))),
    lambda kind: kind.__doc__,
    lambda kind: hasattr(kind(name="a"), "__dict__"),
    lambda kind: msgspec.json.encode(kind(name="a")),
    lambda kind: msgspec.json.decode(b'{"name": "a", "other": 1}', type=kind).amount,
]
REFUSED: list[Callable[[Any], object]] = [
    lambda kind: kind("a"),
    lambda kind: kind(amount=1),
    lambda kind: kind(name="a", other=1),
    lambda kind: replace(kind(name="a"), other=1),
    lambda kind: setattr(kind(name="a"), "name", "b"),
    lambda kind: delattr(kind(name="a"), "name"),
    lambda kind: hash(kind(name="a")),
    lambda kind: kind(name="a") < "a",
]


@pytest.mark.parametrize("use", CASES)
def test_what_it_gives_is_the_same(use: Callable[[Any], object]) -> None:
    assert use(Line) == use(define(dataclasses.dataclass, **OPTIONS))


@pytest.mark.parametrize("use", REFUSED)
def test_what_it_refuses_is_the_same(use: Callable[[Any], object]) -> None:
    with pytest.raises((TypeError, AttributeError)) as usual:
        use(define(dataclasses.dataclass, **OPTIONS))
    expected = AttributeError if issubclass(usual.type, AttributeError) else TypeError
    with pytest.raises(expected):
        use(Line)


def test_a_secret_stays_out_of_what_is_shown() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Token:
        host: str
        text: str = field(repr=False)

    shown = repr(Token(host="a.test", text="1f3a"))
    assert "a.test" in shown and "1f3a" not in shown
    assert Token(host="a.test", text="1f3a") == Token(host="a.test", text="1f3a")


def test_no_method_is_compiled_for_a_usual_class() -> None:
    assert isinstance(Line, type(msgspec.Struct))


@pytest.mark.parametrize("option", ["eq", "repr", "init", "match_args"])
def test_other_options_are_those_of_the_standard_library(option: str) -> None:
    ours, usual = (
        define(decorator, **{**OPTIONS, "order": False, option: False})
        for decorator in (dataclass, dataclasses.dataclass)
    )
    names = ("__init__", "__repr__", "__eq__", "__match_args__")
    assert [name in vars(ours) for name in names] == [name in vars(usual) for name in names]
