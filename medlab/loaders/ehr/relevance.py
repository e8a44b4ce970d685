"""Which entries of a record matter for a question: shared words, weighed by how rare they are, newness, abnormality.

It compares words. It knows nothing of medicine beyond the everyday names of kinds of entries, in English and Chinese.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from medlab.loaders.ehr.entry import Entry

KIND_WORDS = {
    "AllergyIntolerance": "allergy allergic intolerance reaction 过敏 不耐受",
    "CarePlan": "plan care 计划 护理",
    "Condition": "condition diagnosis disease problem history disorder 诊断 疾病 病史 问题 患有",
    "DiagnosticReport": "report result panel radiology pathology 报告 结果",
    "DocumentReference": "note document letter summary 记录 病程 文书 小结",
    "Encounter": "visit encounter admission hospital emergency 就诊 住院 急诊",
    "Goal": "goal target 目标",
    "ImagingStudy": "imaging image xray x-ray ct mri ultrasound scan 影像 超声 胸片 检查",
    "Immunization": "vaccine vaccination immunization shot 疫苗 接种 免疫",
    "MedicationRequest": "medication medicine drug dose prescription treatment 药 用药 药物 处方 剂量",
    "MedicationStatement": "medication medicine drug dose treatment 药 用药 药物 剂量",
    "Observation": "lab laboratory test measurement value vital level result 化验 检验 指标 体征 数值",
    "Procedure": "procedure surgery operation 手术 操作 治疗",
}
_STOP_WORDS = """
    a an and any are at be been by did do does for from had has have he her his how in is it its me my of on or patient
    she that the their there they this to was were what when which who why will with 的 是 有 在 了 和 吗 什么 患者
    病人
"""
_STOP = frozenset(_STOP_WORDS.split())
_LATIN = re.compile(r"[a-z0-9][a-z0-9\-]*[a-z0-9]|[a-z0-9]")
_HAN = re.compile(r"[\u3400-\u9fff]+")
NEW, ODD, REPEATED = 1.0, 1.5, 0.4
"""what newness (0 to 1), an abnormal value, and each newer entry of the same thing count, beside the shared words"""


def words_of(text: str) -> set[str]:
    """Words in lower case without plural s, and every two Chinese characters that stand together."""
    found = {word.removesuffix("s") if len(word) > 3 else word for word in _LATIN.findall(text.lower())}
    for run in _HAN.findall(text):
        found.update(run[i : i + 2] for i in range(max(len(run) - 1, 1)))
    return found - _STOP


class Relevance:
    """Scores of a record's entries for one question."""

    def __init__(self, entries: Sequence[Entry], question: str):
        self._entries = entries
        self._words = [_entry_words(entry) for entry in entries]
        asked = words_of(question)
        counts = Counter(word for words in self._words for word in words & asked)
        self._weights = {word: math.log((len(entries) + 1) / counts[word]) + 0.1 for word in sorted(counts)}

    def scores(self) -> list[float]:
        """One for each entry, in their order; higher matters more. The last of the list are the newest."""
        newer: Counter = Counter()
        told = [0.0] * len(self._entries)
        for i in range(len(self._entries) - 1, -1, -1):
            entry = self._entries[i]
            same = (entry.kind, entry.system, entry.code or entry.text)
            newness = (i + 1) / len(self._entries) if entry.when else 0.0
            told[i] = self.shared(self._words[i]) + NEW * newness + ODD * entry.abnormal - REPEATED * newer[same]
            newer[same] += 1
        return told

    def shared(self, words: set[str]) -> float:
        """The summed weights of the question's words among `words`."""
        return sum(self._weights[word] for word in sorted(words & self._weights.keys()))

    def excerpt(self, note: str, limit: int) -> str:
        """The rows of a note that share most with the question, in their order, at most about `limit` characters."""
        rows = [row for row in note.split("\n") if row.strip()]
        best = sorted(range(len(rows)), key=lambda i: (-self.shared(words_of(rows[i])), i))
        kept, room = [], limit
        for i in best:
            if len(rows[i]) <= room:
                kept.append(i)
                room -= len(rows[i]) + 1
        if not kept and rows:
            return rows[best[0]][: limit - 1] + "…"
        return "\n".join(rows[i] for i in sorted(kept))


def _entry_words(entry: Entry) -> set[str]:
    parts = (entry.text, entry.details, entry.category, entry.note, KIND_WORDS.get(entry.kind))
    named = (measure.name for measure in entry.measures)
    return words_of(" ".join(filter(None, (*parts, *named))))
