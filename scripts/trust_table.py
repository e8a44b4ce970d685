"""Write the table of the demo model's maps in docs/trust.md from the cards that come with medlab; --check compares."""

import sys

import table_in_page

from medlab.explainers.methods import METHODS, make_method
from medlab.explainers.trust.card import APART, STILL_HITS, TrustCard
from medlab.explainers.trust.controls import CONTROLS
from medlab.explainers.trust.verdicts import shipped_cards

BEGIN = "<!-- made by scripts/trust_table.py from medlab/explainers/trust/shipped -->"
END = "<!-- end of the table -->"


def render() -> str:
    """A row for each tested method, best first, controls last, between BEGIN and END."""
    defaults = {name: make_method(name).settings for name in METHODS}
    cards = [card for card in shipped_cards() if card.settings == defaults[card.method]]
    cards.sort(key=lambda card: list(defaults).index(card.method))
    cards.sort(key=lambda card: (card.method in CONTROLS, not card.trustworthy, -card.scorecard["hit"].value))
    widest = max(cards, key=lambda card: card.films)
    findings = [
        score.name.removeprefix("hit: ") for score in widest.scorecard.scores if score.name.startswith("hit: ")
    ]
    heading = ["method", "films", "all", *(name.replace("_", " ") for name in findings)]
    heading += ["each of two", "shuffled", "trust"]
    rows = [
        ["*lesion's share of the film*", "", "", *(f"{widest.score(f'area: {name}').value:.3f}" for name in findings)],
        ["*hit by a blind point*", "", f"{widest.score('chance').value:.2f}", *_shares(widest, "chance", findings)],
    ]
    rows = [[*row, "", "", ""] for row in rows]
    for card in cards:
        each = card.score(APART)
        rows.append(
            [f"`{card.method}`", str(card.films), _told(card.score("hit")), *_shares(card, "hit", findings),
             _told(each), f"{card.score(STILL_HITS).value:.2f}", "earned" if card.trustworthy else "no"]
        )  # fmt: skip
    lines = [f"| {' | '.join(row)} |" for row in [heading, ["---"] * len(heading), *rows]]
    return "\n".join([BEGIN, "", *lines, "", END])


def _told(score) -> str:
    return f"{score.value:.2f} [{score.ci_low:.2f}, {score.ci_high:.2f}]"


def _shares(card: TrustCard, name: str, findings: list[str]) -> list[str]:
    scores = (card.score(f"{name}: {finding}") for finding in findings)
    return ["–" if score is None else f"{score.value:.2f}" for score in scores]


if __name__ == "__main__":
    sys.exit(table_in_page.keep("trust.md", render(), sys.argv[1:]))
