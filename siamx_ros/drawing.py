"""Draw results on images: the box in the colour of its state, search windows, the heat map."""

from __future__ import annotations

import cv2
import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, TrackResult, TrackState

Colour = tuple[int, int, int]

STATE_COLOURS: dict[TrackState, Colour] = {
    TrackState.UNINITIALISED: (160, 160, 160),
    TrackState.INITIALISING: (220, 180, 60),
    TrackState.TRACKING: (80, 200, 60),
    TrackState.UNCERTAIN: (40, 190, 250),
    TrackState.LOST: (60, 60, 230),
    TrackState.RELOCALISED: (235, 140, 60),
    TrackState.INPUT_STALE: (190, 110, 160),
    TrackState.PAUSED: (150, 150, 150),
    TrackState.ERROR: (60, 0, 170),
}
"""Colour of every state, BGR."""

_FONT = cv2.FONT_HERSHEY_DUPLEX
_WHITE: Colour = (255, 255, 255)
_TRUTH: Colour = (255, 255, 255)


def draw_result(image: np.ndarray, result: TrackResult, *, label: str = '',
                truth: BoundingBox | None = None) -> np.ndarray:
    """Draw a result on a copy of an image.

    Args:
        image: H x W x 3 uint8 BGR, left unchanged.
        result: what to draw. A measured box is a full line, a predicted one is dashed, searched
            windows are thin dashes.
        label: text for the right end of the caption, e.g. a frame number.
        truth: the true box where it is known, drawn as white corners.

    Returns:
        A new image of the same shape.
    """
    canvas = np.ascontiguousarray(image).copy()
    colour = STATE_COLOURS[result.state]
    width = max(1, round(_unit(canvas) * 2))
    for window in result.windows:
        draw_dashed(canvas, window.box, colour, dash=6 * width, width=max(1, width // 2))
    if truth is not None:
        _draw_corners(canvas, truth, width)
    if result.box is not None and result.state != TrackState.UNINITIALISED:
        if result.box_source == BoxSource.PREDICTED or result.state == TrackState.LOST:
            draw_dashed(canvas, result.box, colour, dash=4 * width, width=width)
        else:
            _draw_rectangle(canvas, result.box, colour, width)
    _draw_caption(canvas, result, colour, label)
    return canvas


def draw_further(canvas: np.ndarray, result: TrackResult, label: str) -> None:
    """Draw the box of a target besides that of :func:`draw_result` into an image, with its name."""
    if result.box is None or result.state == TrackState.UNINITIALISED:
        return
    width, colour = max(1, round(_unit(canvas) * 2)), STATE_COLOURS[result.state]
    draw_dashed(canvas, result.box, colour, dash=5 * width, width=width)
    cv2.putText(canvas, _printable(label), _pixel((result.box.x, result.box.y - 3)), _FONT,
                0.4 * _unit(canvas), colour, 1, cv2.LINE_AA)


def draw_note(image: np.ndarray, text: str) -> np.ndarray:
    """Write a line into the dark strip at the top; returns a new image of the same shape."""
    canvas = np.ascontiguousarray(image).copy()
    height = _draw_strip(canvas)
    unit, text = _unit(canvas), _printable(text)
    cv2.putText(canvas, text, (round(14 * unit), height - round(8 * unit)), _FONT, 0.5 * unit,
                _WHITE, 1, cv2.LINE_AA)
    return canvas


def draw_heat_map(image: np.ndarray, heat_map: np.ndarray | None,
                  opacity: float = 0.55) -> np.ndarray:
    """Lay a heat map over an image, H x W x 3 uint8 BGR; returns a new one.

    Args:
        image: H x W x 3 uint8 BGR, left unchanged.
        heat_map: non-negative rows x columns covering the whole image; None or all zero draws
            nothing.
        opacity: of the hottest cell, 0 to 1.

    Returns:
        A new image of the same shape.
    """
    canvas = np.ascontiguousarray(image).copy()
    if heat_map is None or not np.any(heat_map > 0):
        return canvas
    size = (canvas.shape[1], canvas.shape[0])
    heat = cv2.resize(heat_map.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    heat = np.clip(heat / float(np.max(heat)), 0.0, 1.0)
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = (opacity * np.sqrt(heat))[..., None]
    return (canvas * (1 - share) + colours * share + 0.5).astype(np.uint8)


def draw_dashed(canvas: np.ndarray, box: BoundingBox, colour: Colour, *, dash: int = 8,
                width: int = 1) -> None:
    """Draw a dashed rectangle into ``canvas``; parts outside are left out."""
    x0, y0, x1, y1 = box.corners
    for start, end in (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)),
                       ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))):
        start_point, end_point = np.array(start), np.array(end)
        length = float(np.linalg.norm(end_point - start_point))
        count = min(400, max(1, int(length // (2 * dash))))
        step = (end_point - start_point) / count
        for index in range(count):
            first = start_point + step * index
            cv2.line(canvas, _pixel(first), _pixel(first + step / 2), colour, width, cv2.LINE_AA)


def _draw_rectangle(canvas: np.ndarray, box: BoundingBox, colour: Colour, width: int) -> None:
    x0, y0, x1, y1 = box.corners
    cv2.rectangle(canvas, _pixel((x0, y0)), _pixel((x1, y1)), (20, 20, 20), width + 2, cv2.LINE_AA)
    cv2.rectangle(canvas, _pixel((x0, y0)), _pixel((x1, y1)), colour, width, cv2.LINE_AA)


def _draw_corners(canvas: np.ndarray, box: BoundingBox, width: int) -> None:
    x0, y0, x1, y1 = box.corners
    for x, dx in ((x0, box.w), (x1, -box.w)):
        for y, dy in ((y0, box.h), (y1, -box.h)):
            cv2.line(canvas, _pixel((x, y)), _pixel((x + dx / 5, y)), _TRUTH, width, cv2.LINE_AA)
            cv2.line(canvas, _pixel((x, y)), _pixel((x, y + dy / 5)), _TRUTH, width, cv2.LINE_AA)


def _draw_caption(canvas: np.ndarray, result: TrackResult, colour: Colour, label: str) -> None:
    """A dark strip at the top: state, bar and number of the confidence, label."""
    unit = _unit(canvas)
    columns = canvas.shape[1]
    height = _draw_strip(canvas)
    cv2.rectangle(canvas, (0, 0), (round(6 * unit), height - 1), colour, -1)
    scale, baseline = 0.5 * unit, height - round(8 * unit)
    text = 'NO TARGET' if result.state == TrackState.UNINITIALISED else result.state.name
    cv2.putText(canvas, text, (round(14 * unit), baseline), _FONT, scale, colour, 1, cv2.LINE_AA)
    bar_left, bar_right = round(150 * unit), round(270 * unit)
    if bar_right < columns and result.state != TrackState.UNINITIALISED:
        share = float(np.clip(np.nan_to_num(result.confidence), 0.0, 1.0))
        top, bottom = round(9 * unit), height - round(9 * unit)
        cv2.rectangle(canvas, (bar_left, top), (bar_right, bottom), (110, 110, 110), 1)
        filled = bar_left + round(share * (bar_right - bar_left))
        cv2.rectangle(canvas, (bar_left, top), (filled, bottom), colour, -1)
        cv2.putText(canvas, f'{result.confidence:.2f}', (bar_right + round(8 * unit), baseline),
                    _FONT, scale, _WHITE, 1, cv2.LINE_AA)
    if label:
        label = _printable(label)
        text_width = cv2.getTextSize(label, _FONT, scale, 1)[0][0]
        left = max(0, columns - text_width - round(10 * unit))
        cv2.putText(canvas, label, (left, baseline), _FONT, scale, _WHITE, 1, cv2.LINE_AA)


def _draw_strip(canvas: np.ndarray) -> int:
    """Darken the top of the image for text; returns the height of the strip."""
    height = min(canvas.shape[0], round(26 * _unit(canvas)))
    strip = canvas[:height]
    strip[:] = (strip * 0.35).astype(np.uint8)
    return height


def _unit(canvas: np.ndarray) -> float:
    """Line widths and text are made for an image 480 pixels high and grow with it."""
    return max(0.5, min(canvas.shape[0] / 480.0, canvas.shape[1] / 400.0))


def _pixel(point) -> tuple[int, int]:
    """Nearest pixel index, bounded so that far-away corners stay within cv2's integers."""
    x, y = np.clip(np.nan_to_num(np.asarray(point, dtype=np.float64)), -30000, 30000)
    return round(float(x) - 0.5), round(float(y) - 0.5)


def _printable(text: str) -> str:
    """A text as the font has it; OpenCV crashes on a file name that is not UTF-8."""
    return text.encode('ascii', 'replace').decode('ascii')
