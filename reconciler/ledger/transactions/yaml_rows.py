"""Rows of a YAML file, built from parser events so that only one is in memory."""

from collections.abc import Iterator
from typing import IO, Any

import yaml

from ..errors import BadRow

Events = Iterator[Any]
MAX_DEPTH = 8

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def rows(stream: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings, as documents or in lists, with their first lines. Raises BadRow."""
    events: Events = yaml.parse(stream, Loader=_LOADER)
    for event in events:
        if isinstance(event, yaml.SequenceStartEvent):
            _plain(event)
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                yield _row(event, events)
        elif isinstance(event, yaml.NodeEvent):
            yield _row(event, events)


def _row(event: Any, events: Events) -> tuple[int, dict[str, Any]]:
    line = _line(event)
    value = _value(event, events, depth=1)
    if not isinstance(value, dict):
        raise BadRow(line, "is not a mapping of field names to values")
    return line, value


def _value(event: Any, events: Events, *, depth: int) -> Any:
    _plain(event)
    if depth > MAX_DEPTH:
        raise BadRow(_line(event), f"is nested deeper than {MAX_DEPTH}")
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, depth=depth)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, depth=depth + 1))
        return items
    # An empty scalar is absent, as in CSV.
    return event.value or None


def _mapping(events: Events, *, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        _plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise BadRow(_line(event), "has a field name that is not text")
        if event.value in found:
            raise BadRow(_line(event), f"names {event.value[:100]!r} twice")
        found[event.value] = _value(next(events), events, depth=depth + 1)
    return found


def _plain(event: Any) -> None:
    """Refuse anchors, aliases and tags."""
    tagged = getattr(event, "tag", None) not in (None, "!")
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None or tagged:
        raise BadRow(_line(event), "has an anchor, an alias or a tag, which are not supported")


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
