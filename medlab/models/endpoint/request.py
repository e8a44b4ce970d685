"""Request: a Query as the JSON that is sent. Pictures are made anew from pixels: no byte of a file goes along.

Sent are: the name of the served model, the messages (role, text, pictures as PNG in a data URL), four numbers for
decoding, and whether log-probabilities are wanted. A Scan's name, notes, patient, hash, window and steps are not.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from medlab.core.geometry import SquareFit
from medlab.core.query import Query
from medlab.core.scan import Scan
from medlab.imaging.preparing import Preparation, to_square
from medlab.models.conventions.plain import Conventions, scan_order


def body_of(query: Query, conventions: Conventions, *, served: str, logprobs: bool) -> dict[str, Any]:
    """What is posted to /chat/completions. Raises as `Conventions.messages`."""
    pictures = (png(query.scans[index], conventions.fit) for index in scan_order(query))
    decoding = query.decoding
    body = {
        "model": served,
        "messages": [_message(message, pictures) for message in conventions.messages(query)],
        "max_tokens": decoding.max_new_tokens,
        "temperature": decoding.temperature,
        "seed": decoding.seed,
    }
    if decoding.temperature > 0:
        body["top_p"] = decoding.top_p
    return body | ({"logprobs": True} if logprobs else {})


def fit_of(scan: Scan, fit: str) -> SquareFit:
    """How `scan` lies on the square that the model is shown: what boxes in a reply refer to."""
    return SquareFit(scan.rows, scan.cols, max(scan.rows, scan.cols), fit)


def png(scan: Scan, fit: str) -> bytes:
    """The pixels of `scan` as a PNG of 8 bits without any text, padded to a square where `fit` is "pad"."""
    from PIL import Image

    picture = scan.to_uint8()
    if fit == "pad" and scan.rows != scan.cols:
        picture = to_square(picture, Preparation(max(scan.rows, scan.cols), fit))
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG")
    return stream.getvalue()


def _message(message: dict[str, Any], pictures: Iterator[bytes]) -> dict[str, Any]:
    parts = message["content"]
    if len(parts) == 1 and parts[0]["type"] == "text":  # plain text, which templates without pictures want
        return {"role": message["role"], "content": parts[0]["text"]}
    return {"role": message["role"], "content": [_part(part, pictures) for part in parts]}


def _part(part: dict[str, Any], pictures: Iterator[bytes]) -> dict[str, Any]:
    if part["type"] == "text":
        return part
    data = base64.b64encode(next(pictures)).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
