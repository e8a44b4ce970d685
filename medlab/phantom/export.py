"""Writes phantoms to a folder that `medlab.load_cohort` reads: pictures, masks, cases.jsonl and a manifest.

Files are written whole or not at all, and a run that was interrupted goes on where it stopped: a case whose files are
all there, unchanged and of the same recipe is kept. It draws nothing itself.
"""

import hashlib
import io
import json
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from medlab.core.case import Case
from medlab.core.errors import SpecError, shown
from medlab.core.provenance import sha256_of
from medlab.core.record import check_whole
from medlab.phantom.chance import stream
from medlab.phantom.dicom import to_dicom
from medlab.phantom.reports import phrases
from medlab.phantom.style import PhantomStyle
from medlab.phantom.worker import Phantom
from medlab.version import __version__

TABLE = "cases.jsonl"
MANIFEST = "manifest.sha256"
AP_SHARE = 0.3
"""part of the cases that are drawn as AP films"""


def write_phantoms(
    out: str | os.PathLike[str],
    *,
    n: int = 20,
    seed: int = 0,
    size: int = 512,
    dicom: bool = False,
    languages: tuple[str, ...] = ("en", "zh"),
    visits: int = 0,
    style: PhantomStyle | None = None,
    bits: int = 8,
) -> pathlib.Path:
    """Draw `n` cases and `visits` pairs of visits into the folder `out`; its path.

    seed       of the first case; the others count up, pairs after single cases
    dicom      also write each film as a DICOM file, which then is the case's image
    languages  of reports and questions
    bits       8 or 16 for the PNG films; 16 holds the twelve bits of the drawing

    The folder holds images/, masks/ (one PNG for each mask, white inside), cases.jsonl with one case a line, and
    manifest.sha256 as `sha256sum -c` reads it. Raises SpecError for options that are not accepted, and for a folder
    that holds cases which this run does not draw: its table would lose them.
    """
    check_whole("n", n)
    check_whole("visits", visits)
    if bits not in (8, 16):
        raise SpecError(f"bits is {shown(bits)}", accepted="8 or 16", fix="bits=8")
    for language in languages:
        phrases(language)
    phantom = Phantom(size, style)
    folder = pathlib.Path(out)
    wanted = list(_plan(n, visits, seed))
    _check_strangers(folder, wanted)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    recipe = hashlib.sha256(
        repr((__version__, size, dicom, languages, bits, phantom.style.fingerprint)).encode()
    ).hexdigest()
    kept = _kept(folder, recipe)
    _write(folder / TABLE, _lines(kept[name] for name in wanted if name in kept))
    lines = _draw_missing(folder, phantom, wanted, kept, dicom=dicom, languages=languages, bits=bits, recipe=recipe)
    _write(folder / TABLE, _lines(lines[name] for name in wanted))
    files = {path: digest for name in wanted for path, digest in lines[name]["meta"]["files"].items()}
    files[TABLE] = sha256_of(folder / TABLE)
    _write(folder / MANIFEST, "".join(f"{files[path]}  {path}\n" for path in sorted(files)).encode())
    return folder


def _plan(n: int, visits: int, seed: int) -> Iterator[str]:
    """Names of the cases in order; `Phantom` gives the same names."""
    yield from (f"phantom-{number}" for number in range(seed, seed + n))
    for number in range(seed + n, seed + n + visits):
        yield from (f"phantom-{number}-visit-1", f"phantom-{number}-visit-2")


def _draw_missing(
    folder: pathlib.Path,
    phantom: Phantom,
    wanted: list[str],
    kept: dict[str, dict],
    *,
    dicom: bool,
    languages: tuple[str, ...],
    bits: int,
    recipe: str,
) -> dict[str, dict]:
    """Entries of all wanted cases by name; each new one is on disk, and in the table, before the next is drawn."""
    from tqdm.auto import tqdm

    lines = dict(kept)
    with (folder / TABLE).open("ab") as table, tqdm(total=len(wanted), desc="phantoms") as bar:
        bar.update(sum(name in kept for name in wanted))
        for name in wanted:
            if name in lines:
                continue
            number, is_visit = int(name.split("-")[1]), "visit" in name
            view = "AP" if stream(number, "view").random() < AP_SHARE else "PA"
            for case in phantom.visits(number, view) if is_visit else (phantom.draw(number, view=view),):
                if case.id in wanted and case.id not in lines:
                    entry = _write_case(folder, case, dicom=dicom, languages=languages, bits=bits, recipe=recipe)
                    lines[case.id] = entry
                    table.write(_lines([entry]))
                    table.flush()
                    bar.update()
    return lines


