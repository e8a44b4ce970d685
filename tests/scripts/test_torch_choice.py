"""The choice of torch's build: every branch, by handing in the facts of a machine that would take it."""

import dataclasses
import pathlib
import tomllib

import pytest
import torch_choice
from torch_choice import CPU_INDEX, Facts, NoTorch, torch_plan

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
BARE_LINUX = Facts(None, (), "Linux", "x86_64", "cp311", nvidia=False)


def facts(**changes) -> Facts:
    return dataclasses.replace(BARE_LINUX, **changes)


def wheel(name: str) -> pathlib.PurePosixPath:
    return pathlib.PurePosixPath("/wheels") / name


FITTING = wheel("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl")


def test_linux_without_a_gpu_takes_the_cpu_index():
    plan = torch_plan(BARE_LINUX)
    assert (plan.build, plan.requirement, plan.index) == ("cpu index", "torch>=2.4", CPU_INDEX)


def test_linux_on_arm_without_a_gpu_takes_the_cpu_index():
    assert torch_plan(facts(machine="aarch64")).build == "cpu index"


def test_linux_with_nvidia_takes_the_default():
    plan = torch_plan(facts(nvidia=True))
    assert (plan.build, plan.requirement, plan.index) == ("default", "torch>=2.4", None)


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Windows", "AMD64")])
def test_macos_and_windows_take_the_default(system, machine):
    assert torch_plan(facts(system=system, machine=machine)).build == "default"


def test_an_intel_mac_is_told_to_use_conda():
    with pytest.raises(NoTorch, match="conda env create"):
        torch_plan(facts(system="Darwin", machine="x86_64"))


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.11.0+cu128", "2.4.0", "3.0.0a1"])
def test_a_torch_that_is_here_is_kept_as_on_colab_and_in_conda(system, version):
    plan = torch_plan(facts(installed=version, system=system, nvidia=True, wheels=(FITTING,)))
    assert (plan.build, plan.requirement) == ("kept", "")


def test_a_torch_older_than_the_floor_is_not_kept():
    assert torch_plan(facts(installed="2.3.1")).build == "cpu index"


def test_a_local_wheel_comes_before_the_index_even_with_a_gpu():
    plan = torch_plan(facts(wheels=(FITTING,), nvidia=True))
    assert (plan.build, plan.requirement, plan.find_links) == ("local wheel", "torch==2.13.0+cpu", "/wheels")


def test_of_several_local_wheels_the_newest_that_fits_is_taken():
    names = [
        "torch-2.9.1+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
        "torch-2.10.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
        "torch-2.14.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    ]
    assert torch_plan(facts(wheels=tuple(map(wheel, names)))).requirement == "torch==2.10.0+cpu"


@pytest.mark.parametrize(
    "name",
    [
        "torch-2.13.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl",
        "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl",
        "torch-2.13.0-cp311-cp311-win_amd64.whl",
        "torch-2.13.0-cp311-none-macosx_11_0_arm64.whl",
        "torch-2.3.0+cpu-cp311-cp311-linux_x86_64.whl",
        "torch_geometric-2.6.0-cp311-cp311-linux_x86_64.whl",
        "torch-broken.whl",
    ],
)
def test_a_wheel_for_another_machine_is_passed_over(name):
    assert torch_plan(facts(wheels=(wheel(name),))).build == "cpu index"


def test_a_wheel_with_a_build_number_fits():
    name = "torch-2.13.0-1-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert torch_plan(facts(wheels=(wheel(name),))).requirement == "torch==2.13.0"


def test_a_windows_wheel_fits_windows():
    name = "torch-2.13.0+cpu-cp311-cp311-win_amd64.whl"
    assert torch_plan(facts(wheels=(wheel(name),), system="Windows", machine="AMD64")).build == "local wheel"


def test_the_choice_can_be_overruled():
    assert torch_plan(facts(nvidia=True, wheels=(FITTING,)), "cpu").build == "cpu index"
    assert torch_plan(facts(wheels=(FITTING,)), "default").build == "default"
    with pytest.raises(ValueError, match="auto, default, cpu"):
        torch_plan(BARE_LINUX, "gpu")


def test_the_floor_is_the_one_of_the_project():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "torch>=" + ".".join(map(str, torch_choice.FLOOR)) in project["dependencies"]
