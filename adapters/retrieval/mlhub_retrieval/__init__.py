"""Embedding and hashing models of text, images and vectors, and search in their spaces."""

from __future__ import annotations

from mlhub_retrieval.adapter import Retrieval

__all__ = ["Retrieval"]
