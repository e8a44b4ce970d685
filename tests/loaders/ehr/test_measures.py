"""Values of Observations, panels, and who called a value abnormal."""

from collections import Counter

import pytest

from medlab.loaders.ehr import load_record
from medlab.loaders.ehr.measures import measures_of
from tests.loaders.ehr.bundles import about, bundle, coded, glucose, patient, resource


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"valueQuantity": {"value": 5.123456789, "unit": "mg/dL", "comparator": "<"}}, "< 5.12346 mg/dL"),
        ({"valueQuantity": {"value": 250000, "code": "/uL"}}, "250000 /uL"),
        ({"valueCodeableConcept": coded("Never smoker")}, "Never smoker"),
        ({"valueString": "trace"}, "trace"),
        ({"valueBoolean": False}, "no"),
        ({"valueInteger": 3}, "3"),
        ({"valueDateTime": "2020-01"}, "2020-01"),
        ({"valueRange": {"low": {"value": 1, "unit": "h"}}}, "at least 1 h"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 80}}}, "1 / 80"),
        ({"valuePeriod": {"start": "2020", "end": "2021"}}, "2020 to 2021"),
        ({"valueSampledData": {"data": "1 2 3"}}, "a waveform, not read"),
        ({"dataAbsentReason": coded("not performed")}, "no value (not performed)"),
    ],
)
def test_a_value_of_each_type_reads_as_words(value, said):
    (measure,) = measures_of(value, Counter())
    assert measure.said == said


RANGE = {"low": {"value": 70, "unit": "mg/dL"}, "high": {"value": 100, "unit": "mg/dL"}}


@pytest.mark.parametrize(
    ("fields", "standing"),
    [
        ({}, None),
        ({"referenceRange": [RANGE]}, "high"),
        ({"referenceRange": [RANGE], "valueQuantity": {"value": 70, "unit": "mg/dL"}}, "normal"),
        ({"referenceRange": [RANGE], "valueQuantity": {"value": 69, "unit": "mg/dL"}}, "low"),
        ({"referenceRange": [RANGE], "valueQuantity": {"value": 5, "unit": "mmol/L"}}, None),
        ({"referenceRange": [RANGE], "valueQuantity": {"value": 300, "unit": "mg/dL", "comparator": "<"}}, None),
        ({"referenceRange": [RANGE, RANGE]}, None),
        ({"referenceRange": [{**RANGE, "appliesTo": [coded("pregnant")]}]}, None),
        ({"referenceRange": [RANGE], "interpretation": [coded("Normal", "N")]}, "normal"),
        ({"interpretation": [coded("Critical", "HH")]}, "critically high"),
        ({"interpretation": [coded("Odd", "QCF")]}, None),
    ],
)
def test_a_value_is_called_abnormal_only_where_somebody_says_so(fields, standing):
    (measure,) = measures_of(glucose("a", **fields), Counter())
    assert measure.standing == standing


def test_a_panel_has_one_row_a_part():
    pressure = resource(
        "Observation",
        "bp",
        code=coded("Blood pressure", "55284-4"),
        subject=about(),
        component=[
            {"code": coded("Systolic", "8480-6"), "valueQuantity": {"value": 160, "unit": "mm[Hg]"}},
            {"code": coded("Diastolic", "8462-4"), "valueQuantity": {"value": 95, "unit": "mm[Hg]"}},
        ],
    )
    made = load_record(bundle(patient(), pressure))
    rows = [(row["text"], row["part"], row["part_code"], row["value"], row["unit"]) for row in made.rows()]
    assert rows == [
        ("Blood pressure", "Systolic", "8480-6", 160.0, "mm[Hg]"),
        ("Blood pressure", "Diastolic", "8462-4", 95.0, "mm[Hg]"),
    ]
    assert made.to_text() == "- Blood pressure: Systolic 160 mm(Hg); Diastolic 95 mm(Hg) [Observation/bp]"
