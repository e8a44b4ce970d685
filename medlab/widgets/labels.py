"""What the explorer says by itself, in English and Chinese. It does not translate questions or answers."""

QUESTIONS = {"en": "Describe this chest X-ray.", "zh": "请描述这张胸片。"}
"""asked where nobody asks another"""
LABELS = {
    "en": {
        "about_all": "The question is about all {} scans; maps and regions are of the one that is shown.",
        "about_keys": "Drag to choose a region. With the keyboard: arrows move it, Shift and arrows resize it, "
        "Enter asks which words it feeds, Escape clears.",
        "about_layers": "Layers are counted from 0; a local one sees the last {} tokens, a global one all.",
        "about_one": "This model takes {} scan(s) at a time: the question is about the one that is shown.",
        "again": "Masked and asked again",
        "against": "against",
        "against_hint": "another word, to compare with",
        "all_layers": "all",
        "answer": "Words of the answer",
        "answer_differs": "The answer changed:",
        "answer_same": "The answer stayed the same, word for word.",
        "ask": "Ask",
        "ask_beside": "Ask beside",
        "beside": "Second question",
        "beside_hint": "another question of the same scan, such as its opposite",
        "brush": "Region",
        "busy": "working…",
        "cells": "cells",
        "clear": "Clear",
        "close": "One question",
        "contour": "contour",
        "drops": "What each word loses when no word may look at this region (nats)",
        "empty": "Every value of this map is 0.",
        "full": "global",
        "full_layers": "global layers",
        "grey": "Grey levels",
        "head": "Head",
        "heat": "heat",
        "independent": "comes whatever the picture, given the words before; so nothing is coloured",
        "language": "Language",
        "last": "last",
        "layer": "Layer",
        "mask": "Mask it and ask again",
        "mean": "mean of all",
        "method": "Method",
        "moved": "How each word of the first answer moved (nats; below 0, it became less likely)",
        "nats": "nats",
        "no_kernel": "No kernel answers: what needs the model does nothing here.",
        "no_links": "Words and regions are not linked",
        "nothing": "no word moves by 0.05 nats",
        "opacity": "Opacity",
        "own_scale": "another method than on the other side, so another scale",
        "own_unit": "the method's own unit",
        "picture": "The scan",
        "preview": "preview",
        "question": "Question",
        "research": "Research and teaching only.",
        "same_scale": "the same scale on both sides",
        "scale": "blue against, orange for",
        "scan": "Scan",
        "semicolon": "; ",
        "sliding": "local",
        "sliding_layers": "local layers",
        "start": "Choose a word to see its region, or drag a region to see its words.",
        "still": "comes whatever the picture, given the words before",
        "trust": "Trust: {}",
        "untested": "Untested: nobody has shown that maps of this method on this model deserve belief.",
        "waiting": "waiting for the kernel…",
        "window": "Drag: wider to the right, brighter upwards. Arrow keys do the same.",
    },
    "zh": {
        "about_all": "问题针对全部 {} 幅图像；图与区域属于当前显示的一幅。",
        "about_keys": "拖动以选择区域。键盘：方向键移动，Shift 加方向键改变大小，Enter 查询相关词语，Escape 清除。",
        "about_layers": "层从 0 数起；局部层只看最近 {} 个词元，全局层看全部。",
        "about_one": "该模型每次只接受 {} 幅图像：问题针对当前显示的一幅。",
        "again": "遮住后再问",
        "against": "对比",
        "against_hint": "另一个词，用于比较",
        "all_layers": "全部",
        "answer": "回答中的词语",
        "answer_differs": "回答改变了：",
        "answer_same": "回答一字未变。",
        "ask": "提问",
        "ask_beside": "并排提问",
        "beside": "第二个问题",
        "beside_hint": "同一图像的另一个问题，例如相反的问法",
        "brush": "区域",
        "busy": "计算中…",
        "cells": "网格",
        "clear": "清除",
        "close": "只留一个问题",
        "contour": "等值线",
        "drops": "若任何词都不能看此区域，各词失去多少（奈特）",
        "empty": "此图的值全为 0。",
        "full": "全局",
        "full_layers": "全局层",
        "grey": "灰阶",
        "head": "注意力头",
        "heat": "热图",
        "independent": "给定前文，无论图像如何都会出现，故不着色",
        "language": "语言",
        "last": "最后",
        "layer": "层",
        "mask": "遮住后再问",
        "mean": "全部平均",
        "method": "方法",
        "moved": "第一次回答中各词的变化（奈特；负值表示可能性降低）",
        "nats": "奈特",
        "no_kernel": "内核没有响应：需要模型的操作在此无效。",
        "no_links": "词语与区域未能关联",
        "nothing": "没有词语变化超过 0.05 奈特",
        "opacity": "不透明度",
        "own_scale": "与另一侧方法不同，故比例尺不同",
        "own_unit": "该方法自有单位",
        "picture": "图像",
        "preview": "预览",
        "question": "问题",
        "research": "仅供科研与教学。",
        "same_scale": "两侧比例尺相同",
        "scale": "蓝色反对，橙色支持",
        "scan": "图像",
        "semicolon": "；",
        "sliding": "局部",
        "sliding_layers": "局部层",
        "start": "选择一个词查看其区域，或拖出一个区域查看相关词语。",
        "still": "给定前文，无论图像如何都会出现",
        "trust": "可信度：{}",
        "untested": "未经检验：尚无证据表明该方法在此模型上的图可信。",
        "waiting": "等待内核…",
        "window": "拖动：向右变宽，向上变亮；方向键亦可。",
    },
}
LANGUAGES = tuple(LABELS)
METHODS_ZH = {
    "attention": "预测这些词的位置在看哪里？"
    "看不等于用：同一位置的所有词共用一张图，固定的标记也会吸走大量注意力。"
    "（前向 1 次）",
    "centre": "只知道图像居中的人会指向哪里？与模型、图像和词语都无关，仅作对照。",
    "edges": "图像何处与周围不同？与模型和词语都无关，仅作对照。",
    "gradcam": "平均而言支持该回答的通道在哪里较强？"
    "一个通道可能在此处支持、在彼处反对，取平均会掩盖这一点。"
    "（前向、反向各 1 次）",
    "hirescam": "一阶近似下，各处的状态为得分增加多少？"
    "最后一层的图块已看过所有其他图块，其内容来自何处无从得知。"
    "（前向、反向各 1 次）",
    "input_x_gradient": "一阶近似下，与无内容的图像相比，各处为得分增加多少？"
    "得分并非线性，各值之和未必等于任何真实发生的变化。"
    "（前向、反向各 1 次）",
    "integrated_gradients": "从无内容的图像到此图像，得分的变化如何分摊到各处？"
    "分摊取决于基线，也取决于从未有人拍摄过的中间图像。"
    "（每步前向、反向各 1 次）",
    "knockout": "若任何词都不能看此处，得分损失多少？"
    "没有影响的位置仍可能含有证据，只是其他图像标记重复或接管了它。"
    "（视觉塔 1 次、语言模型 1 次，每个图像标记再计算一次图像之后的部分）",
    "logit_lens": "哪些图像标记已带有该词的含义？"
    "图像标记从未被训练去说话：某处可能含有证据，却说出别的词。"
    "（前向 1 次）",
    "occlusion": "遮住图像的这一部分，得分损失多少？"
    "遮挡后是一张新图像，灰色方块本身也可能有含义；重复的证据会被遗漏。"
    "（每个窗口计算一次整个模型）",
    "random": "纯属偶然会指向哪里？与模型、图像和词语都无关，仅作对照。",
    "relevance": "注意力从哪些位置带来了使得分升高的内容？"
    "使得分降低的部分被舍去，不经过注意力权重的部分也被舍去。"
    "（前向、反向各 1 次）",
    "rise_knockout": "无论其余位置如何，能看到此处时得分是否升高？"
    "证据旁边的位置也会随遮罩格一同升高；距 0 不足 2 个标准误者视为无。"
    "（只重新计算图像之后的部分，遮罩打包进行）",
    "rise_pixels": "无论其余位置如何，能看到此处的像素时得分是否升高？"
    "证据旁边的位置也会随遮罩格一同升高；距 0 不足 2 个标准误者视为无。"
    "（每个遮罩计算一次整个模型）",
    "rise_tokens": "无论其余位置如何，能看到此处时得分是否升高？"
    "证据旁边的位置也会随遮罩格一同升高；距 0 不足 2 个标准误者视为无。"
    "（视觉塔 1 次，每个遮罩计算一次语言模型）",
    "rollout": "沿所有层向下追踪，注意力通向哪里？"
    "它既不知道词语也不知道正负：回答中同一位置的两种所见得到同一张图。"
    "（前向 1 次）",
    "saliency": "图像何处的微小变化最能改变得分？"
    "没有正负，也不说明模型用了什么：饱和之处没有梯度，噪声却有很多。"
    "（前向、反向各 1 次）",
    "shapley": "整幅图像的价值如何分摊给各区域？"
    "同一区域内的格子不作区分；每个份额都计入该区域与其他区域的各种组合。"
    "（语言模型 1 次，另按排列数乘区域数计算图像之后的部分）",
    "smoothgrad": "无论图像上有何噪声，何处的微小变化会改变得分？"
    "没有正负；若模型受噪声干扰，则不能说明无噪声的图像。"
    "（每个样本前向、反向各 1 次）",
    "token_occlusion": "仅替换此处，得分损失多少？"
    "没有影响的位置仍可能含有其他位置所重复的证据。"
    "（视觉塔 1 次，每个图像标记计算一次语言模型）",
}
"""what a method asks, what it does not mean and what it costs; the methods' own classes say so in English"""
