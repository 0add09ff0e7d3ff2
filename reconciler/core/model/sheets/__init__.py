"""Values of spreadsheets: what an import finds, and entries as a table."""
