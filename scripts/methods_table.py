"""Write the table of methods in docs/explaining.md from what each says of itself; with --check, only compare."""

import sys

import table_in_page

from medlab.explainers.methods import SHORT, table

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


if __name__ == "__main__":
    sys.exit(table_in_page.keep("explaining.md", render(), sys.argv[1:]))
