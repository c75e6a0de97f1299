#!/usr/bin/env python3
"""Makes small model folders of nnU-Net v2 with random weights, scans, and the labels that nnU-Net itself gives them on the CPU.

    pip install nnunetv2==2.8.1 SimpleITK safetensors
    python generate.py

Each folder below holds `model/` (or the two folders of a cascade), `scan_000N.nii.gz`, and `expected.safetensors` with
  labels: what nnUNetPredictor writes (in the order of the file: slowest axis first),
  margin: by how much the best score beats the second at every voxel, or a region's score differs from zero (float16), and
  preprocessed: what the network saw (only for some, to keep the repository small).
"""

import itertools
import json
import pathlib
import shutil

import numpy as np
import SimpleITK as sitk
import torch
from safetensors.numpy import save_file
from torch import nn

from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.label_handling.label_handling import convert_labelmap_to_one_hot, determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

HERE = pathlib.Path(__file__).parent
SPLINE = {"force_separate_z": None, "is_seg": False, "order": 3, "order_z": 0}


def configuration(residual=False, old=False, dim=3, patch=(16, 32, 32), spacing=(1.0, 0.5, 0.5), channels=1, torchres=False, **more):
    features, strides, kernels = [4, 8, 12], [[1, 1, 1], [1, 2, 2], [2, 2, 2]], [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
    if dim == 2:
        patch, spacing = patch[1:], spacing[1:]
        strides, kernels = [s[1:] for s in strides], [k[1:] for k in kernels]
    name = "resample_torch_fornnunet" if torchres else "resample_data_or_seg_to_shape"
    arguments = lambda **k: {"is_seg": k["is_seg"], "force_separate_z": False} if torchres else {**SPLINE, **k}
    result = {
        "data_identifier": "x", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2, "patch_size": list(patch),
        "median_image_size_in_voxels": list(patch), "spacing": list(spacing),
        "normalization_schemes": ["ZScoreNormalization"] * channels, "use_mask_for_norm": [False] * channels,
        "resampling_fn_data": name, "resampling_fn_data_kwargs": arguments(is_seg=False, order=3),
        "resampling_fn_seg": name, "resampling_fn_seg_kwargs": arguments(is_seg=True, order=1),
        "resampling_fn_probabilities": name, "resampling_fn_probabilities_kwargs": arguments(is_seg=False, order=1),
        "batch_dice": False,
    }
    down = [1, 2, 2] if residual else [2, 1, 2]
    up = [1, 1] if residual else [2, 1]
    if old:
        result |= {
            "UNet_class_name": "ResidualEncoderUNet" if residual else "PlainConvUNet", "UNet_base_num_features": 4,
            "unet_max_num_features": 12, "n_conv_per_stage_encoder": down, "n_conv_per_stage_decoder": up,
            "num_pool_per_axis": [1, 2, 2], "pool_op_kernel_sizes": strides, "conv_kernel_sizes": kernels,
        }
    else:
        result["architecture"] = {
            "network_class_name": "dynamic_network_architectures.architectures.unet."
            + ("ResidualEncoderUNet" if residual else "PlainConvUNet"),
            "arch_kwargs": {
                "n_stages": 3, "features_per_stage": features, "conv_op": f"torch.nn.modules.conv.Conv{dim}d",
                "kernel_sizes": kernels, "strides": strides, ("n_blocks_per_stage" if residual else "n_conv_per_stage"): down,
                "n_conv_per_stage_decoder": up, "conv_bias": True,
                "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dim}d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }
    return {**result, **more}


def plans(configurations, transpose=(0, 1, 2), reader="SimpleITKIO"):
    back = [transpose.index(a) for a in range(3)]
    intensities = {"mean": 210.0, "std": 90.0, "min": 0.0, "max": 900.0, "median": 200.0, "percentile_00_5": 20.0, "percentile_99_5": 600.0}
    return {
        "dataset_name": "Dataset900_Small", "plans_name": "nnUNetPlans", "original_median_spacing_after_transp": [1.0, 0.5, 0.5],
        "original_median_shape_after_transp": [20, 40, 40], "image_reader_writer": reader, "transpose_forward": list(transpose),
        "transpose_backward": back, "configurations": configurations, "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager", "foreground_intensity_properties_per_channel": {str(n): intensities for n in range(4)},
    }


def dataset(labels=None, channels=("hrT2",), **more):
    labels = labels or {"background": 0, "VS": 1, "cochlea": 2}
    return {"channel_names": {str(n): c for n, c in enumerate(channels)}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz", **more}


def write_model(folder, plan, data, name, folds=1, mirror=(0, 1, 2), seed=0):
    manager = PlansManager(plan)
    chosen = manager.get_configuration(name)
    heads = manager.get_label_manager(data).num_segmentation_heads
    for fold in range(folds):
        torch.manual_seed(100 * seed + fold)
        network = nnUNetTrainer.build_network_architecture(
            manager, chosen, determine_num_input_channels(manager, chosen, data), heads, enable_deep_supervision=True
        )
        for p in network.parameters():
            nn.init.normal_(p, 0.2, 0.4) if p.ndim == 1 else nn.init.kaiming_normal_(p, 1e-2)
        at = folder / f"fold_{fold}"
        at.mkdir(parents=True)
        torch.save(
            {
                "network_weights": network.state_dict(), "optimizer_state": {}, "grad_scaler_state": None,
                "logging": {"mean_fg_dice": [np.float64(0.5)], "epoch_end_timestamps": [1.5]}, "_best_ema": np.float32(0.25),
                "current_epoch": 1, "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": mirror,
                "init_args": {"plans": {}, "configuration": name, "fold": fold, "dataset_json": {}, "device": torch.device("cpu")},
            },
            at / "checkpoint_final.pth",
        )
    (folder / "plans.json").write_text(json.dumps(plan, indent=1))
    (folder / "dataset.json").write_text(json.dumps(data, indent=1))


def write_scan(path, shape, spacing, seed, direction=None, border=0):
    """Blobs and noise; `border` voxels of zeros on the low side of each axis."""
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(0, 1, n) for n in shape], indexing="ij")
    image = np.zeros(shape)
    for _ in range(12):
        c, r = random.uniform(0, 1, 3), random.uniform(0.05, 0.3)
        image += random.uniform(-200, 500) * np.exp(-((z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2) / r**2)
    image = np.clip(image + 250 + random.normal(0, 25, shape), 1, 3000).astype(np.int16)
    if border:
        image[:border], image[:, :border], image[:, :, :border] = 0, 0, 0
    itk = sitk.GetImageFromArray(image)
    itk.SetSpacing(spacing[::-1])
    itk.SetOrigin((-7.0, 11.0, 3.0))
    if direction:
        itk.SetDirection(direction)
    sitk.WriteImage(itk, str(path), True)


def logits_of(folder, scans, previous, folds):
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False, verbose=False)
    predictor.initialize_from_trained_model_folder(str(folder), folds)
    manager, chosen, labels = predictor.plans_manager, predictor.configuration_manager, predictor.label_manager
    data, seg, properties = DefaultPreprocessor(verbose=False).run_case(
        [str(s) for s in scans], previous and str(previous), manager, chosen, predictor.dataset_json
    )
    if previous:
        data = np.vstack((data, convert_labelmap_to_one_hot(seg[0], labels.foreground_labels, data.dtype)))
    logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data).float()).numpy()
    return predictor, data, properties, logits