def _write_case(
    folder: pathlib.Path, case: Case, *, dicom: bool, languages: tuple[str, ...], bits: int, recipe: str
) -> dict:
    """The files of one case, then its entry for the table."""
    scan, files = case.scans[0], {}

    def put(path: str, content: bytes) -> str:
        _write(folder / path, content)
        files[path] = hashlib.sha256(content).hexdigest()
        return path

    pixels = scan.to_uint8() if bits == 8 else np.rint(scan.pixels * np.float32(65535)).astype(np.uint16)
    image = put(f"images/{case.id}.png", _png(pixels))
    if dicom:
        image = put(f"images/{case.id}.dcm", to_dicom(case))
    masks = []
    for mask in case.masks:
        stem = "-".join(filter(None, (case.id, mask.label, mask.side)))
        path = put(f"masks/{stem}.png", _png(mask.pixels.astype(np.uint8) * 255))
        masks.append({"label": mask.label, "side": mask.side, "scan": mask.scan, "path": path})
    return {
        "id": case.id,
        "patient_id": case.patient_id,
        "source": case.source,
        "licence": case.licence,
        "language": languages[0] if languages else "en",
        "split": case.split,
        "images": [
            {
                "path": image,
                "sha256": files[image],
                "modality": scan.modality,
                "view": scan.view,
                "laterality": scan.laterality,
                "rows": scan.rows,
                "cols": scan.cols,
            }
        ],
        "findings": [finding.to_dict() for finding in case.findings],
        "reports": [report.to_dict() for report in case.reports if report.language in languages],
        "boxes": [box.to_dict() for box in case.boxes],
        "masks": masks,
        "questions": [question.to_dict() for question in case.questions if question.language in languages],
        "meta": {"recipe": recipe, "files": files},
    }


def _kept(folder: pathlib.Path, recipe: str) -> dict[str, dict]:
    """Entries of an earlier run that can stay; a half-written last line is passed over."""
    kept = {}
    for name, entry in _entries(folder).items():
        try:
            files = entry["meta"]["files"]
            same = entry["meta"]["recipe"] == recipe
        except (KeyError, TypeError):
            continue
        if same and all(_is(folder, path, digest) for path, digest in files.items()):
            kept[name] = entry
    return kept


def _entries(folder: pathlib.Path) -> dict[str, dict]:
    """What the folder's table says already, by case; lines that are no case are passed over."""
    entries, table = {}, folder / TABLE
    for line in table.read_bytes().splitlines() if table.is_file() else ():
        try:
            entry = json.loads(line)
            entries[str(entry["id"])] = entry
        except (ValueError, KeyError, TypeError):
            continue
    return entries


def _check_strangers(folder: pathlib.Path, wanted: list[str]) -> None:
    others = _entries(folder).keys() - set(wanted)
    if others:
        raise SpecError(
            f"the folder {shown(folder.name)} holds {len(others)} other case(s), such as {shown(min(others))}",
            accepted="an empty folder, or the seed, n and visits that go on with what is there",
            fix="give another folder",
        )


def _is(folder: pathlib.Path, path: str, digest: str) -> bool:
    """Whether a file of this folder is there with this content; a path that leads out of the folder is not."""
    target = folder / path
    inside = target.resolve().is_relative_to(folder.resolve())
    return inside and target.is_file() and sha256_of(target) == digest


def _lines(entries) -> bytes:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    stream_out = io.BytesIO()
    Image.fromarray(pixels).save(stream_out, "PNG", optimize=False)
    return stream_out.getvalue()


def _write(path: pathlib.Path, content: bytes) -> None:
    """The whole file or none of it, even where the machine stops half-way."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)
