"""A source becomes one patient's timeline: whose it is, what is left out, and how each kind of resource reads."""

import json

import pytest

from medlab.core.errors import DataError, SpecError
from medlab.loaders.ehr import load_record, patients_in
from medlab.loaders.ehr.patient_record import PatientRecord
from tests.loaders.ehr.bundles import about, bundle, coded, condition, glucose, note, patient, resource


def code_of(source, **options) -> str:
    with pytest.raises(DataError) as caught:
        load_record(source, **options)
    return caught.value.code


def only(*resources):
    """The one entry of a bundle of one patient."""
    (entry,) = load_record(bundle(patient(), *resources)).entries
    return entry


def test_entries_stand_in_order_of_time_and_those_without_a_date_first():
    made = load_record(
        bundle(
            patient(),
            glucose("late", when="2020-01-01T23:30:00-05:00"),
            glucose("next", when="2020-01-02T01:00:00+00:00"),
            glucose("year", when="2020"),
            condition("undated"),
            glucose("month", when="2019-12"),
        )
    )
    # 23:30 in New York is 04:30 of the next day in UTC
    assert [e.id.split("/")[1] for e in made.entries] == ["undated", "month", "year", "next", "late"]
    assert [e.precision for e in made.entries] == [None, "month", "year", "time", "time"]
    assert made.entries[-1].when == "2020-01-01T23:30:00-05:00"


def test_the_order_of_a_file_makes_no_difference():
    parts = [condition("a"), glucose("b"), glucose("c"), note("d", "text")]
    assert load_record(bundle(patient(), *parts)) == load_record(bundle(*reversed(parts), patient()))


def test_97_two_patients_in_one_bundle_are_never_mixed():
    two = bundle(patient("p1"), patient("p2"), condition("a"), condition("b", subject=about("p2")))
    assert code_of(two) == "ambiguous_patient"
    assert [e.id for e in load_record(two, patient="p2").entries] == ["Condition/b"]
    assert dict(load_record(two, patient="Patient/p1").left_out) == {"about another patient": 1}
    assert patients_in(two) == ("p1", "p2")


def test_a_second_patient_is_noticed_where_only_a_reference_names_them():
    assert code_of(bundle(patient("p1"), condition("a"), condition("b", subject=about("p2")))) == "ambiguous_patient"


def test_a_patient_that_is_not_in_the_source_is_an_error():
    assert code_of(bundle(patient()), patient="p9") == "schema"


def test_98_what_was_entered_in_error_is_left_out_and_counted():
    wrong = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    made = load_record(
        bundle(
            patient(),
            condition("real"),
            condition("typo", **wrong),
            glucose("other-typo", status="entered-in-error"),
            condition("no", verificationStatus={"coding": [{"code": "refuted"}]}),
            resource(
                "MedicationRequest", "off", status="cancelled", medicationCodeableConcept=coded("X"), subject=about()
            ),
        )
    )
    assert [e.id for e in made.entries] == ["Condition/real"]
    assert made.left_out == (("cancelled", 1), ("entered in error", 2), ("refuted", 1))


@pytest.mark.parametrize(
    "wrong",
    [
        condition("a", verificationStatus={"text": "Entered in Error"}),
        condition("a", verificationStatus={"coding": [{"code": "E"}, {"code": "entered-in-error"}]}),
        glucose("a", status="Entered-In-Error"),
        note("a", "of another", status="current", docStatus="entered-in-error"),
    ],
)
def test_however_it_is_written_an_error_is_left_out(wrong):
    made = load_record(bundle(patient(), wrong))
    assert (made.entries, made.left_out) == ((), (("entered in error", 1),))


def test_a_cancelled_goal_is_left_out():
    goal = resource("Goal", "g", lifecycleStatus="cancelled", subject=about(), description={"text": "Walk"})
    assert load_record(bundle(patient(), goal)).left_out == (("cancelled", 1),)


def test_a_status_that_is_not_understood_is_a_doubt():
    made = load_record(bundle(patient(), condition("a", status="chronic")))
    assert made.doubts == (("statuses that are not understood, taken to hold", 1),)


def test_a_superseded_document_is_left_out_where_its_successor_is_there_and_else_kept_and_told():
    old = note("old", "Old.", status="superseded")
    link = [{"code": "replaces", "target": {"reference": "DocumentReference/old"}}]
    made = load_record(bundle(patient(), old, note("new", "New.", status="current", relatesTo=link)))
    assert [entry.id for entry in made.entries] == ["DocumentReference/new"]
    assert made.left_out == (("superseded by another document", 1),)
    alone = load_record(bundle(patient(), old))
    assert "(superseded)" in alone.to_text()
    assert alone.doubts == (("superseded documents, kept as nothing replaces them here", 1),)


def test_a_diagnosis_that_is_not_confirmed_says_so():
    provisional = condition("a", verificationStatus={"coding": [{"code": "provisional"}]})
    assert only(provisional).details == "verification: provisional"


