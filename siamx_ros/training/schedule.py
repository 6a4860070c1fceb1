"""Learning rate per step and the backbone freeze (paper, Sec. III-E)."""

from __future__ import annotations

import math

import torch

from siamx_ros.model.mobile import DepthwiseConv
from siamx_ros.model.network import SiameseNet
from siamx_ros.training.train_config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """Learning rate of a step: a geometric warm-up, then a cosine or an exponential decay."""
    warm = round(config.warmup * config.steps)
    if step < warm:
        start = config.warmup_start
        return start * (config.learning_rate / start) ** (step / warm)
    progress = (step - warm) / max(1, config.steps - 1 - warm)
    low, high = config.final_rate, config.learning_rate
    if config.schedule == 'cosine':
        return low + (high - low) * 0.5 * (1 + math.cos(math.pi * progress))
    return high * (low / high) ** progress


def is_frozen(step: int, config: TrainConfig) -> bool:
    """Whether the backbone is frozen at a step."""
    return step < config.frozen * config.steps


def make_optimiser(network: SiameseNet, config: TrainConfig) -> torch.optim.Optimizer:
    """Parameter groups: backbone and rest, each with and (biases, norms, scalars) without decay."""
    groups = []
    for name, scale in (('backbone', config.backbone_rate), ('rest', 1.0)):
        named = [(n, p) for n, p in network.named_parameters()
                 if n.startswith('backbone.') == (name == 'backbone')]
        decayed = [p for n, p in named if p.ndim == 4 and not n.endswith('bias')]
        others = [p for n, p in named if p.ndim != 4 or n.endswith('bias')]
        groups.append({'params': decayed, 'scale': scale, 'weight_decay': config.weight_decay})
        groups.append({'params': others, 'scale': scale, 'weight_decay': 0.0})
    if config.optimiser == 'sgd':
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def apply_rate(step: int, optimiser: torch.optim.Optimizer, config: TrainConfig) -> float:
    """Set this step's learning rates; returns that of everything behind the backbone."""
    rate = learning_rate(step, config)
    for group in optimiser.param_groups:
        group['lr'] = rate * group['scale']
    return rate


def apply_freeze(network: SiameseNet, config: TrainConfig, frozen: bool) -> None:
    """Put the network into training mode with its backbone frozen or free."""
    for index, part in enumerate(network.backbone.parts):
        part.requires_grad_(not frozen and index >= config.fixed_parts)
    if config.fixed_filters:
        for layer in network.backbone.modules():
            if isinstance(layer, DepthwiseConv):
                layer.requires_grad_(False)
    network.train()
    if frozen or config.fixed_norm:
        network.backbone.eval()
