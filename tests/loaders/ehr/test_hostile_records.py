"""What strangers' FHIR files may hold, and what happens here."""

import json
import tracemalloc

import pytest

from medlab.core.errors import DataError
from medlab.loaders.ehr import load_record
from tests.loaders.ehr.bundles import about, bundle, condition, glucose, note, patient, resource


def code_of(source, **options) -> str:
    with pytest.raises(DataError) as caught:
        load_record(source, **options)
    return caught.value.code


def data(*resources, **options) -> bytes:
    return json.dumps(bundle(patient(), *resources, **options)).encode()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "decode"),
        (b"not JSON", "decode"),
        (b'{"resourceType": "Bundle", "entry": [', "decode"),
        (b"[" * 200_000, "decode"),
        (b'{"resourceType": "Patient", "x": ' + b'{"a":' * 100_000, "decode"),
        (data(glucose("a")).replace(b"101", b"NaN"), "schema"),
        (data(glucose("a")).replace(b"101", b"-Infinity"), "schema"),
        (data(glucose("a")).replace(b"101", b"9" * 5000), "decode"),
        (b"{}", "schema"),
        (b"[1, 2]", "schema"),
        (b"7", "schema"),
        (b'{"resourceType": "Bundle", "type": "collection"}', "schema"),
        (b'{"resourceType": "Bundle", "entry": 7}', "schema"),
        (data(sort="history"), "unsupported"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "unsupported"),
        (b"\x1f\x8b\x08\x00", "unsupported"),
        (b"\xff\xfe\x00", "decode"),
        ("https://example.org/fhir/Patient/1", "remote_disabled"),
        ("nowhere.json", "missing_file"),
    ],
)
def test_a_bad_source_gives_its_error(source, code):
    assert code_of(source) == code


def test_a_document_over_the_limit_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as stream:
        stream.truncate(200 << 20)
    tracemalloc.start()
    assert code_of(path) == "too_large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert code_of(data(), max_bytes=10) == "too_large"


def test_lines_of_a_bulk_export_are_not_kept_for_other_patients(tmp_path):
    path = tmp_path / "Observation.ndjson"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(1000):
            long = glucose(f"o{number}", subject=about(f"p{number}"), note=[{"text": "x" * 3000}])
            stream.write(json.dumps(long) + "\n")
    tracemalloc.start()
    made = load_record(path, patient="p7")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [entry.id for entry in made.entries] == ["Observation/o7"]
    assert peak < path.stat().st_size / 4


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(condition("a")) + "\n\n{broken\n", "utf-8")
    with pytest.raises(DataError, match=r"a\.ndjson line 3"):
        load_record(path)


def test_lines_are_read_whatever_the_file_is_called(tmp_path):
    path = tmp_path / "export.json"
    path.write_text("\n".join(json.dumps(one) for one in (patient(), condition("a"), glucose("b"))), "utf-8")
    assert len(load_record(path).entries) == 2
    assert len(load_record(path.read_bytes()).entries) == 2


def test_pages_of_a_search_are_one_record_and_a_missing_last_page_is_told(tmp_path):
    more = [{"relation": "next", "url": "https://example.org/page/2"}]
    first = bundle(patient(), condition("a"), sort="searchset", link=more)
    (tmp_path / "1.json").write_text(json.dumps(first), "utf-8")
    assert load_record(tmp_path).doubts == (("a search of which the last page was not given", 1),)
    (tmp_path / "2.json").write_text(json.dumps(bundle(condition("b"), sort="searchset")), "utf-8")
    made = load_record(tmp_path)
    assert (len(made.entries), made.doubts) == (2, ())


def test_single_resources_lists_and_bundles_within_bundles_are_read():
    assert load_record(condition("a")).entries[0].text == "Hypertension"
    assert len(load_record(json.dumps([patient(), condition("a")]).encode()).entries) == 1
    nested = bundle(condition("a"))
    for _ in range(2):
        nested = bundle(nested)
    assert len(load_record(nested).entries) == 1
    assert load_record(bundle(bundle(nested), condition("b"))).doubts == (("bundles too deep within bundles", 1),)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "7", [1], {"a": 1}])
def test_a_value_that_is_no_finite_number_is_none_and_says_so(value):
    made = load_record(bundle(patient(), glucose("a", value=value)))
    ((measure,),) = (entry.measures for entry in made.entries)
    assert (measure.value, measure.said) == (None, "a value that cannot be read")
    assert made.doubts == (("values that cannot be read", 1),)


