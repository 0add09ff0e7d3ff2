"""Dataclasses whose methods need not be compiled: they are those of a msgspec class.

The standard library compiles six methods for each class when its module is loaded. That takes half
a millisecond, and a command loads two hundred classes.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    # So that the types of fields are checked, also in `replace`.
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - for modules that import it
else:

    def dataclass(**options):
        """As that of the standard library, whose functions take these classes and their values.

        That one still defines what a msgspec class cannot be: what has a base, a `__post_init__`
        or no slots, or fields that are not shown, not compared or not given.
        """
        return lambda cls: _defined(cls, options)


_POSSIBLE = frozenset({"slots", "frozen", "kw_only", "order"})
"""The options that a msgspec class has as well."""


def _defined(cls: type, options: Mapping[str, bool]) -> type:
    given = [value for value in vars(cls).values() if isinstance(value, dataclasses.Field)]
    alike = all(field.init and field.repr and field.compare for field in given)
    possible = alike and options.get("slots", False) and options.keys() <= _POSSIBLE
    if not possible or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
        return dataclasses.dataclass(**options)(cls)
    of_struct: Any = {name: on for name, on in options.items() if name != "slots"}
    kw_only = options.get("kw_only", False)
    bare: type = dataclasses.dataclass(cls, init=False, repr=False, eq=False, kw_only=kw_only)
    fields = dataclasses.fields(bare)
    left = {"__dict__", "__weakref__", *(field.name for field in fields)}
    made: type = msgspec.defstruct(
        cls.__name__,
        [(field.name, field.type, _default(field)) for field in fields],
        module=cls.__module__,
        namespace={name: value for name, value in vars(cls).items() if name not in left},
        **of_struct,
    )
    return made


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.default is dataclasses.MISSING else field.default
