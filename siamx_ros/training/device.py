"""Patches cut and altered in batches on the device.

The loader only decodes and sends, for each pair, generous uint8 cut-outs of fixed size and what is
to be done with them; one batched warp makes the crops, and colour, blur, resolution and noise
follow on the device. Geometry and looks are those of :func:`siamx_ros.training.pairs.render`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch.nn import functional

from siamx_ros import imaging
from siamx_ros.model.network import TEMPLATE_SIZE
from siamx_ros.training import augment
from siamx_ros.training.augment import Placement
from siamx_ros.training.compression import compress
from siamx_ros.training.plans import BEND_WAVES, SEARCH_SIZE, Look, PairPlan
from siamx_ros.training.samples import Target

FOREIGN_SIDE = 128
"""Side of the cut-outs that backdrops, distractors and occluders are made from, pixels."""
KERNEL = 17
"""Side of the blur kernels: three standard deviations of the strongest defocus."""
Packed = dict[str, np.ndarray]
Batch = dict[str, torch.Tensor]


class Packer:
    """Makes of a plan what the device needs; arrays of the same shapes for every pair.

    Args:
        rotation: the largest rotation of a search patch, degrees.
    """

    def __init__(self, rotation: float) -> None:
        turn = math.radians(rotation)
        self.search_side = math.ceil(SEARCH_SIZE * (math.cos(turn) + math.sin(turn))) + 6
        self.template_side = TEMPLATE_SIZE + 10

    def __call__(self, plan: PairPlan) -> Packed:
        packed = {'box': plan.box, 'scenes': np.array(plan.scenes), 'extent': plan.extent,
                  'backdrop': _blank(), 'foreign': _blank(),
                  'rectangles': np.zeros((2, 4), np.float32),
                  'bend': np.zeros((2, BEND_WAVES, BEND_WAVES), np.float32)}
        template, out_z = self._patch(
            plan.template, plan.place_z, TEMPLATE_SIZE, self.template_side)
        search, out_x = self._patch(plan.search, plan.place_x, SEARCH_SIZE, self.search_side)
        packed['has_backdrop'] = np.bool_(plan.backdrop)
        if plan.backdrop and (out_z or out_x):
            packed['backdrop'] = plan.backdrop_picture(FOREIGN_SIDE)
        if plan.bend is not None:
            packed['bend'] = plan.bend.astype(np.float32)
        if plan.distractor or plan.occluder:
            packed['foreign'] = plan.foreign_picture(FOREIGN_SIDE, FOREIGN_SIDE)
        for row, rectangle in enumerate((plan.distractor, plan.occluder)):
            if rectangle:
                packed['rectangles'][row] = rectangle
        for prefix, patch, look in (('z', template, plan.look_z), ('x', search, plan.look_x)):
            side = TEMPLATE_SIZE if prefix == 'z' else SEARCH_SIZE
            packed.update({f'{prefix}_{n}': v for n, v in (patch | _look(look, side)).items()})
        return packed

    @staticmethod
    def _patch(target: Target, place: Placement, side: int,
               canvas_side: int) -> tuple[Packed, bool]:
        """What the device cuts one patch from, and whether it shows more than the image."""
        image, box, shrink = target.view(place.step)
        matrix = place.shrunk(shrink).matrix(box, side)
        canvas, moved, size = cut_out(image, matrix, side, canvas_side)
        fill = np.array(imaging.mean_colour(image), np.float32)
        return ({'canvas': canvas, 'matrix': moved, 'size': size, 'fill': fill},
                augment.leaves(image, matrix, side))


def cut_out(image: np.ndarray, matrix: np.ndarray, side: int,
            canvas_side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of an image under a patch, made smaller where it has more pixels than fit.

    Args:
        image: H x W x 3 uint8.
        matrix: 2 x 3, from patch indices to image indices.

    Returns:
        canvas (canvas_side squared x 3 uint8, the picture in its top left corner), the matrix into
        the canvas (2 x 3 float32), and the picture's width and height in it (float32).
    """
    ends = np.array([[0, side - 1, 0, side - 1], [0, 0, side - 1, side - 1], [1, 1, 1, 1]])
    corners = matrix @ ends
    low, high = corners.min(1), corners.max(1)
    factor = np.maximum(1.0, (high - low + 1) / (canvas_side - 6))
    limit = np.array(image.shape[1::-1])
    first = np.clip(np.floor(low - 2 * factor), 0, limit).astype(int)
    last = np.clip(np.ceil(high + 2 * factor) + 1, 0, limit).astype(int)
    canvas = np.zeros((canvas_side, canvas_side, 3), np.uint8)
    extent = last - first
    if extent.min() < 1:
        return canvas, matrix.astype(np.float32), np.zeros(2, np.float32)
    size = np.clip(np.round(extent / factor).astype(int), 1, canvas_side)
    part = image[first[1]:last[1], first[0]:last[0]]
    if (size < extent).any():
        part = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    canvas[:size[1], :size[0]] = part
    scale = size / extent
    moved = matrix * scale[:, None]
    moved[:, 2] = (matrix[:, 2] + 0.5 - first) * scale - 0.5
    return canvas, moved.astype(np.float32), size.astype(np.float32)