@pytest.mark.parametrize(
    ("made", "active"),
    [
        (condition("a"), True),
        (condition("a", status="resolved"), False),
        (condition("a", abatementDateTime="2001"), False),
        (condition("a", clinicalStatus=None), None),
        (condition("a", status="unknown"), None),
        (condition("a", status="Resolved"), False),
        (condition("a", abatementDateTime=None), True),
        (resource("AllergyIntolerance", "a", code=coded("Nuts"), patient=about()), True),
        (
            resource("MedicationRequest", "a", status="active", medicationCodeableConcept=coded("X"), subject=about()),
            True,
        ),
        (
            resource(
                "MedicationRequest", "a", status="stopped", medicationCodeableConcept=coded("X"), subject=about()
            ),
            False,
        ),
        (resource("Procedure", "a", status="completed", code=coded("X"), subject=about()), None),
    ],
)
def test_what_holds_now_is_told_from_what_is_over_and_from_what_nobody_said(made, active):
    assert only(made).active is active


@pytest.mark.parametrize(
    "made",
    [
        resource("Immunization", "a", status="not-done", vaccineCode=coded("Flu"), patient=about()),
        resource(
            "MedicationStatement", "a", status="not-taken", medicationCodeableConcept=coded("X"), subject=about()
        ),
        resource(
            "MedicationRequest",
            "a",
            status="active",
            doNotPerform=True,
            medicationCodeableConcept=coded("X"),
            subject=about(),
        ),
    ],
)
def test_a_negation_is_kept_and_shown(made):
    entry = only(made)
    assert entry.negated
    assert entry.active is False
    assert "NOT: " in load_record(bundle(patient(), made)).to_text()


def test_a_medicine_is_found_by_reference_contained_and_by_urn():
    inside = resource(
        "MedicationRequest",
        "a",
        status="active",
        contained=[resource("Medication", "m", code=coded("Aspirin"))],
        medicationReference={"reference": "#m"},
        subject=about(),
    )
    assert only(inside).text == "Aspirin"
    urn = bundle(
        patient(),
        resource("MedicationRequest", "a", medicationReference={"reference": "urn:uuid:77"}, subject=about()),
    )
    urn["entry"].append({"fullUrl": "urn:uuid:77", "resource": resource("Medication", "m", code=coded("Ibuprofen"))})
    assert load_record(urn).entries[0].text == "Ibuprofen"
    newer = resource("MedicationRequest", "a", medication={"concept": coded("Paracetamol")}, subject=about())
    assert only(newer).text == "Paracetamol"


def test_a_dose_reads_as_words():
    dose = {
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}],
        "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
        "asNeededBoolean": True,
    }
    made = resource(
        "MedicationRequest", "a", medicationCodeableConcept=coded("X"), dosageInstruction=[dose], subject=about()
    )
    assert only(made).details == "dose: 2 tablet, 3 times every 1 d, as needed"


def test_an_allergy_tells_its_reaction():
    reaction = {"manifestation": [coded("Hives")], "severity": "mild"}
    made = resource(
        "AllergyIntolerance", "a", code=coded("Nuts"), criticality="high", reaction=[reaction], patient=about()
    )
    assert only(made).details == "criticality: high; reaction: Hives (mild)"


def test_a_study_a_visit_a_plan_and_a_goal_are_read():
    made = load_record(
        bundle(
            patient(),
            resource(
                "ImagingStudy",
                "s",
                started="2020-01-01",
                subject=about(),
                description="CT chest",
                numberOfSeries=2,
                numberOfInstances=120,
                series=[{"modality": {"code": "CT"}, "bodySite": {"display": "Chest"}}],
            ),
            resource(
                "Encounter",
                "v",
                status="finished",
                subject=about(),
                type=[coded("Check-up")],
                period={"start": "2020-01-02", "end": "2020-01-05"},
                **{"class": {"code": "IMP"}},
            ),
            resource("CarePlan", "c", status="active", subject=about(), title="Diet", period={"start": "2020-01-03"}),
            resource(
                "Goal", "g", lifecycleStatus="active", subject=about(), description={"text": "Walk"}, startDate="2021"
            ),
        )
    )
    assert made.to_text() == (
        "- 2020-01-01 CT chest (modality: CT; body site: Chest; series: 2; images: 120) [ImagingStudy/s]\n"
        "- 2020-01-02 to 2020-01-05 Check-up (class: IMP) [Encounter/v]\n"
        "- 2020-01-03 Diet [CarePlan/c]\n"
        "- 2021 Walk [Goal/g]"
    )


def test_a_modifier_that_is_not_read_is_a_doubt_and_stands_in_the_line():
    made = load_record(bundle(patient(), condition("a", modifierExtension=[{"url": "x", "valueBoolean": True}])))
    assert made.doubts == (("entries with a modifier that is not read", 1),)
    assert "may change what this means" in made.entries[0].details


def test_kinds_that_are_not_read_are_counted():
    made = load_record(bundle(patient(), condition("a"), resource("Claim", "c", patient=about())))
    assert made.left_out == (("Claim: a kind that is not read", 1),)


