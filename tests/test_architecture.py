"""The house rules that a machine can check: who imports whom, what is imported when, names, sizes.

Each rule is a function from a source tree to its faults. It is applied to medlab, which must have none, and to a small
tree that breaks it, which must have exactly the faults that were built in: a rule that cannot fail guards nothing.
"""

import ast
import dataclasses
import pathlib
import re
from collections.abc import Iterator

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
ANYTHING = frozenset({"*"})
ARROWS = {
    "core": frozenset(),
    "imaging": frozenset({"core"}),
    "phantom": frozenset({"core"}),
    "loaders": frozenset({"core", "imaging"}),
    "cohorts": frozenset({"core", "loaders", "phantom"}),
    "prompts": frozenset({"core"}),
    "models": frozenset({"core", "imaging", "machine", "prompts"}),
    "demo": frozenset({"core", "imaging", "models", "phantom"}),
    "explainers": frozenset({"core", "imaging", "models", "phantom"}),
    "plots": frozenset({"core", "imaging"}),
    "widgets": frozenset({"core", "imaging", "models", "explainers", "plots"}),
    "machine": frozenset({"core"}),
    "about": frozenset({"core", "machine"}),
    "lab": frozenset({"core"}),
    "doctor": frozenset({"core", "loaders", "machine"}),
    "cli": ANYTHING,
    "cli_ask": ANYTHING,
    "cli_demo": ANYTHING,
    "cli_trust": ANYTHING,
    "cli_words": ANYTHING,
}
"""room or top-level module -> what of medlab it may import besides itself and medlab.version"""

HEAVY_NAMES = """
    torch transformers datasets captum safetensors huggingface_hub tokenizers accelerate bitsandbytes
    openai sklearn rapidocr onnxruntime yaml
    pydicom pydicom_data pylibjpeg openjpeg jpeg_ls rle imagecodecs nibabel SimpleITK PIL
    matplotlib scipy pandas pyarrow IPython ipywidgets anywidget
"""
HEAVY = frozenset(HEAVY_NAMES.split())
NEVER = frozenset({"torchvision", "torchxrayvision"})
VAGUE = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"})
MAX_LINES = 400


@dataclasses.dataclass(frozen=True)
class Import:
    line: int
    module: str
    """the absolute dotted name; empty for a relative one"""
    at_import: bool
    """True where it happens when the file itself is imported"""
    star: bool = False


