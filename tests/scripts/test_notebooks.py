"""What the notebook script leaves out of a stored notebook, and what it finds wrong with one."""

import pathlib

import jupytext
import nbformat
import pytest

import notebooks

SOURCE = """\
# %% [markdown]
# # A title and a sentence that says what this is about and why it matters to you.

# %%
1 + 1
"""
WIDGET = notebooks.WIDGET


def stored(folder: pathlib.Path, source: str = SOURCE, name: str = "a") -> pathlib.Path:
    """A pair of source and notebook, clean, without running anything."""
    (folder / f"{name}.py").write_text(source, "utf-8")
    notebook = notebooks.cleaned(jupytext.reads(source, "py:percent"))
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def changed(path: pathlib.Path, change) -> pathlib.Path:
    notebook = nbformat.read(path, 4)
    change(notebook)
    nbformat.write(notebook, path)
    return path


def output(kind: str, **fields):
    return nbformat.v4.new_output(kind, **fields)


def test_a_clean_pair_has_no_faults(tmp_path):
    assert list(notebooks.faults(stored(tmp_path))) == []


def test_a_source_that_was_changed_since_is_noticed(tmp_path):
    path = stored(tmp_path)
    (tmp_path / "a.py").write_text(SOURCE.replace("1 + 1", "1 + 2"), "utf-8")
    assert list(notebooks.faults(path)) == ["is out of step with its source: make notebooks"]


def test_a_notebook_without_a_source_is_noticed(tmp_path):
    path = stored(tmp_path)
    (tmp_path / "a.py").unlink()
    assert list(notebooks.faults(path)) == ["has no source a.py"]


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (output("error", ename="E", evalue="e", traceback=[]), "stores a traceback"),
        (output("stream", name="stderr", text="warning"), "stores warnings (stderr), which nbval compares"),
        (
            output("display_data", data={WIDGET: {"model_id": "x"}, "text/plain": "W()"}),
            "shows a widget without a picture for readers who have no kernel",
        ),
        (output("stream", name="stdout", text="fine"), None),
    ],
)
def test_outputs_that_should_not_be_stored_are_noticed(tmp_path, made, fault):
    path = changed(stored(tmp_path), lambda notebook: notebook.cells[1].outputs.append(made))
    assert list(notebooks.faults(path)) == ([f"cell 1 {fault}"] if fault else [])


def test_a_traceback_that_is_meant_to_be_there_may_stay(tmp_path):
    source = SOURCE.replace("# %%\n1", '# %% tags=["raises-exception"]\n1')
    error = output("error", ename="E", evalue="e", traceback=[])
    path = changed(stored(tmp_path, source), lambda notebook: notebook.cells[1].outputs.append(error))
    assert list(notebooks.faults(path)) == []


@pytest.mark.parametrize("place", ["/home/ada/film.dcm", "/Users/ada/film.dcm", "/root/film.dcm"])
def test_a_path_of_one_machine_is_noticed(tmp_path, place):
    said = output("stream", name="stdout", text=f"read {place}\n")
    path = changed(stored(tmp_path), lambda notebook: notebook.cells[1].outputs.append(said))
    assert [fault.partition(":")[0] for fault in notebooks.faults(path)] == ["names a path of one machine"]


def test_state_of_widgets_and_size_are_noticed(tmp_path):
    def change(notebook):
        notebook.metadata["widgets"] = {"state": {}}
        big = output("stream", name="stdout", text="x" * notebooks.MAX_BYTES)
        notebook.cells[1].outputs.append(big)

    found = " | ".join(notebooks.faults(changed(stored(tmp_path), change)))
    assert "stores the state of its widgets" in found
    assert f"more than {notebooks.MAX_BYTES}" in found


def test_too_little_prose_and_too_long_a_cell_are_noticed(tmp_path):
    source = "# %% [markdown]\n# # Short\n\n# %%\n" + "\n".join(f"x{i} = {i} + 1" for i in range(11)) + "\n"
    found = list(notebooks.faults(stored(tmp_path, source)))
    assert found == ["is 4% prose, less than 40%", "cell 1 has 11 lines of code, more than 10"]


def test_cleaning_takes_out_what_differs_from_run_to_run():
    notebook = jupytext.reads(SOURCE, "py:percent")
    notebook.metadata["widgets"] = {"state": {}}
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    cell = notebook.cells[1]
    cell.metadata["execution"] = {"iopub.execute_input": "2026"}
    cell.outputs = [output("display_data", data={WIDGET: {"model_id": "9f"}, "text/plain": "W"})]
    once = nbformat.writes(notebooks.cleaned(notebook))
    assert "2026" not in once
    assert "3.11.7" not in once
    assert "9f" not in once
    assert [cell.id for cell in notebook.cells] == ["cell000", "cell001"]
    assert nbformat.writes(notebooks.cleaned(notebook)) == once


def test_the_script_fails_where_it_finds_a_fault(tmp_path, capsys):
    path = stored(tmp_path)
    assert notebooks.main(["check", str(path)]) == 0
    (tmp_path / "a.py").unlink()
    assert notebooks.main(["check", str(path)]) == 1
    assert "a.ipynb has no source a.py" in capsys.readouterr().out


def test_a_built_notebook_holds_its_outputs_and_is_the_same_twice(tmp_path):
    (tmp_path / "b.py").write_text(SOURCE, "utf-8")
    notebooks.build(tmp_path / "b.py")
    first = (tmp_path / "b.ipynb").read_bytes()
    notebooks.build(tmp_path / "b.py")
    assert (tmp_path / "b.ipynb").read_bytes() == first
    assert nbformat.read(tmp_path / "b.ipynb", 4).cells[1].outputs[0].data["text/plain"] == "2"