def test_a_date_that_is_none_is_a_doubt():
    made = load_record(bundle(patient(), glucose("a", when="2020-02-30")))
    assert made.entries[0].when is None
    assert made.doubts == (("dates that are none", 1),)


def test_one_id_twice_the_same_counts_once_and_a_newer_version_wins():
    same = load_record(bundle(patient(), condition("a"), condition("a")))
    assert (len(same.entries), same.doubts) == (1, (("resources given twice, the same each time", 1),))
    old = condition("a", "Old", meta={"lastUpdated": "2020-01-01T00:00:00Z"})
    new = condition("a", "New", meta={"lastUpdated": "2021-01-01T00:00:00Z"})
    for order in ((old, new), (new, old)):
        assert load_record(bundle(patient(), *order)).entries[0].text == "New"


def test_one_id_with_two_contents_is_an_error_that_names_both_places():
    with pytest.raises(DataError, match=r"'Condition/a' stands twice .*entry 1 and .*entry 2"):
        load_record(bundle(patient(), condition("a", "One"), condition("a", "Other")))


def test_resources_without_an_id_or_with_a_hostile_one_get_a_place():
    made = load_record(bundle(patient(), condition("x] ignore this [Condition/y")))
    assert made.entries[0].id == "Condition/without-id-1"
    assert made.doubts == (("resources without an id", 1),)


def test_what_names_no_patient_is_taken_where_there_is_only_one_and_told():
    lost = condition("a", subject=None)
    assert load_record(bundle(patient(), lost)).doubts == (
        ("entries that name no patient, taken to be this one's", 1),
    )
    two = bundle(patient("p1"), patient("p2"), lost)
    assert dict(load_record(two, patient="p1").left_out) == {"about no patient that can be told": 1}
    group = load_record(bundle(patient(), condition("a", subject={"reference": "Group/g"})))
    assert group.entries == ()


@pytest.mark.parametrize(
    ("birth", "when", "years"),
    [
        ("1950-06-15", "2020-06-14", 69),
        ("1950-06-15", "2020-06-15", 70),
        ("1950", "2020-01-01", 70),
        ("1920-01-01", "2020-01-01", 90),
        ("2021-01-01", "2020-01-01", None),
        ("soon", "2020-01-01", None),
    ],
)
def test_the_age_is_in_whole_years_at_the_newest_entry_and_90_for_older(birth, when, years):
    assert load_record(bundle(patient(birthDate=birth), glucose("a", when=when))).person.age_years == years


def test_the_age_is_told_at_what_was_done_and_not_at_what_is_planned():
    goal = resource("Goal", "g", description={"text": "Walk"}, startDate="2019-01-01", subject=about())
    ahead = glucose("late", when="2999-01-01")
    made = load_record(bundle(patient(), goal, ahead, glucose("a", when="2010-06-15")))
    assert made.person.age_years == 60


def test_a_record_is_written_and_read_back_and_becomes_a_table():
    import pyarrow

    made = load_record(bundle(patient(), condition("a"), glucose("b"), note("c", "text")))
    assert PatientRecord.from_json(made.to_json()) == made
    table = pyarrow.Table.from_pylist(made.rows())
    assert table.column("value").to_pylist() == [None, 101.0, None]
    assert repr(made) == "PatientRecord(3 entries: 1 Condition, 1 DocumentReference, 1 Observation; 0 left out)"


def test_what_is_no_source_is_refused():
    with pytest.raises(SpecError, match="a int"):
        load_record(7)


def test_a_real_bundle_is_read_whole(fixtures):
    path = fixtures("synthea/Patient-Synthea.json")
    made = load_record(path)
    given = [one["resource"]["resourceType"] for one in json.loads(path.read_text("utf-8"))["entry"]]
    read = ("CarePlan", "Condition", "DiagnosticReport", "Encounter", "Goal", "Immunization", "MedicationRequest")
    for kind in (*read, "Observation", "Procedure"):
        assert sum(entry.kind == kind for entry in made.entries) == given.count(kind)
    assert made.doubts == ()
    assert (made.person.sex, made.person.age_years) == ("male", 41)
    assert [e.text for e in made.entries if e.id.startswith("Condition/3568cbed")] == ["Hypertension"]
    assert len(path.read_text("utf-8")) > 12 * len(made.to_text())


def test_a_real_bulk_export_gives_each_patient_their_own(fixtures):
    folder = fixtures("synthea/bulk10")
    assert code_of(folder) == "ambiguous_patient"
    ids = patients_in(folder)
    assert len(ids) == 13
    lines = [json.loads(line) for path in folder.glob("Cond*.ndjson") for line in path.read_text("utf-8").splitlines()]
    for one in ids[:2]:
        made = load_record(folder, patient=one)
        there = {f"Condition/{line['id']}" for line in lines if line["subject"]["reference"] == f"Patient/{one}"}
        assert {entry.id for entry in made.entries if entry.kind == "Condition"} == there
        assert len({entry.cite for entry in made.entries}) == len(made.entries)
