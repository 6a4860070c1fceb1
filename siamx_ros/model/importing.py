"""Weights from elsewhere: the authors' published checkpoint and an ImageNet backbone.

The authors' ``SiamX.pth`` has 341 entries that inference needs; its names differ from ours, its
tensors do not. A torchvision ResNet-50 differs in two shortcuts and in its input range.
"""

from __future__ import annotations

from pathlib import Path
import pkgutil
import re
from typing import Any

import torch
from torch import nn

from siamx_ros.config import BACKBONES, NetworkConfig
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.state_dicts import named_tensors
from siamx_ros.model.weights import WeightsError, find_weights, load_strictly, read_file

_RULES = (
    (r'^features\.features\.conv1\.', 'backbone.stem.0.'),
    (r'^features\.features\.bn1\.', 'backbone.stem.1.'),
    (r'^features\.features\.', 'backbone.'),
    (r'^(backbone\.layer\d\.\d+)\.conv(\d)\.', r'\1.conv\2.0.'),
    (r'^(backbone\.layer\d\.\d+)\.bn(\d)\.', r'\1.conv\2.1.'),
    (r'^(backbone\.layer\d\.\d+)\.downsample\.', r'\1.shortcut.'),
    (r'^neck\.downsample(\d)\.downsample\.', r'neck.\1.'),
    (r'^pred_head\.feature_correlation0\.', 'correlation.pairs.L4xL3.'),
    (r'^pred_head\.feature_correlation1\.', 'correlation.pairs.L3xL4.'),
    (r'^pred_head\.feature_correlation2\.', 'correlation.pairs.L4xL4.'),
    (r'\.(cls|reg)_encoder\.encoder_search\.', r'.\1.search.'),
    (r'\.(cls|reg)_encoder\.encoder_kernel\.', r'.\1.template.'),
    (r'^pred_head\.(cls|reg)_weight$', r'correlation.\1_weight'),
    (r'^pred_head\.cls_tower\.', 'head.cls_tower.'),
    (r'^pred_head\.bbox_tower\.', 'head.reg_tower.'),
    (r'^pred_head\.bbox_predictor\.', 'head.reg_predictor.'),
    (r'^pred_head\.', 'head.'),
)
_IGNORED = re.compile(r'^align_head\.|\.num_batches_tracked$')
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


def our_name(authors_name: str) -> str:
    """Our name of an entry of the authors' state dict (without wrappers such as ``module.``)."""
    name = authors_name
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return re.sub(r'^(head\.\w+_tower)\.(\d+)\.', _tower_name, name)


def import_authors(path: str | Path) -> SiamXNet:
    """Read the authors' checkpoint into the full network, strictly.

    The file may hold the tensors directly or under ``state_dict``; names may carry ``module.`` and
    ``feature_extractor.``; extras are allowed only under ``align_head.`` and as batch counters.

    Raises:
        WeightsError: unreadable, unsafe, or an inference entry is missing, extra or misshapen.
    """
    state = _unwrapped(read_file(_existing(path)), path)
    renamed = {our_name(name): value for name, value in state.items() if not _IGNORED.search(name)}
    network = SiamXNet(NetworkConfig())
    load_strictly(network, renamed, str(path))
    return network.eval()


def start_backbone(network: nn.Module, path: str | Path) -> None:
    """Start a network from weights that others trained, in place; inputs stay BGR 0..255.

    The input normalisation is folded into the stem, exactly. Which weights fit is said in
    :data:`siamx_ros.config.BACKBONES`.

    Raises:
        WeightsError: unreadable, or not the weights of this backbone.
    """
    start = BACKBONES[network.config.backbone].start
    if not start:
        known = ', '.join(name for name, row in BACKBONES.items() if row.start)
        raise WeightsError(f'no weights to start from are known for the backbone '
                           f'{network.config.backbone!r}: use {known}')
    pkgutil.resolve_name(start)(network, _existing(path))


def import_torchvision(network: SiamXNet, path: Path) -> None:
    """Start a ResNet-50 from torchvision's ImageNet weights.

    The two 1x1 shortcuts become the centre tap of our 3x3 ones.
    """
    state = named_tensors(_unwrapped(read_file(path), path), str(path))
    try:
        renamed = _from_torchvision(state)
    except KeyError as error:
        raise WeightsError(
            f'{path} does not hold a torchvision ResNet-50: {error} is missing') from None
    except (IndexError, RuntimeError) as error:
        raise WeightsError(
            f'{path} does not hold a torchvision ResNet-50: {error}') from None
    load_strictly(network.backbone, renamed, str(path))


def _from_torchvision(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {}
    for name, value in state.items():
        if name.startswith(('layer4.', 'fc.')) or _IGNORED.search(name):
            continue
        renamed[our_name(f'features.features.{name}').removeprefix('backbone.')] = value.double()
    for stage in ('layer2', 'layer3'):
        key = f'{stage}.0.shortcut.0.weight'
        wide = torch.zeros(*renamed[key].shape[:2], 3, 3, dtype=torch.float64)
        wide[:, :, 1, 1] = renamed[key][:, :, 0, 0]
        renamed[key] = wide
    # the stem was trained on normalised RGB, and gets BGR 0..255
    mean, std = (255 * torch.tensor(values, dtype=torch.float64)[:, None, None]
                 for values in (_IMAGENET_MEAN, _IMAGENET_STD))
    weight = renamed['stem.0.weight'] / std
    renamed['stem.1.running_mean'] = renamed['stem.1.running_mean'] + (weight * mean).sum((1, 2, 3))
    renamed['stem.0.weight'] = weight.flip(1)
    return renamed


def _tower_name(match: re.Match) -> str:
    """Tower entries 0, 1, 3, 4, 6, 7, ... are convolution and norm of layer index // 3."""
    index = int(match.group(2))
    return f'{match.group(1)}.{index // 3}.{index % 3}.'


def _existing(path: str | Path) -> Path:
    """A file; never the name of a checkpoint, which has no separator."""
    return find_weights(Path(path).absolute())


def _unwrapped(content: Any, path: str | Path) -> dict[str, torch.Tensor]:
    if isinstance(content, dict) and isinstance(content.get('state_dict'), dict):
        content = content['state_dict']
    if not isinstance(content, dict) or not content or not all(
            isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsError(f'{path} holds no state dict')
    return {str(name).removeprefix('module.').removeprefix('feature_extractor.'): value
            for name, value in content.items()}
