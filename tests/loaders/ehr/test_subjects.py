"""Whom resources are about: one id on two servers, numbers instead of ids, patients within other resources."""

import json

import pytest

from medlab.core.errors import DataError
from medlab.loaders.ehr import load_record, patients_in
from tests.loaders.ehr.bundles import about, bundle, condition, glucose, patient

FIRST, SECOND = "http://a.example/fhir", "https://b.example/fhir"


def at(base: str, one: dict) -> dict:
    return {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one}


def of(base: str, kind: str = "Patient", identity: str = "p1") -> dict:
    return {"reference": f"{base}/{kind}/{identity}"}


def holding(*entries: dict) -> dict:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}


def refused(source, **options) -> str:
    with pytest.raises(DataError) as caught:
        load_record(source, **options)
    return caught.value.code


TWO_SERVERS = holding(
    at(FIRST, patient("p1", meta={"lastUpdated": "2020-01-01T00:00:00Z"})),
    at(SECOND, patient("p1", gender="male", meta={"lastUpdated": "2021-01-01T00:00:00Z"})),
    at(FIRST, condition("c", "Asthma", subject=of(FIRST))),
    at(SECOND, condition("c", "Gout", subject=about("p1"))),
)


def test_one_id_on_two_servers_is_two_patients():
    assert refused(TWO_SERVERS) == "ambiguous_patient"
    assert refused(TWO_SERVERS, patient="p1") == "ambiguous_patient"
    assert patients_in(TWO_SERVERS) == ("a.example/fhir/Patient/p1", "b.example/fhir/Patient/p1")


def test_each_of_two_patients_with_one_id_is_taken_by_its_server():
    for name, sex, problem in zip(patients_in(TWO_SERVERS), ("female", "male"), ("Asthma", "Gout"), strict=True):
        made = load_record(TWO_SERVERS, patient=name)
        assert (made.person.sex, [entry.text for entry in made.entries]) == (sex, [problem])
        assert made.left_out == (("about another patient", 1),)
    assert load_record(TWO_SERVERS, patient=f"{FIRST}/Patient/p1").entries[0].text == "Asthma"


def test_two_servers_are_noticed_where_only_references_name_them():
    source = bundle(condition("a", subject=of(FIRST)), condition("b", subject=of(SECOND)))
    assert refused(source) == "ambiguous_patient"
    assert [entry.id for entry in load_record(source, patient=f"{SECOND}/Patient/p1").entries] == ["Condition/b"]


def test_one_server_by_http_and_https_and_not_told_is_one():
    source = holding(
        at("https://A.example/fhir", patient("p1")),
        {"resource": condition("a", subject=about())},
        at(FIRST, condition("b", subject=of(FIRST))),
        {"resource": condition("b", subject=of(FIRST))},
    )
    made = load_record(source)
    assert [entry.id for entry in made.entries] == ["Condition/a", "Condition/b"]
    assert made.doubts == (("resources given twice, the same each time", 1),)


def test_what_two_servers_call_alike_of_one_patient_is_an_error():
    source = holding(
        at(FIRST, patient("p1")), *(at(base, condition("c", base, subject=of(FIRST))) for base in (FIRST, SECOND))
    )
    with pytest.raises(DataError, match="'Condition/c' stands twice"):
        load_record(source)


def test_two_patients_of_one_id_at_two_urns_are_never_taken_for_versions():
    versions = [patient("p1", meta={"lastUpdated": f"202{n}-01-01T00:00:00Z"}) for n in range(2)]
    source = holding(*({"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(versions)))
    assert refused(source) == "ambiguous_patient"


def by_number(value: str) -> dict:
    return {"identifier": {"system": "mrn", "value": value}}


def by_search(value: str) -> dict:
    return {"reference": f"Patient?identifier=mrn%7C{value}"}


@pytest.mark.parametrize("named", [by_number, by_search])
def test_two_numbers_are_two_patients_and_each_can_be_asked_for(named):
    source = bundle(condition("a", subject=named("1")), condition("b", subject=named("2")))
    assert refused(source) == "ambiguous_patient"
    assert patients_in(source) == ("mrn|1", "mrn|2")
    made = load_record(source, patient="mrn|2")
    assert [entry.id for entry in made.entries] == ["Condition/b"]
    assert refused(bundle(patient(), *(entry["resource"] for entry in source["entry"]))) == "ambiguous_patient"


@pytest.mark.parametrize("named", [by_number, by_search])
def test_a_number_is_looked_for_among_the_patients(named):
    owner = patient("p1", identifier=[{"system": "mrn", "value": "1"}])
    made = load_record(bundle(owner, condition("a", subject=named("1")), condition("b", subject=named("2"))))
    assert [entry.id for entry in made.entries] == ["Condition/a"]
    assert (made.left_out, made.doubts) == ((("about no patient that can be told", 1),), ())


def test_a_number_that_two_patients_have_tells_neither():
    both = [patient(one, identifier=[{"system": "mrn", "value": "1"}]) for one in ("p1", "p2")]
    made = load_record(bundle(*both, condition("a", subject=by_number("1"))), patient="p1")
    assert made.left_out == (("about no patient that can be told", 1),)


def carrying(identity: str, text: str, **person) -> dict:
    inner = {"resourceType": "Patient", "id": "p", **person}
    return condition(identity, text, subject={"reference": "#p"}, contained=[inner])


def test_two_patients_within_resources_are_not_mixed_and_one_is_read():
    able, baker = {"name": [{"family": "Able"}]}, {"name": [{"family": "Baker"}]}
    assert refused(bundle(carrying("a", "Asthma", **able), carrying("b", "Gout", **baker))) == "ambiguous_patient"
    assert len(load_record(bundle(carrying("a", "Asthma", **able), carrying("b", "Gout", **able))).entries) == 2
    numbered = {"identifier": [{"system": "mrn", "value": "1"}]}
    assert len(load_record(bundle(patient(**numbered), carrying("a", "Asthma", **numbered))).entries) == 1
    untold = load_record(bundle(patient(), carrying("a", "Asthma", **baker)))
    assert (untold.entries, untold.left_out) == ((), (("about no patient that can be told", 1),))


@pytest.mark.parametrize(
    "subject", [{"display": "Bob"}, {"reference": "garbage"}, {"reference": "#gone"}, "Bob", [about(), about("p2")]]
)
def test_a_subject_that_cannot_be_told_is_never_taken_for_this_one(subject):
    made = load_record(bundle(patient(), glucose("g", subject=subject)))
    assert (made.entries, made.left_out) == ((), (("about no patient that can be told", 1),))


def test_what_names_nobody_is_not_taken_where_lines_of_others_were_passed_over(tmp_path):
    lines = [condition("a"), condition("b", subject=about("p2")), condition("c", subject=None)]
    (tmp_path / "lines.ndjson").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    made = load_record(tmp_path, patient="p1")
    assert [entry.id for entry in made.entries] == ["Condition/a"]
    assert dict(made.left_out) == {"about another patient": 1, "about no patient that can be told": 1}
