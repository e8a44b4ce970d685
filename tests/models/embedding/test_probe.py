"""Linear probe: what it learns, what it must not look at, what it refuses, and what it says when nothing is there."""

import numpy as np
import pytest

from medlab.core.case import Case, Finding
from medlab.core.errors import DataError, SpecError
from medlab.models.embedding.labels import label_matrix
from medlab.models.embedding.probe import LinearProbe, linear_probe

QUICK = {"strengths": [0.1], "resamples": 100, "progress": False}


def world(n: int = 120, dim: int = 8, seed: int = 0):
    """(embeddings, labels, patients): the label is whether the first number is above 0; two rows a patient."""
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows, (rows[:, 0] > 0).astype(float), [f"p{i // 2}" for i in range(n)]


def test_what_is_on_a_straight_cut_is_learnt_and_read_back_from_new_rows():
    rows, labels, patients = world()
    probe = linear_probe(rows, labels, patients, ["f"], **QUICK)
    new, truth, _ = world(seed=1)
    assert probe.scores[0].value > 0.97
    assert probe.scores[0].n == 60  # patients, not rows
    assert ((probe.predict(new)[:, 0] > 0.5) == truth).mean() > 0.9
    assert np.abs(probe.weights[0]).argmax() == 0


def test_the_folded_weights_equal_the_pipeline_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels, patients = world()
    rows = rows * 0.01 + 3
    probe = linear_probe(rows, labels, patients, ["f"], **QUICK)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(rows.astype(float), labels)
    assert probe.predict(rows)[:, 0] == pytest.approx(fitted.predict_proba(rows.astype(float))[:, 1], abs=1e-5)


def test_what_is_not_there_is_scored_as_chance_and_not_below():
    rng = np.random.default_rng(5)
    table = (rng.random((120, 12)) < 0.25).astype(float)
    rows = rng.normal(size=(120, 8))
    probe = linear_probe(rows, table, [str(i) for i in range(120)], [f"f{i}" for i in range(12)], **QUICK)
    assert np.mean([score.value for score in probe.scores]) == pytest.approx(0.5, abs=0.05)


def test_a_patient_that_gives_the_label_away_helps_nobody_else():
    # each patient has a mark of its own and one label: folds that split patients would read the label off the mark
    rng = np.random.default_rng(7)
    marks = np.repeat(rng.normal(size=(40, 32)), 5, axis=0)
    labels = np.repeat(rng.integers(0, 2, (40, 6)), 5, axis=0).astype(float)
    findings = [f"f{i}" for i in range(6)]
    apart = linear_probe(marks, labels, np.repeat(np.arange(40), 5).astype(str), findings, **QUICK)
    leaking = linear_probe(marks, labels, [str(i) for i in range(200)], findings, **QUICK)  # rows called patients
    assert np.mean([score.value for score in leaking.scores]) > 0.95
    assert np.mean([score.value for score in apart.scores]) < 0.65


def test_labels_not_known_are_left_out_for_their_finding_alone():
    rows, labels, patients = world()
    table = np.stack([labels, labels], axis=1)
    table[:30, 1] = np.nan
    both = linear_probe(rows, table, patients, ["all", "some"], **QUICK)
    only = linear_probe(rows[30:], labels[30:], patients[30:], ["some"], **QUICK)
    assert (both.scores[0].n, both.scores[1].n) == (60, 45)
    assert both.scores[1] == only.scores[0]
    np.testing.assert_allclose(both.weights[1], only.weights[0])


def test_the_strength_is_chosen_among_those_given():
    rows, labels, patients = world(60)
    probe = linear_probe(rows, labels, patients, ["f"], strengths=[1.0, 0.01], resamples=100, progress=False)
    assert probe.strengths[0] in (0.01, 1.0)


@pytest.mark.parametrize("label", [0.0, 1.0, np.nan])
def test_a_finding_of_one_label_only_is_refused_by_name(label):
    rows, labels, patients = world()
    table = np.stack([labels, np.full(120, label)], axis=1)
    with pytest.raises(SpecError, match=r"too few patients: 'fracture' (0 with|60 with|0 with) and") as caught:
        linear_probe(rows, table, patients, ["f", "fracture"], **QUICK)
    assert "'f'" not in caught.value.given


