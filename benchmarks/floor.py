"""The least that a check and a plan with nothing to do cost in Python: a mark to measure by.

    python benchmarks/floor.py BOOKS validate|plan

It scans, reads, parses to exact amounts, holds to the schema, adds up and digests. A plan also
decodes what a ledger might say, and compares. There is no command line, no message, no rule, no
daybook and no connection. A second run takes digests by size and times of files.
`rm BOOKS/.floor*` makes the next run a first one.
"""

import hashlib
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parent.parent
TABLE = "CREATE TABLE IF NOT EXISTS known (path TEXT, size INT, mtime INT, inode INT, digest TEXT)"


def main() -> None:
    """Check the books of the first word, or plan them, and print how many entries there are."""
    books, verb = Path(sys.argv[1]), sys.argv[2]
    declared, new = {}, []
    with sqlite3.connect(books / ".floor.db") as database:
        database.execute(TABLE)
        known = {row[:4]: row[4] for row in database.execute("SELECT * FROM known")}
        digest_of: Callable[[str], str] | None = None
        for key in files(books / "2026"):
            digest = known.get(key)
            if digest is None:
                digest_of = digest_of or checking()
                digest = digest_of(key[0])
                new.append((*key, digest))
            declared[key[0]] = digest
        database.executemany("INSERT INTO known VALUES (?, ?, ?, ?, ?)", new)
    if verb == "plan":
        live = books / ".floor.jsonl"
        if not live.exists():
            live.write_bytes(msgspec.json.Encoder().encode_lines(declared.items()))
        rows = msgspec.json.Decoder(tuple[str, str]).decode_lines(live.read_bytes())
        if any(declared[path] != digest for path, digest in rows):
            sys.exit("books and ledger differ")
    print(f"{len(declared)} entries")


def files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    """Path, size, time and inode of every file, by name."""
    for place in sorted(os.scandir(folder), key=lambda one: one.name):
        for file in sorted(os.scandir(place.path), key=lambda one: one.name):
            stat = file.stat()
            yield file.path, stat.st_size, stat.st_mtime_ns, stat.st_ino


def checking() -> Callable[[str], str]:
    """What checks a file and gives its digest. Its libraries load only where a file is new."""
    import jsonschema_rs  # noqa: PLC0415
    import yaml  # noqa: PLC0415
    from yaml._yaml import CParser  # noqa: PLC0415

    schema = (ROOT / "schemas" / "journal-entry.schema.json").read_text()
    valid = jsonschema_rs.validator_for(msgspec.json.decode(schema)).is_valid
    encode = msgspec.json.Encoder(decimal_format="number").encode

    def value(parser: Any, event: Any) -> Any:
        following = parser.get_event
        if isinstance(event, yaml.ScalarEvent):
            text = event.value
            return Decimal(text) if text[:1].isdigit() and text.count("-") == 0 else text
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(one := following(), yaml.SequenceEndEvent):
                items.append(value(parser, one))
            return items
        found: dict[str, Any] = {}
        while not isinstance(key := following(), yaml.MappingEndEvent):
            if key.value in found:
                sys.exit(f"{key.value} is there twice")
            found[key.value] = value(parser, following())
        return found

    def digest_of(path: str) -> str:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes as long as the rest
            parser = CParser(file.read())
        parser.get_event(), parser.get_event()
        document = value(parser, parser.get_event())
        sides: Counter[str] = Counter()
        for line in document["spec"]["journalEntryItems"]:
            sides[line["type"]] += line["amount"]
        if not valid(document) or sides["Debit"] != sides["Credit"]:
            sys.exit(f"{path} is not sound")
        return hashlib.sha256(encode(document["spec"])).hexdigest()

    return digest_of


if __name__ == "__main__":
    main()
