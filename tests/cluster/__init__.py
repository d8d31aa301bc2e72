"""Tests of scoring, serving and studies on a Ray cluster of three nodes: `make cluster`."""
