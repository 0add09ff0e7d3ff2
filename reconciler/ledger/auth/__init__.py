"""Who may do what: permissions, OAuth clients and their tokens."""
