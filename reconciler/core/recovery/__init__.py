"""The pure half of finding what the daybook does not record."""
