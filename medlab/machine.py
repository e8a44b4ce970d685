"""Facts about this machine, found without importing the libraries that they are about. It judges nothing."""

import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import re
import shutil

TRUE_WORDS = ("1", "on", "yes", "true")


def torch_build() -> str | None:
    """ "cpu", "cuda 12.8" or "rocm 6.2": what the installed torch was built for; None where there is no torch.

    Read from the text of torch/version.py: importing torch takes seconds.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = pathlib.Path(spec.origin).with_name("version.py").read_text("utf-8")
    except OSError:
        return "cpu"
    return build_named_in(text)


def build_named_in(version_py: str) -> str:
    """The build that the text of a torch/version.py names."""
    for variable, name in (("cuda", "cuda"), ("hip", "rocm")):
        found = re.search(rf"^{variable}\b[^=]*= *['\"]([\w.+-]+)['\"]", version_py, re.MULTILINE)
        if found:
            return f"{name} {found[1]}"
    return "cpu"


def device() -> str:
    """ "cuda", "mps" or "cpu": where torch would run a model; "none" without torch.

    torch itself is asked only where its build could answer something else than "cpu".
    """
    build = torch_build()
    if build is None:
        return "none"
    if build == "cpu" and platform.system() != "Darwin":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def hub_is_offline() -> bool:
    """Whether the environment forbids the Hugging Face libraries to use the network."""
    flags = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(flag.lower() in TRUE_WORDS for flag in flags)


def hub_home() -> pathlib.Path:
    """The folder in which the Hugging Face libraries keep their token and what they fetched."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    named = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    return pathlib.Path(os.path.expandvars(named)).expanduser()


def hub_token_is_there() -> bool:
    """Whether a token is set or stored. The token itself is not read."""
    named = os.environ.get("HF_TOKEN_PATH")
    path = pathlib.Path(named).expanduser() if named else hub_home() / "token"
    return bool(os.environ.get("HF_TOKEN")) or path.is_file()


def hub_models() -> int:
    """How many models lie in the Hugging Face cache."""
    named = os.environ.get("HF_HUB_CACHE")
    folder = pathlib.Path(named).expanduser() if named else hub_home() / "hub"
    return sum(1 for _ in folder.glob("models--*")) if folder.is_dir() else 0


def memory_bytes() -> int | None:
    """Physical memory, or None where the system does not tell by POSIX means."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def cpu_computes_bf16(cpuinfo: pathlib.Path = pathlib.Path("/proc/cpuinfo")) -> bool:
    """Whether the processor itself multiplies in bfloat16 (AVX512-BF16, AMX, ARM BF16); False where nobody tells."""
    try:
        words = set(cpuinfo.read_text("utf-8", "replace").split())
    except OSError:
        return False
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


def free_disk_bytes(folder: pathlib.Path) -> int:
    """Free space where `folder` lies."""
    return shutil.disk_usage(folder).free


def kernels() -> tuple[str, ...]:
    """Names of the Jupyter kernels that are registered here; empty without Jupyter."""
    if importlib.util.find_spec("jupyter_client") is None:
        return ()
    from jupyter_client.kernelspec import KernelSpecManager

    return tuple(sorted(KernelSpecManager().find_kernel_specs()))


def own_requirements() -> tuple[str, ...]:
    """What medlab's own metadata requires, without its extras; empty where medlab is not installed."""
    try:
        listed = importlib.metadata.requires("medlab-workbench") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(requirement for requirement in listed if "extra ==" not in requirement)


def torch_of_torchvision() -> str | None:
    """The torch that the installed torchvision was built for; None without torchvision, or where it is silent."""
    try:
        listed = importlib.metadata.requires("torchvision") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    plain = (requirement.partition(";")[0].strip() for requirement in listed)
    matches = (re.fullmatch(r"torch\s*\(?==\s*([\w.+]+)\)?", requirement) for requirement in plain)
    return next((match[1] for match in matches if match), None)
