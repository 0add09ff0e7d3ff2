"""Keeps the entries that a plan read, for the next plan."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.planning.kept import EntryStamp, Kept
from reconciler.workspace.cache.rows import Cache, restored, written


def kept_reads(cache: Cache) -> Mapping[Address, Kept]:
    """Every entry that an earlier run kept; nothing where the cache cannot be trusted."""
    try:
        return {
            _address(key): _kept(datetime.fromisoformat(seen), *restored(body))
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


def _document(kept: Kept) -> tuple[object, ...]:
    stamp, live = kept.stamp, kept.live
    said = (stamp.status, stamp.updated, stamp.transferred)
    return said, (live.number, live.status, live.fields), kept.spec


def _kept(
    read_at: datetime,
    said: tuple[str, ...],
    seen: tuple[str, str, Mapping[str, Value]],
    spec: str,
) -> Kept:
    status, updated, transferred = said
    number, live_status, fields = seen
    return Kept(
        live=Live(number=number, status=live_status, fields=fields),
        stamp=EntryStamp(status=status, updated=updated, transferred=transferred),
        read_at=read_at,
        spec=spec,
    )


def _address(key: str) -> Address:
    kind, _, name = key.partition("/")
    return Address(kind, name)


def _text(moment: datetime) -> str:
    """A time that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
