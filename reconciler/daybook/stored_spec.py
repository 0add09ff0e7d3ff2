"""A spec as the daybook stores it: text, until somebody asks for a field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from reconciler.core.model.json_text import decoded
from reconciler.core.model.resource import Value

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def spec_text(spec: Mapping[str, Value]) -> msgspec.Raw:
    """The canonical text of a spec: fields in order, amounts with all their digits.

    Equal texts are equal specs. Equal specs may have other texts, such as 400.9 and 400.90.
    """
    return msgspec.Raw(_encoder.encode(dict(spec)))


_NOTHING = object()


@dataclass(slots=True, eq=False, repr=False)
class StoredSpec(Mapping[str, Value]):
    """A spec from its text. It equals what a dictionary of its fields equals.

    Most are only compared with what a file declares, which decodes nothing if the texts are equal.
    """

    _text: msgspec.Raw
    _decoded: dict[str, Value] | None = None
    _equal: object = _NOTHING
    """What it was last found equal to. Specs never change, and a plan compares them often."""

    @property
    def fields(self) -> dict[str, Value]:
        """The decoded fields."""
        if self._decoded is None:
            fields = decoded(bytes(self._text).decode())
            assert isinstance(fields, dict)
            self._decoded = fields
        return self._decoded

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        if other is self._equal:
            return True
        if not isinstance(other, Mapping):
            return NotImplemented
        try:
            same = bytes(spec_text(other)) == bytes(self._text)
        except (TypeError, ValueError):
            # It has a value that no spec in a daybook has.
            same = False
        if not same and self.fields != dict(other):
            return False
        self._equal = other
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"StoredSpec({self.fields!r})"
