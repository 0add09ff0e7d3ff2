"""Workbooks as spreadsheet programs write them, results of formulas included."""

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

Rows = Iterable[Iterable[Any]]


def workbook(
    path: Path,
    rows: Rows,
    *,
    sheet: str = "Accruals",
    others: Iterable[str] = (),
    results: Mapping[str, str] | None = None,
    prepare: Callable[[Worksheet], None] = lambda sheet: None,
    extension: str = "",
) -> Path:
    """Write a workbook. `results` are stored results of formulas by cell, `=""` for an empty text.

    `extension` is the identity of an addition to the format, as newer programs write them.

    The library writes formulas without results, as a program does that never computed them.
    """
    book = openpyxl.Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = sheet
    for row in rows:
        first.append(list(row))
    prepare(first)
    for name in others:
        book.create_sheet(name)
    book.save(path)
    if results or extension:
        with zipfile.ZipFile(path) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()}
        name = "xl/worksheets/sheet1.xml"
        text = parts[name].decode()
        if extension:
            part = f'<extLst><ext uri="{extension}"/></extLst></worksheet>'
            text = text.replace("</worksheet>", part)
        for cell, result in (results or {}).items():
            kind = ' t="str"' if result == '=""' else ""
            value = "" if kind else result
            pattern = rf'<c r="{cell}"([^>]*?)(?: t="\w+")?><f>(.*?)</f><v ?/?>(?:</v>)?'
            text, count = re.subn(pattern, rf'<c r="{cell}"\1{kind}><f>\2</f><v>{value}</v>', text)
            assert count == 1, cell
        parts[name] = text.encode()
        with zipfile.ZipFile(path, "w") as archive:
            for filename, data in parts.items():
                archive.writestr(filename, data)
    return path
