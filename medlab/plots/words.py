"""The few words that a figure says by itself, in English and Chinese, and medlab's own terms in Chinese.

It does not translate reports: a term that is not listed here is shown as its source wrote it.
"""

from medlab.core.record import check_choice

LANGUAGES = ("en", "zh")

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

CHINESE = {
    "atelectasis": "肺不张",
    "both": "双侧",
    "cardiomegaly": "心影增大",
    "central_line": "中心静脉导管",
    "consolidation": "实变",
    "distractor": "干扰物",
    "effusion": "胸腔积液",
    "endotracheal_tube": "气管插管",
    "heart": "心脏",
    "large": "大量",
    "left": "左侧",
    "left_lung": "左肺",
    "lower": "下野",
    "lung": "肺",
    "marker": "标记",
    "mediastinum": "纵隔",
    "mid": "中野",
    "mild": "轻度",
    "moderate": "中等",
    "nodule": "结节",
    "pacemaker": "起搏器",
    "pneumothorax": "气胸",
    "right": "右侧",
    "right_lung": "右肺",
    "severe": "重度",
    "small": "少量",
    "upper": "上野",
}


def words_in(language: str) -> dict[str, str]:
    """What a figure says in one of LANGUAGES. Raises SpecError for another."""
    check_choice("language", language, LANGUAGES)
    return WORDS[language]


def term(name: str, language: str) -> str:
    """A label in the language of the figure, or as it stands; underscores read as spaces."""
    return CHINESE.get(name, name) if language == "zh" else name.replace("_", " ")
