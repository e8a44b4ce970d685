"""One object of somebody's JSON Lines file to one row of a cohort, or an error that says which key is wrong.

Short forms are welcome (an image as a mere path, findings as {"effusion": "present"}, a report as text); a key that
means nothing here is kept in `meta`. It opens no picture.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from medlab.cohorts.boxes import clip_box
from medlab.cohorts.features import COLUMNS, Column
from medlab.cohorts.paths import inner_path
from medlab.core.errors import DataError, shown

SECTIONS = ("impression", "indication", "comparison", "technique")
_OF_IMAGE = ("view", "modality", "laterality")
_IMAGE_KEYS = ("image", "file_name", "filename", "path")
_VIEW_OF_WORDS = {
    **dict.fromkeys(("pa", "pa erect"), "PA"),
    **dict.fromkeys(("ap", "ap erect", "ap portable", "ap semi erect", "ap supine"), "AP"),
    **dict.fromkeys(("l", "ll", "rl", "lat", "lateral", "left lateral", "right lateral"), "LATERAL"),
    **dict.fromkeys(("other", "axial", "coronal", "sagittal", "oblique"), "OTHER"),
    "unknown": "unknown",
}
"""how tables write a view, in small letters; another word is refused, because none is guessed"""
_TEXT = Column("", "string", "")
_IDS = ("id", "patient_id", "study_id")


def row_of_entry(entry: Mapping[str, Any], where: str, *, source: str = "folder") -> dict[str, Any]:
    """A row with the columns of a cohort. Raises DataError schema or unsafe_path, beginning with `where`."""
    given = {key: value for key, value in entry.items() if value is not None}
    row: dict[str, Any] = {
        "source": given.pop("source", source),
        "access": given.pop("access", "own"),
        "language": given.pop("language", "en"),
        "images": _images(given, where),
    }
    first = row["images"][0]["path"] if row["images"] else None
    row["id"] = given.pop("id", first)
    if row["id"] is None:
        raise DataError("schema", f"{where}: neither id nor image", accepted='{"id": "…", "images": ["a.png"]}')
    row["reports"] = _reports(given, row["language"], where)
    row["findings"] = _findings(given.pop("findings", []), where)
    row["boxes"] = [_box(box, row["images"], where) for box in _list(given.pop("boxes", []), "boxes", where)]
    row["masks"] = [_mask(mask, row["images"], where) for mask in _list(given.pop("masks", []), "masks", where)]
    row["questions"] = _questions(given, row["language"], where)
    split = given.pop("split", None)
    row |= {"split": split, "split_source": given.pop("split_source", "official") if split else "none"}
    given.pop("split_source", None)
    for item in COLUMNS:
        if item.name not in row and item.name not in ("meta", "root"):
            row[item.name] = given.pop(item.name, None)
    row["meta"] = _meta(given, where)
    return _checked_fields(row, COLUMNS, f"{where}: ")


def _images(given: dict[str, Any], where: str) -> list[dict[str, Any]]:
    images = given.pop("images", None)
    for key in _IMAGE_KEYS:
        if images is None and key in given:
            images = [given.pop(key)]
    shared = {key: given.pop(key) for key in _OF_IMAGE if key in given}
    if isinstance(shared.get("view"), str):
        written = shared["view"]
        shared["view"] = _VIEW_OF_WORDS.get(" ".join(written.lower().replace("-", " ").split()), written)
        if shared["view"] != written:
            given["view_as_written"] = written
    found = []
    for image in _list(images if images is not None else [], "images", where):
        image = {"path": image} if isinstance(image, str) else image
        if not isinstance(image, dict) or not isinstance(image.get("path"), str):
            raise DataError(
                "schema", f"{where}: image {shown(image)}", accepted='a path, or {"path": "…", "view": "PA"}'
            )
        path = inner_path(image["path"], where)
        found.append({"view": "unknown", "role": "current", **shared, **image, "path": path})
    return found


def _reports(given: dict[str, Any], language: str, where: str) -> list[dict[str, Any]]:
    reports = list(_list(given.pop("reports", []), "reports", where))
    flat = {key: given.pop(key) for key in SECTIONS if key in given}
    if isinstance(given.get("findings"), str):
        flat["findings"] = given.pop("findings")
    if isinstance(given.get("report"), str):
        flat["full"] = given.pop("report")
    return [*reports, {"language": language, **flat}] if flat else reports


def _findings(findings: Any, where: str) -> list[dict[str, Any]]:
    if isinstance(findings, dict):
        return [{"name": name, "state": state} for name, state in findings.items()]
    entries = _list(findings, "findings", where)
    return [{"name": entry, "state": "present"} if isinstance(entry, str) else entry for entry in entries]


def _questions(given: dict[str, Any], language: str, where: str) -> list[dict[str, Any]]:
    questions = list(_list(given.pop("questions", []), "questions", where))
    if "question" in given:
        questions.append({"question": given.pop("question"), "answer": given.pop("answer", "")})
    base = {"kind": "open", "language": language, "options": []}
    return [{**base, **entry} if isinstance(entry, dict) else entry for entry in questions]


def _box(box: Any, images: list[dict[str, Any]], where: str) -> dict[str, Any]:
    if not isinstance(box, dict):
        raise DataError("schema", f"{where}: box {shown(box)}", accepted='{"label": "…", "box_px": [t, l, b, r]}')
    box = {"scan": 0, **box}
    edges = box.pop("box_px", None) or [box.get(name) for name in ("top", "left", "bottom", "right")]
    if not isinstance(edges, (list, tuple)) or len(edges) != 4 or not all(_is_number(edge) for edge in edges):
        raise DataError("schema", f"{where}: box_px is {shown(edges)}", accepted="[top, left, bottom, right]")
    image = images[_scan(box, images, where)] if images else {}
    size = [value if isinstance(value, int) else None for value in (image.get("rows"), image.get("cols"))]
    inside = clip_box(tuple(map(float, edges)), *size)
    if inside is None:
        raise DataError("schema", f"{where}: box {edges} has no area inside its picture", accepted="top < bottom …")
    raw = None if tuple(edges) == inside else str(list(edges))
    return {"raw": raw, **box, **dict(zip(("top", "left", "bottom", "right"), inside, strict=True))}


def _mask(mask: Any, images: list[dict[str, Any]], where: str) -> dict[str, Any]:
    if not isinstance(mask, dict):
        raise DataError("schema", f"{where}: mask {shown(mask)}", accepted='{"label": "…", "path": "mask.png"}')
    mask = {"scan": 0, "format": "png", **mask}
    _scan(mask, images, where)
    if mask.get("path") is not None:
        mask["path"] = inner_path(str(mask["path"]), where)
    elif mask.get("data") is None:
        raise DataError("schema", f"{where}: mask {shown(mask.get('label'))} has neither path nor data")
    data = mask.get("data")
    if isinstance(data, (list, dict)):
        data = json.dumps(data)
    mask["data"] = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return mask


def _scan(thing: dict[str, Any], images: list[dict[str, Any]], where: str) -> int:
    scan = thing["scan"]
    if not isinstance(scan, int) or isinstance(scan, bool) or not 0 <= scan < max(len(images), 1):
        raise DataError("schema", f"{where}: scan is {shown(scan)}", accepted=f"0 to {max(len(images), 1) - 1}")
    return scan


def _meta(given: dict[str, Any], where: str) -> str | None:
    meta = given.pop("meta", None)
    if isinstance(meta, str) and not given:
        return meta
    rest = {**(meta if isinstance(meta, dict) else {} if meta is None else {"meta": meta}), **given}
    try:
        return json.dumps(rest, ensure_ascii=False, sort_keys=True, allow_nan=False) if rest else None
    except (TypeError, ValueError) as error:
        raise DataError("schema", f"{where}: {shown(str(error))}", accepted="plain JSON values") from error


def _checked(value: Any, item: Column, where: str) -> Any:
    """`value`, which is not None, as the column's type; whole numbers become text where ids are text, nothing else."""
    if item.kind == "list":
        return [_checked_record(entry, item, f"{where}[{i}]") for i, entry in enumerate(_list(value, "", where))]
    if item.kind == "strings":
        return [_checked(entry, _TEXT, where) for entry in _list(value, "", where)]
    if item.kind == "string":
        if item.name in _IDS and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise DataError("schema", f"{where} is {shown(value)}", accepted=f"text: {item.meaning}")
        return value
    if item.kind == "binary":
        if not isinstance(value, bytes):
            raise DataError("schema", f"{where} is {shown(value)}", accepted="bytes")
        return value
    whole = item.kind == "int32"
    if not _is_number(value) or (whole and (value != int(value) or not 0 <= value < 2**31)):
        raise DataError("schema", f"{where} is {shown(value)}", accepted="a whole number" if whole else "a number")
    return int(value) if whole else float(value)


def _checked_record(entry: Any, item: Column, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise DataError("schema", f"{where} is {shown(entry)}", accepted="an object with fields")
    unknown = entry.keys() - {field.name for field in item.fields}
    if unknown:
        accepted = ", ".join(field.name for field in item.fields)
        raise DataError("schema", f"{where} has a field {shown(min(unknown))}", accepted=accepted)
    return _checked_fields(entry, item.fields, f"{where}.")


def _checked_fields(values: Mapping[str, Any], fields: tuple[Column, ...], where: str) -> dict[str, Any]:
    """Each field by its name. Most are missing in most rows: those cost nothing but None."""
    return {
        field.name: None if (value := values.get(field.name)) is None else _checked(value, field, where + field.name)
        for field in fields
    }


def _list(value: Any, name: str, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise DataError("schema", f"{where}{': ' + name if name else ''} is {shown(value)}", accepted="a list")
    return list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
