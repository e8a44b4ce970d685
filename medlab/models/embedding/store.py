"""Embeddings on disk, so that a scan is embedded once by a model. One SQLite file; it runs no model.

A batch is written in one transaction when it is done: work that was killed goes on from its last whole batch. The keys
are fingerprints: another model, precision or way of padding never finds these numbers, and no file name is kept. It is
no anonymiser: a probe may read age or sex off an embedding as well as a finding.
"""

import contextlib
import os
import pathlib
import sqlite3
import zlib
from collections.abc import Sequence

import numpy as np

from medlab.core.database import database
from medlab.core.errors import DataError, SpecError, shown

_TABLE = (
    "CREATE TABLE IF NOT EXISTS embeddings (model TEXT NOT NULL, scan TEXT NOT NULL, vector BLOB NOT NULL, "
    "crc32 INTEGER NOT NULL, PRIMARY KEY (model, scan)) WITHOUT ROWID"
)


class EmbeddingStore:
    """Vectors by (model fingerprint, scan fingerprint), in the file `path`, which is made where missing.

    Raises DataError decode for a file that is something else, CapabilityError where it cannot be written.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        if self.path.is_dir():
            raise SpecError(f"{shown(self.path.name)} is a folder", accepted="a file", fix="embeddings.sqlite in it")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute(_TABLE)

    def __len__(self) -> int:
        with self._connection() as connection:
            return connection.execute("SELECT COUNT(*) FROM embeddings").fetchone()[0]

    def __repr__(self) -> str:
        return f"EmbeddingStore({shown(self.path.name)}, {len(self)} embeddings)"

    def find(self, model: str, scans: Sequence[str]) -> dict[str, np.ndarray]:
        """The (dim,) float32 vectors of those scans that are there, by scan fingerprint.

        Raises DataError mismatch for a vector that is not what was written.
        """
        query = "SELECT vector, crc32 FROM embeddings WHERE model = ? AND scan = ?"
        found = {}
        with self._connection() as connection:
            for scan in scans:
                row = connection.execute(query, (model, scan)).fetchone()
                if row is None:
                    continue
                if zlib.crc32(row[0]) != row[1] or len(row[0]) % 4:
                    given = f"an embedding in {shown(self.path.name)} is not what was written"
                    raise DataError("mismatch", given, fix="delete the file and embed again")
                found[scan] = np.frombuffer(row[0], "<f4").astype(np.float32)
        return found

    def add(self, model: str, vectors: dict[str, np.ndarray]) -> None:
        """Store (dim,) vectors by scan fingerprint, all or none. One that is there already stays as it is."""
        blobs = {scan: np.asarray(vector, "<f4").tobytes() for scan, vector in vectors.items()}
        rows = [(model, scan, blob, zlib.crc32(blob)) for scan, blob in blobs.items()]
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

    def _connection(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        what = f"the embeddings in {shown(self.path.name)}"
        return database(self.path, what, again="give another path, or delete it and embed again")
