"""Settings of network, weights and tracker; each default, text, unit and range stands here once."""

from __future__ import annotations

from dataclasses import dataclass

from siamx_ros.patch_geometry import (
    PatchGeometry, SquareGeometry, StretchedGeometry, next_patch_size)
from siamx_ros.schemes import ADAPTIVE_SCHEMES, AdaptiveScheme
from siamx_ros.settings import Settings, SettingsError, setting

LEVEL_PAIRS = ('L4xL3', 'L3xL4', 'L4xL4', 'L3xL3')
"""Template level x search level, in the order of the authors' sub-modules."""


@dataclass(frozen=True)
class BackboneRow:
    """One backbone.

    Attributes:
        make: module and function that build it of a :class:`NetworkConfig`.
        start: module and function that start it from weights of others, given the network and a
            file; empty where there are none.
        has_widths: whether ``widths`` and ``blocks`` shape it.
        network: module and class of the network that is built on it.
        geometry: of the patches that the network takes.
    """

    make: str
    start: str = ''
    has_widths: bool = False
    network: str = 'siamx_ros.model.network:SiamXNet'
    geometry: PatchGeometry = SquareGeometry()


BACKBONES = {
    'resnet50': BackboneRow('siamx_ros.model.backbone:resnet50',
                            'siamx_ros.model.importing:import_torchvision', has_widths=True),
    'light': BackboneRow('siamx_ros.model.backbone:light', has_widths=True),
    'fbnet': BackboneRow('siamx_ros.model.mobile:fbnet', 'siamx_ros.model.fear_weights:import_fear',
                         network='siamx_ros.model.pixelwise:PixelwiseNet',
                         geometry=StretchedGeometry(template_reach=1.4, search_reach=5.0)),
}
"""The paper's ResNet-50, the same made narrow, and FBNet-C."""


@dataclass(frozen=True)
class NetworkConfig(Settings):
    """Shape of the network; stored inside every checkpoint."""

    backbone: str = setting(
        'resnet50', "block type and layout; 'fbnet' is FBNet-C to its fifth stage with pixel-wise "
        'correlation behind it', choices=tuple(BACKBONES))
    widths: tuple = setting((64, 64, 128, 256), 'channels of the stem and of layer1, 2, 3')
    blocks: tuple = setting((3, 4, 6), 'residual blocks in layer1, 2, 3')
    channels: int = setting(256, 'channels of neck, correlation and towers', low=8, high=1024)
    tower_depth: int = setting(4, 'convolutions in each tower before its predictor', low=1, high=8)
    level_pairs: tuple = setting(
        LEVEL_PAIRS[:3], 'cross-level correlations in use (paper, Table III): template x search')

    def check(self) -> None:
        if not BACKBONES[self.backbone].has_widths:
            if self.widths or self.blocks:
                raise SettingsError(
                    f'the {self.backbone} backbone has fixed widths and blocks: leave both empty')
        elif (len(self.widths), len(self.blocks)) != (4, 3) or not all(
                type(number) is int and number > 0 for number in (*self.widths, *self.blocks)):
            raise SettingsError('widths needs 4 and blocks 3 whole numbers above 0, got '
                                f'{self.widths} and {self.blocks}')
        if BACKBONES[self.backbone].network != BackboneRow.network:
            for name in ('tower_depth', 'level_pairs'):
                if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise SettingsError(f'{name} has no effect with the backbone {self.backbone}')
        pairs = self.level_pairs
        if not pairs or any(pair not in LEVEL_PAIRS or pairs.count(pair) > 1 for pair in pairs):
            raise SettingsError('level_pairs must be distinct, at least one, and of '
                                f'{", ".join(LEVEL_PAIRS)}; got {pairs}')

    @classmethod
    def light(cls) -> NetworkConfig:
        """The paper's network made narrow, for robots without a GPU; trains from scratch."""
        return cls(backbone='light', widths=(32, 32, 64, 96), blocks=(2, 2, 3), channels=64)

    @classmethod
    def mobile(cls) -> NetworkConfig:
        """The network for robots without a GPU that is shipped."""
        return cls(backbone='fbnet', widths=(), blocks=(), channels=256)


