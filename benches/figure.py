"""Figures of two panels as SVG: the same data give the same bytes. Needs matplotlib."""

from __future__ import annotations

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "zkstate"
mpl.rcParams["svg.fonttype"] = "none"
from matplotlib import pyplot as plt  # noqa: E402


def two_panels():
    """(figure, (left, right)), side by side."""
    return plt.subplots(1, 2, figsize=(10, 4))


def save(figure, path):
    """With a grid and a legend in each panel."""
    for panel in figure.axes:
        panel.grid(visible=True, which="both", alpha=0.2)
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
