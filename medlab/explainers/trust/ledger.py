"""What a study has found so far, one JSON line each, so that killed work goes on. It knows rows, and no tests.

A line is written whole and at once. A kill in the middle of one costs that line: it does not parse, and is worked out
again. Two processes on one file do the same work twice and harm nothing.
"""

import json
import pathlib
from typing import Any

from medlab.core.errors import CapabilityError, shown

Key = tuple[str, ...]


class Ledger:
    """Rows by key.

    path  of the .jsonl file, made with the first row; None keeps everything in memory
    """

    def __init__(self, path: pathlib.Path | None):
        self.path = path
        self._rows: dict[Key, Any] = {}
        self._torn = False
        """whether the file ends in the middle of a line"""
        if path is not None and path.is_file():
            data = path.read_bytes()
            self._torn = bool(data) and not data.endswith(b"\n")
            for line in data.splitlines():
                self._take(line)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __getitem__(self, key: Key) -> Any:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: Key, row: Any) -> None:
        """Keep a row of plain JSON values. Raises CapabilityError where the disk does not take it."""
        self._rows[key] = row
        if self.path is None:
            return
        line = json.dumps({"key": key, "row": row}, ensure_ascii=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.path.open("ab", buffering=0) as file:
                file.write(b"\n" + line if self._torn else line)
        except OSError as error:
            raise CapabilityError(
                f"{shown(self.path.name)} cannot be written: {error}", fix="give another folder, or free some disk"
            ) from error
        self._torn = False

    def forget(self) -> None:
        """Drop every row, on disk as well."""
        self._rows.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            self._rows[tuple(told["key"])] = told["row"]
        except (ValueError, KeyError, TypeError):
            return  # torn by a kill: it will be worked out again
