"""Books in a known state for every test."""

from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    billing,
    empty,
    empty_template,
    example,
    example_template,
    opened,
    place,
    plain_environment,
    served_small,
    small,
    small_template,
)
