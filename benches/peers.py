#!/usr/bin/env python3
"""Schwann's engine beside PyTorch, ONNX Runtime, OpenVINO and nnU-Net on the same cores.

    python3 benches/peers.py [--rounds N] [--threads N] [--only layer|tile|folder] [--isa avx2]

The first run makes a virtual environment in target/peers and installs the peers from PyPI into it. Competitors take turns, round by round;
the table gives the median seconds of each and its ratio to Schwann's. `--isa avx2` holds everybody who can be held to AVX2. The last
part labels a random scan with a random model folder, cold start included, and compares labels, seconds and peak memory.
Nothing else should run on the machine.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "target" / "peers"
PACKAGES = ["torch", "nnunetv2==2.8.1", "nibabel", "onnx", "onnxscript", "onnxruntime", "openvino"]
FEATURES = [32, 64, 128, 256, 320, 320]
STRIDES = [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2], [1, 2, 2]]
TILE = (40, 192, 160)
LAYERS = {"layer 32": (32, (48, 160, 160)), "layer 64": (64, (24, 80, 80)), "layer 320": (320, (6, 10, 10))}
TILES = {"tile flat": [1, 3, 3], "tile cubic": [3, 3, 3]}
SCAN = (48, 256, 224)
SPACING = (1.5, 0.41, 0.41)


def kernels(first):
    return [first] + [[3, 3, 3]] * 5


def network(first, deep=False):
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from torch import nn

    return PlainConvUNet(
        1, 6, FEATURES, nn.Conv3d, kernels(first), STRIDES, 2, 3, 2, conv_bias=True,
        norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=deep,
    ).eval()


def module(name):
    """The module of a bench and its input. A layer is a convolution with what follows it, as in Schwann's figure."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    if name in LAYERS:
        channels, size = LAYERS[name]
        conv = nn.Conv3d(channels, channels, 3, padding=1)
        if os.environ.get("PEERS_BARE"):
            return conv.eval(), torch.randn(1, channels, *size)
        norm = nn.InstanceNorm3d(channels, affine=True)
        return nn.Sequential(conv, norm, nn.LeakyReLU(inplace=True)).eval(), torch.randn(1, channels, *size)
    return network(TILES[name]), torch.randn(1, 1, *TILE)


def torch_runner(name, channels_last):
    import torch

    net, x = module(name)
    if channels_last:
        net, x = (v.to(memory_format=torch.channels_last_3d) for v in (net, x))

    def run():
        with torch.inference_mode():
            net(x)

    return run


def exported(name):
    import torch

    path = VENV / (name.replace(" ", "_") + ".onnx")
    net, x = module(name)
    if not path.exists():
        torch.onnx.export(net, (x,), str(path), dynamo=False, input_names=["x"], output_names=["y"])
    return str(path), x.numpy()


