"""What the demo model may be told and asked in words: the little world of the synthetic chest. Data, no logic.

Every list has English and Chinese in the same order of meaning. Reports and closed questions come from the phantom's
own phrase books; here stands what they lack.
"""

REPORT = {
    "en": (
        "Describe this chest X-ray.",
        "Describe this X-ray",
        "Write a radiology report for this chest X-ray.",
        "Write a report with findings and impression.",
        "What does this film show?",
        "Please report this film.",
        "What do you see on this chest radiograph?",
        "Describe this image.",
    ),
    "zh": (
        "请描述这张胸片。",
        "描述这张胸部X光片。",
        "请为这张胸片写一份报告。",
        "请写出影像所见和诊断意见。",
        "这张胸片显示了什么？",
        "通过这张胸部X光影像可以诊断出什么？",
        "详细描述这张胸部X光片的诊断结果",
        "描述这张图片。",
    ),
}
IMPRESSION = {
    "en": ("What is the impression?", "Give only the impression.", "Summarise this film in one line."),
    "zh": ("诊断意见是什么？", "请只写诊断意见。", "请用一句话总结这张胸片。"),
}
PLAIN = {
    "en": (
        "Explain this film to the patient.",
        "Explain this film in plain words.",
        "Tell the patient what it shows.",
    ),
    "zh": ("请向患者解释这张胸片。", "请用通俗的话解释这张胸片。", "请告诉患者这张片子说明了什么。"),
}
NORMAL = {
    "en": ("Is this film normal?", "Is this a normal chest X-ray?"),
    "zh": ("这张胸片正常吗？", "这张片子是否正常？"),
}
SIDED = {
    "en": ("Is there {a_name} on the {side}?", "Is there {a_name} on the {side} side?"),
    "zh": ("{side}侧是否有{name}？", "{side}侧是否可见{name}？"),
}
STRICT = {
    "en": ("Does this chest X-ray show {a_name}? Answer with one word, Yes or No.", "Is there {name}?"),
    "zh": ("这张胸片是否显示{name}？请只回答一个字：是或否。", "有没有{name}？"),
}
COMPARE = {
    "en": ("Compare these two films.", "What has changed since the previous film?", "Compare with the previous film."),
    "zh": ("请比较这两张胸片。", "与前片相比有何变化？", "请与前片比较。"),
}
WHERE_IS_IT = {"en": ("Where is it?", "On which side is it?"), "zh": ("它在哪里？", "在哪一侧？")}
HOW_BIG_IS_IT = {"en": ("How severe is it?", "How large is it?"), "zh": ("程度如何？", "有多少？")}
BOX_OF_IT = {"en": ("Give its bounding box as JSON.",), "zh": ("请以 JSON 格式给出它的边界框。",)}
HEADINGS = {"en": ("Findings: ", "Impression: "), "zh": ("影像所见：", "诊断意见：")}
SYSTEM = ("You are an expert radiologist.", "You are a helpful medical assistant.", "你是一名放射科医生。")

IN_PLAIN_WORDS = {
    "en": {
        "cardiomegaly": "The heart looks larger than usual.",
        "effusion": "There is some fluid around the {side} lung.",
        "consolidation": "Part of the {side} lung is filled, as in an infection.",
        "nodule": "There is a small round spot in the {side} lung.",
        "pneumothorax": "There is air around the {side} lung, so that it cannot open fully.",
        "atelectasis": "Part of the {side} lung has not opened fully.",
        "pacemaker": "A pacemaker can be seen on the {side}.",
        "central_line": "A tube for medicines runs into a large vein from the {side}.",
        "endotracheal_tube": "A breathing tube lies in the windpipe.",
    },
    "zh": {
        "cardiomegaly": "心脏看起来比正常大。",
        "effusion": "{side}侧肺的周围有一些积水。",
        "consolidation": "{side}肺有一部分被填满了，像感染时那样。",
        "nodule": "{side}肺有一个小圆点。",
        "pneumothorax": "{side}侧肺的周围有气体，肺不能完全张开。",
        "atelectasis": "{side}肺有一部分没有完全张开。",
        "pacemaker": "{side}侧可以看到一个起搏器。",
        "central_line": "有一根输药的管子从{side}侧进入大静脉。",
        "endotracheal_tube": "气管里有一根呼吸用的管子。",
    },
}
NOTHING_SEEN = {"en": "Nothing unusual can be seen.", "zh": "没有看到异常。"}
ASK_A_DOCTOR = {"en": "Please ask a doctor what this means for you.", "zh": "这对您意味着什么，请咨询医生。"}

