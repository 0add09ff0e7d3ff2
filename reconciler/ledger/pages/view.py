"""The input of a page, its output, and links to other pages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection

from ..reference_data.tenant_settings import Settings
from .access import Entity, Viewer

_NUMBER = re.compile(r"[0-9A-Za-z-]{1,30}")


class PageNotFound(Exception):
    """The page does not exist for this viewer; the message is for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One request for a page, in a transaction that only reads.

    Every query binds `tenant_id`. `query` has the parameters of the URL that are not empty,
    `path` the placeholders of its path.
    """

    tx: Connection
    viewer: Viewer
    entity: Entity
    settings: Settings
    path: Mapping[str, str]
    query: Mapping[str, str]

    @property
    def tenant_id(self) -> str:
        return self.entity.tenant_id

    @property
    def number(self) -> str:
        """The number in the path, or an empty text if it is not valid."""
        number = self.path["number"]
        return number if _NUMBER.fullmatch(number) else ""

    def link(self, path: str, **query: str | None) -> str:
        """The URL of a page for the same entity, with the parameters that have a value."""
        scope = self.entity.id if len(self.viewer.entities) > 1 else None
        said = {name: value for name, value in {"entity": scope, **query}.items() if value}
        return f"{quote(path)}?{urlencode(said)}" if said else quote(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A template and its values. `refresh` is in seconds."""

    template: str
    title: str
    section: str
    values: Mapping[str, Any] = field(default_factory=dict)
    refresh: int | None = None


PageFunction = Callable[[View], Page]
