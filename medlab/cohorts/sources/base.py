"""What every source of a cohort has: a card that says what it is, the tables it is read from, and a reader.

It knows where tables may lie (the person's folder, or the copies in torchxrayvision's wheel), not what is in them.
"""

import importlib.util
import pathlib
from typing import TYPE_CHECKING, Any, ClassVar

from medlab.cohorts.features import ACCESS
from medlab.core.case import LANGUAGES
from medlab.core.errors import DataError, SpecError, shown
from medlab.core.record import Record, check_choice, check_text, check_tuple, record

if TYPE_CHECKING:
    import pyarrow as pa


@record
class SourceCard(Record):
    """What a person should know about a data set before using it."""

    name: str
    title: str
    licence: str
    access: str
    """one of ACCESS"""
    homepage: str
    language: str = "en"
    names_patients: bool = True
    """False: no patient id, and so no split"""
    labels: str = ""
    """who made the labels, and what a blank means"""
    traps: tuple[str, ...] = ()
    """what goes wrong with it"""
    seen_by: tuple[str, ...] = ()
    """model families whose published training data list it: scores on it are not scores on new patients"""

    def __post_init__(self):
        for field in ("name", "title", "licence", "homepage"):
            check_text(field, getattr(self, field))
        check_choice("access", self.access, ACCESS)
        check_choice("language", self.language, LANGUAGES)
        check_tuple("traps", self.traps, str)
        check_tuple("seen_by", self.seen_by, str)


class Source:
    """Reads one data set. A subclass gives `card`, `tables` and `read`."""

    card: SourceCard
    tables: ClassVar[dict[str, tuple[str, ...]]] = {}
    """role -> file names, best first; a role that ends with "?" may be missing"""

    def find(self, root: pathlib.Path | None) -> dict[str, pathlib.Path]:
        """The table of each role: from `root` and its folders up to two deep, else from torchxrayvision's wheel.

        Raises DataError missing_file naming what was looked for.
        """
        found: dict[str, pathlib.Path] = {}
        for role, names in self.tables.items():
            key = role.removesuffix("?")
            path = first_file(root, names) or first_file(bundled_folder(), names, deep=False)
            if path is not None:
                found[key] = path
            elif not role.endswith("?"):
                place = shown(root.name) if root else "torchxrayvision's wheel, and no root was given"
                raise DataError(
                    "missing_file",
                    f"{self.card.name}: no table {' or '.join(names)} in {place}",
                    accepted=f"the folder of {self.card.title} ({self.card.access}: {self.card.homepage})",
                    fix=f'medlab.load_cohort("{self.card.name}", root="path/to/the/folder")',
                )
        return found

    def pictures(self, root: pathlib.Path | None) -> pathlib.Path | None:
        """The folder that paths of pictures start from; None where nobody said."""
        return root

    def watched(self, files: dict[str, pathlib.Path]) -> list[pathlib.Path]:
        """The files whose change makes a kept index stale; empty where none is to be kept."""
        return list(files.values())

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Options of this source, checked; most have none."""
        if given:
            raise SpecError(
                f"{self.card.name} has no option {shown(next(iter(given)))}", accepted="the options of load_cohort"
            )
        return {}

    def read(self, files: dict[str, pathlib.Path], **options: Any) -> "pa.Table":
        """Every case, with any of the columns of features.COLUMNS but root."""
        raise NotImplementedError


def first_file(folder: pathlib.Path | None, names: tuple[str, ...], *, deep: bool = True) -> pathlib.Path | None:
    """The first of `names` that lies in `folder`, or one or two folders below."""
    if folder is None:
        return None
    for pattern in ("{}", "*/{}", "*/*/{}") if deep else ("{}",):
        for name in names:
            found = sorted(folder.glob(pattern.format(name)))
            if found:
                return found[0]
    return None


def bundled_folder() -> pathlib.Path | None:
    """The label tables inside an installed torchxrayvision, found without importing it; None where it is not there."""
    spec = importlib.util.find_spec("torchxrayvision")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return pathlib.Path(folders[0], "data") if folders else None


def card_columns(card: SourceCard, count: int) -> dict[str, "pa.Array"]:
    """The columns that are the same in every row of one source."""
    from medlab.cohorts.columns import constant

    return {
        "source": constant(card.name, count),
        "licence": constant(card.licence, count),
        "access": constant(card.access, count),
        "language": constant(card.language, count),
    }
