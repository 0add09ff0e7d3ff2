"""Which permissions each operation needs: those that are checked, and reads, which need none."""

MATRIX = [
    ("POST", "/v1/journal-entries", {"Create Journal Entry"}),
    ("PUT", "/v1/journal-entries/{entry}/basic-information", {"Edit Journal Entry"}),
    ("PUT", "/v1/journal-entries/{entry}/cancel", {"Cancel Journal Entry"}),
    ("DELETE", "/v1/journal-entries/{entry}", {"Delete Cancelled Journal Entry"}),
    ("POST", "/v1/journal-runs", {"Create Journal Run"}),
    ("PUT", "/v1/journal-runs/{run}/cancel", {"Cancel Journal Run"}),
    ("DELETE", "/v1/journal-runs/{run}", {"Delete Cancelled Journal Run"}),
    ("POST", "/v1/accounting-codes", {"Configure Accounting Codes"}),
    ("PUT", "/v1/accounting-codes/{code}/activate", {"Manage Accounting Code"}),
    ("PUT", "/v1/accounting-codes/{code}/deactivate", {"Manage Accounting Code"}),
    ("POST", "/v1/accounting-periods", {"Create Accounting Period"}),
    (
        "PUT",
        "/v1/accounting-periods/{period}/pending-close",
        {"Manage Close Process", "Run Trial Balance"},
    ),
    (
        "PUT",
        "/v1/accounting-periods/{period}/close",
        {"Manage Close Process", "Run Trial Balance"},
    ),
    (
        "PUT",
        "/v1/accounting-periods/{period}/reopen",
        {"Manage Close Process", "Run Trial Balance", "Reopen Accounting Period"},
    ),
]
READS = [
    "/v1/journal-entries/{entry}",
    "/v1/journal-runs/{run}",
    "/v1/journal-entries/journal-runs/{run}",
    "/v1/accounting-codes",
    "/v1/accounting-codes/{code}",
    "/v1/accounting-periods",
    "/v1/accounting-periods/{period}",
]
