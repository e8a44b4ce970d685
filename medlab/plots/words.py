"""The few words that a figure says by itself, in English and Chinese, and what it calls what records name.

It does not translate reports, and a term that `medlab.core.vocabulary` does not list is shown as its source wrote it.
"""

from medlab.core.record import check_choice
from medlab.core.vocabulary import severity_term, term

WORDS = {
    "en": {
        "absent": "absent",
        "boxes": "Boxes",
        "corrected": "corrected",
        "doubt": "in doubt",
        "findings": "Findings",
        "how": "How the picture was made",
        "impression": "Impression",
        "indication": "Indication",
        "masks": "Outlined, with the share of the picture",
        "names": "English",
        "no_report": "No report in {}.",
        "not_mentioned": "not mentioned",
        "on_film": "{} on the film",
        "patient_left": "patient's left   L",
        "patient_right": "R   patient's right",
        "present": "present",
        "reference": "Known of this case",
        "report": "Report",
        "research": "Research and teaching only.",
        "share": "{:.1%}",
        "sides": "The patient's right is at the left of the picture.",
        "stop": ". ",
        "stretch": "shown stretched from {:g} to {:g}",
        "uncertain": "uncertain",
        "window": "window {:g}/{:g}",
    },
    "zh": {
        "absent": "无",
        "boxes": "框",
        "corrected": "已更正",
        "doubt": "存疑",
        "findings": "所见",
        "how": "图像处理过程",
        "impression": "印象",
        "indication": "检查原因",
        "masks": "轮廓及其占画面的比例",
        "names": "中文",
        "no_report": "没有{}报告。",
        "not_mentioned": "未提及",
        "on_film": "胶片上 {}",
        "patient_left": "患者左侧  L",
        "patient_right": "R  患者右侧",
        "present": "有",
        "reference": "已知情况",
        "report": "报告",
        "research": "仅供科研与教学。",
        "share": "{:.1%}",
        "sides": "画面左侧为患者右侧。",
        "stop": "。",
        "stretch": "显示灰阶拉伸至 {:g}–{:g}",
        "uncertain": "不确定",
        "window": "窗位/窗宽 {:g}/{:g}",
    },
}
LANGUAGES = tuple(WORDS)


def words_in(language: str) -> dict[str, str]:
    """What a figure says in one of LANGUAGES. Raises SpecError for another."""
    check_choice("language", language, LANGUAGES)
    return WORDS[language]


def label(name: str, language: str) -> str:
    """What a figure calls a finding, an organ, a side or a zone.

    In English that is the record's own name, which is also what `show(..., masks=[name])` takes, with spaces for
    underscores; in Chinese medlab's term, or the name as it stands where there is none.
    """
    if language == "en":
        return name.replace("_", " ")
    known = term(name)
    return known.zh if known else name


def severity(word: str, finding: str, language: str) -> str:
    """The severity of that finding in the language of the figure, or as its source wrote it."""
    known = severity_term(word, finding)
    return known.zh if language == "zh" and known else word