def test_many_rows_of_few_patients_are_too_few():
    rows, labels, _ = world()
    patients = ["sick" if label else f"well {i}" for i, label in enumerate(labels)]
    with pytest.raises(SpecError, match="'f' 1 with"):
        linear_probe(rows, labels, patients, ["f"], **QUICK)


def test_rows_without_a_patient_are_refused():
    rows, labels, patients = world()
    with pytest.raises(DataError, match="2 of 120 rows have no patient") as caught:
        linear_probe(rows, labels, [None, " ", *patients[2:]], ["f"], **QUICK)
    assert caught.value.code == "no_patient"


def test_wrong_shapes_values_and_options_are_refused():
    rows, labels, patients = world()
    for wrong in (
        (rows[:5], labels, patients, ["f"]),
        (rows, labels, patients[:5], ["f"]),
        (rows, labels, patients, ["f", "g"]),
        (rows, labels, patients, "f"),
        (rows, labels * 2, patients, ["f"]),
        (rows, np.where(labels > 0, np.inf, 0), patients, ["f"]),
        (rows * np.nan, labels, patients, ["f"]),
    ):
        with pytest.raises(SpecError):
            linear_probe(*wrong, **QUICK)
    for options in ({"folds": 1}, {"strengths": []}, {"strengths": [0]}, {"resamples": 3}, {"seed": -1}):
        with pytest.raises(SpecError):
            linear_probe(rows, labels, patients, ["f"], **QUICK | options)


def test_a_probe_is_saved_without_code_and_read_back_equal(tmp_path):
    rows, labels, patients = world()
    probe = linear_probe(rows, labels, patients, ["f"], **QUICK)
    path = probe.save(tmp_path / "probe.json")
    again = LinearProbe.load(path)
    assert again == probe
    np.testing.assert_array_equal(again.predict(rows), probe.predict(rows))
    head = "LinearProbe(1 finding(s), 5 folds; AUC on patients it had not seen)"
    assert repr(again) == f"{head}\n  f {probe.scores[0].value:.3f} [{probe.scores[0].ci_low:.3f}, 1.000] (n=60)"


@pytest.mark.parametrize("content", [b"\x80\x04\x95pickle", b"{}", b"[1", b'{"findings": ["f"], "evil": 1}'])
def test_a_file_that_is_no_probe_is_refused(tmp_path, content):
    (tmp_path / "probe.json").write_bytes(content)
    with pytest.raises(DataError) as caught:
        LinearProbe.load(tmp_path / "probe.json")
    assert caught.value.code == "schema"
    with pytest.raises(DataError, match="no file"):
        LinearProbe.load(tmp_path / "other.json")


def test_embeddings_of_another_model_are_refused():
    rows, labels, patients = world()
    probe = linear_probe(rows, labels, patients, ["f"], **QUICK)
    with pytest.raises(SpecError, match="embeddings of 5 numbers for a probe of 8"):
        probe.predict(rows[:, :5])


def test_only_present_and_absent_are_labels():
    states = ("present", "absent", "uncertain", "not_mentioned")
    cases = [Case(state, findings=(Finding("effusion", state),)) for state in states] + [Case("silent")]
    np.testing.assert_array_equal(
        label_matrix(cases, ["effusion"])[:, 0], np.array([1, 0, np.nan, np.nan, np.nan], np.float32)
    )
    for wrong in (([], ["effusion"]), (cases, [])):
        with pytest.raises(SpecError):
            label_matrix(*wrong)


def test_a_random_tower_keeps_enough_of_a_phantom_to_tell_a_large_heart(models):
    from medlab.phantom import Phantom

    cases = [Phantom(64).draw(seed) for seed in range(200)]
    rows = models["clip"].embed_scans([case.scans[0] for case in cases], progress=False)
    labels = label_matrix(cases, ["cardiomegaly"])
    patients = [case.patient_id for case in cases]
    options = {"strengths": [1.0], "resamples": 300, "progress": False}
    found = linear_probe(rows, labels, patients, ["cardiomegaly"], **options).scores[0]
    assert found.ci_low > 0.5
    shuffled = np.random.default_rng(0).permutation(labels)  # the twin: the same rows, labels of somebody else
    assert linear_probe(rows, shuffled, patients, ["cardiomegaly"], **options).scores[0].ci_low < 0.5
