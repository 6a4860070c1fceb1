"""One training run: network, optimiser, averaged weights and progress."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
import copy
from itertools import count
import logging
import math
from pathlib import Path
import time
from typing import Any, Iterable, Iterator

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from siamx_ros.errors import InputError
from siamx_ros.model.importing import start_backbone
from siamx_ros.model.network import make_network
from siamx_ros.model.weights import (
    load_checkpoint, load_strictly, read_file, save_checkpoint, write_atomically)
from siamx_ros.training.curves import add_row
from siamx_ros.training.prefetch import prefetch, on_own_stream
from siamx_ros.training.distillation import Distillation
from siamx_ros.training.frozen import frozen_backbone
from siamx_ros.training.loading import (
    TrainingData, to_inputs, training_loader, validation_loader)
from siamx_ros.training.distributed import Process
from siamx_ros.training.schedule import apply_freeze, apply_rate, is_frozen, make_optimiser
from siamx_ros.training.train_config import TrainConfig, check_resumed
from siamx_ros.training.step import LossModule
from siamx_ros.training.teachers.registry import load_teachers
from siamx_ros.training.validation import validate

LOG = logging.getLogger(__name__)


class Run:
    """Network, optimiser, averaged weights and progress of one training run."""

    def __init__(self, out: Path, config: TrainConfig, process: Process) -> None:
        self.out, self.config, self.process = out, config, process
        torch.manual_seed(config.seed)
        self.network = make_network(config.network)
        self.average = make_network(config.network)
        self.average.load_state_dict(self.network.state_dict())
        if process.count > 1 and process.device.type == 'cuda':
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)
        for network in (self.network, self.average):
            network.to(process.device, memory_format=torch.channels_last)
        self._averages, self._values = (
            [value for value in network.state_dict().values() if value.is_floating_point()]
            for network in (self.average, self.network))
        self.optimiser = make_optimiser(self.network, config)
        self.step, self.best = 0, -1.0  # the best overlap; -1 while none was finite
        self.data: int | None = None  # checksum of what it is trained on
        self.start: dict[str, torch.Tensor] = {}
        self._froze: bool | None = None
        self.frozen = frozen_backbone(
            self.network.backbone, config, process.device, torch.get_num_threads())
        if config.compile and self.frozen is None:
            self.network.backbone.compile(dynamic=False)
        teachers = load_teachers(config.teachers)
        self.distillation = Distillation(teachers, config) if teachers else None
        loss_module: nn.Module = LossModule(self.network, config)
        if process.count > 1:
            loss_module = nn.parallel.DistributedDataParallel(
                loss_module, find_unused_parameters=True)
        self.loss_module = loss_module

    def start_from(self, initial: Path | None, backbone: Path | None) -> None:
        """Begin with the weights of a checkpoint, or with a backbone that others trained.

        Raises:
            InputError: a file cannot be used or does not fit the network, or a share of the start
                is to be kept and there is none.
        """
        if self.config.start_share and initial is None and backbone is None:
            raise InputError('start_share keeps weights that the run starts from: name them')
        if initial is not None:
            weights = load_checkpoint(initial).network.state_dict()
            load_strictly(self.network, weights, str(initial))
        if backbone is not None:
            start_backbone(self.network, backbone)
        self.average.load_state_dict(self.network.state_dict())
        if self.config.start_share:
            self.start = copy.deepcopy(self.average.state_dict())

    def restore(self, path: Path) -> None:
        """Continue from a file that :meth:`save` wrote.

        Raises:
            InputError: it is missing, damaged, of another configuration or number of processes.
        """
        if not path.is_file():
            raise InputError(
                f'nothing to resume: {path} does not exist; start without --resume')
        content = read_file(path)
        check_resumed(path, content, self.config)
        processes = content.get('processes', self.process.count)
        if processes != self.process.count:
            raise InputError(f'{path} must be resumed with the number of processes that trained '
                             f'it, {processes}, got {self.process.count}')
        load_strictly(self.network, content['network'], str(path))
        load_strictly(self.average, content['average'], str(path))
        try:
            self.optimiser.load_state_dict(content['optimiser'])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f'{path} holds no state of this optimiser: {error}') from None
        self.step, self.best = content['step'], content['best']
        self.start, self.data = content.get('start', {}), content.get('data')

    def save(self) -> None:
        """Write ``last.pt``, everything a resumed run needs."""
        write_atomically(self.out / 'last.pt', {
            'config': self.config.to_dict(), 'network': self.network.state_dict(),
            'average': self.average.state_dict(), 'optimiser': self.optimiser.state_dict(),
            'step': self.step, 'best': self.best, 'processes': self.process.count,
            'start': self.start, 'data': self.data})

    def fit(self, data: TrainingData, deadline: float) -> None:
        """Run the remaining epochs; each ends with validation, a log row and checkpoints.

        After the deadline (:func:`time.monotonic`) none is begun, but for the first.
        """
        check = validation_loader(data, self.config)
        batches = self.batches(training_loader(data, self.config, self.process, self.step))
        with tqdm(total=self.config.steps, initial=self.step, desc='training', unit='step',
                  disable=not self.process.is_main_process) as bar:
            while self.step < self.config.steps:
                row = self._epoch(batches, bar)
                if self.process.is_main_process:
                    row.update(validate(self.average, check, self.process.device, self._autocast()))
                    self._report(row, bar)
                if self.process.any(time.monotonic() >= deadline):
                    break

    @contextmanager
    def threads(self, step: int) -> Iterator[None]:
        """Leave a frozen backbone its cores: idle threads of torch would spin on them."""
        threads = torch.get_num_threads()
        if self.frozen and is_frozen(step, self.config):
            torch.set_num_threads(max(1, threads - self.frozen.threads))
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def batches(self, loader: Iterable) -> Iterator[tuple]:
        """What :meth:`optimise` takes, of every batch of a loader that begins at this step."""
        items = zip(count(self.step), loader)
        if self.frozen or self.process.device.type == 'cuda':
            make = on_own_stream(self.prepare, self.process.device)
            return prefetch(items, lambda item: make(*item))
        return (self.prepare(*item) for item in items)

    def prepare(self, step: int, batch: Any) -> tuple:
        """Inputs of :class:`LossModule`; features instead of patches while a backbone is frozen."""
        template, search, boxes, scenes, extents = to_inputs(batch, self.process.device)
        soft = self.distillation and self.distillation(template, search, boxes, extents)
        rest = boxes, scenes, soft
        if self.frozen and is_frozen(step, self.config):
            return self.frozen(template), self.frozen(search), *rest
        return template, search, *rest

    def _epoch(self, batches: Iterator[tuple], bar: tqdm) -> dict[str, float]:
        taken, rate, begin = [], 0.0, time.monotonic()
        steps = min(self.config.steps_per_epoch, self.config.steps - self.step)
        for _ in range(steps):
            rate = self.schedule()
            with self.threads(self.step):
                taken.append(self.optimise(*next(batches)))
            self.step += 1
            bar.update()
            bar.set_postfix(loss=f'{taken[-1][0]:.3f}', refresh=False)
        pairs = steps * self.config.batch * self.process.count
        total, cls, reg = torch.stack(taken).nanmean(0).tolist()
        return {'step': self.step, 'rate': rate, 'loss': total, 'cls': cls, 'reg': reg,
                'pairs_per_s': pairs / (time.monotonic() - begin)}

    def schedule(self) -> float:
        """Set and return the learning rate of the coming step, and freeze or free the backbone."""
        frozen = is_frozen(self.step, self.config)
        if frozen != self._froze:
            apply_freeze(self.network, self.config, frozen)
            self._froze = frozen
        return apply_rate(self.step, self.optimiser, self.config)

    def optimise(self, *inputs: Any) -> torch.Tensor:
        """One step on what :class:`LossModule` takes; returns the three losses.

        Where a loss is not finite in any process, all skip the step, name it and return NaN.
        """
        with self._autocast():
            losses = self.loss_module(*inputs)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        values = torch.stack(losses).detach().cpu()
        if self.process.any(not values.isfinite().all()):
            LOG.warning('step %d skipped: loss %s', self.step, values.tolist())
            return torch.full((3,), math.nan)
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self._average_in()
        return values

    @torch.no_grad()
    def _average_in(self) -> None:
        """Exponential moving average of all weights, faster while the run is young."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(decay)(self._averages, self._values, None)

    def _report(self, row: dict[str, float], bar: tqdm) -> None:
        better = row['iou'] > self.best
        self.best = max(self.best, row['iou'])
        card = {'trained_steps': self.step, 'batch': self.config.batch * self.process.count,
                'training': self.config.to_dict(), 'validation': row}
        if better:
            save_checkpoint(self.out / 'best.pt', self.average, card=card)
        if self.step == self.config.steps:
            save_checkpoint(self.out / 'final.pt', self._final(), card=card)
        add_row(self.out, row)
        self.save()  # last: what a kill leaves out before is done again by a resumed run
        bar.write(f"step {self.step}: loss {row['loss']:.3f}, held-out overlap {row['iou']:.3f}, "
                  f"hits {row['hit']:.3f}, {row['pairs_per_s']:.0f} pairs/s")

    def _final(self) -> nn.Module:
        """The averaged weights, with ``start_share`` of those that the run started from."""
        network, share = copy.deepcopy(self.average), self.config.start_share
        for name, value in network.state_dict().items():
            if name in self.start and value.is_floating_point():
                value.lerp_(self.start[name].to(value.device), share)
        return network

    def _autocast(self):
        if self.config.precision == 'fp32':
            return nullcontext()
        return torch.autocast(self.process.device.type, torch.bfloat16)
