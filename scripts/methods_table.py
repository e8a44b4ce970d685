"""Write the table of methods in docs/explaining.md from what each says of itself; with --check, only compare."""

import pathlib
import re
import sys

from medlab.explainers.methods import SHORT, table

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "explaining.md"
BEGIN = "<!-- made by scripts/methods_table.py: edit the methods, not this -->"
END = "<!-- end of the table -->"
FAMILIES = {
    "attention": "Attention",
    "gradients": "Gradients",
    "perturbation": "Changing what the model sees",
    "inside": "Inside the model",
    "control": "Controls: they know nothing of the model, and are there to be beaten",
}
"""family -> its heading, in the order of the page"""


def render() -> str:
    """A heading and a table for each family, between BEGIN and END."""
    short = {name: f" ({first})" for first, name in SHORT.items()}
    parts = [BEGIN]
    for family, heading in FAMILIES.items():
        parts += [
            f"\n**{heading}**\n",
            "| method | question | costs | causal | what it does not mean |",
            "|---|---|---|---|---|",
        ]
        parts += [
            f"| `{row['name']}`{short.get(row['name'], '')} | {row['question']} | {row['passes']} "
            f"| {row['causal']} | {row['not_this']} |"
            for row in table()
            if row["family"] == family
        ]
    return "\n".join([*parts, "", END])


def main(arguments: list[str]) -> int:
    page = PAGE.read_text("utf-8")
    fresh = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: render(), page, flags=re.DOTALL)
    if "--check" not in arguments:
        PAGE.write_text(fresh, "utf-8")
    elif fresh != page or render() not in page:
        print(f"{PAGE.name} does not say what the methods say\n  do this:  python scripts/methods_table.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
