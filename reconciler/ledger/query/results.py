"""Result files: JSON lines or separated values, optionally compressed."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal

from ..web.responses import encode
from .execution import Output
from .schema import Kind

SEPARATORS = {"CSV": ",", "TSV": "\t"}
FORMATS = ("JSON", "CSV", "TSV", "DSV")


def _zip(content: bytes, name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


COMPRESSIONS: dict[str, tuple[str, Callable[[bytes, str], bytes]]] = {
    "NONE": ("", lambda content, _name: content),
    "GZIP": (".gz", lambda content, _name: gzip.compress(content, mtime=0)),
    "ZIP": (".zip", _zip),
}
"""By name: the suffix of the file, and the function that compresses it."""


def written(output: Output, *, fmt: str, separator: str | None) -> bytes:
    """The result in a format of FORMATS; `separator` is for DSV."""
    if fmt == "JSON":
        return b"".join(_json_lines(output))
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=SEPARATORS.get(fmt) or separator or "|", lineterminator="\n"
    )
    writer.writerow(name for name, _kind in output.columns)
    writer.writerows([_plain(value) for value in row] for row in output.rows)
    return text.getvalue().encode()


def _json_lines(output: Output) -> Iterator[bytes]:
    for row in output.rows:
        line = {
            name: Decimal(str(value)) if kind is Kind.DECIMAL and value is not None else value
            for (name, kind), value in zip(output.columns, row, strict=True)
        }
        yield encode(line) + b"\n"


def _plain(value: object) -> object:
    return ("true" if value else "false") if isinstance(value, bool) else value
