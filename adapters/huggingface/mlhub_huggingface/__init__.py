"""Transformers as an adapter of ML Experiment Hub; nothing heavy is imported by this name."""

from __future__ import annotations

from mlhub_huggingface.adapter import HuggingFace

__all__ = ["HuggingFace"]
