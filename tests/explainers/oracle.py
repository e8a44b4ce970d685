"""What captum is given to explain: the whole model as a plain function of pixels, and its answers on a grid.

It uses the module alone, none of medlab's steps.
"""

import numpy as np
import torch


def whole_model(request):
    """The score as a plain function of pixels (n * scans, 3, size, size), by the module itself, for captum."""

    def score(pixels):
        total = 0
        for strand in request.aim.strands:
            inputs = request.model.inputs(request.aim.query, strand.reply)
            rows = len(pixels) // len(request.aim.query.scans)
            ids, kinds = (inputs[name].expand(rows, -1) for name in ("input_ids", "token_type_ids"))
            logits = request.model.module(input_ids=ids, token_type_ids=kinds, pixel_values=pixels).logits
            first = ids.shape[1] - len(strand.reply) - 1
            told = torch.log_softmax(logits.float(), -1)
            for place in strand.places:
                total = total + strand.sign * told[:, first + place, strand.reply[place]]
        return total

    return score


def pooled(values, cells):
    """(cells, cells) of (1, 3, size, size): sums over patches, by loops."""
    size = values.shape[-1] // cells
    return np.array([
        [float(values[0, :, r * size : (r + 1) * size, c * size : (c + 1) * size].sum()) for c in range(cells)]
        for r in range(cells)
    ])  # fmt: skip


def close(found, expected):
    """Equal to 1e-5 of the largest value."""
    return np.abs(np.asarray(found) - np.asarray(expected)).max() <= 1e-5 * np.abs(np.asarray(expected)).max()
