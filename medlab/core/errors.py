"""One family of errors. Each says what was given, what is accepted, and what to do next.

Text that came from outside (a file name, a header, a table cell) passes through `shown` before it stands in a
message, so that a control sequence or a page of junk cannot.
"""

import difflib
from collections.abc import Collection


def shown(value: object, limit: int = 120) -> str:
    """`value` as one safe, short line: `ascii()`-escaped controls, CJK kept, cut at `limit` characters."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        text = f"<{type(value).__name__}>"
    safe = _escaped(text)
    safe = safe if len(safe) <= limit else safe[: limit - 1] + "…"
    return f"'{safe}'" if isinstance(value, str) else safe


def _escaped(text: str, kept: str = "") -> str:
    """`text` with an escape for each letter that is not printable and not one of `kept`."""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text)


def near_names(name: object, known: Collection[str], most: int = 3) -> list[str]:
    """Those of `known` that are spelled most like `name`, nearest first, whatever their case."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.lower(), candidate)
    return [folded[near] for near in difflib.get_close_matches(str(name).lower(), folded, n=most, cutoff=0.5)]


class MedlabError(Exception):
    """Base of every error that medlab raises on purpose.

    given     what was received, with the value
    accepted  what would have been right
    fix       what to do next, ready to paste where that is possible
    """

    def __init__(self, given: str, *, accepted: str = "", fix: str = ""):
        # The last guard of the terminal: what went past `shown` is escaped here, lines and wide blanks stay.
        given, accepted, fix = (_escaped(text, "\n\u3000") for text in (given, accepted, fix))
        self.given, self.accepted, self.fix = given, accepted, fix
        lines = [given]
        if accepted:
            lines.append(f"  accepted: {accepted}")
        if fix:
            lines.append(f"  do this:  {fix}")
        super().__init__("\n".join(lines))

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback: the message, which is made to be enough."""
        return f"{type(self).__name__}: {self}".splitlines()

    def __reduce__(self):
        return (_rebuild, (type(self), self.given, self.__dict__.copy(), self.args))


def _rebuild(cls, given, state, args):
    error = cls.__new__(cls, given)
    error.args = args
    error.__dict__.update(state)
    return error


class SpecError(MedlabError, ValueError):
    """A spec or record with a value it may not have."""


class DataError(MedlabError, ValueError):
    """A file, table or byte string that cannot be read as what it claims to be.

    code  a short stable word for programs: see `DATA_CODES`
    """

    def __init__(self, code: str, given: str, *, accepted: str = "", fix: str = ""):
        if code not in DATA_CODES:
            raise ValueError(f"unknown DataError code {code!r}; add it to DATA_CODES with its meaning")
        self.code = code
        super().__init__(f"[{code}] {given}", accepted=accepted, fix=fix)


DATA_CODES = {
    "ambiguous_patient": "more than one patient where one is needed",
    "decode": "the bytes do not decode",
    "encoding": "text in an encoding that cannot be told",
    "gated": "weights whose terms of use this account has not accepted",
    "geometry": "rows, columns, bits or samples that make no picture",
    "leak": "one patient in two splits",
    "mask": "a mask that does not fit its picture",
    "mismatch": "header and pixels disagree",
    "missing_file": "a file that is listed but not there",
    "mixed_series": "slices that do not belong together",
    "needs_frame": "several frames where one must be chosen",
    "needs_window": "numbers of which nobody said what is black and what is white",
    "no_patient": "a split was asked for where no patient is known",
    "no_pixels": "a file without a picture",
    "not_dicom": "not a DICOM file",
    "not_image": "not a picture of a kind that is read here",
    "pickle": "data that would run code when opened",
    "remote_disabled": "an address where a file was expected",
    "schema": "a table or JSON file with missing or wrong fields",
    "timeout": "took longer than allowed",
    "too_deep": "nested deeper than any honest file",
    "too_large": "larger than the limit",
    "truncated": "the end is missing",
    "unreachable": "a server that does not answer, or may not be asked",
    "unsafe_path": "a path that leads out of its folder",
    "unsupported": "a valid file of a kind that is not supported",
}


class MissingDependency(MedlabError, ImportError):
    """A package that this job needs is not installed; `fix` is the install command."""


class PrivacyError(MedlabError):
    """Something that may identify a person was about to leave this machine."""


class EndpointError(MedlabError):
    """A server behind an address did not answer, or said what cannot be read.

    status  the HTTP status that it gave; None where it gave none, or its reply is at fault
    """

    def __init__(self, given: str, *, accepted: str = "", fix: str = "", status: int | None = None):
        self.status = status
        super().__init__(given, accepted=accepted, fix=fix)


class CapabilityError(MedlabError):
    """The worker is sound but cannot do this job; said before the work starts."""


class UnknownName(MedlabError, LookupError):
    """A name that is not in the list; the nearest ones are suggested."""

    def __init__(self, noun: str, name: object, known: list[str], *, fix: str = ""):
        self.noun, self.name = noun, name
        near = near_names(name, known)
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else fix
        super().__init__(f"no {noun} called {shown(str(name))}", accepted=", ".join(known) or "(none)", fix=hint)
