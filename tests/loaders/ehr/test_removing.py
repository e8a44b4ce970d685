"""Names, birth dates, addresses and numbers that a source lists are taken out; words that only look so are left."""

import unicodedata

import pytest

from medlab.loaders.ehr import load_record
from medlab.loaders.ehr.names import Names
from medlab.loaders.ehr.removing import NamesRemover
from tests.loaders.ehr.bundles import about, bundle, coded, condition, glucose, note, patient, resource

ANNA = {"name": [{"family": "Smith", "given": ["Anna"]}]}


def noted(text: str, *others: dict, **fields) -> str:
    """The note of the only entry, with names taken out."""
    return load_record(bundle(patient(**fields), *others, note("n", text))).entries[0].note


def doctor(family: str, given: str = "Lee", **fields) -> dict:
    return resource("Practitioner", f"d{family}", name=[{"family": family, "given": [given]}], **fields)


def test_age_and_sex_are_kept_and_nothing_that_names():
    named = patient(
        name=[{"family": "Meier", "given": ["Anna"]}],
        telecom=[{"value": "030-1234567"}],
        address=[{"line": ["Hauptstr. 5"]}],
        identifier=[{"value": "MRN-4711-99"}],
    )
    text = "Anna Meier, MEIER, of Hauptstr. 5 (MRN-4711-99, 030-1234567), seen by Dr. Weiss. Annabel stays."
    author = {"reference": "Practitioner/d", "display": "Dr. Weiss"}
    source = bundle(
        named, note("n", text, author=[author]), condition("c", subject={**about(), "display": "Anna Meier"})
    )
    made = load_record(source)
    assert (made.person.sex, made.person.age_years, made.person.identity) == ("female", 69, None)
    assert made.to_json().count("Meier") == 0
    assert made.entries[-1].note == (
        "[removed], [removed], of [removed] ([removed], [removed]), seen by [removed]. Annabel stays."
    )
    asked = load_record(source, identity=True)
    assert asked.person.identity.names == ("Anna Meier",)
    assert asked.entries[-1].note == text


def test_a_chinese_name_is_taken_out_where_it_stands_between_other_characters():
    source = bundle(patient(name=[{"text": "王小明"}]), note("n", "患者王小明，咳嗽三天。"))
    assert load_record(source).entries[0].note == "患者[removed]，咳嗽三天。"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Mrs SMITH, Anna, was seen; anna smith; ANNA", "Mrs [removed], was seen; [removed]; [removed]"),
        ("Smiths smithy, Annabel", "Smiths smithy, Annabel"),
        ("Smith's wife", "[removed]'s wife"),
    ],
)
def test_a_name_is_found_in_any_case_and_order_and_only_as_a_whole_word(text, left):
    assert noted(text, **ANNA) == left


@pytest.mark.parametrize(
    ("fields", "text", "left"),
    [
        ({"name": [{"family": "Smith", "given": ["Mary Ann"]}]}, "Mary, then Ann.", "[removed], then [removed]."),
        ({"name": [{"text": "Dr. Mary Smith"}]}, "Smith and mary smith", "[removed] and [removed]"),
        ({"name": [{"family": "O'Brien-Katz"}]}, "Katz or Mr O'Brien", "[removed] or Mr [removed]"),
        (
            {"name": [{"family": "张", "given": ["伟"]}]},
            "患者张伟，男；张先生。张口",
            "患者[removed]，男；[removed]。张口",
        ),
        ({"name": [{"family": "张", "given": ["伟强"]}]}, "伟强咳嗽，张伟强", "[removed]咳嗽，[removed]"),
        ({"name": [{"family": "M\u00fcller"}]}, unicodedata.normalize("NFD", "Frau M\u00fcller"), "Frau [removed]"),
        ({"name": [{"family": "van der Berg"}]}, "Herr Van der Berg, his van", "Herr [removed], his van"),
        ({"birthDate": "1950-02-03"}, "1950-02-03, 03/02/1950, 3 Feb 1950", "[removed], [removed], [removed]"),
        ({"birthDate": "1950-02-03"}, "February 3, 1950; 1950年2月3日; 1950", "[removed]; [removed]; 1950"),
        ({"address": [{"line": ["12 Elm Street"]}]}, "at 12 elm\u00a0street, 12 mg", "at [removed], 12 mg"),
        (
            {"address": [{"city": "Smallville", "postalCode": "66605"}]},
            "Smallville 66605; 66605 U",
            "[removed]; 66605 U",
        ),
        ({"address": [{"text": "1 Oak Rd, Smallville"}]}, "of Smallville, 1 Oak Rd", "of [removed], [removed]"),
        ({"telecom": [{"value": "555-123-4567"}]}, "555 123.4567, +1 5551234567", "[removed], +[removed]"),
        ({"telecom": [{"value": "+49 30 1234567"}]}, "030/1234567, 0049 301234567", "[removed], [removed]"),
        ({"telecom": [{"value": "anna@example.org"}]}, "to Anna@Example.org", "to [removed]"),
        ({"identifier": [{"value": "4711"}]}, "MRN 4711, #4711, 4711 U", "MRN [removed], #[removed], 4711 U"),
        ({"identifier": [{"value": "MRN-0047"}]}, "mrn 0047, MRN0047", "[removed], [removed]"),
        ({"contact": [{"name": {"family": "Kowalski"}}]}, "husband Kowalski", "husband [removed]"),
        (
            {"extension": [{"url": "x/patient-mothersMaidenName", "valueString": "Wojcik"}]},
            "mother Wojcik",
            "mother [removed]",
        ),
    ],
)
def test_what_the_patient_lists_is_found_however_it_is_written(fields, text, left):
    assert noted(text, **fields) == left


