"""A tenant's settings, stored in its row."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from ..storage.tables import tenants
from . import currencies

_SETTINGS = select(tenants).where(tenants.c.tenant_id == bindparam("tenant"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a tenant. `segments` is None without an active segmentation rule.

    `currencies` maps the active ones to the decimals that the Reference states of them.
    """

    home_currency: str | None
    aggregate_currency: bool
    currencies: Mapping[str, int | None]
    segmentation_rule: str | None
    segments: tuple[str, ...] | None
    custom_fields: Mapping[str, Mapping[str, int]]

    def fields_of(self, kind: str) -> Mapping[str, int]:
        """The custom fields of an object, with their maximum lengths."""
        return self.custom_fields.get(kind, {})

    def minor_units(self, currency: str) -> int | None:
        """The decimals of a currency: those of ISO 4217, else those that are stated."""
        known = currencies.minor_units(currency)
        return self.currencies.get(currency) if known is None else known


def settings_of(tx: Connection, tenant_id: str) -> Settings:
    row = tx.execute(_SETTINGS, {"tenant": tenant_id}).mappings().one()
    return Settings(
        home_currency=row["home_currency"],
        aggregate_currency=row["aggregate_currency"],
        currencies=row["currencies"],
        segmentation_rule=row["segmentation_rule"],
        segments=tuple(row["segments"]) if row["segmentation_rule"] is not None else None,
        custom_fields=row["custom_fields"],
    )
