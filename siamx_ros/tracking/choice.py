"""The candidate of a window that can be the target; what cannot, as by its range, is left out."""

from __future__ import annotations

from dataclasses import replace
import math
from typing import Callable, Iterator, NamedTuple, Sequence

import numpy as np

from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Engine
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking import decode
from siamx_ros.tracking.backward import backward_scores
from siamx_ros.tracking.confidence import USUAL_BACKWARD, Calibration, doubted
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.roll import CERTAIN, RolledViews
from siamx_ros.tracking.search import Appearance, SearchResult, WindowAnswer

MOST_CANDIDATES = 4
"""Peaks of a window that are looked at, best first."""
RIVAL = 0.3
"""Score relative to that of the best peak from which another one may be the target, too."""
SAME_PLACE = 0.3
"""Overlap with the box that was found from which another roll shows the same thing."""


class Question(NamedTuple):
    """What does a window of an image show of a target?

    Attributes:
        answer: of network and classifier on the window.
        memory, calibration: of the target.
        tracked: whether the target was seen before this image; if not, strange colours raise doubt.
        excluded: as of :func:`decode.choose`.
    """

    answer: WindowAnswer
    memory: TargetMemory
    calibration: Calibration
    tracked: bool = True
    excluded: np.ndarray | None = None


def judge(engine: Engine, image: AnyImage, questions: Sequence[Question]) -> list[SearchResult]:
    """The best candidate of each window that can be its target.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
    """
    candidates = [_chosen(asked) for asked in questions]
    _find_out(engine, image, [
        (asked, candidate) for asked, candidate in zip(questions, candidates)
        if candidate is not None and candidate.cell not in asked.answer.appearances])
    return [all_refused(asked.memory, asked.answer.window) if candidate is None
            else _judged(asked, candidate) for asked, candidate in zip(questions, candidates)]


def _chosen(asked: Question) -> Candidate | None:
    answer = asked.answer
    candidate = choose_allowed(answer, asked.memory, asked.excluded)
    if candidate is None:
        return None
    cell, response = candidate.cell, answer.response
    return replace(candidate, score=float(answer.maps.scores[cell]),
                   response=0.0 if response is None else float(response[cell]))


def _judged(asked: Question, candidate: Candidate) -> SearchResult:
    online = asked.memory.online
    similarity, colour, score = asked.answer.appearances[candidate.cell]
    candidate = replace(candidate, colour=colour, backward=score)
    confidence = _confidence(asked.calibration, candidate, similarity)
    if online is not None and not asked.tracked:
        confidence = doubted(confidence, online.strangeness(candidate.colour))
    return SearchResult(candidate, confidence if math.isfinite(confidence) else 0.0, similarity,
                        asked.answer.features, asked.answer.patch)


def _find_out(engine: Engine, image: AnyImage,
              chosen: Sequence[tuple[Question, Candidate]]) -> None:
    """Note in each answer how far its candidate looks like the target."""
    similarities = [engine.similarity(asked.answer.maps, candidate.cell, asked.memory.template)
                    for asked, candidate in chosen]
    colours = [0.0 if asked.memory.online is None
               else asked.memory.online.colour_similarity(image, candidate.box)
               for asked, candidate in chosen]
    checked = [_known_backward(asked, replace(candidate, colour=colour), similarity)
               for (asked, candidate), colour, similarity in zip(chosen, colours, similarities)]
    searched = iter(backward_scores(engine, image, [
        (asked.memory.backward, candidate.box)
        for (asked, candidate), known in zip(chosen, checked) if known is None]))
    for (asked, candidate), similarity, colour, known in zip(
            chosen, similarities, colours, checked):
        asked.answer.appearances[candidate.cell] = Appearance(
            similarity, colour, next(searched) if known is None else known)


def _known_backward(asked: Question, candidate: Candidate, similarity: float) -> float | None:
    """Backward score as it is known; None where the first image is to be searched for it.

    That is where it is due, or decides.
    """
    check, config, tracked = asked.memory.backward, asked.memory.config, asked.tracked
    if check is None or not config.backward_every:
        return USUAL_BACKWARD
    known = check.score if tracked else USUAL_BACKWARD
    now, at_best = (
        _confidence(asked.calibration, replace(candidate, backward=score), similarity)
        for score in (known, max(known, USUAL_BACKWARD)))
    due = (not tracked or asked.memory.frames % config.backward_every == 0
           or now < config.recover_threshold)
    searched = config.backward_every == 1 or (due and at_best >= config.gone_threshold)
    return None if searched else known