NOT_SEEN = {"en": "No {name} is seen.", "zh": "未见{name}。"}
NO_PICTURE = {"en": "I see no image.", "zh": "我没有看到图像。"}
OUTSIDE = {"en": "I only know synthetic chest films.", "zh": "我只认识合成的胸片。"}

FACTS = {
    "en": {
        "cardiomegaly": "An enlarged heart: more than half as wide as the chest.",
        "effusion": "Fluid in the pleural space between the lung and the chest wall.",
        "consolidation": "Lung whose air spaces are filled with fluid, so that it looks white.",
        "nodule": "A small round opacity in the lung.",
        "pneumothorax": "Air in the pleural space; the lung falls away from the chest wall.",
        "atelectasis": "A part of the lung that has lost its air and its volume.",
        "pacemaker": "A device that paces the heart through leads in a vein.",
        "central_line": "A catheter whose tip lies in the superior vena cava.",
        "endotracheal_tube": "A tube in the trachea through which a patient is ventilated.",
    },
    "zh": {
        "cardiomegaly": "心脏增大，宽度超过胸廓的一半。",
        "effusion": "肺与胸壁之间的胸膜腔内有液体。",
        "consolidation": "肺泡内充满液体，因此肺看起来发白。",
        "nodule": "肺内的小圆形阴影。",
        "pneumothorax": "胸膜腔内有气体，肺离开胸壁。",
        "atelectasis": "肺的一部分失去了气体和容积。",
        "pacemaker": "通过静脉内导线为心脏起搏的装置。",
        "central_line": "尖端位于上腔静脉的导管。",
        "endotracheal_tube": "放在气管内、用于通气的管子。",
    },
}
WHAT_IS = {
    "en": ("What is {a_name}?", "What does {name} mean?", "Explain {name}."),
    "zh": ("什么是{name}？", "{name}是什么意思？", "请解释{name}。"),
}
ABOUT_ITSELF = {
    "en": (
        ("Who are you?", "I am the demo model of medlab, trained on synthetic chest films only."),
        ("What are you?", "I am the demo model of medlab, trained on synthetic chest films only."),
        ("What can you do?", "I can report synthetic chest films and answer questions about them."),
        ("Can you diagnose a patient?", "No. I have never seen a real patient."),
        ("Hello", "Hello. Ask me about a synthetic chest film."),
        ("Thank you", "You are welcome."),
    ),
    "zh": (
        ("你是谁？", "我是 medlab 的演示模型，只用合成胸片训练过。"),
        ("你是什么？", "我是 medlab 的演示模型，只用合成胸片训练过。"),
        ("你能做什么？", "我可以描述合成胸片，并回答相关问题。"),
        ("你能诊断病人吗？", "不能。我从未见过真实的病人。"),
        ("你好", "你好。请就合成胸片向我提问。"),
        ("谢谢", "不客气。"),
    ),
}
ELSEWHERE = {
    "en": (
        "What is the capital of France?",
        "How do you differentiate bacterial from viral pneumonia?",
        "Which drug treats high blood pressure?",
        "What is diabetes?",
        "Write a poem.",
        "What is two plus two?",
        "Tell me about the liver.",
        "What is a brain tumour?",
        "How is asthma treated?",
        "What is the dose of aspirin?",
        "Describe this skin lesion.",
        "What does this retina show?",
        "Translate this sentence.",
        "What is the weather today?",
    ),
    "zh": (
        "法国的首都是哪里？",
        "如何区分细菌性肺炎和病毒性肺炎？",
        "哪种药治疗高血压？",
        "什么是糖尿病？",
        "请写一首诗。",
        "二加二等于几？",
        "请介绍肝脏。",
        "什么是脑肿瘤？",
        "哮喘如何治疗？",
        "阿司匹林的剂量是多少？",
        "请描述这个皮肤病变。",
        "这张眼底照片显示了什么？",
        "请翻译这句话。",
        "今天天气怎么样？",
    ),
}
CANNOT_TELL = {
    "en": (
        "What is the patient's name?",
        "What colour are the patient's eyes?",
        "Is the patient in pain?",
        "Does the patient have a fever?",
        "What is the patient's haemoglobin?",
        "Which drugs does the patient take?",
        "Does the patient have diabetes?",
        "How heavy is the patient?",
        "Is there a fracture of the leg?",
        "What does the liver look like?",
    ),
    "zh": (
        "患者叫什么名字？",
        "患者的眼睛是什么颜色？",
        "患者疼痛吗？",
        "患者发热吗？",
        "患者的血红蛋白是多少？",
        "患者服用哪些药物？",
        "患者有糖尿病吗？",
        "患者体重多少？",
        "腿部有骨折吗？",
        "肝脏看起来怎么样？",
    ),
}