@pytest.mark.parametrize(
    "other",
    [
        resource("Person", "q", name=[{"family": "Vogel", "given": ["Ulrike"]}]),
        resource("Basic", "q", contained=[doctor("Vogel", "Ulrike")]),
        resource("Basic", "q", participant=[{"individual": {"display": "Dr. Ulrike Vogel"}}]),
        resource("Basic", "q", resultsInterpreter=[{"reference": "Practitioner/1", "display": "Vogel, Ulrike"}]),
        resource("Basic", "q", note=[{"authorReference": {"display": "Ulrike Vogel"}, "text": "x"}]),
        resource("Basic", "q", note=[{"authorString": "Ulrike Vogel", "text": "x"}]),
    ],
)
def test_every_person_that_a_source_names_is_found(other):
    assert noted("read by Ulrike Vogel; ulrike", other) == "read by [removed]; [removed]"


def test_an_organisation_and_a_coding_are_no_persons():
    visit = {"reference": "Organization/o", "display": "Mercy"}
    other = resource("Basic", "q", author=[visit], performer=[{"code": "1", "display": "Fever"}])
    assert noted("Fever, seen at Mercy", other) == "Fever, seen at Mercy"


ODD = [doctor(family) for family in ("White", "Na", "Li", "Sharp", "Brown", "Baker", "Will")]


def test_words_that_are_also_something_else_are_left_and_counted():
    text = "Na 140, Li 0.8; Sharp pain; White cells 12; Brown sputum; no Baker cyst; she will return"
    made = load_record(bundle(patient(), *ODD, note("n", text)))
    assert made.entries[0].note == text
    assert made.doubts == (("words that may be names and were left, as they mean something else too", 6),)


def test_a_title_or_another_name_says_that_such_a_word_is_a_name():
    text = "Dr. White; Lee Sharp; Brown, Lee; Dr Na; no Li, doctor will call"
    assert noted(text, *ODD) == "Dr. [removed]; [removed]; [removed]; Dr [removed]; no Li, doctor will call"


def test_numbers_of_houses_and_short_numbers_are_left_in_doses():
    fields = {"address": [{"line": ["12"]}], "identifier": [{"value": "10000"}]}
    assert noted("gave 10000 IU heparin, 12 mg", **fields) == "gave 10000 IU heparin, 12 mg"


def test_in_the_names_of_things_only_whole_names_are_taken_out():
    part = {
        "code": {"text": "Pressure by Anna Smith"},
        "valueQuantity": {"value": 120, "unit": "mmHg Anna Smith"},
        "referenceRange": [{"text": "Anna Smith: 100"}],
        "interpretation": [coded("High", "H")],
    }
    measured = glucose(
        "g", code={"text": "Smith antibodies"}, category=[{"text": "Anna Smith series"}], component=[part]
    )
    (entry,) = load_record(bundle(patient(**ANNA), measured)).entries
    assert (entry.text, entry.category) == ("Smith antibodies", "[removed] series")
    measure = entry.measures[1]
    assert (measure.name, measure.unit, measure.reference) == (
        "Pressure by [removed]",
        "mmHg [removed]",
        "[removed]: 100",
    )


def test_ids_that_hold_a_name_or_a_number_are_replaced_and_counted():
    numbered = patient(**ANNA, identifier=[{"value": "MRN0047113"}])
    visit = resource("Encounter", "smith.anna.2", subject=about(), type=[coded("Check-up")])
    seen = {"encounter": {"reference": "Encounter/smith.anna.2"}}
    source = bundle(numbered, visit, glucose("MRN0047113-glu", **seen), condition("white-1"), doctor("White"))
    made = load_record(source)
    assert [entry.id for entry in made.entries] == ["Condition/white-1", "Encounter/hidden-1", "Observation/hidden-1"]
    assert made.entries[2].encounter == "Encounter/hidden-1"
    assert dict(made.doubts)["ids that held a name or number, replaced"] == 2
    assert "0047113" not in made.to_json()
    assert "Observation/MRN0047113-glu" in [entry.id for entry in load_record(source, identity=True).entries]


def test_the_letters_of_a_hash_are_no_name():
    long = "3568cbed-0b2f-48db-94f0-8f2c4c756e22"
    made = load_record(bundle(patient(name=[{"given": ["Cbed"]}]), condition(long)))
    assert made.entries[0].id == f"Condition/{long}"


def test_of_thousands_of_names_that_begin_alike_each_is_found():
    names = Names()
    for number in range(4000):
        names.add_name(f"Maria aaa{number:06d}x")
    remove = NamesRemover(names)
    assert remove("Maria " * 2000 + "Maria aaa003999x") == "[removed] " * 2000 + "[removed]"
    assert remove.taken == 2001
