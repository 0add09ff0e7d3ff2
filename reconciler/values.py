"""Dataclasses whose methods need not be compiled: they are those of a msgspec class.

The standard library compiles six methods for each class when its module is loaded. That takes half
a millisecond, and a command loads two hundred classes.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    # So that the types of fields are checked, also in `replace`.
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - for modules that import it
else:

    def dataclass(*, slots=False, **options):
        """As that of the standard library, whose functions take these classes and their values.

        That one still defines what a msgspec class cannot be: what has a base, a `__post_init__`
        or no slots, or fields that are not shown, not compared or not given.
        """
        return lambda cls: _defined(cls, slots=slots, **options)


def _defined(
    cls: type, *, slots: bool, frozen: bool = False, kw_only: bool = False, order: bool = False
) -> type:
    given = [value for value in vars(cls).values() if isinstance(value, dataclasses.Field)]
    alike = all(field.init and field.repr and field.compare for field in given)
    if not (slots and alike and cls.__bases__ == (object,)) or hasattr(cls, "__post_init__"):
        return dataclasses.dataclass(cls, slots=slots, frozen=frozen, kw_only=kw_only, order=order)
    fields = dataclasses.fields(
        dataclasses.dataclass(cls, init=False, repr=False, eq=False, kw_only=kw_only)
    )
    left = {"__dict__", "__weakref__", *(field.name for field in fields)}
    return msgspec.defstruct(
        cls.__name__,
        [(field.name, field.type, _default(field)) for field in fields],
        module=cls.__module__,
        namespace={name: value for name, value in vars(cls).items() if name not in left},
        frozen=frozen,
        kw_only=kw_only,
        order=order,
    )


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.default is dataclasses.MISSING else field.default
