"""load_cohort: any source to a Hugging Face dataset of cases, with splits that share no patient.

It finds the source, has it read (or takes the kept index), settles the split, checks for leaks and missing pictures,
and hands over. It knows no data set: each has its own file in sources/.
"""

import hashlib
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from medlab.cohorts.columns import constant, replaced
from medlab.cohorts.features import conform, features, schema
from medlab.cohorts.index import index_key, indexed
from medlab.cohorts.pictures import with_pictures_found
from medlab.cohorts.rows import carried, case_of, row_of
from medlab.cohorts.splits import RATIOS, SALT, check_split, with_splits
from medlab.core.case import LANGUAGES, SPLITS, Case
from medlab.core.errors import DataError, SpecError, UnknownName, shown
from medlab.core.record import check_choice, check_whole
from medlab.core.registry import Registry
from medlab.loaders.files import refuse_address

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

    from medlab.cohorts.sources.base import Source, SourceCard

__all__ = ["SOURCES", "case_of", "cohort_of", "load_cohort", "source_card", "with_bytes", "with_root"]

SOURCES = Registry(
    "cohort",
    {
        "chexpert": "medlab.cohorts.sources.chexpert:CheXpert",
        "folder": "medlab.cohorts.sources.folder:Folder",
        "mimic-cxr": "medlab.cohorts.sources.mimic:MIMIC",
        "nih": "medlab.cohorts.sources.nih:NIH",
        "openi": "medlab.cohorts.sources.openi:OpenI",
        "openi-zh": "medlab.cohorts.sources.openi_zh:OpenIZh",
        "padchest": "medlab.cohorts.sources.padchest:PadChest",
        "phantom": "medlab.cohorts.sources.phantoms:Phantoms",
        "rsna": "medlab.cohorts.sources.rsna:RSNA",
        "sample": "medlab.cohorts.sources.sample:Sample",
        "siim": "medlab.cohorts.sources.siim:SIIM",
        "vindr": "medlab.cohorts.sources.vindr:VinDr",
    },
)
"""name -> class of the source"""
ON_ERROR = ("raise", "skip")
"""what becomes of cases whose picture is listed but not there"""


def load_cohort(
    source: "str | pathlib.Path | Iterable[Case]",
    *,
    root: str | pathlib.Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    language: str | None = None,
    on_error: str = "raise",
    salt: str = SALT,
    ratios: tuple[float, float, float] = RATIOS,
    official: bool = True,
    verify: bool = True,
    cache: bool = True,
    **options: Any,
) -> "datasets.Dataset":
    """Cases as a Hugging Face dataset with the columns of docs/cohorts.md.

    source    a name in SOURCES; a folder, .jsonl or .csv of one's own; or Cases
    root      folder of the pictures (and tables) of a named source; None reads what needs no picture
    split     "train", "validation" or "test": only that part; None gives all, with the part in column `split`
    limit     the first so many cases, after everything else
    language  only cases of that language
    on_error  "raise" or "skip" for a case whose picture is listed but not there
    salt, ratios   of the hash that splits patients, where the source has no official split
    official  False hashes even where there is an official split
    verify    False does not look whether the pictures are there
    cache     False neither reads nor keeps an index of the tables (report texts are kept in it)
    options   of the source itself, such as n= and seed= for "phantom"; labels= and columns= for a CSV
    Raises UnknownName, SpecError, and DataError: missing_file, schema, no_patient, leak and what tables may hold.
    """
    for where, value, choices in (("split", split, SPLITS), ("language", language, LANGUAGES)):
        if value is not None:
            check_choice(where, value, choices)
    check_choice("on_error", on_error, ON_ERROR)
    if limit is not None:
        check_whole("limit", limit, 1)
    if isinstance(source, (str, pathlib.Path)):
        reader, where = _reader(source, root)
        name, folder = reader.card.name, reader.pictures(where)
        table, key = _read(reader, where, options, cache)
    elif options or root is not None:
        raise SpecError("root or options beside Cases", accepted="split, limit, language, salt, ratios, official")
    elif isinstance(source, Case) or not isinstance(source, Iterable):
        raise SpecError(
            f"a cohort cannot be made from a {shown(type(source).__name__)}",
            accepted="a name, a folder, a .jsonl or .csv, or several Cases",
            fix="load_cohort([case])" if isinstance(source, Case) else 'load_cohort("sample")',
        )
    else:
        name, folder, table, key = "cases", None, _table_of(source), None
    table = with_splits(table, salt, ratios, official)
    check_split(table, name)
    table = _chosen(table, name, split, language)
    if on_error == "raise":
        table = table.slice(0, limit)
    if folder is not None:
        folder = folder.resolve()
        if verify:
            table = with_pictures_found(table, folder, name, skip=on_error == "skip")
        table = replaced(table, root=constant(str(folder), table.num_rows))
    table = table.slice(0, limit)
    asked = (str(folder), split, limit, language, on_error, salt, ratios, official, verify)
    return _dataset(table, name, key and hashlib.blake2b(f"{key}|{asked}".encode(), digest_size=16).hexdigest())


