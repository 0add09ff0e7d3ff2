"""What a URL says: whether its host is this machine, and its text without a password."""

import ipaddress
import re

_PASSWORD = re.compile(
    # A password may hold unescaped signs, so all before the last @ of the host is left out.
    r"(?<=//)[^\s:/@]*:.*@|(?<![\w:/])[^\s:/@]*:(?!//)\S*@"
    r"|(?<=[?&;])[^=&;\s]*(?:pass|pwd|secret|token)[^=&;\s]*=[^&;\s]*",
    re.DOTALL | re.IGNORECASE,
)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address. No name server is queried."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def without_password(text: str) -> str:
    """A text for people: where it holds a URL with a password, `…` stands for user and password."""
    return _PASSWORD.sub(lambda found: "…@" if found[0].endswith("@") else "…", text)