RUNTIMES = {
    'torch': 'siamx_ros.model.inference:Engine',
    'openvino': 'siamx_ros.model.openvino_engine:OpenVinoEngine',
    'cuda_graphs': 'siamx_ros.model.cuda_graph_engine:CudaGraphEngine',
    'onnxruntime': 'siamx_ros.model.onnx_engine:OnnxEngine',
    'tensorrt': 'siamx_ros.model.onnx_engine:TensorRtEngine',
}
"""What can run the network -> module and class of its engine."""


@dataclass(frozen=True)
class ModelConfig(Settings):
    """Which weights run where."""

    weights: str = setting(
        'default', "name of a shipped model or path of a checkpoint; never downloaded")
    device: str = setting('auto', 'auto (cuda where there is one), cpu, cuda or cuda:N')
    runtime: str = setting(
        'auto', 'what runs the network; auto: on a CPU openvino or else onnxruntime, where it is '
        'installed, otherwise torch; cuda_graphs: torch on a GPU, whose kernels are launched at '
        'once; onnxruntime: on the CPU, or on a GPU by CUDA; tensorrt: on a GPU, by onnxruntime',
        choices=('auto', *RUNTIMES))
    precision: str = setting(
        'auto', 'number format of inference; auto: with openvino what is fastest on this CPU, int8 '
        '(where the weights bring ranges), bf16 (also where it is nearly as fast: with AMX, and on '
        'AMD) or fp32; with tensorrt and cuda_graphs fp16; else fp32',
        choices=('auto', 'fp32', 'fp16', 'bf16', 'int8'))
    threads: int = setting(
        0, 'CPU threads of torch and OpenCV, for the whole process; 0: as they choose',
        low=0, high=1024)
    deterministic: bool = setting(
        False, 'only deterministic kernels of torch, for the whole process')


