"""JSON from strangers, by the letter: what is none is an error, what is doubtful is told. It knows no key at all."""

import collections
import json
from typing import Any

from medlab.core.errors import DataError, shown


def parse_json(text: bytes | str, where: str) -> tuple[Any, tuple[str, ...]]:
    """(the one JSON value, the keys that stand twice in one object: their last value counts).

    where  what a message calls the text, such as "notes.ndjson line 3"
    Raises DataError: schema for NaN and infinity, decode for text that is broken or endlessly nested.
    """
    repeated: set[str] = set()

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            counts = collections.Counter(key for key, _ in pairs)
            repeated.update(key for key, count in counts.items() if count > 1)
        return values

    def refuse(word: str) -> Any:
        raise DataError("schema", f"{where}: {word} is not a JSON number", accepted="a finite number or null")

    try:
        value = json.loads(text, object_pairs_hook=as_object, parse_constant=refuse)
    except RecursionError as error:
        raise DataError("decode", f"{where}: nested too deep to be honest") from error
    except DataError:
        raise
    except ValueError as error:
        raise DataError("decode", f"{where}: not JSON ({shown(str(error))})") from error
    return value, tuple(sorted(repeated))