def assemble(batch: Batch, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Make the patches of a batch of packed pairs.

    Returns:
        template B x 3 x 127 x 127 and search B x 3 x 255 x 255 (float, 0 to 255, BGR, channels
        last), the boxes B x 4, the scenes B x 2 (on the CPU) and the extents of the templates'
        targets B x 4.
    """
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    behind = functional.interpolate(
        _planes(moved['backdrop']), size=(SEARCH_SIZE, SEARCH_SIZE), mode='bilinear')
    patches = []
    for prefix, side in (('z', TEMPLATE_SIZE), ('x', SEARCH_SIZE)):
        edge = (SEARCH_SIZE - side) // 2
        around = torch.where(
            moved['has_backdrop'][:, None, None, None],
            behind[:, :, edge:edge + side, edge:edge + side],
            moved[f'{prefix}_fill'][:, :, None, None])
        patch = warp(moved[f'{prefix}_canvas'], moved[f'{prefix}_matrix'], moved[f'{prefix}_size'],
                     side, around)
        if prefix == 'x':
            patch = _bent(patch, batch['bend'])
            patch = _paste(patch, moved['foreign'], moved['rectangles'])
        patch = _alter(patch, batch, moved, prefix)
        patches.append(patch.clamp(0, 255).contiguous(memory_format=torch.channels_last))
    return patches[0], patches[1], moved['box'], batch['scenes'], moved['extent']


def warp(canvas: torch.Tensor, matrix: torch.Tensor, size: torch.Tensor, side: int,
         around: torch.Tensor) -> torch.Tensor:
    """Bilinear resampling of B canvases to B x 3 x side x side, float.

    Args:
        canvas: B x C x C x 3 uint8; matrix: B x 2 x 3 into it; size: B x 2, its picture's.
        around: what lies outside the picture, B x 3 x side x side.
    """
    index = torch.arange(side, device=canvas.device, dtype=torch.float32)
    y, x = torch.meshgrid(index, index, indexing='ij')
    across, down, offset = matrix[:, None, None].unbind(-1)
    places = across * x[..., None] + down * y[..., None] + offset
    drawn = functional.grid_sample(
        _planes(canvas), places * (2 / (canvas.shape[1] - 1)) - 1, padding_mode='zeros',
        align_corners=True)
    inside = torch.minimum(places + 1, size[:, None, None] - places).clamp(0, 1).prod(-1)
    return drawn + (1 - inside[:, None]) * around


def _planes(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.permute(0, 3, 1, 2).float()


def _bent(patch: torch.Tensor, bends: torch.Tensor) -> torch.Tensor:
    """Bend those patches that have a bend other than 0 (B x 2 x k x k, on the CPU)."""
    chosen = bends.flatten(1).any(1).nonzero()[:, 0].to(patch.device)
    if len(chosen):
        side, count = patch.shape[-1], bends.shape[-1]
        index = np.arange(side) + 0.5
        waves = torch.from_numpy(augment.cosines(index, side, count)).to(patch)
        shifts = waves @ bends.to(patch.device)[chosen] @ waves.T
        along = torch.from_numpy(index).to(patch)
        places = torch.stack([shifts[:, 0] + along, shifts[:, 1] + along[:, None]], -1)
        patch[chosen] = functional.grid_sample(
            patch[chosen], places * (2 / side) - 1, padding_mode='border', align_corners=False)
    return patch


def _paste(patch: torch.Tensor, foreign: torch.Tensor, rectangles: torch.Tensor) -> torch.Tensor:
    """Paste the foreign target into each rectangle (left, top, width, height; width 0 for none)."""
    index = torch.arange(patch.shape[-1], device=patch.device, dtype=torch.float32)
    planes = _planes(foreign)
    for row in range(rectangles.shape[1]):
        left, top, width, height = rectangles[:, row].unbind(1)
        x, y = (((index - start[:, None] + 0.5) / length.clamp(min=1)[:, None])
                for start, length in ((left, width), (top, height)))
        grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1) * 2 - 1
        drawn = functional.grid_sample(
            planes, grid, padding_mode='border', align_corners=False)
        here = ((x > 0) & (x < 1))[:, None, :] & ((y > 0) & (y < 1))[:, :, None]
        here = here & (width > 0)[:, None, None]
        patch = torch.where(here[:, None], drawn, patch)
    return patch


def _alter(patch: torch.Tensor, batch: Batch, moved: Batch, prefix: str) -> torch.Tensor:
    """Resolution, compression, grey, colour, blur and noise; ``batch`` is the same on the CPU."""
    side = patch.shape[-1]
    sizes, qualities = batch[f'{prefix}_coarse'], batch[f'{prefix}_quality']
    chosen = ((sizes < side) | (qualities > 0)).nonzero()[:, 0]
    if len(chosen):
        place = chosen.to(patch.device)
        patch[place] = _coarsened(patch[place], sizes[chosen], qualities[chosen])
    patch = _recolour(patch, moved[f'{prefix}_colour'])
    blurred = batch[f'{prefix}_blurred'].nonzero()[:, 0]
    if len(blurred):
        chosen = blurred.to(patch.device)
        patch[chosen] = _filter(patch[chosen], moved[f'{prefix}_kernel'][chosen])
    deviations, seeds = batch[f'{prefix}_noise'], batch[f'{prefix}_noise_seed']
    for i in (deviations > 0).nonzero()[:, 0].tolist():
        generator = torch.Generator(patch.device).manual_seed(int(seeds[i]))
        patch[i] += deviations[i].item() * torch.randn(
            patch[i].shape, generator=generator, device=patch.device)
    return patch


def _coarsened(patches: torch.Tensor, sizes: torch.Tensor, qualities: torch.Tensor) -> torch.Tensor:
    """Patches as a camera of ``sizes`` pixels saw them, at that resolution compressed.

    Args:
        patches: N x 3 x S x S.
        sizes, qualities: N integers, on the CPU; quality 0 for no compression.
    """
    side, device = patches.shape[-1], patches.device
    down, up = _resampling(sizes.to(device, non_blocking=True), side)
    small = down[:, None] @ patches @ down.transpose(1, 2)[:, None]
    lossy = (qualities > 0).nonzero()[:, 0]
    if len(lossy):
        place = lossy.to(device)
        small[place] = compress(small[place], sizes[lossy].to(device), qualities[lossy].to(device))
    return up[:, None] @ small @ up.transpose(1, 2)[:, None]


def _resampling(sizes: torch.Tensor, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights N x side x side of a line of ``sizes`` means of ``side`` pixels, and back, bilinear.

    Rows and columns beyond ``sizes`` are 0.
    """
    fine = torch.arange(side, device=sizes.device)
    coarse = fine[:, None]
    count = sizes[:, None, None]
    first, last = coarse * side // count, -(-(coarse + 1) * side // count)
    within = (fine >= first) & (fine < last) & (coarse < count)
    down = within / (last - first)
    places = ((fine + 0.5) * sizes[:, None] / side - 0.5).clamp(min=0)
    places = torch.minimum(places, sizes[:, None] - 1.0)
    up = (1 - (places[:, :, None] - fine).abs()).clamp(min=0)
    return down, up


def _recolour(patch: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """Change colours by rows of gamma, contrast, brightness, B, G, R, saturation, grey."""
    gamma, contrast, brightness, *tints, saturation, grey = (
        value[:, None, None, None] for value in colour.unbind(1))
    weights = patch.new_tensor([0.114, 0.587, 0.299])[:, None, None]
    patch = torch.where(grey > 0, (patch * weights).sum(1, keepdim=True), patch)
    patch = ((patch.clamp(0, 255) / 255) ** gamma - 0.5) * contrast + 0.5 + brightness
    patch = (patch * torch.cat(tints, 1) * 255).clamp(0, 255)
    flat = (patch * weights).sum(1, keepdim=True)
    return (flat + (patch - flat) * saturation).clamp(0, 255)


def _filter(patches: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Correlate each patch with its own kernel."""
    count, channels, side = patches.shape[:3]
    padded = functional.pad(patches, (KERNEL // 2,) * 4, mode='reflect')
    filtered = functional.conv2d(
        padded.reshape(1, count * channels, *padded.shape[2:]),
        kernels.repeat_interleave(channels, 0)[:, None], groups=count * channels)
    return filtered.reshape(count, channels, side, side)


def _look(look: Look, side: int) -> Packed:
    small = max(8, round(side / look.coarse)) if look.coarse != 1 else side
    return {
        'coarse': np.int64(small), 'quality': np.int64(look.quality),
        'blurred': np.bool_(bool(look.blur)), 'kernel': _kernel(look),
        'colour': np.array([look.gamma, look.contrast, look.brightness, *look.tints,
                            look.saturation, look.grey], np.float32),
        'noise': np.float32(look.noise), 'noise_seed': np.int64(look.noise_seed)}


def _kernel(look: Look) -> np.ndarray:
    kernel = np.zeros((KERNEL, KERNEL), np.float32)
    if len(look.blur) == 1:
        line = cv2.getGaussianKernel(KERNEL, look.blur[0], cv2.CV_32F)
        kernel[:] = line @ line.T
    elif look.blur:
        length = round(look.blur[0])
        corner = KERNEL // 2 - length // 2
        kernel[corner:corner + length, corner:corner + length] = augment.motion_kernel(
            length, look.blur[1])
    return kernel


def _blank() -> np.ndarray:
    return np.zeros((FOREIGN_SIDE, FOREIGN_SIDE, 3), np.uint8)