def test_a_unit_without_a_number_is_no_value():
    made = load_record(bundle(patient(), glucose("a", value=None)))
    assert (made.entries[0].measures, made.doubts) == ((), ())


def test_a_number_beyond_all_numbers_is_none():
    (measure,) = load_record(data(glucose("a")).replace(b"101", b"1e999")).entries[0].measures
    assert measure.value is None


JUNK = [
    None,
    0,
    "x",
    [],
    {},
    [None],
    [[]],
    {"coding": 7},
    {"coding": [None, {"code": 7}]},
    {"reference": {}},
    "\ud800\u202e\0",
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_any_element_loses_that_element_at_most(junk):
    whole = {
        "Condition": (
            "code",
            "clinicalStatus",
            "verificationStatus",
            "onsetDateTime",
            "onsetPeriod",
            "bodySite",
            "stage",
            "note",
        ),
        "Observation": (
            "code",
            "category",
            "valueQuantity",
            "component",
            "interpretation",
            "referenceRange",
            "effectivePeriod",
        ),
        "MedicationRequest": (
            "medicationReference",
            "dosageInstruction",
            "authoredOn",
            "encounter",
            "contained",
            "meta",
        ),
        "DiagnosticReport": ("conclusion", "presentedForm", "result", "conclusionCode", "modifierExtension"),
        "DocumentReference": ("content", "description", "type", "author", "context"),
        "ImagingStudy": ("series", "numberOfSeries", "modality", "procedureCode"),
        "Encounter": ("class", "period", "hospitalization", "type", "subject"),
        "AllergyIntolerance": ("reaction", "category", "criticality", "patient"),
        "Immunization": ("vaccineCode", "status", "statusReason"),
        "CarePlan": ("activity", "title"),
        "Goal": ("description", "lifecycleStatus", "achievementStatus"),
        "Patient": ("name", "address", "telecom", "identifier", "birthDate", "gender", "deceasedDateTime"),
    }
    for kind, elements in whole.items():
        for element in elements:
            made = {"code": {"text": "named"}, "subject": about(), element: junk}
            owner = [] if kind == "Patient" else [patient()]
            record = load_record(bundle(*owner, resource(kind, "p1" if kind == "Patient" else "a", **made)))
            record.digest("anything?")
            record.to_json().encode()


def test_a_note_of_the_wrong_kind_or_that_does_not_decode_says_so():
    made = load_record(
        bundle(
            patient(),
            note("a", b"%PDF-1.4", "application/pdf"),
            note("b", "x", content=[{"attachment": {"contentType": "text/plain", "data": "@@@@"}}]),
            note("c", "x", content=[{"attachment": {"url": "https://example.org/doc"}}]),
            note("d", b"caf\xe9", "text/plain; charset=latin-1"),
            note("e", b"caf\xe9 au lait", "text/plain; charset=nonsense"),
            note("f", b"abcd", "text/plain; charset=zlib"),
        )
    )
    assert [entry.note for entry in made.entries] == [
        "(an attachment of kind application/pdf, not read)",
        "(an attachment that does not decode)",
        "(a document at an address, not fetched)",
        "café",
        "caf\ufffd au lait",
        "abcd",
    ]
    assert dict(made.doubts) == {
        "attachments of a kind that is not read": 1,
        "attachments that do not decode": 1,
        "attachments with characters that do not decode": 1,
        "documents at an address, not fetched": 1,
    }


def test_markup_becomes_words_and_its_scripts_nothing():
    made = load_record(
        bundle(patient(), note("a", "<p>Cough</p><script>steal()</script><p>Fever &lt; 39</p>", "text/html"))
    )
    assert made.entries[0].note == "Cough\nFever < 39"


def test_a_blank_before_the_charset_does_not_keep_the_markup():
    made = load_record(bundle(patient(), note("a", "<p>Cough</p>", "text/html ; charset=utf-8")))
    assert made.entries[0].note == "Cough"


def test_an_enormous_note_is_cut():
    (entry,) = load_record(bundle(patient(), note("a", "x" * 3_000_000))).entries
    assert len(entry.note) <= 20_000
    assert entry.note.endswith("…")


def test_invisible_characters_are_dropped():
    (entry,) = load_record(bundle(patient(), condition("a", "Hyper\u200b\u202etension\x1b[31m \U000e0041"))).entries
    assert entry.text == "Hypertension[31m"
