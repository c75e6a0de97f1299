#!/usr/bin/env python3
"""Statistics of clinicians' outlines of vestibular schwannomas, to hold synthetic tumours against.

Reads a folder of JSON files, one a patient: {"patient", "structures": [{"structure", "name_in_source", "contours_lps_mm"}]}, where
"structure" is vestibular_schwannoma, cochlea or other, and every contour is a closed polygon on a plane (LPS, mm). Planes may be
oblique to the axes. Several contours on one plane are separate pieces (their union is taken). Writes one line a patient (CSV) and
prints medians and interquartile ranges by volume class (Markdown).

How the figures are made:
* Volume: area times the distance between planes, summed over planes (the first and last reach half a distance outwards).
* Shape: signed distances to the polygons are interpolated linearly from plane to plane (shape-based interpolation) and sampled on
  an isotropic grid. Extents, principal axes, the hull and the surface are those of the sampled solid.
* Surface: the integral of the length of the gradient of the mask smoothed by a Gaussian of one voxel (coarea formula).
* Convex hull and largest diameter: support function in 500 directions.
* Position: centre of the tumour less centre of the nearest cochlea, counted medially, posteriorly and superiorly.
"""

import argparse
import csv
import json
import pathlib
import re
import sys

import numpy as np

CLASSES_CM3 = [0.0, 0.15, 0.5, 1.5, 4.0, np.inf]
SUMMARY = [
    "volume_mm3", "extent_ml_mm", "extent_ap_mm", "extent_cc_mm", "ap_by_ml", "cc_by_ml", "axis2_by_axis1", "axis3_by_axis1",
    "long_axis_from_ml_degrees", "diameter_mm", "sphericity", "solidity", "planes", "medial_mm", "posterior_mm", "superior_mm",
    "cochlea_volume_mm3", "cochlea_distance_mm",
]


def directions(count):
    """Evenly spread unit vectors (a Fibonacci sphere)."""
    n = np.arange(count)
    z = 1 - (2 * n + 1) / count
    flat = np.sqrt(1 - z * z)
    angle = n * np.pi * (3 - np.sqrt(5))
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)


def polygon_area(polygon):
    x, y = polygon.T
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def signed_distance(polygon, points):
    """Distance (mm) of points in the plane to a closed polygon, negative inside (even-odd rule)."""
    a = polygon
    b = np.roll(a, -1, axis=0)
    long_enough = np.linalg.norm(b - a, axis=1) > 1e-6
    a, b = a[long_enough], b[long_enough]
    nearest = np.full(len(points), np.inf)
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for p, q in zip(a, b):
        edge = q - p
        part = np.clip((points - p) @ edge / (edge @ edge), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - p[0] - part * edge[0], y - p[1] - part * edge[1]))
        if p[1] != q[1]:
            crosses = (p[1] > y) != (q[1] > y)
            inside ^= crosses & (x < p[0] + (y - p[1]) * edge[0] / edge[1])
    return np.where(inside, -nearest, nearest)


def plane_axes(contours):
    """Rows: two axes in the plane of the contours, and their normal (pointing up)."""
    centred = np.concatenate([c - c.mean(axis=0) for c in contours])
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    normal = axes[2] if axes[2][2] >= 0 else -axes[2]
    first = np.cross([0.0, 1.0, 0.0], normal)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal])


def planes_of(contours, axes):
    """Contours grouped by plane: sorted [(offset along the normal, [polygons in the plane])]."""
    groups = []
    for contour in sorted(contours, key=lambda c: (c @ axes[2]).mean()):
        offset = (contour @ axes[2]).mean()
        polygon = contour @ axes[:2].T
        if groups and offset - groups[-1][0] < 0.2:
            groups[-1][1].append(polygon)
        else:
            groups.append((offset, [polygon]))
    return groups


def smooth(solid):
    """Gaussian of one voxel along every axis; the border must be empty."""
    kernel = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    kernel /= kernel.sum()
    for axis in range(3):
        solid = sum(k * np.roll(solid, n - 4, axis) for n, k in enumerate(kernel))
    return solid


