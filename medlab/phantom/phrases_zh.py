"""How a Chinese report says what a phantom shows: data for `reports` and `questions`, no logic.

The same keys as `phrases_en`. Every sentence can be read back by `parser`: a finding and what is said of it stand in
one sentence, and a negation covers its whole sentence.
"""

from medlab.core.vocabulary import FINDING_TERMS, SIDE_TERMS, ZONE_TERMS

NAMES = {name: term.zh for name, term in FINDING_TERMS.items()}
A_NAMES = NAMES
SIDES = {name: term.zh for name, term in SIDE_TERMS.items()}
ZONES = {name: term.zh for name, term in ZONE_TERMS.items()}
SIDE_PLACE = "{side}侧胸部"
ZONE_PLACE = "{side}肺{zone}野"

PRESENT = {
    "cardiomegaly": (
        "心影{severity}增大。",
        "心脏{severity}增大。",
        "心影增大（{severity}）。",
        "心脏影{severity}增大。",
    ),
    "effusion": (
        "{side}侧{severity}胸腔积液。",
        "{side}侧胸腔可见{severity}积液。",
        "{side}侧可见{severity}胸腔积液，上缘呈外高内低弧线。",
        "提示{side}侧{severity}胸腔积液。",
    ),
    "consolidation": (
        "{side}肺{zone}野可见实变。",
        "{side}肺{zone}野见片状实变影，内可见空气支气管征。",
        "{side}肺{zone}野实变影。",
        "{side}肺{zone}野可见斑片状实变。",
    ),
    "nodule": (
        "{side}肺{zone}野可见结节影。",
        "{side}肺{zone}野见类圆形结节影，边界清。",
        "{side}肺{zone}野结节影。",
        "{side}肺{zone}野可见一枚结节。",
    ),
    "pneumothorax": (
        "{side}侧{severity}气胸。",
        "{side}侧{severity}气胸，可见脏层胸膜线。",
        "{side}侧可见{severity}气胸。",
        "提示{side}侧{severity}气胸。",
    ),
    "atelectasis": (
        "{side}肺{zone}野肺不张。",
        "{side}肺{zone}野可见肺不张，伴肺容积缩小。",
        "{side}肺{zone}野见肺不张征象。",
        "提示{side}肺{zone}野肺不张。",
    ),
    "pacemaker": (
        "{side}侧胸壁可见起搏器。",
        "{side}侧起搏器植入术后。",
        "{side}侧见起搏器及其导线影。",
        "{side}侧胸壁起搏器在位。",
    ),
    "central_line": (
        "{side}侧中心静脉导管在位。",
        "可见{side}侧中心静脉导管，尖端位于上腔静脉。",
        "{side}侧可见中心静脉导管影。",
        "可见经{side}侧置入的中心静脉导管。",
    ),
    "endotracheal_tube": ("气管插管在位。", "可见气管插管影。", "气管插管尖端位于隆突上方。", "见气管插管，位置可。"),
}
ABSENT = {
    ("cardiomegaly",): ("心影大小正常。", "心影不大。", "未见心影增大。", "心脏大小在正常范围。"),
    ("consolidation", "nodule", "atelectasis"): (
        "双肺清晰。",
        "两肺野清晰。",
        "未见实变、结节或肺不张。",
        "双肺未见局灶性病变影。",
    ),
    ("effusion", "pneumothorax"): (
        "未见胸腔积液或气胸。",
        "未见胸腔积液及气胸征象。",
        "无胸腔积液，无气胸。",
        "双侧胸膜腔未见异常。",
    ),
    ("effusion",): ("未见胸腔积液。", "无胸腔积液。", "未见明确胸腔积液征象。", "双侧肋膈角锐利，未见积液。"),
    ("pneumothorax",): ("未见气胸。", "无气胸。", "未见明确气胸征象。", "双侧未见气胸线。"),
}
CLAUSES = {
    "cardiomegaly": "{severity}心影增大",
    "effusion": "{side}侧{severity}胸腔积液",
    "consolidation": "{side}肺{zone}野实变",
    "nodule": "{side}肺{zone}野结节",
    "pneumothorax": "{side}侧{severity}气胸",
    "atelectasis": "{side}肺{zone}野肺不张",
    "pacemaker": "{side}侧起搏器",
    "central_line": "{side}侧中心静脉导管",
    "endotracheal_tube": "气管插管",
}
NORMAL = ("心肺未见急性异常。", "胸片未见异常。", "心肺膈未见明显异常。", "未见活动性病变。")
DEVICES_ONLY = (
    "置入物如上所述，心肺未见急性异常。",
    "除置入物外，心肺膈未见明显异常。",
    "置入物同上，余未见明显异常。",
    "未见活动性病变，置入物如上所述。",
)
TECHNIQUE = {"PA": "胸部正位片，后前位。", "AP": "胸部正位片，前后位。"}
FIRST_VISIT = "无。"
DISEASE_PROGRESS = {
    "new": "与前片相比，新出现{clause}。",
    "worse": "{Clause}，较前加重。",
    "improved": "{Clause}，较前减轻。",
    "resolved": "原{clause}已消失。",
    "unchanged": "{Clause}，较前无变化。",
}
PROGRESS = {
    "disease": DISEASE_PROGRESS,
    "amount": DISEASE_PROGRESS | {"worse": "{Clause}，较前增多。", "improved": "{Clause}，较前减少。"},
    "device": DISEASE_PROGRESS | {"new": "与前片相比，新置入{clause}。", "resolved": "原{clause}已移除。"},
}
NO_CHANGE = "与前片相比无变化，两次均未见异常。"

YES, NO = "是", "否"
NONE = "无"
UNKNOWN = "仅凭这张胸片无法判断。"
JOIN = "、"
IS_THERE = {
    "cardiomegaly": ("是否有心影增大？", "心影是否增大？", "这张胸片是否显示心影增大？"),
    "*": ("是否有{name}？", "这张胸片是否显示{name}？", "是否可见{name}？"),
}
WHERE = ("{name}在哪里？", "{name}位于胸部的哪个部位？", "请用文字说明{name}的位置。")
HOW_SEVERE = {
    "cardiomegaly": ("心影增大的程度如何？", "心影增大属于什么程度？"),
    "effusion": ("胸腔积液量有多少？", "胸腔积液是少量、中等量还是大量？"),
    "pneumothorax": ("气胸量有多少？", "气胸是少量、中等量还是大量？"),
}
BOX_LABEL = "{side}侧{name}"
BOX = (
    "请以 JSON 格式输出{name}的边界框。",
    "请定位{name}，并用 JSON 给出边界框。",
    "{name}在哪里？请用 box_2d 格式的 JSON 回答。",
)
LIST = ("请列出异常发现和置入物。", "这张胸片有哪些发现（包括置入物）？", "这张片子有哪些异常和置入物？")
WHAT_CHANGED = ("与前片相比，{name}有何变化？", "{name}较前如何？")
DISEASE_PROGRESS_WORDS = {
    "new": "新出现",
    "worse": "加重",
    "improved": "减轻",
    "resolved": "消失",
    "unchanged": "无变化",
}
PROGRESS_WORDS = {
    "disease": DISEASE_PROGRESS_WORDS,
    "amount": DISEASE_PROGRESS_WORDS | {"worse": "增多", "improved": "减少"},
    "device": {"new": "新置入", "resolved": "已移除", "unchanged": "无变化"},
}
UNANSWERABLE = ("患者多大年龄？", "患者的血压是多少？", "患者吸烟吗？", "患者的白细胞计数是多少？")
