"""QR codes of plan and visit: what they say, and their picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import segno

# A quarter of the modules may be dirty or folded away.
ERROR_LEVEL = "q"
# The quiet zone of ISO/IEC 18004.
QUIET_MODULES = 4
MASK = 4


@dataclass(frozen=True)
class Picture:
    """An SVG of one filled path."""

    view_box: str
    path: str


def content(period: object, plan_id: str, visit_id: str) -> str:
    """Say which visit to which plan of which round a sheet is for: `payesh:1403-1:P01-1:V14031-P01-1`."""
    return f"payesh:{period}:{plan_id}:{visit_id}"


def picture(text: str) -> Picture:
    """Draw a QR code, a unit a module."""
    # Trying all eight masks takes five times as long, and any of them can be read.
    code = segno.make_qr(text, error=ERROR_LEVEL, mask=MASK, boost_error=False)
    dark = np.pad(np.array(code.matrix, dtype=np.int8), ((0, 0), (1, 1)))
    edge = np.diff(dark, axis=1)
    # Row by row, a dark stretch begins at one edge and ends at the next.
    rows, begins = np.nonzero(edge == 1)
    ends = np.nonzero(edge == -1)[1]
    # segno's own SVG strokes its rows; filled ones are printed three times as fast.
    path = "".join(
        f"M{begin} {row}h{end - begin}v1h{begin - end}z"
        for row, begin, end in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True)
    )
    size = len(code.matrix) + 2 * QUIET_MODULES
    return Picture(f"-{QUIET_MODULES} -{QUIET_MODULES} {size} {size}", path)
