"""What a training run does; written beside its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from pathlib import Path
import re
from typing import Any, ClassVar

from siamx_ros.config import NetworkConfig
from siamx_ros.data.annotation import TRAIN
from siamx_ros.data.catalogue import kinds
from siamx_ros.errors import InputError
from siamx_ros.settings import Settings, SettingsError, dotted, setting

KINDS = kinds(TRAIN)
"""Data sets that can be mixed in, in their official layouts."""
NUMBER = r'[-+]?[\d.]+(?:[eE][-+]?\d+)?'
RESUMED = ('config', 'network', 'average', 'optimiser', 'step', 'best')
"""What a last.pt must hold; what later versions added is left out."""
WRITTEN = re.compile(f'([^:]+):(.+?):({NUMBER})(?::({NUMBER}))?')
"""A source in the settings; there may be colons in its path."""


@dataclass(frozen=True)
class SourceSpec:
    """One data set beside the training folder.

    Attributes:
        weight: share of the pairs relative to the other weights.
        frame_range: largest distance of the two frames of a pair.
    """

    kind: str
    path: Path
    weight: float
    frame_range: int

    @classmethod
    def parse(cls, text: str, frame_range: int) -> SourceSpec:
        """Read ``KIND:PATH:WEIGHT[:FRAME_RANGE]``.

        Raises:
            SettingsError: it is written otherwise, or a part cannot be.
        """
        try:
            kind, path, weight, reach = WRITTEN.fullmatch(str(text)).groups()
            weight, reach = float(weight), int(reach or frame_range)
        except (AttributeError, ValueError):
            raise SettingsError(
                f'a source is written KIND:PATH:WEIGHT[:FRAME_RANGE], got {text!r}') from None
        if kind not in KINDS:
            raise SettingsError(f'a source starts with {", ".join(KINDS)}, got {text!r}')
        if not (math.isfinite(weight) and weight >= 0) or reach < 1:
            raise SettingsError(
                f'a source needs a weight of at least 0 and a range of at least 1, got {text!r}')
        return cls(kind, Path(path), weight, reach)


@dataclass(frozen=True)
class AugmentConfig(Settings):
    """Jitter of the training pairs; a probability of 0 switches a part off."""

    renamed: ClassVar = {'still_bend': 'still_elastic', 'coarse': 'downscale'}

    template_shift: float = setting(4.0, 'template shift, uniform', unit='px', low=0.0, high=30.0)
    template_scale: float = setting(0.05, 'template scale jitter', low=0.0, high=0.9)
    search_shift: float = setting(64.0, 'search shift, uniform', unit='px', low=0.0, high=100.0)
    search_scale: float = setting(0.18, 'search scale jitter, each axis', low=0.0, high=0.9)
    search_zoom: float = setting(
        0.0, 'search scale jitter, both axes alike: deviation of the natural logarithm; 0 as in '
        'the paper', low=0.0, high=0.5)
    still_scale: float = setting(
        0.12, 'further scale jitter of pairs cut from one photograph', low=0.0, high=0.9)
    still_rotation: float = setting(
        12.0, 'rotation between the patches of one photograph', unit='deg', low=0.0, high=45.0)
    still_elastic: float = setting(
        0.0, 'largest mean shift of the elastic deformation of the search patch of one photograph, '
        "relative to the target's size", low=0.0, high=0.2)
    flip: float = setting(0.5, 'probability: mirror both patches', low=0.0, high=1.0)
    still_flip: float = setting(
        0.1, 'probability: mirror the search patch of one photograph alone', low=0.0, high=1.0)
    colour: float = setting(0.25, 'colour jitter of each patch', low=0.0, high=0.9)
    grey: float = setting(0.1, 'probability: both patches without colour', low=0.0, high=1.0)
    blur: float = setting(0.2, 'probability: blur a patch', low=0.0, high=1.0)
    downscale: float = setting(
        0.3, 'probability: both patches at a lower resolution', low=0.0, high=1.0)
    compression: float = setting(
        0.0, 'probability: both patches with the blocks of strong video compression',
        low=0.0, high=1.0)
    noise: float = setting(0.2, 'probability: sensor noise', low=0.0, high=1.0)
    occluder: float = setting(0.15, 'probability: part of the target is covered', low=0.0, high=1.0)
    distractor: float = setting(
        0.3, 'probability: another target is pasted beside the target', low=0.0, high=1.0)
    backdrop: float = setting(
        0.5, 'probability: another picture lies outside a photograph', low=0.0, high=1.0)
    negative: float = setting(
        0.08, 'probability: the search patch comes from another picture', low=0.0, high=1.0)
    hard_negative: float = setting(
        0.15, 'probability: the search patch lies around another object of the photograph',
        low=0.0, high=1.0)


@dataclass(frozen=True)
class TrainConfig(Settings):
    """One training run."""

    network: NetworkConfig = field(default_factory=NetworkConfig.mobile)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    photos: float = setting(0.35, 'share of pairs from boxed photographs', low=0.0, high=1.0)
    parts: float = setting(
        0.0, 'share of the pairs from boxed photographs whose target is a part of an object',
        low=0.0, high=1.0)
    regions: float = setting(0.3, 'share of pairs from free regions', low=0.0, high=1.0)
    videos: float = setting(0.35, 'share of pairs from boxed videos', low=0.0, high=1.0)
    frame_range: int = setting(100, 'largest distance of a video pair', unit='frames', low=1)
    sources: tuple = setting(
        (), "further data sets, each 'KIND:PATH:WEIGHT[:FRAME_RANGE]', KIND " + ', '.join(KINDS))
    folder_weight: float = setting(1.0, 'weight of the training folder among the sources', low=0.0)
    cache_mb: int = setting(
        1024, 'memory for decoded pictures of the sources, all loader processes of a training '
        'process and its validation together', unit='MB', low=0)
    held_out: tuple = setting(
        ('davis_libby', 'davis_scooter-black', 'davis_kite-surf'),
        'videos kept for validation and calibration')
    bad_files: str = setting(
        'skip', 'what to do with a missing or damaged file', choices=('skip', 'refuse'))
    batch: int = setting(16, 'pairs a step and process', low=1)
    steps: int = setting(8000, 'optimiser steps', low=1)
    steps_per_epoch: int = setting(400, 'steps between validations and checkpoints', low=1)
    optimiser: str = setting('adamw', 'optimiser', choices=('adamw', 'sgd'))
    schedule: str = setting(
        'cosine', "'cosine' over all steps, or 'paper': warm-up, then exponential decay",
        choices=('cosine', 'paper'))
    learning_rate: float = setting(0.0008, 'peak learning rate', low=1e-9)
    final_rate: float = setting(0.00001, 'learning rate at the end', low=0.0)
    warmup_start: float = setting(0.0002, 'learning rate at the first step', low=1e-9)
    warmup: float = setting(0.02, 'share of the steps that warm up', low=0.0, high=0.5)
    weight_decay: float = setting(0.02, 'weight decay', low=0.0)
    momentum: float = setting(0.9, 'momentum of sgd', low=0.0, high=1.0)
    backbone_rate: float = setting(0.15, 'learning rate of the backbone, relative', low=0.0)
    frozen: float = setting(1.0, 'share of the steps with a frozen backbone', low=0.0, high=1.0)
    fixed_parts: int = setting(
        3, 'stem and first stages of the backbone that stay as they are', low=0, high=6)
    fixed_filters: bool = setting(True, "keep the backbone's depthwise filters (faster on a CPU)")
    fixed_norm: bool = setting(
        True, "keep the statistics of the backbone's batch norm, for a backbone that was trained")
    negatives: int = setting(
        8, 'pairs a step whose template is also tried on a foreign search patch', unit='pairs',
        low=0)
    teachers: tuple = setting(
        (), 'trackers whose answers are learnt from, each NAME:FOLDER with NAME fear or lighttrack')
    teacher_weight: float = setting(
        0.3, "share of the teachers' answers in the targets", low=0.0, high=1.0)
    reg_weight: float = setting(1.0, 'lambda_0 of Eq. 8', low=0.0)
    cls_weight: float = setting(1.0, 'lambda_1 of Eq. 8', low=0.0)
    reg_mean: str = setting(
        'cells', "what the regression loss is a mean of: all 'cells' inside boxes, as in the "
        "paper, or 'pairs', so that a large target counts as a small one",
        choices=('cells', 'pairs'))
    negative_focus: float = setting(
        1.0, 'power of their score that weights the negatives of the classification loss; 0 as in '
        'the paper', low=0.0, high=4.0)
    label_radius: float = setting(2.0, 'r of Eq. 7', unit='cells', low=0.0, high=12.0)
    label_metric: str = setting('l1', 'd of Eq. 7', choices=('l1', 'l2'))
    ema: float = setting(
        0.999, 'decay of the averaged weights that are kept', low=0.0, high=0.99999)
    start_share: float = setting(
        0.0, 'share of the weights that the run started from in those of final.pt', low=0.0,
        high=1.0)
    precision: str = setting('bf16', 'number format of the passes', choices=('fp32', 'bf16'))
    compile: bool = setting(
        False, 'compile the backbone, unless OpenVINO runs it: less time for a step on a GPU, a '
        'minute more at the start')
    workers: int = setting(1, 'processes that make pairs', low=0, high=64)
    seed: int = setting(1, 'seed of every random choice', low=0, high=2 ** 63 - 1)

    @property
    def source_specs(self) -> tuple[SourceSpec, ...]:
        """The parsed ``sources``."""
        return tuple(SourceSpec.parse(text, self.frame_range) for text in self.sources)

    def check(self) -> None:
        if self.sources and sum(spec.weight for spec in self.source_specs) <= 0:
            raise SettingsError('sources are named, but all their weights are 0')
        if self.photos + self.regions + self.videos <= 0:
            raise SettingsError(
                'photos, regions and videos are all 0: there is nothing to train on')
        if self.schedule == 'paper' and not self.final_rate:
            raise SettingsError("schedule 'paper' decays by a factor a step and never gets to a "
                                'final_rate of 0; give a small one')
        if self.negatives > self.batch:
            raise SettingsError(
                f'negatives ({self.negatives}) must not exceed batch ({self.batch})')


def check_resumed(path: Path, content: Any, config: TrainConfig) -> None:
    """Refuse what is not the last.pt of a run with these settings.

    Raises:
        InputError: it is something else, or of other settings, which are named.
    """
    held = content if isinstance(content, dict) else {}
    missing = [name for name in RESUMED if name not in held]
    if missing or not isinstance(held['config'], dict):
        raise InputError(f'{path} is not the last.pt of a training run: it lacks '
                         f'{", ".join(missing) or "a table of settings"}')
    then, now = dotted(held['config']), dotted(config.to_dict())
    differing = [f'{name} {then.get(name)!r}, not {now.get(name)!r}'
                 for name in {**then, **now} if then.get(name) != now.get(name)]
    if differing:
        raise InputError(f'{path} was trained with other settings: {"; ".join(differing)}')
