"""A close check as JSON, as `schemas/close-check.schema.json` describes it to others."""

from reconciler.core.documents.plain_fields import written_fields
from reconciler.core.documents.plan_json import target_document, waiting_document
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.canonical import readable_json
from reconciler.core.planning.closing.readiness import CloseCheck, CloseItem, CloseReport, ItemState

CLOSE_FORMAT_VERSION = "1.1"


def close_text(report: CloseReport) -> str:
    """The checks as JSON."""
    return readable_json(close_document(report))


def close_document(report: CloseReport) -> Document:
    """The checks as plain JSON values."""
    basis, origin = report.basis, report.basis.origin
    return {
        "format_version": CLOSE_FORMAT_VERSION,
        "workspace": basis.workspace,
        "target": target_document(basis),
        "checked_at": report.checked_at,
        "commit": origin.commit,
        "dirty": origin.dirty,
        "ready": report.ready,
        "warnings": [written_fields(one) for one in report.warnings],
        "waiting": [waiting_document(one) for one in report.waiting],
        "periods": [_period(check) for check in report.checks],
    }


def _period(check: CloseCheck) -> Document:
    period = check.period
    return {
        "period": period.name,
        "start_date": period.start_date,
        "end_date": period.end_date,
        "status": period.status,
        "ready": check.ready,
        "items": [_item(item) for item in check.items],
        "not_checked": list(check.not_checked),
    }


def _item(item: CloseItem) -> Document:
    return {
        "item": item.item,
        "state": item.state.value,
        "checked": item.checked,
        "allowed_because": item.allowed_because if item.state is ItemState.ALLOWED else "",
        "found": list(item.found),
        "remedy": item.remedy if item.state is ItemState.FAILS else "",
    }
