"""A tracker from settings: weights, device and precision."""

from __future__ import annotations

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.model.runtime import make_engine
from siamx_ros.model.weights import load_checkpoint
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.process import prepare_process
from siamx_ros.tracking.tracker import Tracker


def load_tracker(model: ModelConfig = ModelConfig(),
                 config: TrackerConfig = TrackerConfig()) -> Tracker:
    """A tracker with the weights, device and precision of ``model``.

    Raises:
        InputError: the weights or the device cannot be used.
    """
    prepare_process(model)
    checkpoint = load_checkpoint(model.weights)
    engine = make_engine(checkpoint.network, model, checkpoint.ranges)
    calibration = Calibration.from_tables(checkpoint.calibration, online=config.online_weight > 0)
    return Tracker(engine, config, calibration)
