"""Removes secrets from texts that a server sent, before they become part of a message."""

import base64
import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "[redacted]"


class Redactor:
    """The secrets of a client, in every form in which a server may return them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Registers a secret with its URL-encoded, JSON-escaped, base64 and hexadecimal forms."""
        with self._lock:
            self._forms = self._forms | _forms_of(secret)
            self._pattern = None
        if self is not SHOWN and len(secret) >= SHORTEST:
            SHOWN.add(secret)

    def clear(self) -> None:
        with self._lock:
            self._forms, self._pattern = frozenset(), None

    def redact(self, text: str) -> str:
        """The text with a mask in place of every secret."""
        forms, lowered = self._forms, text.lower()
        # Mostly no form is in the text, and the pattern is never compiled. Lower case decides for
        # ASCII alone: other letters may have several forms without case.
        held = any(
            not (form.isascii() and text.isascii()) or form.lower() in lowered for form in forms
        )
        return self._known().sub(MASK, text) if held else text

    def _known(self) -> re.Pattern[str]:
        """The pattern of all forms, compiled on first use: most runs redact nothing."""
        with self._lock:
            if self._pattern is None:
                # The longest first: a form may contain another one. Case is ignored: host names
                # are returned in lower case.
                longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
                self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
            return self._pattern

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


SHOWN = Redactor()
"""The secrets of this process, for all that it shows: those of every other redactor too."""

SHORTEST = 8
"""A shorter text is a part of many others, and no secret of a server."""


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
