"""Weights in eight bits, one step at a time."""

import torch


def rounded_filter(weights: torch.Tensor) -> torch.Tensor:
    """In whole steps, a step at a time towards the sum: the weight that loses least by it moves."""
    unit = weights.abs().max() / 127
    exact, steps = weights / unit, (weights / unit).round()
    while abs(missing := float((exact - steps).sum())) > 0.5:
        towards = 1 if missing > 0 else -1
        loss = (steps + towards - exact).abs() + 1000 * (steps.abs() == 127)
        loss += 1000 * ((steps - exact.round()).abs() > 0.5)  # each is moved once
        steps.view(-1)[loss.argmin()] += towards
    return steps * unit