def onnx_runner(name, threads):
    import onnxruntime

    path, x = exported(name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def openvino_runner(name, threads):
    import openvino

    path, x = exported(name)
    config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(path, "CPU", config).create_infer_request()
    return lambda: request.infer({0: x})


def serve(peer, threads):
    """A peer's process: reads names of benches, prints seconds."""
    import torch

    torch.set_num_threads(threads)
    made = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in made:
            made.clear()
            made[name] = {
                "torch": lambda: torch_runner(name, False),
                "torch channels last": lambda: torch_runner(name, True),
                "onnxruntime": lambda: onnx_runner(name, threads),
                "openvino": lambda: openvino_runner(name, threads),
            }[peer]()
            made[name]()
        start = time.perf_counter()
        made[name]()
        print(time.perf_counter() - start, flush=True)


class Peer:
    def __init__(self, name, arguments):
        command = [sys.executable, __file__, "--serve", name, "--threads", str(arguments.threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, bench):
        self.process.stdin.write(bench + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class Schwann:
    def __init__(self, program, what):
        self.program, self.what = program, what

    def seconds(self, bench):
        lines = subprocess.run([self.program, "1", bench], capture_output=True, text=True, check=True).stdout.splitlines()
        found = [json.loads(line) for line in lines]
        return next(line["seconds"] for line in found if line["with"] == "schwann " + self.what)


def built(*arguments):
    """The program that cargo builds."""
    command = ["cargo", *arguments, "--locked", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    made = [json.loads(line).get("executable") for line in lines if line.startswith("{")]
    return [program for program in made if program][-1]


def speeds(arguments):
    program = built("bench", "--bench", "network", "--no-run")
    own = "AVX2" if arguments.isa == "avx2" else "AVX-512"
    peers = {"schwann": Schwann(program, own)}
    for name in ("torch", "torch channels last", "openvino") + (() if arguments.isa else ("onnxruntime",)):
        peers[name] = Peer(name, arguments)
    print(f"| bench ({own}, {arguments.threads} threads) | " + " | ".join(peers) + " |")
    print("| --- |" + " --- |" * len(peers))
    for bench in [*LAYERS, *TILES]:
        if arguments.only not in (None, bench.split()[0]):
            continue
        times = {name: [] for name in peers}
        for _ in range(arguments.rounds):
            for name, peer in peers.items():
                times[name].append(peer.seconds(bench))
        medians = {name: statistics.median(t) for name, t in times.items()}
        cells = [f"{s:.4f} s ({s / medians['schwann']:.2f})" for s in medians.values()]
        print(f"| {bench} | " + " | ".join(cells) + " |", flush=True)
    for peer in peers.values():
        if isinstance(peer, Peer):
            peer.process.kill()


def model_folder(folder):
    """A folder as nnU-Net writes it, with random weights."""
    import torch
    from torch import nn

    arch = {
        "n_stages": 6, "features_per_stage": FEATURES, "conv_op": "torch.nn.modules.conv.Conv3d", "kernel_sizes": kernels([1, 3, 3]),
        "strides": STRIDES, "n_conv_per_stage": [2] * 6, "n_conv_per_stage_decoder": [2] * 5, "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }
    resample = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    functions = {f"resampling_fn_{what}": "resample_data_or_seg_to_shape" for what in ("data", "seg", "probabilities")}
    configuration = {
        "data_identifier": "nnUNetPlans_3d_fullres", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2, "patch_size": list(TILE),
        "median_image_size_in_voxels": list(SCAN), "spacing": list(SPACING), "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False], **functions, "resampling_fn_data_kwargs": resample,
        "resampling_fn_seg_kwargs": {**resample, "is_seg": True, "order": 1}, "resampling_fn_probabilities_kwargs": {**resample, "order": 1},
        "batch_dice": False, "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet", "arch_kwargs": arch,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    plans = {
        "dataset_name": "Dataset902_Peers", "plans_name": "nnUNetPlans", "original_median_spacing_after_transp": list(SPACING),
        "original_median_shape_after_transp": list(SCAN), "image_reader_writer": "NibabelIOWithReorient", "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2], "configurations": {"3d_fullres": configuration}, "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager", "foreground_intensity_properties_per_channel": {
            "0": {"mean": 300.0, "std": 80.0, "min": 0.0, "max": 600.0, "median": 300.0, "percentile_00_5": 90.0, "percentile_99_5": 510.0},
        },
    }
    dataset = {"channel_names": {"0": "T2"}, "labels": {"background": 0, "vs": 1, "cochlea": 2}, "numTraining": 1, "file_ending": ".nii.gz"}
    torch.manual_seed(1)
    net = network([1, 3, 3], deep=True)
    for p in net.parameters():
        nn.init.normal_(p, 0, 0.3) if p.ndim == 1 else nn.init.kaiming_normal_(p, 1e-2)
    fold = folder / "fold_0"
    fold.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "network_weights": net.state_dict(), "optimizer_state": {}, "grad_scaler_state": None, "logging": {}, "_best_ema": None, "current_epoch": 1,
        "init_args": {"plans": plans, "configuration": "3d_fullres", "fold": 0, "dataset_json": dataset},
        "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    torch.save(checkpoint, fold / "checkpoint_final.pth")
    (folder / "plans.json").write_text(json.dumps(plans, indent=1))
    (folder / "dataset.json").write_text(json.dumps(dataset, indent=1))


def timed(command, environment):
    """Wall seconds and peak megabytes of a command with its children."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, tree_bytes(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    return time.perf_counter() - start, most >> 20


def tree_bytes(pid):
    """Resident bytes of a process and its children; pages that they share count once for each."""
    total, waiting = 0, [pid]
    while waiting:
        here = waiting.pop()
        try:
            total += int(Path(f"/proc/{here}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in Path(f"/proc/{here}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            pass
    return total


def folder(arguments):
    import nibabel
    import numpy

    model, scans, results = VENV / "model", VENV / "scans", VENV / "results"
    model_folder(model)
    scans.mkdir(exist_ok=True)
    # Smooth noise: random labels without millions of islands.
    rng = numpy.random.default_rng(1)
    image = numpy.kron(rng.normal(300, 80, [n // 8 for n in SCAN[::-1]]), numpy.ones((8, 8, 8))).astype("float32")
    image += rng.normal(0, 10, image.shape).astype("float32")
    nibabel.save(nibabel.Nifti1Image(image, numpy.diag([*SPACING[::-1], 1])), scans / "case_0000.nii.gz")
    environment = {**os.environ, "nnUNet_results": "none", "nnUNet_raw": "none", "nnUNet_preprocessed": "none",
                   "OMP_NUM_THREADS": str(arguments.threads), "RAYON_NUM_THREADS": str(arguments.threads)}
    predict = Path(sys.executable).parent / "nnUNetv2_predict_from_modelfolder"
    theirs = [predict, "-i", scans, "-o", results, "-m", model, "-f", "0", "-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"]
    out = VENV / "schwann.nii.gz"
    ours = [built("build", "--release", "--bin", "schwann"), "segment", scans / "case_0000.nii.gz", "-o", out, "--model", model, "--no-mirror"]
    rows = {"schwann": [], "nnUNetv2_predict": []}
    for _ in range(max(1, arguments.rounds // 3)):
        rows["schwann"].append(timed(ours, environment))
        rows["nnUNetv2_predict"].append(timed(theirs, environment))
    a, b = (numpy.asarray(nibabel.load(p).dataobj) for p in (out, results / "case.nii.gz"))
    print(f"\n| folder, scan of {SCAN} voxels, no mirroring | seconds | peak MB |\n| --- | --- | --- |")
    for name, measured in rows.items():
        seconds, most = (statistics.median(column) for column in zip(*measured))
        print(f"| {name} | {seconds:.1f} | {most:.0f} |")
    print(f"\n{(a != b).mean():.6%} of the voxels have another label.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=["layer", "tile", "folder"])
    parser.add_argument("--isa", choices=["avx2"])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if Path(sys.prefix).resolve() != VENV.resolve():
        python = VENV / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        os.environ["RAYON_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
        if arguments.isa:
            os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
        os.execv(python, [python, __file__, *sys.argv[1:]])
    if arguments.serve:
        return serve(arguments.serve, arguments.threads)
    if arguments.only in (None, "layer", "tile"):
        speeds(arguments)
    if arguments.only in (None, "folder"):
        folder(arguments)


if __name__ == "__main__":
    main()
