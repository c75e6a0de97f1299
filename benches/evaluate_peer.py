#!/usr/bin/env python3
"""medpy's Dice, ASSD and HD95 of a pair of masks, and the time that they take: the peer of benches/evaluate.rs, which runs it.

    python3 benches/evaluate_peer.py ORDER

ORDER is JSON: `shape`, `spacing_mm`, and of `prediction` and `reference` the ellipsoids that they are the union of (see `Ellipsoid` there). Prints JSON with the
three numbers, `seconds` on the whole grid as the challenge's script measures, and `box_seconds` on the box that holds both masks. Needs `pip install medpy` (0.5.2
was used). The challenge's ASSD is the mean of the two directed means, as `assd` was in medpy 0.4.0; 0.5 pools both lists instead, so `asd` is taken twice.
"""
import json
import sys
import time

try:
    import numpy as np
    from medpy.metric.binary import asd, dc, hd95
except ImportError:
    sys.exit("skip: medpy is not installed")


def mask(shape, ellipsoids):
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    inside = np.zeros(shape, bool)
    for e in ellipsoids:
        squares = sum((w * (x - c)) ** 2 for w, x, c in zip(e["weight"], axes, e["centre"]))
        inside |= squares < e["radius"] ** 2
    return inside


def measured(a, b, spacing):
    start = time.perf_counter()
    dice = dc(a, b)
    assd = (asd(a, b, voxelspacing=spacing) + asd(b, a, voxelspacing=spacing)) / 2
    far = hd95(a, b, voxelspacing=spacing)
    return time.perf_counter() - start, {"dice": dice, "assd_mm": assd, "hd95_mm": far}


def main():
    order = json.loads(sys.argv[1])
    a, b = (mask(order["shape"], order[name]) for name in ("prediction", "reference"))
    where = np.nonzero(a | b)
    box = tuple(slice(n.min(), n.max() + 1) for n in where)
    seconds, numbers = measured(a, b, order["spacing_mm"])
    box_seconds = min(measured(a[box], b[box], order["spacing_mm"])[0] for _ in range(3))
    numbers = {name: float(value) for name, value in numbers.items()}
    print(json.dumps({**numbers, "seconds": seconds, "box_seconds": box_seconds}))


if __name__ == "__main__":
    main()
