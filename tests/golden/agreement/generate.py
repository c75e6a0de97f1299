#!/usr/bin/env python3
"""Random pairs of masks and what medpy says of them, for tests/suite/measure_agreement.rs.

    pip install medpy==0.5.2 && python3 tests/golden/agreement/generate.py

Made with Python 3.11.7, medpy 0.5.2, numpy 2.4.6, scipy 1.17.1. Writes `pairs.json` beside itself. Masks are blobs: smoothed noise above a threshold, most of
which touch the border of the grid; stored as runs of equal voxels, the first of them outside, x fastest. The challenge's ASSD is the mean of the two directed means, as
`assd` was in medpy 0.4.0; 0.5 pools both lists instead, so `asd` is taken twice.
"""
import json
from pathlib import Path

import numpy as np
from medpy.metric.binary import asd, dc, hd95
from scipy.ndimage import gaussian_filter

CASES = [
    # shape (x, y, z), spacing mm, smoothing in voxels, part of the voxels inside, shift of the second mask
    ((12, 10, 8), (1.0, 1.0, 1.0), 1.5, 0.15, (1, 0, 0)),
    ((14, 11, 6), (0.41, 0.41, 1.5), 1.2, 0.2, (0, 1, 1)),
    ((9, 13, 7), (0.5, 0.8, 2.0), 1.0, 0.35, (2, 1, 0)),
    ((10, 10, 5), (0.47, 0.47, 1.2), 0.0, 0.3, (0, 0, 0)),
    ((7, 6, 5), (1.0, 2.0, 0.3), 0.8, 0.85, (0, 2, 0)),
    ((16, 9, 1), (0.6, 0.4, 3.0), 1.0, 0.3, (3, 1, 0)),
]


def blob(random, shape, smoothing, part):
    noise = gaussian_filter(random.standard_normal(shape), smoothing, mode="nearest")
    return noise > np.quantile(noise, 1 - part)


def runs(mask):
    flat = mask.ravel(order="F").astype(np.int8)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    return np.diff([0, *ends, flat.size]).tolist()


def pair(random, shape, spacing, smoothing, part, shift):
    a = blob(random, shape, smoothing, part)
    b = np.roll(a, shift, axis=(0, 1, 2)) ^ (random.random(shape) < 0.03)
    return {
        "shape": shape,
        "spacing_mm": spacing,
        "prediction": runs(a),
        "reference": runs(b),
        "dice": float(dc(a, b)),
        "assd_mm": float((asd(a, b, voxelspacing=spacing) + asd(b, a, voxelspacing=spacing)) / 2),
        "hd95_mm": float(hd95(a, b, voxelspacing=spacing)),
    }


def main():
    random = np.random.default_rng(5)
    pairs = [pair(random, *case) for case in CASES]
    text = ",\n".join(json.dumps(p) for p in pairs)
    Path(__file__).with_name("pairs.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
