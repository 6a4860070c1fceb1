"""The tracker: ``init(image, box)`` once, ``update(image)`` for every further image."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Callable, Sequence

import numpy as np

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox, CropWindow
from siamx_ros.model.inference import Engine, Maps, Patch
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage, all_pixels
from siamx_ros.tracking import decode, motion
from siamx_ros.tracking.choice import Question, in_best_roll, judge
from siamx_ros.tracking.confidence import Calibration, check_same_fit
from siamx_ros.tracking.memory import Gate, TargetMemory, anything
from siamx_ros.tracking.process import as_one_image
from siamx_ros.tracking.search import (
    SearchResult, WindowAnswer, enough_blocks, first_memory, local_window, search_patch, warm_up,
    weigh)
from siamx_ros.tracking.states import LEARNS, StateMachine


class Tracker:
    """Follows one target.

    Args:
        engine: the network on its device.
        config: how predictions become a track.
        calibration: raw score to confidence.
    """

    def __init__(self, engine: Engine, config: TrackerConfig = TrackerConfig(),
                 calibration: Calibration = Calibration()) -> None:
        self.engine, self.config, self.calibration = engine, config, calibration
        self.states = StateMachine(config)
        self._memory: TargetMemory | None = None

    @property
    def heat_map(self) -> np.ndarray | None:
        """H of Eq. (10), rows x cols float32; None without a target or with another scheme."""
        if self._memory is None or self._memory.relocaliser.heat_map is None:
            return None
        return self._memory.relocaliser.heat_map.values

    @property
    def reduction(self) -> int:
        """Side of the blocks of pixels whose means are enough of the next image (ReducedImage)."""
        anywhere = self._memory is None or self.states.state == TrackState.LOST
        return 1 if anywhere else enough_blocks(self.engine.geometry, self._memory.box, self.config)

    @property
    def memory(self) -> TargetMemory | None:
        """What is remembered of the target; None without one."""
        return self._memory

    def another(self) -> Tracker:
        """One without a target: same engine (and thread: see there), settings and calibration."""
        return Tracker(self.engine, self.config, self.calibration)

    @as_one_image
    def init(self, image: np.ndarray, box: BoundingBox, stamp: float | None = None) -> TrackResult:
        """Take the target in ``box`` of an image.

        Args:
            image: H x W x 3 uint8 BGR.
            box: image pixels, also as four numbers x, y, w, h; at least half of it inside.
            stamp: time of the image in seconds; without stamps, 30 images a second are assumed.

        Raises:
            InputError: not an image, or the box lies more than half outside.
            TypeError: what is given as a box is none.
        """
        box, image = BoundingBox.of(box), all_pixels(imaging.check_image(image))
        height, width = image.shape[:2]
        if box.visible_share(width, height) < MIN_VISIBLE:
            raise InputError(
                f'box {box} must lie at least half inside the image of {width}x{height} pixels')
        memory = first_memory(
            self.engine, image, box, self.config, self.calibration, stamp or 0.0)
        warm_up(self.engine, memory, self.config, wait=True)
        self._memory, self.states = memory, StateMachine(self.config)
        self.states.start(memory.stamp)
        return TrackResult(
            box, 1.0, self.states.state, Reason.INIT, BoxSource.MEASURED, valid=True, raw_score=1.0)

    @as_one_image
    def update(self, image: AnyImage, stamp: float | None = None,
               gate: Gate = anything) -> TrackResult:
        """Find the target in the next image.

        Args:
            image: H x W x 3 uint8 BGR, or blocks of it, of the size that ``init`` was given.
            stamp: time of the image in seconds.
            gate: whether the target can be what a box shows; what cannot be is not taken for it.

        Raises:
            InputError: no target, not an image, or an image of another size.
        """
        image = imaging.check_image(image)
        window = self.begin(image, stamp, gate)
        answer = self._searched(image, window, self._memory.catch_up)
        found, = judge(self.engine, image, [self.question(answer)])
        return self.conclude(image, self.refine(image, found))

    def begin(self, image: AnyImage, stamp: float | None, gate: Gate = anything,
              alone: bool = True) -> CropWindow:
        """The first step of an update: which window is searched first; with a course if ``alone``.

        Raises:
            InputError: no target, or an image of another size.
        """
        memory = self._memory
        if memory is None:
            raise InputError('the tracker has no target: call init first')
        if image.shape[1::-1] != memory.image_size:
            raise InputError(
                f'the image is {image.shape[1]}x{image.shape[0]} pixels, the target was given in '
                f'{memory.image_size[0]}x{memory.image_size[1]}')
        memory.arrive(stamp, gate, image if alone else None)
        return local_window(self.engine.geometry, memory, self.states.state)

    def patch(self, image: AnyImage, window: CropWindow) -> Patch:
        """What the network is to see of a window; see :func:`search_patch`."""
        return search_patch(self.engine, image, window, self._memory)

    def weigh(self, maps: Maps, window: CropWindow, patch: Patch) -> WindowAnswer:
        """The network's answer on a window, joined with that of the target's classifier."""
        return weigh(self.engine, maps, window, patch, self._memory, lost=self._is_lost)

    def question(self, answer: WindowAnswer, excluded: np.ndarray | None = None) -> Question:
        """What a window shows apart from cells that other targets have taken, for :func:`judge`."""
        return Question(answer, self._memory, self.calibration,
                        self.states.state == TrackState.TRACKING, excluded)

    def refine(self, image: AnyImage, found: SearchResult,
               taken: Sequence[BoundingBox] = ()) -> SearchResult:
        """What is seen of the target, its box corrected.

        In doubt it is looked for in other rolls, a lost one in further windows, both apart from
        ``taken`` boxes.
        """
        memory = self._memory
        if not self._is_lost:
            found = in_best_roll(found, memory, partial(self._looked_again, image, found, taken))
        found, windows = self._search_on(image, found, taken)
        online, candidate = memory.online, found.candidate
        if online is not None and not found.refused:
            candidate = online.corrected(candidate)
        return replace(found, candidate=candidate, windows=tuple(windows))

    def conclude(self, image: AnyImage, found: SearchResult) -> TrackResult:
        """The last step of an update: what is seen becomes the answer, and may teach."""
        memory, candidate, confidence = self._memory, found.candidate, found.confidence
        sight = found.sight() if self.config.n_flow and self.states.unbroken else None
        reason = self.states.step(
            confidence, memory.stamp, visible_share=candidate.box.visible_share(*memory.image_size),
            peak_ratio=candidate.peak_ratio,
            smooth=motion.goes_on(memory.history, candidate.box), refused=found.refused,
            carried=partial(memory.is_carried, candidate, confidence, sight))
        memory.sight, box = sight, memory.take(candidate, confidence, self.states.state)
        sure = not found.refused and confidence >= self.config.learn_threshold
        if (sure and memory.online is not None
                and self.states.state in LEARNS and self.states.confirmed):
            memory.online.learn(image, memory.box, found.features, candidate)
        result = found.answer(box, reason, self.states, memory)
        if result.state == TrackState.UNINITIALISED:
            self.reset()
        return result

    def lose(self, stamp: float | None = None) -> None:
        """Declare the target lost, as after a gap in the images: it must be found and confirmed.

        Args:
            stamp: since when, seconds; the time of the last image if None.
        """
        if self._memory is not None:
            self.states.lose(self._memory.stamp if stamp is None else stamp)
            self._memory.fall_back()

    def reset(self) -> None:
        """Forget the target."""
        self._memory, self.states = None, StateMachine(self.config)

    def configure(self, config: TrackerConfig) -> None:
        """Use other settings from the next image on; the target is kept.

        What belongs to the target since it was given counts from the next :meth:`init` on:
        ``online_weight``, ``box_correction``, ``follow_roll`` and the heat map's cells.

        Raises:
            InputError: ``online_weight`` would begin or cease to be 0; see :func:`check_same_fit`.
        """
        check_same_fit(self.config, config)
        self.config = self.states.config = config
        if self._memory is not None:
            self._memory.configure(config)
            warm_up(self.engine, self._memory, self.config, wait=False)

    def close(self) -> None:
        """Forget the target and free the network's memory; the tracker cannot be used again."""
        self.reset()
        self.engine = None

    def _searched(self, image: AnyImage, window: CropWindow,
                  meanwhile: Callable[[], object] = lambda: None) -> WindowAnswer:
        patch = self.patch(image, window)
        maps = self.engine.search(patch, self._memory.template, meanwhile)
        return self.weigh(maps, window, patch)

    def _looked_again(self, image: AnyImage, found: SearchResult,
                      taken: Sequence[BoundingBox]) -> SearchResult:
        """The answer of a searched patch on another view, which is not known to be the target."""
        window = found.candidate.window
        maps = self.engine.search(found.patch, self._memory.template)
        asked = self.question(self.weigh(maps, window, found.patch),
                              decode.cells_on(taken, maps.distances, window))
        again, = judge(self.engine, image, [asked._replace(tracked=False)])
        return again

    def _search_on(self, image: AnyImage, local: SearchResult, taken: Sequence[BoundingBox]
                   ) -> tuple[SearchResult, list[CropWindow]]:
        """While lost, search further windows until one shows the target; with all searched ones.

        If none does, the local answer stands: a doubtful one is no reason to leave the place.
        """
        memory, searched = self._memory, [local.candidate.window]
        if not self._is_lost or self._shows_target(local):
            return local, searched
        for window in memory.relocaliser.windows(local.candidate.window):
            answer = self._searched(image, window)
            asked = self.question(answer, decode.cells_on(taken, answer.maps.distances, window))
            found, = judge(self.engine, image, [asked])
            searched.append(window)
            if self._shows_target(found):
                return found, searched
            memory.relocaliser.missed(window)
        return local, searched

    def _shows_target(self, found: SearchResult) -> bool:
        return not found.refused and found.confidence >= self.config.relocalise_threshold

    @property
    def _is_lost(self) -> bool:
        return self.states.state == TrackState.LOST
