"""How an English report says what a phantom shows: data for `reports` and `questions`, no logic.

Several ways of saying each thing; `{side}`, `{zone}`, `{severity}` are filled in. Every sentence can be read back by
`parser`: a finding and what is said of it stand in one sentence, and a negation covers its whole sentence.
"""

from medlab.core.vocabulary import FINDING_TERMS, SIDE_TERMS, ZONE_TERMS

NAMES = {name: term.en for name, term in FINDING_TERMS.items()}
A_NAMES = NAMES | {
    "effusion": "a pleural effusion",
    "nodule": "a nodule",
    "pneumothorax": "a pneumothorax",
    "pacemaker": "a pacemaker",
    "central_line": "a central venous line",
    "endotracheal_tube": "an endotracheal tube",
}
"""as a question says them"""
SIDES = {name: term.en for name, term in SIDE_TERMS.items()}
ZONES = {name: term.en for name, term in ZONE_TERMS.items()}
SIDE_PLACE = "{side} side of the chest"
ZONE_PLACE = "{side} {zone} zone"

PRESENT = {
    "cardiomegaly": (
        "There is {severity} cardiomegaly.",
        "The cardiac silhouette shows {severity} enlargement.",
        "{Severity} cardiomegaly is present.",
        "The heart shows {severity} enlargement.",
    ),
    "effusion": (
        "There is a {severity} {side} pleural effusion.",
        "A {severity} {side} pleural effusion is present.",
        "{Severity} pleural effusion on the {side}, with a meniscus along the chest wall.",
        "{Severity} {side}-sided pleural effusion is seen.",
    ),
    "consolidation": (
        "There is consolidation in the {side} {zone} zone.",
        "Airspace consolidation with air bronchograms is seen in the {side} {zone} zone.",
        "{Side} {zone} zone consolidation is present.",
        "Patchy consolidation projects over the {side} {zone} zone.",
    ),
    "nodule": (
        "There is a nodule in the {side} {zone} zone.",
        "A rounded nodule projects over the {side} {zone} zone.",
        "{Side} {zone} zone nodule, well circumscribed.",
        "A nodule is seen in the {side} {zone} zone.",
    ),
    "pneumothorax": (
        "There is a {severity} {side} pneumothorax.",
        "A {severity} {side} pneumothorax is present, with a visible pleural line.",
        "{Severity} pneumothorax on the {side}.",
        "{Severity} {side}-sided pneumothorax is seen.",
    ),
    "atelectasis": (
        "There is atelectasis in the {side} {zone} zone.",
        "Volume loss with atelectasis is seen in the {side} {zone} zone.",
        "{Side} {zone} zone atelectasis is present.",
        "Atelectasis is noted in the {side} {zone} zone.",
    ),
    "pacemaker": (
        "A {side} pacemaker is in place.",
        "There is a {side}-sided pacemaker with its leads.",
        "A pacemaker generator projects over the {side} chest.",
        "{Side} pectoral pacemaker is noted.",
    ),
    "central_line": (
        "A {side} central venous line is in place.",
        "There is a {side}-sided central venous line with its tip in the superior vena cava.",
        "A central venous line enters from the {side}.",
        "{Side} central venous line is noted.",
    ),
    "endotracheal_tube": (
        "An endotracheal tube is in place.",
        "The tip of the endotracheal tube lies above the carina.",
        "There is an endotracheal tube in good position.",
        "Endotracheal tube is noted in the trachea.",
    ),
}
ABSENT = {
    ("cardiomegaly",): (
        "The heart size is normal.",
        "The cardiac silhouette is normal in size.",
        "No cardiomegaly.",
        "Heart size is within normal limits.",
    ),
    ("consolidation", "nodule", "atelectasis"): (
        "The lungs are clear.",
        "Both lungs are clear.",
        "No consolidation, nodule or atelectasis.",
        "The lungs show no focal opacity.",
    ),
    ("effusion", "pneumothorax"): (
        "No pleural effusion or pneumothorax.",
        "There is no pleural effusion or pneumothorax.",
        "Neither pleural effusion nor pneumothorax is seen.",
        "The pleural spaces are clear.",
    ),
    ("effusion",): (
        "No pleural effusion.",
        "There is no pleural effusion.",
        "No evidence of pleural effusion.",
        "The costophrenic angles are clear.",
    ),
    ("pneumothorax",): (
        "No pneumothorax.",
        "There is no pneumothorax.",
        "No evidence of pneumothorax.",
        "Pneumothorax is not seen.",
    ),
}
CLAUSES = {
    "cardiomegaly": "{severity} cardiomegaly",
    "effusion": "{severity} {side} pleural effusion",
    "consolidation": "{side} {zone} zone consolidation",
    "nodule": "{side} {zone} zone nodule",
    "pneumothorax": "{severity} {side} pneumothorax",
    "atelectasis": "{side} {zone} zone atelectasis",
    "pacemaker": "{side} pacemaker",
    "central_line": "{side} central venous line",
    "endotracheal_tube": "endotracheal tube",
}
NORMAL = (
    "No acute cardiopulmonary abnormality.",
    "Normal chest radiograph.",
    "No acute cardiopulmonary disease.",
    "No active disease of the chest.",
)
DEVICES_ONLY = (
    "Devices as described; no acute cardiopulmonary abnormality.",
    "Support devices as described. No acute cardiopulmonary abnormality.",
    "Devices as above, no acute cardiopulmonary disease.",
    "No acute cardiopulmonary process; devices as described.",
)
TECHNIQUE = {"PA": "Single frontal view, PA.", "AP": "Single frontal view, AP."}
FIRST_VISIT = "None."
DISEASE_PROGRESS = {
    "new": "New {clause} since the previous film.",
    "worse": "{Clause}, worse than before.",
    "improved": "{Clause}, improved since the previous film.",
    "resolved": "The previous {clause} has resolved.",
    "unchanged": "{Clause}, unchanged.",
}
PROGRESS = {
    "disease": DISEASE_PROGRESS,
    "amount": DISEASE_PROGRESS
    | {"worse": "{Clause}, larger than before.", "improved": "{Clause}, smaller than on the previous film."},
    "device": DISEASE_PROGRESS | {"resolved": "The previous {clause} has been removed."},
}
NO_CHANGE = "No change: no abnormality on either film."