def surface_mm2(mask, step):
    gradient = np.gradient(smooth(np.pad(mask, 6).astype(float)))
    return np.sqrt(sum(g * g for g in gradient)).sum() * step**2


def shape_of(distance, offsets, step, to_lps):
    """Descriptors of the solid whose signed distances on parallel planes are given.

    distance: [plane, row, column] on a lattice of `step` mm; offsets: places of the planes (mm); to_lps: function from arrays
    (plane offset mm, row, column) to LPS mm.
    """
    spacing = float(np.median(np.diff(offsets))) if len(offsets) > 1 else step
    levels = np.arange(offsets[0] - spacing / 2 + step / 2, offsets[-1] + spacing / 2, step)
    place = np.interp(levels, offsets, np.arange(len(offsets)))
    low = np.minimum(place.astype(int), len(offsets) - 1)
    high = np.minimum(low + 1, len(offsets) - 1)
    part = (place - low)[:, None, None]
    mask = (1 - part) * distance[low] + part * distance[high] < 0
    level, row, column = np.nonzero(mask)
    points = to_lps(levels[level], row, column)
    volume = len(points) * step**3
    centre = points.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.cov(points.T))
    lengths = np.sqrt(variance[::-1])
    sphere = directions(500)
    reach = np.max((points - centre) @ sphere.T, axis=0)
    width = reach + np.max((points - centre) @ -sphere.T, axis=0)
    box = np.ptp(points, axis=0) + step
    # The hull is counted on the lattice of the solid itself, so that a convex solid has solidity 1.
    level, row, column = (axis.ravel() for axis in np.indices(mask.shape))
    lattice = to_lps(levels[level], row, column) - centre
    for direction, far in zip(sphere, reach):
        lattice = lattice[lattice @ direction <= far + 1e-9]
    surface = surface_mm2(mask, step)
    return {
        "extent_ml_mm": box[0], "extent_ap_mm": box[1], "extent_cc_mm": box[2],
        "ap_by_ml": box[1] / box[0], "cc_by_ml": box[2] / box[0],
        "axis2_by_axis1": lengths[1] / lengths[0], "axis3_by_axis1": lengths[2] / lengths[0],
        "long_axis_from_ml_degrees": np.degrees(np.arccos(min(1.0, abs(vectors[0, 2])))),
        "diameter_mm": width.max(),
        "sphericity": (36 * np.pi * volume**2) ** (1 / 3) / surface,
        "solidity": len(points) / len(lattice),
        "sampled_volume_mm3": volume,
    }, points


def step_for(volume):
    """Voxel (mm): about a fifteenth of the tumour's size, so that small and large ones are sampled alike."""
    return float(np.clip(volume ** (1 / 3) / 15, 0.3, 1.0))


def solid_of(contours):
    """Volume (mm³), number of planes, descriptors and points of a structure."""
    axes = plane_axes(contours)
    planes = planes_of(contours, axes)
    offsets = np.array([offset for offset, _ in planes])
    spacing = float(np.median(np.diff(offsets))) if len(offsets) > 1 else np.nan
    volume = spacing * sum(polygon_area(p) for _, polygons in planes for p in polygons)
    if not volume > 0:
        return None
    step = step_for(volume)
    every = np.concatenate([p for _, polygons in planes for p in polygons])
    corner = every.min(axis=0) - 2 * step
    shape = np.ceil((every.max(axis=0) + 2 * step - corner) / step).astype(int)
    row, column = np.indices(shape)
    lattice = corner + step * np.stack([row.ravel(), column.ravel()], axis=1)
    distance = np.array(
        [np.min([signed_distance(p, lattice) for p in polygons], axis=0).reshape(shape) for _, polygons in planes]
    )

    def to_lps(offset, row, column):
        return np.stack([corner[0] + step * row, corner[1] + step * column, offset], axis=1) @ axes

    descriptors, points = shape_of(distance, offsets, step, to_lps)
    return volume, len(planes), spacing, descriptors, points


