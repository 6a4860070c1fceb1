"""The candidate of a window that can be the target; what cannot, as by its range, is left out."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np

from siamx_ros.geometry import CropWindow
from siamx_ros.model.inference import Engine, Maps
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking import decode
from siamx_ros.tracking.confidence import USUAL_BACKWARD, Calibration, doubted
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.search import Appearance, SearchResult, WindowAnswer

MOST_CANDIDATES = 4
"""Peaks of a window that are shown to the gate, best first."""


def judge(engine: Engine, image: AnyImage, answer: WindowAnswer, memory: TargetMemory,
          calibration: Calibration, excluded: np.ndarray | None = None, *,
          tracked: bool = True) -> SearchResult:
    """The best candidate of a window that can be the target.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        excluded: as of :func:`decode.choose`.
        tracked: whether the target was seen before this image; if not, strange colours raise doubt.
    """
    maps, online = answer.maps, memory.online
    candidate = choose_allowed(
        answer.scores, maps.distances, answer.window, memory, answer.influence, excluded)
    if candidate is None or candidate.merit < 0:
        return all_refused(memory, answer.window)
    cell = candidate.cell
    candidate = replace(
        candidate, score=float(maps.scores[cell]),
        response=0.0 if answer.response is None else float(answer.response[cell]))
    if cell not in answer.appearances:
        answer.appearances[cell] = _appearance(
            engine, image, candidate, maps, memory, calibration, tracked)
    similarity, colour, backward = answer.appearances[cell]
    candidate = replace(candidate, colour=colour, backward=backward)
    confidence = _confidence(calibration, candidate, similarity)
    if online is not None and not tracked:
        confidence = doubted(confidence, online.strangeness(candidate.colour))
    return SearchResult(candidate, confidence if math.isfinite(confidence) else 0.0, similarity,
                        answer.features)


def _appearance(engine: Engine, image: AnyImage, candidate: Candidate, maps: Maps,
                memory: TargetMemory, calibration: Calibration, tracked: bool) -> Appearance:
    similarity = engine.similarity(maps, candidate.cell, memory.template)
    if memory.online is not None:
        candidate = replace(
            candidate, colour=memory.online.colour_similarity(image, candidate.box))
    return Appearance(similarity, candidate.colour, _backward_score(
        image, candidate, similarity, memory, calibration, tracked))


def _backward_score(image: AnyImage, candidate: Candidate, similarity: float,
                    memory: TargetMemory, calibration: Calibration, tracked: bool) -> float:
    """Of the target in its first image: searched where that is due or decides, else as known."""
    check, config = memory.backward, memory.config
    if check is None:
        return USUAL_BACKWARD
    known = check.score if tracked else USUAL_BACKWARD
    now, at_best = (_confidence(calibration, replace(candidate, backward=score), similarity)
                    for score in (known, max(known, USUAL_BACKWARD)))
    due = (not tracked or memory.frames % config.backward_every == 0
           or now < config.recover_threshold)
    if config.backward_every == 1 or (due and at_best >= config.gone_threshold):
        return check.search(image, candidate.box)
    return known


def _confidence(calibration: Calibration, candidate: Candidate, similarity: float) -> float:
    return calibration(candidate.score, candidate.peak_ratio, similarity, candidate.response,
                       candidate.colour, candidate.backward)


def choose_allowed(scores: np.ndarray, distances: np.ndarray, window: CropWindow,
                   memory: TargetMemory, window_influence: float,
                   excluded: np.ndarray | None = None) -> Candidate | None:
    """The best candidate that can be the target; None if none of the best few can.

    The other arguments are those of :func:`decode.choose`.
    """
    for _ in range(MOST_CANDIDATES):
        candidate = decode.choose(
            scores, distances, window, memory.box, memory.config, window_influence, excluded)
        if memory.gate(candidate.box):
            return candidate
        scores = decode.without_peak(scores, candidate.cell)
    return None


def all_refused(memory: TargetMemory, window: CropWindow) -> SearchResult:
    """The target is not in a window: the box stays where it was."""
    nothing = Candidate(memory.box, 0.0, 0.0, math.nan, (0, 0), window, merit=-1.0)
    return SearchResult(nothing, 0.0, math.nan, None, refused=True)
