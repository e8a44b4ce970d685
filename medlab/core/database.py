"""SQLite files, opened for one piece of work each: errors in medlab's words, nothing half written. It knows no table.

No connection is kept open between pieces of work: a data loader may fork, and a folder may be moved.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

from medlab.core.errors import CapabilityError, DataError, shown

LOCK_SECONDS = 60


@contextlib.contextmanager
def database(path: pathlib.Path, what: str, *, again: str) -> Iterator[sqlite3.Connection]:
    """A connection to `path`; what was begun and not committed is undone at its end.

    what   the file's name in an error, such as "the embeddings in x.sqlite"
    again  what to do about a file that is damaged or something else

    Raises CapabilityError where it cannot be used, DataError decode where it is no such database.
    """
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        yield connection
    except sqlite3.OperationalError as error:
        raise CapabilityError(
            f"{what} cannot be used: {error}",
            fix="wait for the process that writes to it, or give a place on a local disk that may be written",
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataError("decode", f"{what} cannot be read ({shown(str(error))})", fix=again) from error
    finally:
        if connection is not None:
            connection.close()