def cohort_of(cases: Iterable[Case]) -> "datasets.Dataset":
    """Cases as a cohort that carries its pictures (as 8-bit PNG) and masks; splits stay as the cases say."""
    table = _table_of(cases)
    check_split(table, "cases")
    return _dataset(table, "cases", None)


def with_root(dataset: "datasets.Dataset", root: str | pathlib.Path) -> "datasets.Dataset":
    """The same cohort with its pictures looked for under `root`: after a folder was moved, or on another machine."""
    folder = pathlib.Path(root).resolve()
    if not folder.is_dir():
        raise DataError(
            "missing_file", f"there is no folder {shown(folder.name)}", fix="give the folder of the pictures"
        )
    moved = dataset.remove_columns("root").add_column("root", [str(folder)] * len(dataset))
    return moved.select_columns(schema().names)


def with_bytes(dataset: "datasets.Dataset", root: str | pathlib.Path | None = None) -> "datasets.Dataset":
    """The same cohort carrying its pictures and masks itself, and no path of this machine: ready for push_to_hub.

    Files go as they are, and what a JPEG or PNG says beside its pixels goes with them. Raises PrivacyError for DICOM.
    """
    return dataset.map(carried, fn_kwargs={"root": root}, features=features(), desc="pictures")


def source_card(name: str) -> "SourceCard":
    """Licence, access, labels and traps of a named source."""
    return SOURCES.get(name).card


def _reader(source: str | pathlib.Path, root: str | pathlib.Path | None) -> "tuple[Source, pathlib.Path | None]":
    """The source and where to look for it. A name is a name; whatever else is there, or looks like a path, is one."""
    where = pathlib.Path(root).expanduser() if root is not None else None
    if where is not None and not where.is_dir():
        raise DataError(
            "missing_file", f"there is no folder {shown(str(root))}", fix="give the folder of the data set"
        )
    if isinstance(source, str) and source in SOURCES and source != "folder":
        return SOURCES.get(source)(), where
    refuse_address(str(source), "source")
    path = pathlib.Path(source).expanduser()
    if isinstance(source, str) and not path.exists() and not any(mark in source for mark in "/\\."):
        raise UnknownName("cohort", source, [*SOURCES.names()], fix="or give the path of a folder, .jsonl or .csv")
    if where is not None:
        raise SpecError("a path with root=", accepted="root= beside a name; a path is its own root")
    return SOURCES.get("folder")(), path


def _read(
    reader: "Source", where: pathlib.Path | None, options: dict[str, Any], cache: bool
) -> "tuple[pa.Table, str | None]":
    """The source's table and, where it can be kept, the key that it is kept under."""
    name = reader.card.name
    checked = reader.options(options)
    files = reader.find(where)
    watched = reader.watched(files)

    def build() -> "pa.Table":
        return conform(reader.read(files, **checked), name)

    if not watched:
        return build(), None
    key = index_key(name, watched, repr(sorted(checked.items())))
    return (indexed(name, key, build) if cache else build()), key


def _table_of(cases: Iterable[Case]) -> "pa.Table":
    import pyarrow as pa

    tables = []
    for case in cases:
        if not isinstance(case, Case):
            raise SpecError(f"a cohort of {shown(case)}", accepted="a name, a path, or Cases")
        tables.append(pa.Table.from_pylist([row_of(case)], schema=schema()))
    if not tables:
        raise SpecError("a cohort of no cases", accepted="at least one Case")
    return conform(pa.concat_tables(tables), "cases")


def _chosen(table: "pa.Table", name: str, split: str | None, language: str | None) -> "pa.Table":
    """The part asked for; an empty one is an error that says what there is."""
    import pyarrow.compute as pc

    if split is not None:
        if table.num_rows and table["split"].null_count == table.num_rows:
            raise DataError(
                "no_patient",
                f"{name}: split={split!r}, but no case names its patient",
                accepted="a source with a patient_id",
                fix="split=None, and keep whatever you train on apart from what you test on",
            )
        there = sorted(set(pc.unique(table["split"]).to_pylist()) - {None})
        table = table.filter(pc.equal(table["split"], split))
        if not table.num_rows:
            raise DataError(
                "schema",
                f"{name}: no case is in split {split!r}",
                accepted=", ".join(there),
                fix="official=False splits by a hash of the patient",
            )
    if language is not None:
        there = sorted(pc.unique(table["language"]).to_pylist())
        table = table.filter(pc.equal(table["language"], language))
        if not table.num_rows:
            raise DataError("schema", f"{name}: no case in language {language!r}", accepted=", ".join(there))
    return table


def _dataset(table: "pa.Table", name: str, fingerprint: str | None) -> "datasets.Dataset":
    import datasets
    from datasets.table import InMemoryTable

    info = datasets.DatasetInfo(description=f"medlab cohort: {name}", features=features())
    if name in SOURCES:
        card = source_card(name)
        info.license, info.homepage = card.licence, card.homepage
    return datasets.Dataset(InMemoryTable(table), info=info, fingerprint=fingerprint)
