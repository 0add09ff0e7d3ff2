"""Draws how processor time and memory grow with the books: from stdin, into a file."""

import json
import sys

import matplotlib.pyplot as plt
from PIL import Image

TITLES = {"cpu": "processor seconds", "memory": "peak memory, MiB"}

curves = json.load(sys.stdin)
figure, panels = plt.subplots(1, 2, figsize=(11, 5.5), facecolor="white")
colours: dict[str, str] = {}
for panel, (measure, title) in zip(panels, TITLES.items(), strict=True):
    for name, by_size in curves[measure].items():
        command, _, run = name.rpartition(", ")
        colour = colours.setdefault(command or name, f"C{len(colours)}")
        sizes = sorted(by_size, key=int)
        panel.plot(
            [int(size) for size in sizes],
            [by_size[size] for size in sizes],
            color=colour,
            linestyle="--" if run == "again" else "-",
            marker="o",
            label=name,
        )
    panel.set(xscale="log", yscale="log", xlabel="entries", title=title)
    panel.grid(which="both", alpha=0.3)
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
figure.set_layout_engine("constrained")
figure.savefig(sys.argv[1], dpi=110)
# A few colours are enough, and keep the picture small.
Image.open(sys.argv[1]).convert("RGB").quantize(64).save(sys.argv[1], optimize=True)
