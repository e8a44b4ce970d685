"""docs/prompts.md tells the truth: its table is the packaged YAML, its codes are the linter's, its examples run."""

import pathlib
import re

from medlab import prompts
from medlab.core.query import Prompt
from medlab.prompts.linter import CODES

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "prompts.md").read_text("utf-8")


def row(wordings: list[Prompt]) -> str:
    """One line of the table: the wordings of one name; the purpose is the English one where there is one."""
    first = wordings[0]
    scans = "any number" if first.images is None else str(first.images)
    suits = ", ".join(dict.fromkeys(name for one in wordings for name in one.suits)) or "any"
    languages = ", ".join(one.language for one in wordings)
    return f"| {first.name} | {languages} | {scans} | {suits} | {first.source} | {first.purpose} |"


def table() -> list[str]:
    named: dict[str, list[Prompt]] = {}
    for prompt in prompts.read_prompts():
        named.setdefault(prompt.name, []).append(prompt)
    return [row(wordings) for wordings in named.values()]


def test_the_table_is_what_is_packaged():
    written = PAGE.partition("<!-- table -->")[2].strip().splitlines()[2:]
    assert written == table(), "the table should be:\n" + "\n".join(table())


def test_the_codes_are_the_linter_s():
    assert dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", PAGE, re.MULTILINE)) == CODES


def test_the_examples_run(capsys):
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/prompts.md", "exec"), names)
    told = capsys.readouterr().out
    assert "是否有{finding}？ ('finding',)" in told
    assert 'prompt.replace(order="text_first")' in told


def test_the_example_of_one_s_own_is_read(tmp_path):
    path = tmp_path / "my-prompts.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1], "utf-8")
    assert prompts.load("fracture", source=path).variables == ("bone",)
