"""Keeps the entries that a plan read, for the next plan."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from reconciler.core.model.canonical import StoredSpec
from reconciler.core.model.resource import Address, Live
from reconciler.core.planning.kept import EntryStamp, Kept
from reconciler.workspace.cache.rows import Cache, written


def kept_reads(cache: Cache) -> Mapping[Address, Kept]:
    """Every entry that an earlier run kept; nothing where the cache cannot be trusted."""
    try:
        return {
            _address(key): _kept(datetime.fromisoformat(seen), _rows.decode(body))
            for key, (seen, body) in cache.rows().items()
        }
    except (ValueError, TypeError, ArithmeticError) as error:
        cache.throw_away(str(error))
        return {}


def keep_reads(
    cache: Cache, kept: Mapping[Address, Kept], *, known: Iterable[Address], since: datetime
) -> None:
    """Add entries, or replace them. Those that are not `known` go, and those read before."""
    names, first = {str(one) for one in known}, _text(since)
    rows = {str(one): (_text(each.read_at), written(_document(each))) for one, each in kept.items()}
    cache.keep(rows, stays=lambda key, seen: key in names and seen >= first)


class _Row(msgspec.Struct, array_like=True, frozen=True):
    stamp: EntryStamp
    number: str
    status: str
    fields: msgspec.Raw
    """Decoded only where a plan asks for them."""
    spec: str


_rows = msgspec.json.Decoder(_Row)


def _document(kept: Kept) -> _Row:
    live = kept.live
    return _Row(
        stamp=kept.stamp,
        number=live.number,
        status=live.status,
        fields=msgspec.Raw(written(live.fields)),
        spec=kept.spec,
    )


def _kept(read_at: datetime, row: _Row) -> Kept:
    return Kept(
        live=Live(number=row.number, status=row.status, fields=StoredSpec(row.fields)),
        stamp=row.stamp,
        read_at=read_at,
        spec=row.spec,
    )


def _address(key: str) -> Address:
    kind, _, name = key.partition("/")
    return Address(kind, name)


def _text(moment: datetime) -> str:
    """A time that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