def put_off(node: ast.AST) -> bool:
    """Whether what stands in `node` does not run when the file is imported."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def imports_of(source: str) -> list[Import]:
    """Every import of a file, and every "medlab.room" address in its strings, which is an import put off."""
    found: list[Import] = []

    def visit(node: ast.AST, at_import: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(node.lineno, alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            star = any(alias.name == "*" for alias in node.names)
            names = [node.module or ""]
            if node.module == "medlab":
                names = [f"medlab.{alias.name}" for alias in node.names]
            found.extend(Import(node.lineno, "" if node.level else name, at_import, star) for name in names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"medlab(\.\w+)+(:\w+)?", node.value):
                found.append(Import(node.lineno, node.value.partition(":")[0], False))
        elif put_off(node):
            at_import = False
        for child in ast.iter_child_nodes(node):
            visit(child, at_import)

    visit(ast.parse(source), True)
    return found


def files(tree: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """(path below the tree, file) of each Python file."""
    for path in sorted(tree.rglob("*.py")):
        yield path.relative_to(tree).as_posix(), path


def room_of(name: str) -> str:
    """ "core" of "core/scan.py", "cli" of "cli.py"."""
    return name.partition("/")[0].removesuffix(".py")


def wrong_arrows(tree: pathlib.Path) -> list[str]:
    faults = []
    for name, path in files(tree):
        room = room_of(name)
        if room in ("__init__", "version"):
            continue
        if room not in ARROWS:
            faults.append(f"{name}: {room} is not in the table of rooms")
            continue
        allowed = ARROWS[room] | {room, "version"}
        for one in imports_of(path.read_text("utf-8")):
            package, _, rest = one.module.partition(".")
            target = rest.partition(".")[0] or "(medlab itself)"
            if package == "medlab" and not (allowed & {target, "*"}):
                faults.append(f"{name}:{one.line} {room} imports {target}")
    return faults


def relative_or_star(tree: pathlib.Path) -> list[str]:
    return [
        f"{name}:{one.line} {'star' if one.star else 'relative'} import"
        for name, path in files(tree)
        for one in imports_of(path.read_text("utf-8"))
        if one.star or not one.module
    ]


def heavy_at_import(tree: pathlib.Path) -> list[str]:
    return [
        f"{name}:{one.line} {one.module}"
        for name, path in files(tree)
        for one in imports_of(path.read_text("utf-8"))
        if one.at_import and one.module.partition(".")[0] in HEAVY
    ]


def forbidden(tree: pathlib.Path) -> list[str]:
    return [
        f"{name}:{one.line} {one.module}"
        for name, path in files(tree)
        for one in imports_of(path.read_text("utf-8"))
        if one.module.partition(".")[0] in NEVER
    ]


def vague_names(tree: pathlib.Path) -> list[str]:
    parts = ((name, part.removesuffix(".py")) for name, _ in files(tree) for part in name.split("/"))
    return sorted({f"{name}: {part}" for name, part in parts if part.strip("_") in VAGUE or part in HEAVY})


def too_long(tree: pathlib.Path) -> list[str]:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in files(tree)}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length > MAX_LINES]


def without_opening(tree: pathlib.Path) -> list[str]:
    return [name for name, path in files(tree) if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]


RULES = [wrong_arrows, relative_or_star, heavy_at_import, forbidden, vague_names, too_long, without_opening]

BROKEN = {
    wrong_arrows: (
        {
            "core/scan.py": "import numpy\nfrom medlab.core.errors import E\nimport medlab.plots\n",
            "imaging/resize.py": "def f():\n    from medlab import loaders\n",
            "plots/draw.py": "import medlab\n",
            "cohorts/sources.py": 'R = {"x": "medlab.plots.show:show", "y": "medlab.phantom.draw:draw"}\n',
            "attic/old.py": "",
            "cli.py": "import medlab.plots\n",
            "__init__.py": 'P = {"show": "medlab.plots"}\n',
        },
        [
            "attic/old.py: attic is not in the table of rooms",
            "cohorts/sources.py:1 cohorts imports plots",
            "core/scan.py:3 core imports plots",
            "imaging/resize.py:2 imaging imports loaders",
            "plots/draw.py:1 plots imports (medlab itself)",
        ],
    ),
    relative_or_star: (
        {"a.py": "from . import b\nfrom .b import c\nfrom math import *\nfrom math import pi\n"},
        ["a.py:1 relative import", "a.py:2 relative import", "a.py:3 star import"],
    ),
    heavy_at_import: (
        {
            "a.py": "import torch\ndef f():\n    import torch\nclass C:\n    from PIL import Image\n",
            "b.py": "if typing.TYPE_CHECKING:\n    import torch\ntry:\n    import pydicom.uid\nfinally: pass\n",
            "c.py": "import numpy, torchlike, rich\n",
        },
        ["a.py:1 torch", "a.py:5 PIL", "b.py:4 pydicom.uid"],
    ),
    forbidden: (
        {"a.py": "def f():\n    import torchvision.ops\n    import torch\n"},
        ["a.py:2 torchvision.ops"],
    ),
    vague_names: (
        {"utils.py": "", "a/common/b.py": "", "a/_helpers.py": "", "a/torch.py": "", "a/commonplace.py": ""},
        ["a/_helpers.py: _helpers", "a/common/b.py: common", "a/torch.py: torch", "utils.py: utils"],
    ),
    too_long: (
        {"a.py": "x = 1\n" * 401, "b.py": "x = 1\n" * 400},
        ["a.py: 401 lines"],
    ),
    without_opening: (
        {"a.py": '"""What it does."""\n', "b.py": "# only a comment\n"},
        ["b.py"],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_medlab_keeps_the_rule(rule):
    assert rule(CHECKOUT / "medlab") == []


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_finds_what_breaks_it(rule, tmp_path):
    tree, expected = BROKEN[rule]
    for name, source in tree.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    assert sorted(rule(tmp_path)) == expected


@pytest.mark.parametrize("folder", ["scripts", "benchmarks", "tests"])
def test_scripts_benchmarks_and_tests_are_not_too_long_and_not_vague(folder):
    assert too_long(CHECKOUT / folder) + vague_names(CHECKOUT / folder) == []


def table_of(page: str) -> dict[str, frozenset[str]]:
    """The table of rooms as docs/architecture.md writes it: `| core | nothing of medlab |`."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \|", page, re.MULTILINE)
    words = {"nothing of medlab": frozenset(), "anything": ANYTHING}
    return {room: words.get(cell, frozenset(re.findall(r"`([a-z_]+)`", cell))) for room, cell in rows}


def test_the_page_on_architecture_has_the_same_table():
    assert table_of((CHECKOUT / "docs/architecture.md").read_text("utf-8")) == ARROWS


def test_a_page_with_another_table_is_noticed():
    page = "| `core` | nothing of medlab |\n| `plots` | `core`, `imaging` |\n| `cli` | anything |\n"
    expected = {"core": frozenset(), "plots": frozenset({"core", "imaging"}), "cli": ANYTHING}
    assert table_of(page) == expected
    assert table_of(page.replace(", `imaging`", "")) != expected