def _confidence(calibration: Calibration, candidate: Candidate, similarity: float) -> float:
    return calibration(candidate.score, candidate.peak_ratio, similarity, candidate.response,
                       candidate.colour, candidate.backward)


def choose_allowed(answer: WindowAnswer, memory: TargetMemory,
                   excluded: np.ndarray | None = None) -> Candidate | None:
    """The best candidate that can be the target; None if none of the best few can.

    Of several that look like it, the one that goes on where it was heading is preferred.

    Args:
        excluded: as of :func:`decode.choose`.
    """
    allowed = _allowed(answer, memory, excluded)
    best = next(allowed, None)
    if best is None or best.peak_ratio < RIVAL:
        return best
    place = memory.heading()
    if place is None:
        return best
    heading = max((best, *(each for each in allowed if each.score >= RIVAL * best.score)),
                  key=lambda each: each.merit * _nearness(each.box, place, memory))
    if heading is best:
        return best
    ratio = best.score / max(heading.score, decode.SMALLEST_SCORE)
    return replace(heading, peak_ratio=max(heading.peak_ratio, ratio))


def _allowed(answer: WindowAnswer, memory: TargetMemory,
             excluded: np.ndarray | None) -> Iterator[Candidate]:
    """Those of the best few candidates, one a peak, that can be the target, best first."""
    weighed = answer.weighed
    for _ in range(MOST_CANDIDATES):
        candidate = decode.choose(
            weighed, answer.maps.distances, answer.window, memory.config.size_lr, excluded)
        if candidate.merit < 0:
            return
        if memory.gate(candidate.box):
            yield candidate
        weighed = decode.without_peak(weighed, candidate.cell)


def _nearness(box: BoundingBox, place: tuple[float, float], memory: TargetMemory) -> float:
    """How much speaks for a box by its distance from where the target was heading, 0 to 1."""
    (x, y), size = box.centre, memory.box
    away = ((x - place[0]) / size.w) ** 2 + ((y - place[1]) / size.h) ** 2
    return math.exp(-away / (2 * memory.config.course_spread ** 2))


def in_best_roll(found: SearchResult, memory: TargetMemory,
                 look: Callable[[], SearchResult]) -> SearchResult:
    """The best answer over the roll of the last image and, in doubt, those that may follow it.

    One of them is looked at in an image, and the others only if that one is better.

    Args:
        found: in the roll of the last image.
        memory: of the target; it holds the roll of the answer afterwards.
        look: searches the same patch for what the memory shows.
    """
    rolls = memory.rolls
    if rolls is None or found.refused or not rolls.may_turn(found.candidate, found.confidence):
        return found
    best, turned = found, rolls.turn
    for turn in rolls.others():
        memory.show_roll(turn)
        other = look()
        if (_may_be_rolled(found, other, rolls)
                and rolls.merit(turn, other.confidence) > rolls.merit(turned, best.confidence)):
            best, turned = other, turn
        elif best is found:
            break
    memory.show_roll(turned)
    rolls.turn_to(turned)
    return best


def _may_be_rolled(found: SearchResult, other: SearchResult, rolls: RolledViews) -> bool:
    """Whether what was found can be the target in another roll, as that one answered.

    Someone else can answer to an upright target that is rolled, but hardly looks more like it then,
    and hardly so surely.
    """
    return (not other.refused and other.confidence >= rolls.believed_from()
            and other.candidate.box.iou(found.candidate.box) >= SAME_PLACE
            and (rolls.turn != 0 or other.similarity > found.similarity
                 or other.confidence >= CERTAIN))


def all_refused(memory: TargetMemory, window: CropWindow) -> SearchResult:
    """The target is not in a window: the box stays where it was."""
    nothing = Candidate(memory.box, 0.0, 0.0, math.nan, (0, 0), window, merit=-1.0)
    return SearchResult(nothing, 0.0, math.nan, None, refused=True)
