"""OpenI in Chinese, as XrayGLM was trained on it: one case for each text of a report, with the pictures that share it.

Reads both published forms: {"annotations": [{"image_id", "caption"}]} and the list of {"img", "prompt", "label"} made
from it. The texts are machine translations of machine summaries. Most pictures of one report repeat its text; where
they were translated apart, each text is a case of its own and all of them belong to one patient.
"""

import dataclasses
import pathlib
import re
from typing import TYPE_CHECKING, Any, ClassVar

from medlab.cohorts.entries import row_of_entry
from medlab.cohorts.features import schema
from medlab.cohorts.jsonl import read_document
from medlab.cohorts.sources.base import Source, SourceCard
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

_STEM = re.compile(r"(?P<uid>\d+)_(?P<n>\d+)")


class OpenIZh(Source):
    card = SourceCard(
        name="openi-zh",
        title="OpenI-zh, the Chinese summaries of XrayGLM",
        licence="CC BY-NC-SA 4.0; pictures CC BY-NC-ND 4.0",
        access="open",
        homepage="https://github.com/WangRongsheng/XrayGLM",
        language="zh",
        labels="none; the texts are machine translations of machine summaries",
        traps=(
            "two pictures of one report share its text: splitting by picture leaks",
            "nine texts of ten hold Latin letters left over from the translation",
            "the same patients as OpenI: never train on one and test on the other",
        ),
        seen_by=("xrayglm",),
    )
    tables: ClassVar = {"captions": ("openi-zh.json", "Xray/openi-zh.json", "openi-zh-prompt.json")}

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa

        path = files["captions"]
        texts: dict[str, dict[str, _Text]] = {}
        for image, question, caption in _annotations(read_document(path), path.name):
            uid, picture = _uid(image, path.name)
            text = texts.setdefault(uid, {}).setdefault(caption, _Text())
            text.pictures[picture] = None
            if question:
                text.questions[question] = None
        shared = {"source": "openi-zh", "language": "zh", "licence": self.card.licence, "access": self.card.access}
        rows = []
        for uid, by_caption in texts.items():
            for number, (caption, text) in enumerate(by_caption.items(), 1):
                name = f"zh-{uid}" if len(by_caption) == 1 else f"zh-{uid}-{number}"
                entry = {**shared, "id": name, "patient_id": uid, "study_id": uid, **_entry(caption, text)}
                rows.append(row_of_entry(entry, f"{path.name} {name}"))
        return pa.Table.from_pylist(rows, schema=schema())


@dataclasses.dataclass
class _Text:
    """Pictures and questions of one text, in order of appearance."""

    pictures: dict[str, None] = dataclasses.field(default_factory=dict)
    questions: dict[str, None] = dataclasses.field(default_factory=dict)


def _annotations(document: Any, where: str) -> list[tuple[str, str | None, str]]:
    """(picture, question or None, text) of each entry of either form."""
    entries = document.get("annotations") if isinstance(document, dict) else document
    keys = ("image_id", None, "caption") if isinstance(document, dict) else ("img", "prompt", "label")
    wanted = [key for key in keys if key]
    if not isinstance(entries, list):
        raise DataError("schema", f"{where}: no list of annotations", accepted='{"annotations": […]} or a list')
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in wanted):
            raise DataError(
                "schema", f"{where} entry {number}: {shown(entry)}", accepted=f"text under {', '.join(wanted)}"
            )
    return [(entry[keys[0]], entry[keys[1]] if keys[1] else None, entry[keys[2]].strip()) for entry in entries]


def _uid(image: str, where: str) -> tuple[str, str]:
    """("162", "162_1.png") from "162_1" or "./data/Xray/162_1.png"."""
    name = image.replace("\\", "/").rpartition("/")[2]
    found = _STEM.fullmatch(name.removesuffix(".png"))
    if not found:
        raise DataError(
            "schema", f"{where}: picture {shown(image)}", accepted='"162_1": report and number of the picture'
        )
    return found["uid"], f"{found[0]}.png"


def _entry(caption: str, text: _Text) -> dict[str, Any]:
    return {
        "images": [{"path": picture, "modality": "CR"} for picture in text.pictures],
        "reports": [{"language": "zh", "full": caption}],
        "questions": [
            {"question": question, "answer": caption, "kind": "open", "language": "zh"} for question in text.questions
        ],
    }
