"""Draws how processor time and memory grow with the books: from stdin, into a file."""

import json
import sys

import matplotlib.pyplot as plt

points = json.load(sys.stdin)
figure, panels = plt.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
for panel, (measure, title) in zip(
    panels, (("cpu", "processor seconds"), ("memory", "peak memory, MiB")), strict=True
):
    for name, by_size in points.items():
        sizes = sorted(by_size, key=int)
        panel.plot(
            [int(size) for size in sizes],
            [by_size[size][measure] for size in sizes],
            marker="o",
            label=name,
        )
    panel.set(xscale="log", yscale="log", xlabel="entries", title=title)
    panel.grid(which="both", alpha=0.3)
panels[0].legend()
figure.savefig(sys.argv[1], dpi=110)
