"""The tracker: ``init(image, box)`` once, ``update(image)`` for every further image."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox, CropWindow
from siamx_ros.model.inference import Engine, Maps
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking import decode, motion
from siamx_ros.tracking.choice import all_refused, choose_allowed
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.memory import Gate, TargetMemory, anything
from siamx_ros.tracking.online import FIRST_VIEWS, OnlineModel, View
from siamx_ros.tracking.process import as_one_image
from siamx_ros.tracking.search import SearchResult, enough_blocks, grown_size
from siamx_ros.tracking.states import LEARNS, StateMachine, source_of


class Tracker:
    """Follows one target.

    Args:
        engine: the network on its device (any object with ``geometry``, ``embed``, ``search``,
            ``similarity`` and ``describe``).
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
        box, image = BoundingBox.of(box), imaging.check_image(image)
        height, width = image.shape[:2]
        if box.visible_share(width, height) < MIN_VISIBLE:
            raise InputError(
                f'box {box} must lie at least half inside the image of {width}x{height} pixels')
        fill = imaging.mean_colour(image)
        window = self.engine.geometry.template_window(box)
        template = self.engine.embed(imaging.CROPS[self.config.crop](image, window, fill))
        memory = TargetMemory(
            template, box, fill, (width, height), self.config, stamp if stamp is not None else 0.0)
        memory.online = self._learn_first(image, box, memory)
        self._warm_up(memory)
        self._memory = memory
        self.states = StateMachine(self.config)
        self.states.start(self._memory.stamp)
        return TrackResult(
            box, 1.0, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, valid=True,
            raw_score=1.0)

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
        memory = self._memory
        if memory is None:
            raise InputError('the tracker has no target: call init first')
        if image.shape[1::-1] != memory.image_size:
            raise InputError(
                f'the image is {image.shape[1]}x{image.shape[0]} pixels, the target was given in '
                f'{memory.image_size[0]}x{memory.image_size[1]}')
        memory.arrive(stamp, gate)
        found, windows = self._search(image, memory)
        candidate, confidence = found.candidate, found.confidence
        if memory.online is not None and not found.refused:
            candidate = memory.online.refine(candidate, image, memory.box)
        reason = self.states.step(
            confidence, memory.stamp, visible_share=candidate.box.visible_share(*memory.image_size),
            peak_ratio=candidate.peak_ratio,
            smooth=motion.goes_on(memory.history, candidate.box), refused=found.refused)
        box = memory.take(candidate, confidence, self.states.state)
        if (memory.online is not None and confidence >= self.config.learn_threshold
                and self.states.state in LEARNS and self.states.confirmed):
            memory.online.learn(image, box, found.features, candidate)
        result = TrackResult(
            box=box, confidence=confidence, state=self.states.state, reason=reason,
            box_source=source_of(self.states.state), valid=self.states.state == TrackState.TRACKING,
            raw_score=candidate.score, peak_ratio=candidate.peak_ratio,
            template_similarity=found.similarity, online_response=candidate.response,
            velocity=motion.velocity(memory.history),
            windows=tuple(windows), frames_since_init=memory.frames,
            frames_lost=self.states.frames_lost)
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
        self._memory = None
        self.states = StateMachine(self.config)

    def configure(self, config: TrackerConfig) -> None:
        """Use other settings from the next image on; the target is kept."""
        self.config = self.states.config = config
        if self._memory is not None:
            self._memory.configure(config)
            self._warm_up(self._memory)

    def close(self) -> None:
        """Forget the target and free the network's memory; the tracker cannot be used again."""
        self.reset()
        self.engine = None

    def _warm_up(self, memory: TargetMemory) -> None:
        """Search patches of each size once: what is compiled is compiled now, not in an update."""
        local = self.engine.geometry.search_window(memory.box, grown_size(self.config))
        sizes = {self.config.steady_size, self.config.search_size, local.patch_side,
                 *(window.patch_side for window in memory.relocaliser.examples(local))}
        for size in sizes - memory.prepared:
            self.engine.search(np.zeros((size, size, 3), np.uint8), memory.template)
        memory.prepared |= sizes

    def _learn_first(self, image: np.ndarray, box: BoundingBox,
                     memory: TargetMemory) -> OnlineModel | None:
        """What can be learnt of the target on the image where its box is known."""
        config = self.config
        if not (config.online_weight or config.scale_weight or config.box_correction):
            return None
        local, views = self._local_window(memory, lost=False), []
        for side, dx, dy in FIRST_VIEWS:
            window = replace(local, side=local.side * side).moved_to(
                local.centre_x + dx * local.width, local.centre_y + dy * local.height)
            maps = self._answer(image, window, memory)
            cell = decode.cell_nearest(box.centre, len(maps.scores), window)
            views.append(View(window, self.engine.describe(maps),
                              decode.box_at(maps.distances, cell, window)))
        return OnlineModel(config, image, box, views)

    def _search(self, image: AnyImage,
                memory: TargetMemory) -> tuple[SearchResult, list[CropWindow]]:
        """Search the local window and, while lost, further ones until one shows the target.

        If none does, the local answer stands: a doubtful one is no reason to leave the place.
        """
        lost = self.states.state == TrackState.LOST
        window = self._local_window(memory, lost)
        influence = decode.LOST_WINDOW_INFLUENCE if lost else self.config.window_influence
        local, searched = self._search_window(image, window, memory, influence), [window]
        if not lost or self._shows_target(local):
            return local, searched
        for window in memory.relocaliser.windows(window):
            found = self._search_window(image, window, memory, influence)
            searched.append(window)
            if self._shows_target(found):
                return found, searched
            memory.relocaliser.missed(window)
        return local, searched

    def _shows_target(self, found: SearchResult) -> bool:
        return found.confidence >= self.config.relocalise_threshold

    def _local_window(self, memory: TargetMemory, lost: bool) -> CropWindow:
        window = self.engine.geometry.search_window(memory.box, self._search_size(memory, lost))
        if lost or not self.config.scheme.compensates:
            return window
        return window.moved_to(*motion.drifted_centre(
            memory.history, window.side, memory.image_size, self.config))

    def _search_size(self, memory: TargetMemory, lost: bool) -> int:
        """Side of the patch of the local window: large while lost, small while steady."""
        if lost:
            return grown_size(self.config)
        whole, small = (self.engine.geometry.search_window(memory.box, size) for size in (
            self.config.search_size, self.config.steady_size))
        steady = self.states.state == TrackState.TRACKING and motion.is_steady(
            memory.history, whole.side, decode.reach(small), memory.delay)
        return small.patch_side if steady else whole.patch_side

    def _search_window(self, image: AnyImage, window: CropWindow, memory: TargetMemory,
                       influence: float) -> SearchResult:
        """One forward pass and the best candidate of a window."""
        maps = self._answer(image, window, memory)
        scores, features, response = maps.scores, None, None
        if memory.online is not None:
            features = self.engine.describe(maps)
            scores, response = memory.online.fuse(scores, features)
        candidate = choose_allowed(scores, maps.distances, window, memory, influence)
        if candidate is None:
            return all_refused(memory, window)
        cell = candidate.cell
        candidate = replace(candidate, score=float(maps.scores[cell]),
                            response=0.0 if response is None else float(response[cell]))
        similarity = self.engine.similarity(maps, cell, memory.template)
        confidence = self.calibration(
            candidate.score, candidate.peak_ratio, similarity, candidate.response)
        return SearchResult(
            candidate, confidence if math.isfinite(confidence) else 0.0, similarity, features)

    def _answer(self, image: AnyImage, window: CropWindow, memory: TargetMemory) -> Maps:
        """What the network says about a window."""
        patch = imaging.CROPS[self.config.crop](image, window, memory.fill)
        return self.engine.search(patch, memory.template)
