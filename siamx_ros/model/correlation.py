"""Cross-level correlation and its weighted sum (paper, Sec. III-B, Eq. 1 to 4)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from siamx_ros.model.backbone import ConvBN


def depthwise_correlation(search: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Valid cross-correlation per sample and channel: the operator of Eq. (1) and (2).

    Args:
        search: B x C x H x W.
        kernel: B x C x k x k.

    Returns:
        B x C x (H - k + 1) x (W - k + 1).
    """
    if torch.is_grad_enabled() and not search.is_cuda and (
            search.requires_grad or kernel.requires_grad):
        return _Correlation.apply(search, kernel)
    return _correlate(search, kernel)


def _correlate(search: torch.Tensor, kernel: torch.Tensor, padding: int = 0) -> torch.Tensor:
    batch, channels, height, width = search.shape
    maps = functional.conv2d(
        search.reshape(1, batch * channels, height, width),
        kernel.reshape(batch * channels, 1, *kernel.shape[2:]), padding=padding,
        groups=batch * channels)
    return maps.reshape(batch, channels, *maps.shape[2:])


class _Correlation(torch.autograd.Function):
    """The correlation with both gradients as correlations again.

    On a CPU that takes 3 ms where torch 2.13's own gradient takes 33 (24 x 64 maps, bf16).
    """

    @staticmethod
    def forward(ctx, search: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        search = search.contiguous()
        ctx.save_for_backward(search, kernel)
        return _correlate(search, kernel)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor):
        search, kernel = (tensor.to(gradient.dtype) for tensor in ctx.saved_tensors)
        return (_correlate(gradient, kernel.flip(2, 3), padding=kernel.shape[-1] - 1),
                _correlate(search, gradient))


def gradient_laid_out(x: torch.Tensor) -> torch.Tensor:
    """``x``, whose gradient will arrive in the memory layout of ``x``.

    The correlation takes and gives maps channel by channel, the convolutions around it pixel by
    pixel; on a CPU torch multiplies tensors of two layouts five times as slowly as of one.
    """
    if torch.is_grad_enabled() and x.requires_grad:
        return _LaidOut.apply(x)
    return x


class _LaidOut(torch.autograd.Function):

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        ctx.layout = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.contiguous(memory_format=ctx.layout)


class Encoder(nn.Module):
    """The two projections of one branch: Phi^z for the template, Phi^x for the search patch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.template = ConvBN(channels, channels, 3, activation=nn.ReLU)
        self.search = ConvBN(channels, channels, 3, activation=nn.ReLU)


class LevelPair(nn.Module):
    """One sub-module: template of one level with search of another, for both branches."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cls = Encoder(channels)
        self.reg = Encoder(channels)


def weighted_sum(maps: list[torch.Tensor], weight: torch.Tensor) -> torch.Tensor:
    """Eq. (3) and (4): maps B x C x h x w summed with ``softmax(weight)`` (one number a map)."""
    shares = torch.softmax(weight, 0).unbind()
    fused = gradient_laid_out(sum(share * level for share, level in zip(shares, maps)))
    return fused.contiguous(memory_format=torch.channels_last)


class CrossLevelCorrelation(nn.Module):
    """All level pairs and their fusion.

    Args:
        pairs: names such as 'L4xL3' (template level x search level).
    """

    def __init__(self, channels: int, pairs: tuple[str, ...]) -> None:
        super().__init__()
        self.pairs = nn.ModuleDict({name: LevelPair(channels) for name in pairs})
        self.cls_weight = nn.Parameter(torch.ones(len(pairs)))
        self.reg_weight = nn.Parameter(torch.ones(len(pairs)))

    def encode_template(self, levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Encode template features once: {'L3','L4': B x C x 7 x 7} -> kernels B x C x 5 x 5."""
        kernels = {}
        for name, pair in self.pairs.items():
            level = levels[name[:2]]
            kernels[f'{name}.cls'] = pair.cls.template(level)
            kernels[f'{name}.reg'] = pair.reg.template(level)
        return kernels

    def encode_search(self, levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Encode search features {'L3', 'L4': B x C x H x W}: maps B x C x (H - 2) x (W - 2)."""
        maps = {}
        for name, pair in self.pairs.items():
            level = levels[name[3:]]
            maps[f'{name}.cls'] = gradient_laid_out(pair.cls.search(level))
            maps[f'{name}.reg'] = gradient_laid_out(pair.reg.search(level))
        return maps

    def correlate(self, maps: dict[str, torch.Tensor],
                  kernels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """F_cls and F_reg (Eq. 1 to 4), each B x C x h x w, from encoded search and template."""
        fused = []
        for branch, weight in (('cls', self.cls_weight), ('reg', self.reg_weight)):
            names = [f'{pair}.{branch}' for pair in self.pairs]
            fused.append(weighted_sum(
                [depthwise_correlation(maps[name], kernels[name]) for name in names], weight))
        return fused[0], fused[1]

    def forward(self, levels: dict[str, torch.Tensor],
                kernels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """F_cls and F_reg for neck features of search patches."""
        return self.correlate(self.encode_search(levels), kernels)