def balance(folder, scans, previous):
    """Moves the scores of random networks so that every label is found somewhere."""
    for path in sorted(folder.glob("fold_*/checkpoint_final.pth")):
        *_, logits = logits_of(folder, scans, previous, (int(path.parent.name[5:]),))
        checkpoint = torch.load(path, weights_only=False)
        weights = checkpoint["network_weights"]
        bias = max(k for k in weights if k.startswith("decoder.seg_layers.") and k.endswith("bias"))
        weights[bias] -= torch.from_numpy(np.median(logits.reshape(len(logits), -1).astype(np.float32), 1))
        torch.save(checkpoint, path)


def predict(folder, scans, previous=None, keep_preprocessed=False):
    balance(folder, scans, previous)
    predictor, data, properties, logits = logits_of(folder, scans, previous, None)
    manager, chosen, labels = predictor.plans_manager, predictor.configuration_manager, predictor.label_manager
    spacing = [properties["spacing"][i] for i in manager.transpose_forward]
    current = chosen.spacing if len(chosen.spacing) == 3 else [spacing[0], *chosen.spacing]
    full = np.asarray(chosen.resampling_fn_probabilities(
        logits, properties["shape_after_cropping_and_before_resampling"], current, spacing
    )).astype(np.float32)
    found = np.asarray(labels.convert_logits_to_segmentation(np.asarray(full)))
    if labels.has_regions:
        margin = np.abs(full).min(0)
    else:
        ordered = np.sort(full, 0)
        margin = ordered[-1] - ordered[-2]
    box = tuple(slice(*b) for b in properties["bbox_used_for_cropping"])

    def native(array, dtype):
        whole = np.zeros(properties["shape_before_cropping"], dtype)
        whole[box] = array
        return np.ascontiguousarray(whole.transpose(manager.transpose_backward))

    result = {"labels": native(found, np.uint8), "margin": native(np.minimum(margin, 6e4), np.float16)}
    if "WithReorient" in manager.plans["image_reader_writer"]:
        image = sitk.ReadImage(str(scans[0]))
        code = sitk.DICOMOrientImageFilter_GetOrientationFromDirectionCosines(image.GetDirection())
        for name, array in result.items():
            itk = sitk.GetImageFromArray(array.astype(np.float32))
            itk.SetDirection(sitk.DICOMOrient(image, "RAS").GetDirection())
            result[name] = sitk.GetArrayFromImage(sitk.DICOMOrient(itk, code)).astype(array.dtype)
    if keep_preprocessed:
        result["preprocessed"] = data.astype(np.float32)
    result["proportions"] = np.bincount(result["labels"].ravel(), minlength=4).astype(np.float32)
    return result


