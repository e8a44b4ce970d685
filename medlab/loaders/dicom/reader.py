"""DICOM bytes to one picture: the order of the work, and one family of error for whatever goes wrong in it.

Header first, with every size checked; then one frame's stored values; then the table that shows them. See
docs/dicom.md for the clauses. It reads one frame of one file; `loaders.series` knows about stacks.
"""

from medlab.core.errors import DataError, MedlabError, SpecError, shown
from medlab.loaders.decoded import Account, Decoded, ReadOptions
from medlab.loaders.dicom.colour import show_colour
from medlab.loaders.dicom.container import open_container
from medlab.loaders.dicom.facts import read_facts
from medlab.loaders.dicom.frame_header import frame_headers
from medlab.loaders.dicom.grey import show_grey
from medlab.loaders.dicom.layout import Layout, read_layout
from medlab.loaders.dicom.pixels import read_stored


def read(data: bytes, options: ReadOptions, name: str) -> Decoded:
    """One frame of a DICOM file.

    data    a whole Part 10 file
    name    the file's own name, for messages

    Raises DataError (any code of `DATA_CODES` about files), MissingDependency for a decoder that is not installed,
    SpecError for a frame or window that the file does not have. No text of the header is in any message.
    """
    try:
        return _read(data, options)
    except DataError as error:
        given = error.given.removeprefix(f"[{error.code}] ")
        raise DataError(error.code, f"{shown(name)}: {given}", accepted=error.accepted, fix=error.fix) from error
    except MedlabError:
        raise
    except MemoryError as error:
        raise DataError("too_large", f"{shown(name)}: reading it needs more memory than there is") from error
    except Exception as error:
        # what it says may quote the header, and so a patient: only its kind is told
        given = f"{shown(name)}: the header makes no sense ({type(error).__name__})"
        raise DataError("decode", given, fix="check that the file was copied whole") from None


def _read(data: bytes, options: ReadOptions) -> Decoded:
    account = Account()
    container = open_container(data, options, account)
    elements = container.elements
    if not any(name in elements for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise DataError("no_pixels", "the file holds no pixel data", fix="choose an image object of the study")
    layout = read_layout(elements, options, account)
    frame = _frame(layout, options)
    stored, layout = read_stored(container, layout, frame, options, account)
    (header,) = frame_headers(elements, frame)
    if layout.samples == 1 and layout.photometric != "PALETTE COLOR":
        decoded = show_grey(stored, layout, header, options, account)
    else:
        decoded = show_colour(stored, layout, elements, options, account)
    decoded.fields |= read_facts(header, layout, frame, options, decoded)
    return decoded


def _frame(layout: Layout, options: ReadOptions) -> int:
    """Which frame to read. Raises DataError "needs_frame" where none was chosen of several."""
    if options.frame is None and layout.frames > 1:
        raise DataError(
            "needs_frame",
            f"the file holds {layout.frames} frames",
            accepted=f"frame=0 to frame={layout.frames - 1}",
            fix="load_scan(..., frame=0)",
        )
    frame = options.frame or 0
    if frame >= layout.frames:
        raise SpecError(f"frame {frame} was asked for", accepted=f"0 to {layout.frames - 1}")
    return frame
