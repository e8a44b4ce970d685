"""The few words that a figure says by itself, in English and Chinese, and what it calls what records name.

It does not translate reports, and a term that `medlab.core.vocabulary` does not list is shown as its source wrote it.
"""

from medlab.core.record import check_choice
from medlab.core.vocabulary import severity_term, term

WORDS = {
    "en": {
        "absent": "absent",
        "against": "{} against {}",
        "agreement": "How far the maps agree (rank correlation; 1 is the same order of places)",
        "area": "mean score on the way",
        "boxes": "Boxes",
        "by": "by {}",
        "causal": "The method changed what the model sees and watched what it says.",
        "completeness": "completeness error {:.2g}",
        "corrected": "corrected",
        "deletion": "Deletion: strongest places first",
        "doubt": "in doubt",
        "empty_map": "Every value is 0: there is nothing to colour.",
        "faint": "The full colour stands for {:.2g} nats only.",
        "findings": "Findings",
        "flow": "Looks at the scan blocked, layer by layer.",
        "flow_alone": "this layer alone",
        "flow_bottom": "this and all below",
        "flow_note": "Shaded: layers of full attention. What one layer reads others may read too, so a small loss "
        "in one does not mean that nothing was read there.",
        "flow_top": "this and all above",
        "flow_window": "{} layers about this",
        "full": "full",
        "grid": "{} × {} cells",
        "half": "Lines run where the value is half of these; dashed is against.",
        "head": "head",
        "heads": "Heads silenced, one at a time.",
        "how": "How the picture was made",
        "impression": "Impression",
        "independent": "Given those before them, these words come whatever the picture: hiding it changes their score "
        "by {:.2g} nats. So the map is not coloured.",
        "indication": "Indication",
        "insertion": "Insertion: strongest places first",
        "layer": "layer",
        "left_out": "Not run: {}",
        "lost": "nats lost",
        "masks": "Outlined, with the share of the picture",
        "most": "strongest {} at row {:.0f}, column {:.0f}: {:+.2g}",
        "most_against": "against",
        "most_for": "for",
        "names": "English",
        "nats": "nats",
        "no_report": "No report in {}.",
        "not_mentioned": "not mentioned",
        "on_film": "{} on the film",
        "own_unit": "the method's own unit",
        "patient_left": "patient's left   L",
        "patient_right": "R   patient's right",
        "present": "present",
        "readers": "Words kept from looking at the scan, one at a time in one layer.",
        "reference": "Known of this case",
        "report": "Report",
        "research": "Research and teaching only.",
        "scale": "blue speaks against, orange for; {}",
        "score": "score {:.2f} nats, of which {:+.2f} rest on the picture",
        "score_layers": "Nats that the score of {:.2f} loses without them.",
        "score_nats": "score of the words, nats",
        "share": "{:.1%}",
        "share_changed": "share of the places",
        "sides": "The patient's right is at the left of the picture.",
        "sliding": "window",
        "standard_error": "standard error at most {:.2g}",
        "stop": ". ",
        "stretch": "shown stretched from {:g} to {:g}",
        "table_note": "Orange: lost; blue: gained. Layers down, 0 next to the embeddings. Others may repeat what one "
        "does: a sum over cells means nothing.",
        "trust": "Trust: {}",
        "uncertain": "uncertain",
        "untested": "Untested: nobody has shown that maps of this method on this model deserve belief.",
        "window": "window {:g}/{:g}",
    },
    "zh": {
        "absent": "无",
        "against": "{} 对比 {}",
        "agreement": "各图的一致程度（秩相关；1 表示位置次序相同）",
        "area": "全程平均得分",
        "boxes": "框",
        "by": "方法：{}",
        "causal": "该方法改变模型所见，并观察其回答的变化。",
        "completeness": "完整性误差 {:.2g}",
        "corrected": "已更正",
        "deletion": "删除：由强到弱",
        "doubt": "存疑",
        "empty_map": "所有值均为 0，无可着色。",
        "faint": "最深的颜色也只代表 {:.2g} 奈特。",
        "findings": "所见",
        "flow": "逐层遮断对图像的注视。",
        "flow_alone": "仅此层",
        "flow_bottom": "此层及以下各层",
        "flow_note": "阴影：全局注意力层。一层读取的内容，其他层也可能读取；某一层损失小，并不表示该层没有读取。",
        "flow_top": "此层及以上各层",
        "flow_window": "此层附近 {} 层",
        "full": "全局",
        "grid": "{} 行 {} 列",
        "half": "线条位于上述值的一半处；虚线为反对。",
        "head": "头",
        "heads": "逐个关闭注意力头。",
        "how": "图像处理过程",
        "impression": "印象",
        "independent": "无论图像如何都会出现这些词：遮住图像只使其得分改变 {:.2g} 奈特，故不着色。",
        "indication": "检查原因",
        "insertion": "插入：由强到弱",
        "layer": "层",
        "left_out": "未运行：{}",
        "lost": "损失（奈特）",
        "masks": "轮廓及其占画面的比例",
        "most": "最强{}：第 {:.0f} 行、第 {:.0f} 列，{:+.2g}",
        "most_against": "反对",
        "most_for": "支持",
        "names": "中文",
        "nats": "奈特",
        "no_report": "没有{}报告。",
        "not_mentioned": "未提及",
        "on_film": "胶片上 {}",
        "own_unit": "该方法自有单位",
        "patient_left": "患者左侧  L",
        "patient_right": "R  患者右侧",
        "present": "有",
        "readers": "在某一层中逐个遮断词语对图像的注视。",
        "reference": "已知情况",
        "report": "报告",
        "research": "仅供科研与教学。",
        "scale": "蓝色反对，橙色支持；{}",
        "score": "得分 {:.2f} 奈特，其中 {:+.2f} 依赖图像",
        "score_layers": "数值为得分 {:.2f} 奈特因此损失的奈特数。",
        "score_nats": "词语得分（奈特）",
        "share": "{:.1%}",
        "share_changed": "位置比例",
        "sides": "画面左侧为患者右侧。",
        "sliding": "窗口",
        "standard_error": "标准误不超过 {:.2g}",
        "stop": "。",
        "stretch": "显示灰阶拉伸至 {:g}–{:g}",
        "table_note": "橙色：损失；蓝色：增加。自上而下为各层，第 0 层紧接嵌入。"
        "其他部分可能重复同一作用：各格之和没有意义。",
        "trust": "可信度：{}",
        "uncertain": "不确定",
        "untested": "未经检验：尚无证据表明该方法在此模型上的图可信。",
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
