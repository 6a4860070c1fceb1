"""What each benchmark is, as data: its protocol, its figures and its result files."""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
from typing import Callable

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import name_some
from siamx_ros.evaluation.kits import one_pass, restarts, submission
from siamx_ros.evaluation.kits.panoramas import panorama
from siamx_ros.evaluation.kits.submission import Writer, held_boxes, write_boxes
from siamx_ros.evaluation.long_term import long_term_figures
from siamx_ros.evaluation.runner import Run, image_size

LOG = logging.getLogger(__name__)
Figures = dict[str, float]


@dataclass(frozen=True)
class Kit:
    """A benchmark.

    Attributes:
        total: figures of all runs over their sequences, as the kit averages them.
        write: writes the result files of one run into a folder for a tracker of that name; None
            where there is no official format.
        protocol: 'once', or 'restart' after failures.
    """

    total: Callable[[list[Run], list[Sequence]], Figures]
    write: Writer | None = None
    protocol: str = 'once'


def _lasot(runs: list[Run], sequences: list[Sequence]) -> Figures:
    return one_pass.lasot_total([
        one_pass.lasot(run.boxes + [1, 1, 0, 0], sequence.truth, sequence.absent)
        for run, sequence in zip(runs, sequences)])


def _got10k(runs: list[Run], sequences: list[Sequence]) -> Figures:
    return one_pass.got10k_total([np.zeros(0), *(
        one_pass.got10k_overlaps(held_boxes(run), each.truth, each.absent, image_size(each))
        for run, each in _known(runs, sequences))])


def _trackingnet(runs: list[Run], sequences: list[Sequence]) -> Figures:
    return _means([one_pass.trackingnet(run.boxes, sequence.truth)
                   for run, sequence in _known(runs, sequences)], ('AUC', 'P', 'NP'))


def _known(runs: list[Run], sequences: list[Sequence]) -> list[tuple[Run, Sequence]]:
    """Those whose truth is not withheld; the others are named, unless all are withheld."""
    pairs = list(zip(runs, sequences))
    known = [(run, each) for run, each in pairs if np.isfinite(each.truth).all()]
    if known and len(known) < len(pairs):
        names = [each.name for _, each in pairs if not np.isfinite(each.truth).all()]
        LOG.warning('not in the official figures: %d sequences with fewer boxes than images: %s',
                    len(names), name_some(names))
    return known


def _otb(runs: list[Run], sequences: list[Sequence]) -> Figures:
    return _means([one_pass.otb(run.boxes + [1, 1, 0, 0], sequence.truth)
                   for run, sequence in zip(runs, sequences)], ('AUC', 'P@20'))


def _vot(runs: list[Run], sequences: list[Sequence]) -> Figures:
    overlaps = [restarts.overlaps(run, sequence, image_size(sequence))
                for run, sequence in zip(runs, sequences)]
    return restarts.figures(overlaps, [run.codes for run in runs])


def _vot_long_term(runs: list[Run], sequences: list[Sequence]) -> Figures:
    """As in vot-toolkit, the initial frame says nothing, but is one of the visible frames.

    Boxes and truth count inside the image.
    """
    found = long_term_figures(
        [restarts.overlaps(replace(run, boxes=held_boxes(run)), sequence, image_size(sequence))
         for run, sequence in zip(runs, sequences)],
        [np.where(np.arange(len(run.boxes)) > run.start, run.confidence, np.nan) for run in runs],
        [sequence.visible for sequence in sequences])
    return {'F': found['f'], 'Pr': found['pr'], 'Re': found['re']}


def _360vot(runs: list[Run], sequences: list[Sequence]) -> Figures:
    return _means([panorama(held_boxes(run), sequence.truth, image_size(sequence))
                   for run, sequence in zip(runs, sequences)],
                  ('S_dual', 'P_dual', 'NP_dual', 'P_angle'))


def _means(rows: list[Figures], names: tuple[str, ...]) -> Figures:
    """Means over sequences, NaN of none."""
    return {name: float(np.mean([row[name] for row in rows])) if rows else float('nan')
            for name in names}


KITS: dict[str, Kit] = {
    'lasot': Kit(_lasot, write_boxes('{tracker}_tracking_result/{name}.txt', offset=1)),
    'got10k': Kit(_got10k, submission.write_got10k),
    'trackingnet': Kit(_trackingnet, write_boxes('{tracker}/{name}.txt')),
    'vot': Kit(_vot, submission.write_vot, 'restart'),
    'votlt': Kit(_vot_long_term, submission.write_vot_long_term),
    'otb': Kit(_otb, write_boxes('{tracker}/{name}.txt', offset=1)),
    'uav': Kit(_otb, write_boxes('{tracker}/{name}.txt', offset=1)),
    '360vot': Kit(_360vot, write_boxes('{tracker}/{name}.txt', decimals=4))}
"""Name on the command line -> benchmark; ``folder`` has our own figures and no kit."""
