"""Writes a zoo of small NIfTI and Analyze files, and what nibabel and numpy find in them.

    python3 generate.py        (versions that made the files in the repository: versions.txt)

Files go to ../../fixtures/nifti, expectations to expected.json. The affine and the stored values come from nibabel; the identity
(`sha256`) is computed here from its definition: float32 of (stored * slope + intercept), axes brought to the closest RAS, little-endian,
x fastest, then y, z, t.
"""

import gzip
import hashlib
import json
import pathlib
import platform
import shutil

import nibabel as nib
import numpy as np
from nibabel.eulerangles import euler2mat
from nibabel.orientations import aff2axcodes, apply_orientation, io_orientation

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "fixtures" / "nifti"
SHAPE = (5, 4, 3)
CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
NAMES = {np.dtype(k).name: v for k, v in CODES.items()}
HEADERS = {
    ("nifti1", "single"): nib.Nifti1Header,
    ("nifti1", "pair"): nib.nifti1.Nifti1PairHeader,
    ("nifti2", "single"): nib.Nifti2Header,
    ("nifti2", "pair"): nib.nifti2.Nifti2PairHeader,
    ("analyze", "pair"): nib.Spm2AnalyzeHeader,
}
cases = []


def values(dtype, shape=SHAPE, seed=1):
    """Distinct values that fill the type's range; floats with a few that are not finite."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        a = rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
        a.flat[0], a.flat[-1] = info.min, info.max
        return a
    a = (rng.normal(size=shape) * 1e3).astype(dtype)
    a.flat[3], a.flat[7], a.flat[11] = np.nan, np.inf, -0.0
    return a


def small(shape=SHAPE):
    """An int16 ramp in which no two voxels are alike."""
    return (np.arange(np.prod(shape)) * 7 - 50).astype("i2").reshape(shape, order="F")


def affine(kind):
    zooms = np.diag([0.5, 0.75, 1.5])
    matrix = {
        "ras": zooms,
        "las": np.diag([-1, 1, 1]) @ zooms,
        "lps": np.diag([-1, -1, 1]) @ zooms,
        "rpi": np.diag([1, -1, -1]) @ zooms,
        "asr": np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]) @ zooms,
        "pil": np.array([[0, 0, -1.0], [-1, 0, 0], [0, -1, 0]]) @ zooms,
        "oblique": euler2mat(0.2, -0.1, 0.3) @ zooms,
        "oblique_pil": euler2mat(0.2, -0.1, 0.3) @ np.array([[0, 0, -1.0], [-1, 0, 0], [0, -1, 0]]) @ zooms,
        "double_oblique": euler2mat(0.9, -0.7, 0.8) @ np.diag([1, -1, 1]) @ zooms,
        "sheared": euler2mat(0.1, 0.2, -0.3) @ zooms @ np.array([[1, 0.2, 0.1], [0, 1, -0.3], [0, 0, 1]]),
        # The strongest axis must choose first: in column order the first axis would take its patient axis.
        "contested": np.array([[0.7, 0.9, 0.1], [0.6, -0.2, 0.3], [0.1, 0.2, -1.0]]),
    }[kind]
    out = np.eye(4)
    out[:3, :3] = matrix
    out[:3, 3] = [-31.5, 12.25, 40.125]
    return out


def make(name, data, format="nifti1", layout="single", endian="<", form="sform", kind="oblique", slope=0.0, inter=0.0,
         extension=b"\0\0\0\0", gap=0, tail=b"", zipped=False, edit=None, ask=None):
    """Writes one case. `edit` changes header fields last; `ask` names the half of the pair that is read."""
    header = HEADERS[format, layout](endianness=endian)
    s = header._structarr
    s["dim"] = 1
    s["dim"][0] = data.ndim
    s["dim"][1:1 + data.ndim] = data.shape
    s["datatype"] = NAMES[data.dtype.name]
    s["bitpix"] = data.dtype.itemsize * 8
    s["pixdim"][1:4] = [0.5, 0.75, 1.5]
    s["scl_slope"], s["scl_inter"] = slope, inter
    if format != "analyze":
        a = affine(kind)
        s["xyzt_units"] = 2
        if form in ("sform", "both"):
            header.set_sform(a, 1)
        if form in ("qform", "both"):
            header.set_qform(a, 1)
    body = data.astype(data.dtype.newbyteorder(endian)).tobytes(order="F")
    if format == "analyze":
        extension = b""
    if layout == "single":
        s["vox_offset"] = len(header.binaryblock) + len(extension) + gap
    else:
        s["vox_offset"] = gap
    if edit:
        edit(s)
    pad = bytes((37 * n + 1) % 256 for n in range(gap))
    suffix = ".gz" if zipped else ""
    wrap = (lambda b: gzip.compress(b, 9, mtime=0)) if zipped else (lambda b: b)
    if layout == "single":
        asked = f"{name}.nii{suffix}"
        (OUT / asked).write_bytes(wrap(header.binaryblock + extension + pad + body + tail))
    else:
        (OUT / f"{name}.hdr{suffix}").write_bytes(wrap(header.binaryblock + extension))
        (OUT / f"{name}.img{suffix}").write_bytes(wrap(pad + body + tail))
        asked = f"{name}.{ask or 'hdr'}{suffix}"
    record(asked, format)


def digest(x, orientation):
    x = x.reshape(x.shape + (1,) * (3 - x.ndim))
    with np.errstate(all="ignore"):
        return hashlib.sha256(apply_orientation(x, orientation).astype("<f4").tobytes("F")).hexdigest()


def record(asked, format):
    image = nib.load(OUT / asked)
    stored = np.asarray(image.dataobj.get_unscaled())
    header = image._load_cache["header"]
    slope, inter = header.get_slope_inter()
    x = stored.astype(np.float64)
    if slope is not None:
        x = x * float(slope) + float(inter)
    first = x.reshape(x.shape[:3] + (-1,))[..., 0] if x.ndim > 3 else x
    orientation = io_orientation(image.affine)
    finite = x[np.isfinite(x)]
    source = "none"
    if format != "analyze":
        if header["sform_code"] in range(1, 6):
            source = "sform"
        elif header["qform_code"] in range(1, 6):
            source = "qform"
    statistics = None
    if finite.size:
        statistics = [float(f) for f in (finite.min(), finite.max(), finite.mean(), *np.percentile(finite, [1, 50, 99]))]
    cases.append({
        "file": asked,
        "format": format,
        "shape": list(image.shape),
        "datatype": stored.dtype.name,
        "affine": image.affine.astype(float).tolist(),
        "affine_source": source,
        "orientation": "".join(aff2axcodes(image.affine)),
        "slope": 1.0 if slope is None else float(slope),
        "intercept": 0.0 if slope is None else float(inter),
        "sha256": digest(x, orientation),
        "first_sha256": digest(first, orientation),
        "statistics": statistics,
    })


def field(**fields):
    def edit(s):
        for name, value in fields.items():
            s[name] = value
    return edit


def at(name, index, value):
    def edit(s):
        s[name][index] = value
    return edit


def extension_block(endian, content=b"a comment", code=6):
    size = (8 + len(content) + 15) // 16 * 16
    return b"\1\0\0\0" + np.array([size, code], np.dtype("i4").newbyteorder(endian)).tobytes() + content.ljust(size - 8, b"\0")


def stored_types():
    for endian, order in (("<", "le"), (">", "be")):
        for dtype in CODES:
            make(f"n1_{dtype}_{order}", values(dtype), endian=endian, zipped=dtype in ("i2", "f8", "i8"))
            make(f"n2_{dtype}_{order}", values(dtype), "nifti2", endian=endian, zipped=dtype in ("u1", "i4", "u8"))
        for dtype in ("u1", "i2", "f4", "u8"):
            make(f"n1pair_{dtype}_{order}", values(dtype), layout="pair", endian=endian, zipped=dtype == "i2", ask="img")
            make(f"n2pair_{dtype}_{order}", values(dtype), "nifti2", "pair", endian=endian, zipped=dtype == "f4")
        for dtype in ("u1", "i2", "i4", "f4", "f8"):
            make(f"analyze_{dtype}_{order}", values(dtype), "analyze", "pair", endian=endian, slope=0, zipped=dtype == "i4",
                 ask="img" if dtype == "i2" else "hdr")


def places():
    for kind in ("ras", "las", "lps", "rpi", "asr", "pil", "oblique", "oblique_pil", "double_oblique"):
        make(f"sform_{kind}", small(), kind=kind)
        make(f"qform_{kind}", small(), kind=kind, form="qform", endian=">")
    for kind in ("sheared", "contested"):
        make(f"sform_{kind}", small(), kind=kind)
        make(f"n2_sform_{kind}", small(), "nifti2", kind=kind)
    make("both_forms", small(), form="both")
    make("both_forms_differ", small(), form="both", edit=field(qoffset_x=-30.5))
    make("no_form", small(), form="none")
    make("n2_no_form", small(), "nifti2", form="none", endian=">")
    make("no_form_flat", small((5, 4)), form="none")
    make("n2_qform", small(), "nifti2", form="qform", kind="pil")
    half_turn = field(qform_code=1, quatern_b=0, quatern_c=0.6, quatern_d=0.8)
    make("qform_half_turn", small(), form="none", edit=half_turn)
    over_one = field(qform_code=1, quatern_b=0.6, quatern_c=0.8, quatern_d=0.0005)
    make("qform_slightly_over_one", small(), form="none", edit=over_one)
    make("n2_qform_half_turn", small(), "nifti2", form="none", edit=half_turn)
    make("qfac_zero", small(), form="qform", edit=at("pixdim", 0, 0))
    make("qfac_two", small(), form="qform", edit=at("pixdim", 0, 2))
    make("qfac_mirrors", small(), form="qform", edit=at("pixdim", 0, -1))
    make("pixdim_zero_qform", small(), form="qform", edit=at("pixdim", 2, 0))
    make("pixdim_negative_qform", small(), form="qform", edit=at("pixdim", 1, -0.5))
    make("pixdim_negative_no_form", small(), form="none", edit=at("pixdim", 3, -2))
    make("form_codes_unknown", small(), form="both", edit=field(sform_code=9, qform_code=2))
    make("form_codes_both_unknown", small(), form="both", edit=field(sform_code=-1, qform_code=6))
    make("form_codes_five", small(), edit=field(sform_code=5))


def scalings():
    for n, (slope, inter) in enumerate([(0, 5), (1, 0), (2.5, -10), (-1.5, 3), (1e-3, 0), (np.nan, 4), (np.inf, 4), (np.nan, np.nan), (0.1, 1e6)]):
        make(f"scaled_{n}", small(), slope=slope, inter=inter, endian="<>"[n % 2])
        make(f"n2_scaled_{n}", values("i8"), "nifti2", slope=slope, inter=inter)
    make("scaled_floats", values("f4"), slope=-2, inter=0.5)
    make("scaled_uint64", values("u8"), slope=1e-10, inter=-1)
    make("negative_slope_zero_voxels", np.zeros(SHAPE, "i2"), slope=-2)
    make("no_finite_voxel", np.full((2, 2, 2), np.nan, "f4"))
    make("constant", np.full(SHAPE, 7, "u1"))
    make("units_metres", small(), edit=field(xyzt_units=1))
    make("units_micrometres", small(), edit=field(xyzt_units=3))
    make("bitpix_wrong", small(), edit=field(bitpix=8))
    make("header_size_wrong", small(), edit=field(sizeof_hdr=0))
    make("header_size_of_nifti2", small(), edit=field(sizeof_hdr=540))


def shapes():
    for n, shape in enumerate([(7,), (5, 4), (1, 1, 1), (4, 3, 2, 1), (4, 3, 2, 3), (3, 2, 2, 1, 3), (2, 2, 2, 2, 1, 1, 2), (5, 1, 3)]):
        make(f"shape_{n}", small(shape), zipped=n % 2 == 1)
        make(f"n2_shape_{n}", small(shape), "nifti2", endian="<>"[n % 2])
    make("dims_beyond_count", small((5, 4)), edit=at("dim", slice(3, 8), -3))
    make("analyze_4d", small((3, 3, 2, 4)), "analyze", "pair", slope=0)
    make("analyze_2d", small((5, 4)), "analyze", "pair", slope=0)


def offsets():
    for order, endian in (("le", "<"), ("be", ">")):
        make(f"extension_{order}", small(), endian=endian, extension=extension_block(endian))
        make(f"n2_extension_{order}", small(), "nifti2", endian=endian, extension=extension_block(endian, b"x" * 40, 4))
    make("two_extensions", small(), extension=extension_block("<") + extension_block("<", b"y" * 30)[4:])
    make("pair_extension", small(), layout="pair", extension=extension_block("<"))
    make("gap_without_extension", small(), gap=16)
    make("gap_odd", small(), gap=13, zipped=True)
    make("gap_after_extension", small(), gap=12, extension=extension_block("<"))
    make("n2_gap", small(), "nifti2", gap=100)
    make("n2_gap_zipped", small(), "nifti2", gap=100, zipped=True)
    make("pair_offset", small(), layout="pair", gap=20)
    make("pair_single_magic", small(), layout="pair", edit=field(magic=b"n+1"))
    make("offset_fraction", small(), edit=field(vox_offset=352.75))
    make("extra_bytes", small(), tail=b"tail of another file")
    make("extra_bytes_zipped", small(), tail=b"tail of another file", zipped=True)
    make("n2_line_end_check_zero", small(), "nifti2", edit=field(eol_check=0))


def analyze():
    def case(name, **fields):
        make(f"analyze_{name}", small(), "analyze", "pair", slope=fields.pop("slope", 0), inter=fields.pop("inter", 0), edit=field(**fields))
    case("slope", slope=2.5)
    case("slope_and_intercept", slope=2.5, inter=-3)
    case("intercept_not_finite", slope=2.5, inter=np.nan)
    case("calibration", glmax=110, glmin=10, cal_max=0.8, cal_min=0.2)
    case("origin", origin=[2, 3, 1, 0, 0])
    case("origin_negative", origin=[-2, 1, 2, 0, 0])
    case("origin_far", origin=[100, 3, 1, 0, 0])
    make("analyze_pixdim_negative", small(), "analyze", "pair", slope=0, edit=at("pixdim", 1, -0.5))
    make("analyze_offset", small(), "analyze", "pair", slope=0, gap=24)


def several_members():
    """A gzip file may consist of several streams, and of zeros behind the last."""
    raw = (OUT / "sform_oblique.nii").read_bytes()
    parts = [gzip.compress(raw[a:b], mtime=0) for a, b in ((0, 100), (100, 360), (360, len(raw)))]
    (OUT / "members.nii.gz").write_bytes(b"".join(parts) + b"\0" * 100)
    record("members.nii.gz", "nifti1")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for part in (stored_types, places, scalings, shapes, offsets, analyze, several_members):
        part()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "expected.json").write_text(f"[\n{lines}\n]\n")
    (HERE / "versions.txt").write_text(
        f"python {platform.python_version()}\nnumpy {np.__version__}\nnibabel {nib.__version__}\n")
    print(len(cases), "cases")


main()
