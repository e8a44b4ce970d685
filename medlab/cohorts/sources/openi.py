"""OpenI (Indiana University): one case a report, with all of its pictures, as XML or as the two tables on Kaggle.

Sections are kept as published, `XXXX` where words were taken out. The curators' MeSH terms become findings; the terms
that a program found in the text go to `meta`, because it also finds what the text denies.
"""

import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from medlab.cohorts.archives import members
from medlab.cohorts.entries import row_of_entry
from medlab.cohorts.features import schema
from medlab.cohorts.sources.base import Source, SourceCard, bundled_folder
from medlab.cohorts.sources.mesh import findings_from_mesh
from medlab.cohorts.tables import file_bytes, read_table
from medlab.core.errors import DataError, shown
from medlab.core.scan import VIEWS

if TYPE_CHECKING:
    import pyarrow as pa

MAX_REPORT_BYTES = 1 << 20
SECTIONS = ("findings", "impression", "indication", "comparison")
_LATERAL = ("LATERAL", "LL", "RL")


class OpenI(Source):
    card = SourceCard(
        name="openi",
        title="OpenI, Indiana University chest X-ray collection",
        licence="CC BY-NC-ND 4.0",
        access="open",
        homepage="https://openi.nlm.nih.gov/faq#collection",
        labels="MeSH terms that people gave each report: present only; 'normal' means that nothing was found",
        traps=(
            "XXXX stands where words were taken out, in four sections of ten",
            "two pictures of one report share its text: splitting by picture leaks",
            "104 reports have no picture; the projection of a third of the pictures is not known",
        ),
    )
    tables: ClassVar = {
        "xml?": ("NLMCXR_reports.tgz", "ecgen-radiology/1.xml"),
        "reports?": ("indiana_reports.csv",),
        "projections?": ("indiana_projections.csv",),
        "headers?": ("nlmcxr_dicom_metadata.csv.gz",),
    }

    def find(self, root: pathlib.Path | None) -> dict[str, pathlib.Path]:
        """The Kaggle tables where the folder has both, else XML; never a mixture."""
        found = super().find(root)
        if "reports" in found and "projections" in found:
            return {key: found[key] for key in ("reports", "projections")}
        if "xml" in found:
            return {key: found[key] for key in ("xml", "headers") if key in found}
        raise DataError(
            "missing_file",
            "openi: neither NLMCXR_reports.tgz nor indiana_reports.csv with indiana_projections.csv",
            accepted=f"the folder of {self.card.title}, or an installed torchxrayvision, which ships the reports",
            fix='medlab.load_cohort("openi", root="path/to/the/folder")',
        )

    def watched(self, files: dict[str, pathlib.Path]) -> list[pathlib.Path]:
        loose = "xml" in files and files["xml"].suffix == ".xml"
        return [*files.values(), *(sorted(files["xml"].parent.glob("*.xml")) if loose else [])]

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa

        entries = _from_kaggle(files) if "reports" in files else _from_xml(files)
        shared = {"source": "openi", "licence": self.card.licence, "access": self.card.access}
        rows = [row_of_entry({**shared, **entry}, where) for where, entry in entries]
        return pa.Table.from_pylist(rows, schema=schema())


def _from_xml(files: dict[str, pathlib.Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    views = _views(files.get("headers"))
    path = files["xml"]
    if path.suffix == ".xml":
        documents = ((file.name, file_bytes(file, MAX_REPORT_BYTES)) for file in sorted(path.parent.glob("*.xml")))
    else:
        documents = members(path, ".xml", MAX_REPORT_BYTES)
    for name, data in sorted(documents, key=lambda document: _order(document[0])):
        yield name, report_entry(data, name, views)


def _order(name: str) -> tuple[int, str]:
    stem = pathlib.PurePosixPath(name).stem
    return (int(stem), "") if stem.isdecimal() and len(stem) < 10 else (1 << 40, stem)


def report_entry(data: bytes, where: str, views: dict[str, str]) -> dict[str, Any]:
    """What one report says. Raises DataError decode for XML that declares entities or is broken, schema without uId.

    views   picture -> projection, as the DICOM headers said
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\x00" in data or not data.lstrip(b"\xef\xbb\xbf \r\n\t"):
        raise DataError(
            "decode", f"{where}: XML with a document type, entities or NULs", accepted="plain XML in UTF-8"
        )
    try:
        report = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise DataError("decode", f"{where}: not XML ({shown(str(error))})") from error
    uid = report.find("uId")
    if uid is None or not uid.get("id"):
        raise DataError("schema", f"{where}: no uId", accepted='<eCitation> with <uId id="CXR1"/>')
    number = uid.get("id").removeprefix("CXR")
    sections = {part.get("Label", "").lower(): (part.text or "").strip() for part in report.iter("AbstractText")}
    pictures = [picture.get("id", "") for picture in report.findall("parentImage")]
    captions = {(caption.text or "").strip() for caption in report.iter("caption")}
    automatic = [term.text.strip() for term in report.findall("MeSH/automatic") if term.text]
    return {
        "id": number,
        "patient_id": number,
        "study_id": number,
        "images": [
            {"path": f"{picture}.png", "view": views.get(picture, "unknown"), "modality": "CR"} for picture in pictures
        ],
        "reports": [{"language": "en", **{key: sections.get(key) or None for key in SECTIONS}}],
        "findings": findings_from_mesh([term.text or "" for term in report.findall("MeSH/major")]),
        "meta": {"captions": sorted(captions - {""}), "terms_found_by_program": automatic},
    }


def _views(path: pathlib.Path | None) -> dict[str, str]:
    """Picture -> projection from the table of DICOM headers, where it says one of VIEWS."""
    if path is None:
        path = bundled_folder() and bundled_folder() / OpenI.tables["headers?"][0]
        if path is None or not path.is_file():
            return {}
    table = read_table(path, needed=("imageid", "View Position"), keep=("imageid", "View Position"))
    pairs = zip(table["imageid"].to_pylist(), table["View Position"].to_pylist(), strict=True)
    named = {image: "LATERAL" if view in _LATERAL else view for image, view in pairs}
    return {image: view for image, view in named.items() if view in VIEWS}


def _from_kaggle(files: dict[str, pathlib.Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = files["reports"].name
    reports = read_table(files["reports"], needed=("uid", "MeSH", "image", *SECTIONS)).to_pylist()
    pictures: dict[str, list[dict[str, str]]] = {}
    projections = read_table(files["projections"], needed=("uid", "filename", "projection"))
    for row in projections.to_pylist():
        view = "LATERAL" if row["projection"].strip() == "Lateral" else "unknown"  # "Frontal" is PA or AP: not said
        pictures.setdefault(row["uid"], []).append({"path": row["filename"], "view": view, "modality": "CR"})
    for row in reports:
        uid = row["uid"]
        yield (
            f"{name} uid {shown(uid)}",
            {
                "id": uid,
                "patient_id": uid,
                "study_id": uid,
                "images": pictures.get(uid, []),
                "reports": [{"language": "en", **{key: row[key].strip() or None for key in SECTIONS}}],
                "findings": findings_from_mesh(row["MeSH"].split(";")),
                "meta": {"captions": [row["image"]] if row["image"] else []},
            },
        )
