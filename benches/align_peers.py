#!/usr/bin/env python3
"""`schwann register` beside SimpleITK and ANTs on the same files, with the same two threads.

    cargo run --release --example align_report -- FOLDER    # makes the phantom pairs
    python3 benches/align_peers.py FOLDER [--pairs N] [--schwann PATH] [--venv FOLDER]

The first run makes a virtual environment and installs SimpleITK and antspyx from PyPI into it. Competitors take turns, pair by pair. Each
gets two files and gives a transform; seconds count from the scans in memory to the transform (Schwann's are those it reports), and the
error is the mean distance at the tumour from the known pose. Nothing is tuned on the pairs: peers run as their documentation shows for
rigid alignment of MRI. Nothing else should run on the machine.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["SimpleITK", "antspyx", "nibabel"]
KINDS = ["same", "site", "ceT1"]
THREADS = 2


def sitk_register(fixed_path, moving_path):
    """Mattes mutual information on 10 % of the voxels, three resolutions, started from the centres: SimpleITK's own example."""
    import numpy as np
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(THREADS)
    fixed, moving = (sitk.ReadImage(str(p), sitk.sitkFloat32) for p in (fixed_path, moving_path))
    started = time.perf_counter()
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.GEOMETRY)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.1, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsGradientDescent(1.0, 100, 1e-6, 10)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    found = method.Execute(fixed, moving)
    seconds = time.perf_counter() - started
    origin = np.array(found.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(found.TransformPoint(tuple(e))) - origin for e in np.eye(3)]
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = np.stack(columns, axis=1), origin
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ lps @ flip, seconds


def ants_register(fixed_path, moving_path):
    """`ants.registration` with its rigid preset."""
    import ants
    import numpy as np

    fixed, moving = (ants.image_read(str(p)) for p in (fixed_path, moving_path))
    started = time.perf_counter()
    found = ants.registration(fixed, moving, type_of_transform="Rigid", random_seed=1)
    seconds = time.perf_counter() - started
    transform = ants.read_transform(found["fwdtransforms"][0])
    origin = np.array(ants.apply_ants_transform_to_point(transform, (0.0, 0.0, 0.0)))
    columns = [np.array(ants.apply_ants_transform_to_point(transform, tuple(e))) - origin for e in np.eye(3)]
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = np.stack(columns, axis=1), origin
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ lps @ flip, seconds


def schwann_register(program):
    import numpy as np

    def run(fixed_path, moving_path):
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "register", fixed_path, moving_path, "-o", f"{folder}/t.json", "--json"]
            out = subprocess.run([str(c) for c in command], check=True, capture_output=True, env=environment())
        found = json.loads(out.stdout)
        return np.array(found["world_moving_from_world_fixed"]), found["seconds"]

    return run


def environment():
    return dict(os.environ, RAYON_NUM_THREADS=str(THREADS), ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=str(THREADS))


def compare(arguments):
    import nibabel
    import numpy as np

    peers = {"schwann": schwann_register(arguments.schwann), "SimpleITK": sitk_register, "ANTs": ants_register}
    results = {(kind, peer): [] for kind in KINDS for peer in peers}
    heads = sorted(p.name[:2] for p in arguments.folder.glob("*_ceT1.json"))
    for head in heads[: arguments.pairs]:
        path = lambda name: arguments.folder / f"{head}_{name}"
        labels = nibabel.load(path("fixed_labels.nii.gz"))
        voxels = np.argwhere(np.asarray(labels.dataobj) == 1)
        points = np.c_[voxels, np.ones(len(voxels))] @ labels.affine.T
        pose = lambda name: np.array(json.loads(path(f"{name}.json").read_text()))
        for kind in KINDS:
            truth = pose(kind) @ np.linalg.inv(pose("fixed"))
            for peer, register in peers.items():
                found, seconds = register(path("fixed.nii"), path(f"{kind}.nii"))
                error = np.linalg.norm((points @ (found - truth).T)[:, :3], axis=1).mean()
                results[kind, peer].append((error, seconds))
                print(f"{head} {kind} {peer}: {error:.3f} mm, {seconds:.2f} s", flush=True)
    print("| pair | who | error at the tumour mm: median | largest | over 1 mm | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (kind, peer), found in results.items():
        errors, seconds = zip(*found)
        failed = sum(e > 1.0 for e in errors)
        print(f"| {kind} | {peer} | {statistics.median(errors):.3f} | {max(errors):.3f} | {failed} of {len(errors)} "
              f"| {statistics.median(seconds):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=5, help="heads to look at")
    parser.add_argument("--schwann", default=str(ROOT / "target" / "release" / "schwann"))
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "align_peers")
    arguments = parser.parse_args()
    python = arguments.venv / "bin" / "python"
    if Path(sys.prefix) != arguments.venv.resolve():
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(arguments.venv)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        sys.exit(subprocess.run([str(python), *sys.argv], env=environment()).returncode)
    compare(arguments)


if __name__ == "__main__":
    main()
