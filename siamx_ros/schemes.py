"""The adaptive tracking schemes, a row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AdaptiveScheme:
    """One adaptive tracking scheme.

    Attributes:
        relocaliser: module and class that say what is searched while the target is lost.
        compensates: whether the search centre drifts with the target (Eq. 9).
        keeps_anchor: whether the box stays where the target was last likely while it is lost.
        searches_whole: whether the whole image is searched at once.
    """

    relocaliser: str
    compensates: bool
    keeps_anchor: bool = True
    searches_whole: bool = False


_RELOCALISE = 'siamx_ros.tracking.relocalise'
ADAPTIVE_SCHEMES = {
    'off': AdaptiveScheme(f'{_RELOCALISE}:NoRelocaliser', False, keeps_anchor=False),
    'momentum': AdaptiveScheme(f'{_RELOCALISE}:NoRelocaliser', True),
    'relocalise': AdaptiveScheme(f'{_RELOCALISE}:HeatMapSearch', False),
    'paper': AdaptiveScheme(f'{_RELOCALISE}:HeatMapSearch', True),
    'global': AdaptiveScheme(f'{_RELOCALISE}:GlobalSearch', True, searches_whole=True),
}
"""A row a scheme; those of the paper's ablation are momentum, relocalise, paper (both) and off."""
