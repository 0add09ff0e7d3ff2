"""The YAML language server that editors run, asked as an editor asks it."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from program import LONGEST

ROOT = Path(__file__).parents[1]
NAME = "yaml-language-server"
INSTALLED = ROOT / ".language-server" / "node_modules" / ".bin" / NAME
MISSING = "no YAML language server: run .ci/install-language-server, which needs npm"

_CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["plaintext"]}},
        "hover": {"contentFormat": ["plaintext"]},
    },
    "workspace": {"configuration": True},
}


def program() -> str | None:
    """Where the server is; None when there is none."""
    return str(INSTALLED) if INSTALLED.exists() else shutil.which(NAME)


@dataclass(slots=True)
class LanguageServer:
    """A server that has the settings of an editor. Nothing of a network is allowed to it."""

    process: "subprocess.Popen[bytes]"
    settings: Mapping[str, Any]
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The diagnostics of each file."""
    calls: int = 0

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: object) -> Any:
        self.calls += 1
        self._send({"id": self.calls, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self.calls and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, path: Path) -> list[str]:
        """Open a file, and wait for what the server finds in it: `LINE: MESSAGE`, from line 1."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1}
        text = path.read_text(encoding="utf-8")
        self.notify("textDocument/didOpen", {"textDocument": {**document, "text": text}})
        while path.as_uri() not in self.found:
            self._receive()
        found = self.found.pop(path.as_uri())
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in found]

    def completions(self, path: Path, line: int, column: int) -> dict[str, str]:
        """What the server proposes at a place, both from 1, each with what it says of it."""
        found = self.ask("textDocument/completion", _place(path, line, column))
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"]: item.get("documentation", "") for item in items}

    def hover(self, path: Path, line: int, column: int) -> str:
        found = self.ask("textDocument/hover", _place(path, line, column))
        return str(found["contents"]["value"]) if found else ""

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message, after an answer to what the server asks and a note of diagnostics."""
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            wanted = [item.get("section") for item in message["params"]["items"]]
            known = [self.settings if section == "yaml" else {} for section in wanted]
            self._send({"id": message["id"], "result": known})
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.found[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message


@contextmanager
def language_server(folder: Path, **settings: Any) -> Iterator[LanguageServer]:
    """The server for an opened folder, with settings of `yaml.*`. Without one, tests are skipped,
    or fail where REQUIRE_LANGUAGE_SERVER=1 says that there has to be one.
    """
    path = program()
    if path is None:
        if os.environ.get("REQUIRE_LANGUAGE_SERVER") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    usual = {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True}
    # A server that says nothing ends, and the test with it.
    process = subprocess.Popen(
        [path, "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        limit = threading.Timer(LONGEST, process.kill)
        limit.start()
        try:
            server = LanguageServer(process, {**usual, **settings})
            folders = [{"uri": folder.as_uri(), "name": folder.name}]
            where = {
                "rootUri": folder.as_uri(),
                "workspaceFolders": folders,
                "processId": os.getpid(),
            }
            server.ask("initialize", {**where, "capabilities": _CAPABILITIES})
            server.notify("initialized", {})
            yield server
        finally:
            limit.cancel()
            process.kill()


def _place(path: Path, line: int, column: int) -> dict[str, Any]:
    position = {"line": line - 1, "character": column - 1}
    return {"textDocument": {"uri": path.as_uri()}, "position": position}