@dataclass(frozen=True)
class TrackerConfig(Settings):
    """How the network's prediction becomes a track (paper, Sec. IV)."""

    adaptive: str = setting(
        'paper', 'adaptive tracking scheme', choices=tuple(ADAPTIVE_SCHEMES), live=True)
    confidence_threshold: float = setting(
        0.85, "the paper's th: at or above it an estimate is reliable (Eq. 9, 10)",
        low=0.0, high=1.0, live=True)
    lost_threshold: float = setting(
        0.7, 'confidence below this makes a frame bad: it ends TRACKING, at once or after n_doubt '
        'or n_flow',
        low=0.0, high=1.0, live=True)
    unbroken_margin: float = setting(
        0.2, 'by how much lost_threshold and recover_threshold are lower until the first loss, but '
        'not below gone_threshold', low=0.0, high=1.0, live=True)
    gone_threshold: float = setting(
        0.2, 'confidence below this, if bad, counts towards LOST', low=0.0, high=1.0, live=True)
    recover_threshold: float = setting(
        0.85, 'confidence that ends UNCERTAIN', low=0.0, high=1.0, live=True)
    relocalise_threshold: float = setting(
        0.9, 'confidence that ends LOST', low=0.0, high=1.0, live=True)
    follow_threshold: float = setting(
        0.01, 'confidence from which the search still follows what it sees near while LOST; '
        'confidence_threshold for what is reliable alone, as in the paper', low=0.0, high=1.0,
        live=True)
    n_lost: int = setting(
        25, 'frames below gone_threshold until LOST', unit='frames', low=1, high=1000, live=True)
    n_doubt: int = setting(
        5, 'bad, but not gone frames since the last one of recover_threshold that leave it '
        'TRACKING, while place and size go on smoothly; 0: the first bad frame ends it',
        unit='frames', low=0, high=1000, live=True)
    n_flow: int = setting(
        10, 'bad frames since the last one of recover_threshold that leave it TRACKING until the '
        'first loss, while optical flow leads to where it is seen; 0: none', unit='frames', low=0,
        high=1000, live=True)
    n_recover: int = setting(
        1, 'good frames in a row that end UNCERTAIN', unit='frames', low=1, high=100, live=True)
    n_confirm: int = setting(
        2, 'good frames in a row from LOST to TRACKING, the first of which says '
        'RELOCALISED: at least 2', unit='frames', low=1, high=100, live=True)
    lost_time: float = setting(
        0.0, 'time UNCERTAIN until a frame below gone_threshold is LOST, 0 to count frames alone',
        unit='s', low=0.0, high=10.0, live=True)
    search_timeout: float = setting(
        0.0, 'time LOST until the target is dropped, 0 for never', unit='s', low=0.0, high=600.0,
        live=True)
    momentum_gate: str = setting(
        'fast', "when the centre drifts: 'fast' (reliable, moved more than its size: Sec. IV) or "
        "'confidence' (reliable: Eq. 9 as printed)", choices=('fast', 'confidence'), ablation=True)
    momentum: float = setting(1.0, 'gain of the drift of Eq. 9', low=0.0, high=1.0, live=True)
    search_growth: float = setting(
        1.0, 'search side while lost relative to the normal one, same scale', low=1.0, high=4.0,
        live=True)
    heat_map_cells: int = setting(
        128, 'cells along the longer image side', unit='cells', low=8, high=1024, ablation=True)
    heat_map_sigma: float = setting(
        0.5, 'sigma of Eq. 10 relative to the target size', low=0.05, high=4.0, ablation=True)
    heat_map_kernel: str = setting(
        'unit_mass', 'height of the Gaussian in Eq. 10', choices=('unit_mass', 'unit_peak'),
        ablation=True)
    heat_map_half_life: float = setting(
        0.0, 'frames until an observation counts half, 0 for never', unit='frames', low=0.0,
        high=100000.0, ablation=True)
    heat_map_inhibit: bool = setting(
        True, 'after a miss, search the next best place of the heat map', ablation=True)
    heat_map_floor: float = setting(
        0.1, 'least value of every place, relative to the highest, once places are inhibited: the '
        'search sweeps the whole image; 0 for places where the target was', low=0.0, high=1.0,
        ablation=True)
    penalty_k: float = setting(
        0.062, 'strength of the size and aspect penalty', low=0.0, high=1.0, live=True)
    window_influence: float = setting(
        0.38, 'weight of the cosine window', low=0.0, high=1.0, live=True)
    size_lr: float = setting(1.0, 'size update rate', low=0.0, high=1.0, live=True)
    reported_share: float = setting(
        0.75, 'share of the size that this image alone shows in the reported one; the rest is the '
        'smoothed size, by which the next image is searched; 0: that alone, as in the paper',
        low=0.0, high=1.0, live=True)
    online_weight: float = setting(
        0.5, "share of the target's own classifier, learnt while tracking, in the score map; 0 for "
        'the network alone', low=0.0, high=1.0)
    learn_threshold: float = setting(
        0.5, 'confidence from which classifier and colours learn from an image',
        low=0.0, high=1.0, live=True)
    box_correction: float = setting(
        0.7, "how much of the network's error on the first image is taken out of later boxes",
        low=0.0, high=1.0)
    course_spread: float = setting(
        0.25, 'standard deviation, relative to its size, of the distance from where the target was '
        'heading, by which one of several peaks is chosen; 0: its course is not known at all',
        low=0.0, high=10.0, live=True)
    backward_every: int = setting(
        10, 'images after which the first image is searched with what is followed, as it is in '
        'all doubtful ones; 0: never', unit='frames', low=0, high=1000)
    follow_roll: bool = setting(
        True, 'in doubt, look for the target rolled in the image plane, in steps of 45 degrees; '
        'needs backward_every')
    min_size: float = setting(
        3.0, 'smallest tracked width and height', unit='px', low=1.0, high=100.0, live=True)
    search_size: int = setting(
        255, 'side of the search patch; 255, 271, 287, ...', unit='px', low=255, high=831)
    steady_size: int = setting(
        207, 'side of the search patch, at the same scale, while the target is reliable and slow; '
        'the value of search_size for one size throughout', unit='px', low=127, high=831)
    crop: str = setting(
        'exact', "'exact' sub-pixel windows, or 'authors' (rounded as in the released tracker)",
        choices=('exact', 'authors'), ablation=True)

    def check(self) -> None:
        for name in ('search_size', 'steady_size'):
            if getattr(self, name) != next_patch_size(getattr(self, name)):
                raise SettingsError(
                    f'{name} must leave 15 when divided by 16, got {getattr(self, name)}')
        if self.steady_size > self.search_size:
            raise SettingsError(
                f'steady_size ({self.steady_size}) must not be above search_size '
                f'({self.search_size})')
        for name in ('recover_threshold', 'relocalise_threshold'):
            if getattr(self, name) < self.lost_threshold:
                raise SettingsError(f'{name} ({getattr(self, name)}) must not be below '
                                    f'lost_threshold ({self.lost_threshold})')

    @property
    def scheme(self) -> AdaptiveScheme:
        """The row of ``adaptive``."""
        return ADAPTIVE_SCHEMES[self.adaptive]
