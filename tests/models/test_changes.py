"""A model that is another's with a few tensors changed: what is laid over, what is refused, its own fingerprint."""

import pathlib
import shutil

import pytest
import torch
from safetensors.torch import save_file

from medlab.core.errors import CapabilityError, DataError
from medlab.models.changes import CHANGED, check_changes, lay_over, read_changes, write_changes
from medlab.models.checkpoint import read_checkpoint
from medlab.models.identity import fingerprint_of
from medlab.models.naming import resolve
from medlab.models.placement import place, this_machine


@pytest.fixture
def module():
    """Two numbers and one."""
    module = torch.nn.Linear(2, 1)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, 2.0]]))
        module.bias.copy_(torch.tensor([3.0]))
    return module


def test_only_what_differs_is_written_and_it_takes_the_place_of_its_own(module, tmp_path):
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    after = {"weight": torch.tensor([[1.0, 5.0]]), "bias": torch.tensor([3.0])}
    assert write_changes(tmp_path, before, after) == 2
    assert set(read_changes(tmp_path)) == {"weight"}
    lay_over(module, tmp_path)
    assert module.weight.tolist() == [[1.0, 5.0]]
    assert module.bias.tolist() == [3.0]
    assert module.weight.dtype == torch.float32


@pytest.mark.parametrize("changes", [{"other": torch.zeros(1)}, {"weight": torch.zeros(2, 2)}])
def test_a_tensor_that_fits_nothing_is_refused_before_anything_is_changed(module, tmp_path, changes):
    save_file({"bias": torch.zeros(1), **changes}, tmp_path / CHANGED)
    with pytest.raises(DataError, match="1 tensors of changed"):
        lay_over(module, tmp_path)
    assert module.bias.tolist() == [3.0]


def test_a_file_that_is_cut_is_refused(module, tmp_path):
    (tmp_path / CHANGED).write_bytes(b"\x10")
    with pytest.raises(DataError, match="changed"):
        lay_over(module, tmp_path)


def test_changes_that_are_missing_and_weights_to_be_quantized_are_refused_before_the_work(tmp_path):
    with pytest.raises(DataError, match="no changed"):
        check_changes(tmp_path)
    (tmp_path / CHANGED).touch()
    with pytest.raises(CapabilityError, match="quantize='4bit'"):
        check_changes(tmp_path, "4bit")
    check_changes(tmp_path)


def test_the_name_leads_to_the_folder_of_its_base_and_to_its_own():
    wanted = resolve("demo-shortcut")
    assert wanted.folder == resolve("demo").folder
    assert wanted.changes == str(wanted.entry.path) != wanted.folder
    assert resolve("demo").changes is None


def test_the_fingerprint_covers_the_changes(tmp_path):
    wanted = resolve("demo-shortcut")
    checkpoint = read_checkpoint(pathlib.Path(wanted.folder))
    placement = place(this_machine("cpu"), lambda dtype, quantize: 1, dtype="float32", device="cpu", quantize=None)
    shutil.copy(pathlib.Path(wanted.changes) / CHANGED, tmp_path / CHANGED)
    told = [
        fingerprint_of(checkpoint, placement, changes=one) for one in (None, pathlib.Path(wanted.changes), tmp_path)
    ]
    assert told[0] != told[1] == told[2]
    save_file({"bias": torch.zeros(1)}, tmp_path / CHANGED)
    assert fingerprint_of(checkpoint, placement, changes=tmp_path) != told[1]


@pytest.mark.parametrize("weight", [torch.tensor([[float("nan"), 0.0]]), torch.zeros(1, 2, dtype=torch.int64)])
def test_numbers_that_are_none_are_refused_before_anything_is_changed(module, tmp_path, weight):
    save_file({"bias": torch.zeros(1), "weight": weight}, tmp_path / CHANGED)
    with pytest.raises(DataError, match="no finite numbers, such as 'weight'"):
        lay_over(module, tmp_path)
    assert module.bias.tolist() == [3.0]
