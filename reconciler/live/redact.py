"""Keeps secrets out of any text that came over the wire and goes into a message."""

import base64
import json
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "[redacted]"


class Redactor:
    """Knows the secrets of a client in every form they may come back in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Registers a secret with its URL-encoded, JSON-escaped and base64 forms."""
        with self._lock:
            forms = {*self._forms, *_forms_of(secret)}
            # The longest first: a form may contain another one.
            self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def clean(self, text: str) -> str:
        """The text with every registered form replaced."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


def _forms_of(secret: str) -> set[str]:
    encoded = secret.encode("utf-8")
    standard = base64.b64encode(encoded).decode("ascii")
    urlsafe = base64.urlsafe_b64encode(encoded).decode("ascii")
    forms = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        standard,
        standard.rstrip("="),
        urlsafe,
        urlsafe.rstrip("="),
        encoded.hex(),
    }
    return {form for form in forms if form}
