"""The saved plan: written whole, and read back only when it is still whole."""

import hmac
import json
from decimal import Decimal
from typing import Any

import msgspec

from reconciler.core.documents.plan_figures import unfounded
from reconciler.core.documents.plan_json import (
    FORMAT_VERSION,
    Document,
    checksum_of,
    digest_of,
    document_of,
)
from reconciler.core.documents.plan_reading import NOT_A_PLAN, plan_from
from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.plan import Plan
from reconciler.errors import StalePlan

__all__ = ["FORMAT_VERSION", "digest_of", "document_of", "plan_of", "plan_text"]


def plan_text(plan: Plan, *, key: str = "") -> str:
    """The plan file: indented JSON with sorted keys, ending in a line feed; signed with a key."""
    document = document_of(plan)
    if key:
        document["mac"] = _mac(document["checksum"], key)
    return msgspec.json.format(json_bytes(document), indent=2).decode() + "\n"


def _mac(checksum: str, key: str) -> str:
    return f"hmac-sha256:{hmac.new(key.encode(), checksum.encode(), 'sha256').hexdigest()}"


def plan_of(text: str, *, key: str = "") -> Plan:
    """Read a plan file. Raises StalePlan when it is not one, or was altered since it was made.

    With a key, only a plan that was signed with it is taken (I-30).
    """
    try:
        document = _document(text)
        version = str(document["format_version"])
        if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
            raise StalePlan(
                f"the plan file has format {version}; this version reads {FORMAT_VERSION}",
                remedy="Make the plan anew with `reconciler plan --out FILE`.",
            )
        whole = document["checksum"] == checksum_of(document)
        plan = plan_from(document)
        whole = whole and digest_of(plan) == plan.digest
        figure = unfounded(plan)
    except (*NOT_A_PLAN, RecursionError) as error:
        raise StalePlan(
            "the file is not a plan that this tool wrote",
            remedy="Make it with `reconciler plan --out FILE`.",
        ) from error
    if not whole:
        raise StalePlan(
            "the plan file was altered since it was made: its digest does not fit its content",
            remedy="Make the plan anew, and have it reviewed again.",
        )
    if figure:
        raise StalePlan(
            f"the plan file was altered since it was made: {figure} does not follow from "
            "its changes",
            remedy="Make the plan anew, and have it reviewed again.",
        )
    if key and not hmac.compare_digest(
        str(document.get("mac")).encode(), _mac(document["checksum"], key).encode()
    ):
        raise StalePlan(
            "the plan file is not signed with the key that this apply asks for",
            remedy="Make the plan where RECONCILER_PLAN_KEY is set to the same key.",
        )
    return plan


def _document(text: str) -> Document:
    document = json.loads(
        text,
        object_pairs_hook=_once,
        parse_float=Decimal,
        parse_int=Decimal,
        parse_constant=_no_constant,
    )
    if not isinstance(document, dict):
        raise TypeError("a plan is a mapping")
    return document


def _once(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