def case(name, make, scans, **how):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    paths = []
    for n, scan in enumerate(scans):
        paths.append(folder / f"scan_{n:04}.nii.gz")
        write_scan(paths[-1], **scan)
    result = make(folder, paths, **how)
    print(name, result["labels"].shape, "voxels of each label:", result.pop("proportions"))
    save_file(result, str(folder / "expected.safetensors"))


def simple(plan, data, name="3d_fullres", keep=False, **how):
    def make(folder, scans):
        write_model(folder / "model", plan, data, name, **how)
        return predict(folder / "model", scans, keep_preprocessed=keep)
    return make


def cascade(folder, scans):
    low = configuration(spacing=(1.6, 0.8, 0.8))
    full = configuration(spacing=(1.0, 0.5, 0.5), previous_stage="3d_lowres")
    plan, data = plans({"3d_lowres": low, "3d_cascade_fullres": full}), dataset()
    at = lambda stage: folder / f"nnUNetTrainer__nnUNetPlans__{stage}"
    write_model(at("3d_lowres"), plan, data, "3d_lowres", seed=7)
    write_model(at("3d_cascade_fullres"), plan, data, "3d_cascade_fullres", seed=8, mirror=None)
    first = predict(at("3d_lowres"), scans)
    image = sitk.ReadImage(str(scans[0]))
    labels = sitk.GetImageFromArray(first["labels"])
    labels.CopyInformation(image)
    previous = folder / "previous.nii.gz"
    sitk.WriteImage(labels, str(previous))
    result = predict(at("3d_cascade_fullres"), scans, previous=previous)
    previous.unlink()
    return result


def main():
    torch.set_num_threads(2)
    scan = lambda seed, shape=(22, 44, 38), spacing=(1.2, 0.45, 0.45), **more: {"shape": shape, "spacing": spacing, "seed": seed, **more}
    one = lambda c: {"3d_fullres": c}
    case("plain", simple(plans(one(configuration())), dataset(), folds=2, keep=True), [scan(1)])
    case(
        "residual",
        simple(plans(one(configuration(residual=True)), transpose=(2, 0, 1)), dataset(), mirror=(0, 2), seed=1),
        [scan(2, shape=(36, 30, 20), spacing=(0.6, 0.6, 1.1))],
    )
    case(
        "separate_z",
        simple(plans(one(configuration(residual=True, old=True, spacing=(2.2, 0.5, 0.5)))), dataset(), mirror=None, seed=2, keep=True),
        [scan(3, shape=(18, 40, 44), spacing=(1.9, 0.42, 0.42))],
    )
    masked = configuration(old=True, use_mask_for_norm=[True])
    case("masked_padded", simple(plans(one(masked)), dataset(), mirror=(1,), seed=3), [scan(4, shape=(13, 30, 50), border=4)])
    regions = {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}
    two = configuration(channels=2, torchres=True, normalization_schemes=["CTNormalization", "RescaleTo01Normalization"])
    case(
        "regions",
        simple(plans(one(two)), dataset(regions, channels=("hrT2", "ceT1"), regions_class_order=[1, 2]), mirror=None, seed=4),
        [scan(5), scan(6)],
    )
    case("flat", simple(plans({"2d": configuration(dim=2)}), dataset(), "2d", mirror=(0, 1), seed=5), [scan(7)])
    child = {"inherits_from": "3d_fullres", "normalization_schemes": ["NoNormalization"]}
    case(
        "reoriented",
        simple(
            plans({"3d_fullres": configuration(), "child": child}, reader="SimpleITKIOWithReorient"),
            dataset({"background": 0, "VS": 1, "cochlea": 2, "ignore": 3}), "child", mirror=None, seed=6,
        ),
        [scan(8, shape=(40, 18, 36), spacing=(0.5, 1.0, 0.55), direction=(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0))],
    )
    case("cascade", cascade, [scan(9)])
    parts = dataset({"background": 0, "VS": [1, 2], "ignore": 3}, regions_class_order=[1])
    case("parts", simple(plans(one(configuration())), parts, mirror=None, seed=9), [scan(10, shape=(16, 36, 34))])


if __name__ == "__main__":
    main()
