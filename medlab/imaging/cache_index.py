"""The list of what a prepared cache holds: one SQLite file, so that a kill or a second process cannot tear it.

It knows slots, sha256, shapes and checksums; the pictures themselves lie beside it and it never opens them.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Collection, Iterator

from medlab.core.database import database
from medlab.core.errors import DataError, shown

_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE pictures (slot INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, "
    "cols INTEGER NOT NULL, crc32 INTEGER NOT NULL)",
    "CREATE TABLE files (stamp TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID",
)

Row = tuple[str, int, int, int]
"""sha256 of the source, its rows and cols, crc32 of the square"""


class CacheIndex:
    """The index of one folder. `about` says what kind of pictures; another kind is refused with DataError mismatch."""

    def __init__(self, folder: pathlib.Path, about: dict[str, str]):
        self._folder = folder
        with self._connection() as connection:
            if not _has_tables(connection):
                _create(connection, about)
            held = dict(connection.execute("SELECT name, value FROM about"))
        wrong = [name for name in about if held.get(name) != about[name]]
        if wrong:
            told = "; ".join(f"{name} {shown(held.get(name, ''), 40)}, not {shown(about[name], 40)}" for name in wrong)
            raise DataError(
                "mismatch",
                f"the prepared cache {shown(folder.name)} was made with {told}",
                fix="give another folder, or delete this one and prepare again",
            )

    def rows_from(self, slot: int) -> list[Row]:
        """What is listed from that slot on, in order of slots."""
        with self._connection() as connection:
            query = "SELECT sha256, rows, cols, crc32 FROM pictures WHERE slot >= ? ORDER BY slot"
            return connection.execute(query, (slot,)).fetchall()

    def files(self) -> dict[str, str]:
        """The sha256 of every file that was prepared, by its stamp."""
        with self._connection() as connection:
            return dict(connection.execute("SELECT stamp, sha256 FROM files"))

    @contextlib.contextmanager
    def turn(self) -> Iterator["Turn"]:
        """The one writer's turn: all that it lists appears when the block ends, or nothing where it raises."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield Turn(connection)
            connection.execute("COMMIT")

    def _connection(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        what = f"the index of the prepared cache {shown(self._folder.name)}"
        return database(self._folder / "index.sqlite", what, again="delete the folder and prepare again")


class Turn:
    """What a writer may do while it alone may write."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def next_slot(self) -> int:
        return self._connection.execute("SELECT COALESCE(MAX(slot), -1) + 1 FROM pictures").fetchone()[0]

    def has(self, sha256: str) -> bool:
        return self._connection.execute("SELECT 1 FROM pictures WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def list_pictures(self, first: int, rows: Collection[Row]) -> None:
        """List pictures in slots `first`, `first` + 1, ..."""
        numbered = [(slot, *row) for slot, row in enumerate(rows, first)]
        self._connection.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?, ?)", numbered)

    def list_files(self, files: dict[str, str]) -> None:
        """Remember the sha256 of files by their stamps."""
        self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", files.items())


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _create(connection: sqlite3.Connection, about: dict[str, str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if not _has_tables(connection):  # another process may have been first
        for statement in _TABLES:
            connection.execute(statement)
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.execute("COMMIT")
