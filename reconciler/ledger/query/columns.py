"""Which column of the ledger's tables each documented column is."""

from .schema import DELETED

ORGANIZATION = "organization"
"""A column beside the documented ones: whose the row is, where that limits who sees it."""

STAMPS = {
    "createdbyid": "created_by",
    "createddate": "created_on",
    "updatedbyid": "updated_by",
    "updateddate": "updated_on",
}
ENTRY = {
    **{name: name for name in ("id", "number", "status", "currency", "notes")},
    "accountingperiodid": "accounting_period_id",
    "journalrunid": "journal_run_id",
    "journalentrydate": "journal_entry_date",
    "homecurrency": "home_currency",
    "aggregatecurrency": "aggregate_currency",
    "transactiontype": "transaction_type",
    "timeperiodstart": "time_period_start",
    "timeperiodend": "time_period_end",
    "transferredtoaccounting": "transferred_to_accounting",
    "transferdate": "transfer_date_time",
    "transferredby": "transferred_by",
    **STAMPS,
    DELETED: "deleted",
    ORGANIZATION: "organization",
}
ITEM = {
    **{name: name for name in ("id", "type", "amount")},
    "accountingcodeid": "accounting_code_id",
    "amounthomecurrency": "home_currency_amount",
}
ITEM_OF_ENTRY = {
    "journalentryid": "id",
    **{
        name: ENTRY[name]
        for name in ("journalrunid", "accountingperiodid", "currency", "homecurrency")
    },
    **STAMPS,
    DELETED: "deleted",
    ORGANIZATION: "organization",
}
RUN = {
    **{name: name for name in ("id", "number", "status")},
    "journalentrydate": "journal_entry_date",
    "targetstartdate": "target_start_date",
    "targetenddate": "target_end_date",
    "aggregatecurrency": "aggregate_currency",
    "segmentationrulename": "segmentation_rule",
    "executedon": "executed_on",
    **STAMPS,
    DELETED: "deleted",
    ORGANIZATION: "organizations",
}
PERIOD = {
    **{name: name for name in ("id", "name", "status", "notes")},
    "startdate": "start_date",
    "enddate": "end_date",
    "fiscalyear": "fiscal_year",
    "fiscalquarter": "fiscal_quarter",
    **STAMPS,
}
CODE = {
    **{name: name for name in ("id", "name", "type", "status", "notes")},
    "glaccountname": "gl_account_name",
    "glaccountnumber": "gl_account_number",
    **STAMPS,
}
