"""Which window is searched, and what network and classifier say about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.image_region import cut_region
from siamx_ros.model.inference import Engine, Maps, Patch
from siamx_ros.patch_geometry import PatchGeometry, next_patch_size
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage, largest_factor
from siamx_ros.tracking import decode, motion
from siamx_ros.tracking.backward import BackwardCheck, backward_scores
from siamx_ros.tracking.colour import INSIDE, SIDE
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.decode import Candidate, Weighed
from siamx_ros.tracking.flow import Sight
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.online import FIRST_VIEWS, OnlineModel, View
from siamx_ros.tracking.roll import RolledViews
from siamx_ros.tracking.roll import View as RolledView
from siamx_ros.tracking.states import StateMachine, source_of


class Appearance(NamedTuple):
    """How far a box looks like the target: to the network, by its colours, and backwards.

    Attributes:
        similarity: cosine between the network's features there and the template's, -1 to 1.
        colour: of its colours and the target's, 0 to 1; 0 without a classifier.
        backward: see :class:`~siamx_ros.tracking.backward.BackwardCheck`.
    """

    similarity: float
    colour: float
    backward: float


@dataclass(frozen=True)
class WindowAnswer:
    """What network and classifier say about a window, before a candidate is chosen.

    Attributes:
        window: the window.
        patch: what the network saw of it.
        maps: of the network.
        weighed: what speaks for each cell.
        features: as :class:`OnlineModel` takes them; None without one.
        response: n x n, of the classifier; None without one.
        appearances: cell -> what was found out about the box that it predicts.
    """

    window: CropWindow
    patch: Patch
    maps: Maps
    weighed: Weighed
    features: np.ndarray | None
    response: np.ndarray | None
    appearances: dict[tuple[int, int], Appearance] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchResult:
    """What one search window showed; ``features`` as :class:`OnlineModel` takes them.

    ``patch`` is what the network saw of it; ``refused`` says that nothing in it can be the target,
    ``windows`` which ones were searched.
    """

    candidate: Candidate
    confidence: float
    similarity: float
    features: np.ndarray | None
    patch: Patch | None = None
    refused: bool = False
    windows: tuple[CropWindow, ...] = ()

    def sight(self) -> Sight | None:
        """The target as it was seen; None where nothing was."""
        if self.patch is None:
            return None
        return Sight.of(self.patch, self.candidate.window, self.candidate.box)

    def answer(self, box: BoundingBox, reason: Reason, states: StateMachine,
               memory: TargetMemory) -> TrackResult:
        """What is said about the image, once states and memory have taken it in.

        Args:
            box: the reported one, image pixels.
            reason: why the state changed.
        """
        seen, state = self.candidate, states.state
        return TrackResult(
            box=box, confidence=self.confidence, state=state, reason=reason,
            box_source=source_of(state), valid=state == TrackState.TRACKING, raw_score=seen.score,
            peak_ratio=seen.peak_ratio, template_similarity=self.similarity,
            online_response=seen.response, colour_similarity=seen.colour,
            backward_score=seen.backward, velocity=motion.velocity(memory.history),
            windows=self.windows, frames_since_init=memory.frames, frames_lost=states.frames_lost)


def grown_size(config: TrackerConfig) -> int:
    """Side of the patch of the local window while the target is lost, pixels."""
    if config.search_growth == 1:
        return config.search_size
    return next_patch_size(round(config.search_size * config.search_growth))


def enough_blocks(geometry: PatchGeometry, box: BoundingBox, config: TrackerConfig) -> int:
    """Side of the blocks of pixels whose means show all that is looked at around a target.

    What becomes one pixel of a search patch, or of the patch whose colours are counted, may become
    one before. The authors' crop starts at whole pixels, which blocks do not have.
    """
    if config.crop != 'exact':
        return 1
    window = geometry.search_window(box, config.search_size)
    counted = min(box.w * INSIDE[0], box.h * INSIDE[1]) / SIDE
    return largest_factor(min(1 / max(window.scales), counted))


def local_window(geometry: PatchGeometry, memory: TargetMemory, state: TrackState) -> CropWindow:
    """The window around the place where the target is expected."""
    window = geometry.search_window(memory.box, _search_size(geometry, memory, state))
    if state != TrackState.LOST and memory.config.scheme.compensates:
        window = window.moved_to(*motion.drifted_centre(
            memory.history, (window.width, window.height), memory.image_size, memory.config))
    return window.on_pixels() if memory.config.crop == 'exact' else window


def search_patch(engine: Engine, image: AnyImage, window: CropWindow,
                 memory: TargetMemory) -> Patch:
    """What the network sees of a window, S x S x 3 uint8 BGR, or what its device makes that of."""
    if engine.takes_regions and memory.config.crop == 'exact':
        return cut_region(image, window, memory.fill)
    return imaging.CROPS[memory.config.crop](image, window, memory.fill)


def weigh(engine: Engine, maps: Maps, window: CropWindow, patch: Patch, memory: TargetMemory, *,
          lost: bool) -> WindowAnswer:
    """Join the network's answer on a window with that of the target's own classifier."""
    scores, features, response = maps.scores, None, None
    if memory.online is not None:
        features = engine.describe(maps)
        scores, response = memory.online.fuse(scores, features)
    influence = decode.LOST_WINDOW_INFLUENCE if lost else memory.config.window_influence
    weighed = decode.weigh(
        scores, maps.distances, window, memory.box, memory.config, influence)
    return WindowAnswer(window, patch, maps, weighed, features, response)


def first_memory(engine: Engine, image: np.ndarray, box: BoundingBox, config: TrackerConfig,
                 calibration: Calibration, stamp: float) -> TargetMemory:
    """What is to be remembered of a target in ``box`` of an image, H x W x 3 uint8 BGR."""
    fill, size = imaging.mean_colour(image), image.shape[1::-1]
    window = engine.geometry.template_window(box)
    template = engine.embed(imaging.CROPS[config.crop](image, window, fill))
    memory = TargetMemory(template, box, fill, size, config, stamp)
    engine.prepare(_searched_sizes(engine, memory, config) - {config.search_size}, template)
    memory.online = first_model(engine, image, memory)
    memory.backward = first_image(engine, image, memory, calibration)
    if config.follow_roll and memory.backward is not None:
        memory.rolls = RolledViews(
            engine, image, box, fill, config, RolledView(template, memory.backward))
    return memory


def warm_up(engine: Engine, memory: TargetMemory, config: TrackerConfig, *, wait: bool) -> None:
    """Search patches of each size once: what is compiled is compiled now, not in an update.

    Args:
        wait: False lets the engine do that in another thread, if it can: only a search that needs
            one of these sizes before waits.
    """
    sizes = _searched_sizes(engine, memory, config)
    new = sizes - memory.prepared
    memory.prepared |= sizes
    if not wait and engine.prepare(new, memory.template):
        return
    for size in new:
        engine.search(np.zeros((size, size, 3), np.uint8), memory.template)


def first_model(engine: Engine, image: np.ndarray, memory: TargetMemory) -> OnlineModel | None:
    """What can be learnt of the target on the image with the given box; None where nothing is."""
    config = memory.config
    if not (config.online_weight or config.box_correction):
        return None
    return OnlineModel(config, image, memory.box, first_views(engine, image, memory))


def first_views(engine: Engine, image: np.ndarray, memory: TargetMemory) -> list[View]:
    """What the network says about :data:`FIRST_VIEWS` of the image with the given box."""
    local, views = local_window(engine.geometry, memory, TrackState.UNINITIALISED), []
    for side, dx, dy in FIRST_VIEWS:
        window = replace(local, side=local.side * side).moved_to(
            local.centre_x + dx * local.width, local.centre_y + dy * local.height)
        maps = engine.search(search_patch(engine, image, window, memory), memory.template)
        memory.prepared.add(window.patch_side)
        cell = decode.cell_nearest(memory.box.centre, len(maps.scores), window)
        views.append(View(window, engine.describe(maps),
                          decode.box_at(maps.distances, cell, window)))
    return views


def first_image(engine: Engine, image: np.ndarray, memory: TargetMemory,
                calibration: Calibration) -> BackwardCheck | None:
    """The image with the given box, to be searched later; None where no use is made of it."""
    if not (memory.config.backward_every and calibration.backward):
        return None
    window = engine.geometry.search_window(memory.box, memory.config.steady_size)
    patch = imaging.CROPS[memory.config.crop](image, window, memory.fill)
    check = BackwardCheck(engine, patch, window, memory.box, memory.config.crop, memory.fill)
    backward_scores(engine, image, [(check, memory.box)])  # compiled now, not in an update
    return check


def _searched_sizes(engine: Engine, memory: TargetMemory, config: TrackerConfig) -> set[int]:
    """Sides of all patches that a target may be searched in, pixels."""
    local = engine.geometry.search_window(memory.box, grown_size(config))
    return {config.steady_size, config.search_size, local.patch_side,
            *(window.patch_side for window in memory.relocaliser.examples(local))}


def _search_size(geometry: PatchGeometry, memory: TargetMemory, state: TrackState) -> int:
    """Side of the patch of the local window: large while lost, small while steady."""
    config = memory.config
    if state == TrackState.LOST:
        return grown_size(config)
    whole, small = (geometry.search_window(memory.box, size) for size in (
        config.search_size, config.steady_size))
    steady = state == TrackState.TRACKING and motion.is_steady(
        memory.history, whole.side, decode.reach(small), memory.delay)
    return small.patch_side if steady else whole.patch_side