def position(tumour, cochlea):
    """Side and place of the tumour (mm) relative to the cochlea: medial, posterior, superior; and the least distance between them."""
    offset = tumour.mean(axis=0) - cochlea.mean(axis=0)
    # In LPS, x grows to the left, and the tumour lies medially of its cochlea.
    left = offset[0] < 0
    least = min(np.linalg.norm(tumour - p, axis=1).min() for p in cochlea)
    return {
        "side": "left" if left else "right", "medial_mm": abs(offset[0]), "posterior_mm": offset[1], "superior_mm": offset[2],
        "cochlea_distance_mm": least,
    }


def years_in(name):
    """Years after the main outline that a name such as "Vol 2y", "Vol2.5" or "Vol20mo" tells; calendar years are not counted."""
    match = re.search(r"(\d+(?:\.\d+)?)\s*(mo|m|y)?", name.replace("T2", ""))
    if not match or float(match[1]) > 100:
        return None
    return float(match[1]) / (12 if (match[2] or "").startswith("m") else 1)


def patient_line(path):
    record = json.loads(path.read_text())
    found = {"vestibular_schwannoma": [], "cochlea": [], "other": []}
    for structure in record["structures"]:
        contours = [np.array(c, float) for c in structure["contours_lps_mm"] if len(c) >= 3]
        if contours:
            found.setdefault(structure["structure"], []).append((structure["name_in_source"], contours))
    if not found["vestibular_schwannoma"]:
        return None
    # Where several outlines bear the tumour's name, the first counts.
    solid = solid_of(found["vestibular_schwannoma"][0][1])
    if solid is None:
        return None
    volume, count, spacing, descriptors, points = solid
    line = {"patient": record["patient"], "volume_mm3": volume, "planes": count, "plane_distance_mm": spacing} | descriptors
    centre = points.mean(axis=0)
    cochleae = [c for c in (solid_of(contours) for _, contours in found["cochlea"]) if c is not None]
    if cochleae:
        nearest = min(cochleae, key=lambda c: np.linalg.norm(c[4].mean(axis=0) - centre))
        line |= position(points, nearest[4]) | {"cochlea_volume_mm3": nearest[0]}
    others = []
    for name, contours in found["other"]:
        year = re.search(r"20\d\d", name)
        if not (years_in(name) or year):
            continue
        other = solid_of(contours)
        if other is not None:
            when = year[0] if year else f"{years_in(name):.2f}y"
            others.append(f"{when}:{other[0] / volume:.3f}")
    line["other_outlines_volume_ratio"] = " ".join(others)
    return line


def table(lines):
    """Markdown: median [quartiles] of every quantity by volume class."""
    classes = list(zip(CLASSES_CM3[:-1], CLASSES_CM3[1:]))
    members = [[l for l in lines if low <= l["volume_mm3"] / 1000 < high] for low, high in classes]
    heads = [f"{low:g}-{high:g} cm³ (n={len(m)})" for (low, high), m in zip(classes, members)]
    rows = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for key in SUMMARY:
        cells = []
        for group in members:
            values = [l[key] for l in group if l.get(key) is not None]
            cells.append("{1:.3g} [{0:.3g}, {2:.3g}]".format(*np.percentile(values, [25, 50, 75])) if values else "-")
        rows.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def write_csv(path, lines):
    names = list(dict.fromkeys(key for line in lines for key in line))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for line in lines:
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in line.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="folder of JSON files, one a patient")
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("outline_statistics.csv"), help="where the lines go")
    arguments = parser.parse_args()
    lines = []
    for path in sorted(arguments.folder.glob("*.json")):
        line = patient_line(path)
        if line is None:
            print(f"{path.name}: no tumour outline with a volume", file=sys.stderr)
        else:
            lines.append(line)
    write_csv(arguments.csv, lines)
    print(table(lines))


if __name__ == "__main__":
    main()
