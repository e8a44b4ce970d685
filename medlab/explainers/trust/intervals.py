"""Scores over films, with intervals that know that two questions about one film are not two films.

It turns numbers into `medlab.core.score.Score`s and judges none of them.
"""

import collections
import math
from collections.abc import Sequence

import numpy as np

from medlab.core.score import Score

RESAMPLES = 2000
Row = tuple[str, float]
"""(film, value); a film may have several"""


def share(name: str, rows: Sequence[Row], **told) -> Score | None:
    """The mean of values from 0 to 1, with Wilson's interval for at most as many cases as films; None without rows.

    Wilson 1927: unlike the bootstrap it does not claim certainty where every film agrees. As many cases as if the
    questions about a film all had one answer (Kish 1965: the square of the sum of films' questions over the sum of
    their squares); where they have not, it is wider than it need be.
    """
    if not rows:
        return None
    sizes = np.array(list(collections.Counter(film for film, _ in rows).values()))
    value = float(np.mean([value for _, value in rows]))
    low, high = wilson(value, float(sizes.sum() ** 2 / (sizes**2).sum()))
    return Score(name, value, len(sizes), min(low, value), max(high, value), interval="95 % Wilson, films", **told)


def mean(name: str, rows: Sequence[Row], **told) -> Score | None:
    """The mean, with the interval of resampled films; None without rows."""
    return ratio(name, [(film, value, 1.0) for film, value in rows], **told)


def ratio(name: str, rows: Sequence[tuple[str, float, float]], **told) -> Score | None:
    """Sum of the values over sum of the weights of (film, value, weight), resampled by film.

    None where there are no rows, or where the weights do not add up to more than 0.
    """
    films = {film: number for number, film in enumerate(dict.fromkeys(row[0] for row in rows))}
    place = [films[row[0]] for row in rows]
    top, bottom = (np.bincount(place, [row[i] for row in rows], len(films)) for i in (1, 2)) if rows else ([], [])
    if not films or bottom.sum() <= 0:
        return None
    value = float(top.sum() / bottom.sum())
    drawn = np.random.default_rng(0).multinomial(len(films), np.full(len(films), 1 / len(films)), RESAMPLES)
    tops, bottoms = drawn @ top, drawn @ bottom
    low, high = np.percentile(tops[bottoms > 0] / bottoms[bottoms > 0], [2.5, 97.5]).tolist()
    return Score(
        name, value, len(films), min(low, value), max(high, value), interval="95 % bootstrap over films", **told
    )


def wilson(value: float, n: float) -> tuple[float, float]:
    """(low, high) of 95 %, of a share `value` seen in `n` cases."""
    z = 1.959964
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