YES, NO = "Yes", "No"
NONE = "None"
UNKNOWN = "This cannot be told from the image."
JOIN = ", "
IS_THERE = {
    "cardiomegaly": ("Is there cardiomegaly?", "Is the heart enlarged?", "Does this film show cardiomegaly?"),
    "*": ("Is there {a_name}?", "Does this film show {a_name}?", "Can you see {a_name}?"),
}
WHERE = ("Where is the {name}?", "In which part of the chest is the {name}?", "Locate the {name} in words.")
HOW_SEVERE = {
    "cardiomegaly": ("How severe is the cardiomegaly?", "What degree of cardiomegaly is there?"),
    "effusion": ("How large is the pleural effusion?", "What is the size of the pleural effusion?"),
    "pneumothorax": ("How large is the pneumothorax?", "What is the size of the pneumothorax?"),
}
BOX_LABEL = "{side} {name}"
BOX = (
    "Locate the {name}. Output bounding boxes as JSON.",
    "Give the bounding box of the {name} as JSON.",
    "Where is the {name}? Answer with box_2d JSON.",
)
LIST = (
    "List the findings and devices.",
    "What are the findings, devices included?",
    "Which abnormalities and devices does this film show?",
)
WHAT_CHANGED = (
    "How has the {name} changed since the previous film?",
    "What has become of the {name} since the previous film?",
)
DISEASE_PROGRESS_WORDS = {w: w for w in DISEASE_PROGRESS}
PROGRESS_WORDS = {
    "disease": DISEASE_PROGRESS_WORDS,
    "amount": DISEASE_PROGRESS_WORDS | {"worse": "larger", "improved": "smaller"},
    "device": {"new": "new", "resolved": "removed", "unchanged": "unchanged"},
}
UNANSWERABLE = (
    "How old is the patient?",
    "What is the patient's blood pressure?",
    "Does the patient smoke?",
    "What is the patient's white cell count?",
)
