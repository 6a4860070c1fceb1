"""Trackers of others whose answers to training patches are learnt from (knowledge distillation)."""
