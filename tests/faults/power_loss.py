"""Power loss: what of a process's writes is on disk when the lights go out, in every combination.

Read from a trace of its system calls. A write may be lost, or cut at a sector, until its file was
synced; a name that was made, moved or removed, until its directory was.
"""

import random
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,unlink"
ACKNOWLEDGED = "ack"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A system call that succeeded. `path` is the file it was about."""

    call: str
    path: str = ""
    data: bytes = b""
    at: int = 0
    to: str = ""


def trace_of(command: list[str], *, strace: str, log: Path) -> list[Operation]:
    """Run a command of one thread to its end; what it did to files, in order.

    What it writes to its standard output is an acknowledgement.
    """
    subprocess.run(
        [strace, "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", log, *command],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return list(_operations(log.read_text().splitlines()))


_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\d+)(?:<.*>)?$")
_FILE = re.compile(r"^(?:\d+|AT_FDCWD)<([^>]*)>")
_TEXT = re.compile(r'"([^"]*)"')


def _operations(lines: Iterable[str]) -> Iterator[Operation]:
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        call, args, result = found.groups()
        texts = [_bytes(text) for text in _TEXT.findall(args)]
        place = _FILE.match(args)
        path = _bytes(place[1]).decode() if place else ""
        if call == "openat":
            if "O_CREAT" in args:
                yield Operation(call="create", path=texts[0].decode())
        elif call == "write" and args.startswith("1<"):
            yield Operation(call=ACKNOWLEDGED)
        elif call in ("write", "pwrite64"):
            at = int(args.rsplit(", ", 1)[1]) if call == "pwrite64" else 0
            yield Operation(call="write", path=path, data=texts[0][: int(result)], at=at)
        elif call == "ftruncate":
            yield Operation(call=call, path=path, at=int(args.rsplit(", ", 1)[1]))
        elif call in ("fsync", "fdatasync"):
            yield Operation(call="sync", path=path)
        elif call == "unlink":
            yield Operation(call=call, path=texts[0].decode())
        elif call == "rename":
            yield Operation(call=call, path=texts[0].decode(), to=texts[1].decode())


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


@dataclass
class Disk:
    """A directory whose files lie on a disk that loses what is not synced.

    A file is its synced bytes with the writes since; a name is a file, or was one until a change
    that the directory does not hold yet.
    """

    folder: Path
    synced: dict[str, bytes] = field(default_factory=dict)
    pending: dict[str, list[Operation]] = field(default_factory=dict)
    names: list[Operation] = field(default_factory=list)
    durable: dict[str, str] = field(default_factory=dict)
    now: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def do(self, operation: Operation) -> None:
        """Take note of an operation of the process."""
        if operation.call == "sync" and operation.path == str(self.folder):
            self.names.clear()
            self.durable = dict(self.now)
        elif not operation.path.startswith(f"{self.folder}/"):
            return
        elif operation.call == "create":
            if operation.path not in self.now:
                self.made += 1
                self.now[operation.path] = f"{self.made}"
                self.names.append(operation)
        elif operation.call == "unlink":
            self.now.pop(operation.path)
            self.names.append(operation)
        elif operation.call == "rename":
            self.now[operation.to] = self.now.pop(operation.path)
            self.names.append(operation)
        elif operation.call == "sync":
            file = self.now[operation.path]
            self.synced[file] = self._with(file, self.pending.pop(file, []))
        else:
            self.pending.setdefault(self.now[operation.path], []).append(operation)

    def image(self, chance: random.Random) -> dict[str, bytes]:
        """What may be found afterwards, by name: any part of what was not synced may be missing."""
        # Changes of names reach the disk in order: a directory's journal holds a first part.
        kept = chance.randint(0, len(self.names))
        held = dict(self.now) if kept == len(self.names) else self._names(kept)
        return {
            Path(path).name: self._with(file, list(self._survivors(file, chance)))
            for path, file in held.items()
        }

    def _names(self, kept: int) -> dict[str, str]:
        held = dict(self.durable)
        made = self.made - sum(one.call == "create" for one in self.names)
        for one in self.names[:kept]:
            if one.call == "create":
                made += 1
                held[one.path] = f"{made}"
            elif one.call == "unlink":
                held.pop(one.path)
            else:
                held[one.to] = held.pop(one.path)
        return held

    def _survivors(self, file: str, chance: random.Random) -> Iterator[Operation]:
        share = chance.choice([0.0, 0.3, 0.7, 1.0])
        for one in self.pending.get(file, ()):
            if chance.random() >= share:
                continue
            whole = one.call != "write" or chance.random() < 0.7
            size = len(one.data)
            cut = size if whole else chance.randrange(0, size + 1) // SECTOR * SECTOR
            yield Operation(call=one.call, path=one.path, data=one.data[:cut], at=one.at)

    def _with(self, file: str, operations: Iterable[Operation]) -> bytes:
        content = bytearray(self.synced.get(file, b""))
        for one in operations:
            if one.call == "ftruncate":
                del content[one.at :]
                content.extend(bytes(one.at - len(content)))
            else:
                content.extend(bytes(max(0, one.at + len(one.data) - len(content))))
                content[one.at : one.at + len(one.data)] = one.data
        return bytes(content)
