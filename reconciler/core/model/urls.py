"""What a URL says: whether its host is this machine, and its text without a password."""

import ipaddress
import re

_PASSWORD = re.compile(
    # A password may hold unescaped signs, so all before the last @ of the host is left out.
    # Without a password, what stands before the @ of a web address may be a token.
    r"(?<=//)[^\s:/@]*:.*@|(?<=https://)[^\s/@]+@|(?<=http://)[^\s/@]+@"
    r"|(?<![\w:/])[^\s:/@]*:(?!//)\S*@"
    r"|(?<=[?&;])[^=&;\s]*(?:pass|pwd|secret|token)[^=&;\s]*=[^&;\s]*",
    re.DOTALL | re.IGNORECASE,
)

_SECRET_FIELD = re.compile(r"(?:pass|pwd|secret|token|credential)\w*[\"']?\s*:", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address. No name server is queried."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secret(line: str) -> bool:
    """Whether a line of a file may hold a password, by its URL or by the name of its field."""
    return without_password(line) != line or _SECRET_FIELD.search(line) is not None


def without_password(text: str) -> str:
    """A text for people: where it holds a URL with a password, `…` stands for user and password."""
    if "@" not in text and "=" not in text:
        # Every form has one of the two; the search is slow in a long text without them.
        return text
    return _PASSWORD.sub(lambda found: "…@" if found[0].endswith("@") else "…", text)
