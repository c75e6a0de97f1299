"""Makes the DICOM series of this folder and what other programs read in them.

    pip install pydicom dcm2niix SimpleITK nibabel imagecodecs
    python generate.py

Each case is a stored zip archive of small files; `expected.json` holds for each of its stacks the voxels' hash and the affine (RAS mm, axes permuted
and flipped to the closest RAS) that the named program gives. Files of pydicom (MIT licence, see README.md) are copied as they are.
"""

import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile

import imagecodecs
import nibabel
import numpy
import pydicom
import SimpleITK
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

HERE = pathlib.Path(__file__).parent
ROOT = "1.2.826.0.1.3680043.8.498.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"


def direction(*degrees):
    """Row and column of an axial slice, turned about x, y and z."""
    a, b, c = numpy.radians(degrees)
    x = [[1, 0, 0], [0, numpy.cos(a), -numpy.sin(a)], [0, numpy.sin(a), numpy.cos(a)]]
    y = [[numpy.cos(b), 0, numpy.sin(b)], [0, 1, 0], [-numpy.sin(b), 0, numpy.cos(b)]]
    z = [[numpy.cos(c), -numpy.sin(c), 0], [numpy.sin(c), numpy.cos(c), 0], [0, 0, 1]]
    turned = numpy.array(z) @ numpy.array(y) @ numpy.array(x)
    return turned[:, 0], turned[:, 1]


def voxels(shape=(5, 10, 12), high=4095, seed=0, kind="u2"):
    """A ramp with noise: no two slices, rows or columns are alike. Slices, rows, columns."""
    random = numpy.random.default_rng(seed)
    k, j, i = numpy.meshgrid(*map(numpy.arange, shape), indexing="ij")
    ramp = (k * 31 + j * 17 + i * 5 + random.integers(0, 9, shape)) / (31 * shape[0] + 17 * shape[1] + 5 * shape[2])
    return (ramp / ramp.max() * high).astype(kind)


def text(number):
    return f"{number:.9f}".rstrip("0").rstrip(".")[:16]


def header(case, series=1, row=(1, 0, 0), column=(0, 1, 0), spacing=(0.6, 0.5), thickness=1.0, study=1):
    """What the slices of a series share. Spacing: between rows, between columns."""
    d = Dataset()
    number = int(hashlib.sha256(case.encode()).hexdigest()[:8], 16)
    d.SpecificCharacterSet = "ISO_IR 192"
    d.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    d.SOPClassUID = MR
    d.StudyDate, d.StudyTime, d.ContentDate = "20240131", "101500", "20240131"
    d.AcquisitionDate, d.SeriesDate = "20240131", "20240131"
    d.AcquisitionTime, d.ContentTime, d.SeriesTime = "101501", "101502", "101501"
    d.Modality, d.Manufacturer, d.ManufacturerModelName = "MR", "GE MEDICAL SYSTEMS", "SIGNA"
    d.StudyDescription, d.SeriesDescription = "IAM", case
    d.PatientName, d.PatientID = "Test^Case", "T1"
    d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "GR", "SS", "3D"
    d.SliceThickness = text(thickness)
    d.RepetitionTime, d.EchoTime, d.MagneticFieldStrength, d.FlipAngle = "9.4", "4.2", "1.5", "70"
    d.ProtocolName = case
    d.StudyInstanceUID = f"{ROOT}.{number}.{study}"
    d.SeriesInstanceUID = f"{ROOT}.{number}.{study}.{series}"
    d.FrameOfReferenceUID = f"{ROOT}.{number}.{study}.9"
    d.SeriesNumber, d.AcquisitionNumber = series, 1
    d.ImageOrientationPatient = [text(x) for x in (*row, *column)]
    d.PixelSpacing = [text(x) for x in spacing]
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.PatientPosition = "HFS"
    return d


def put_pixels(d, slice_, stored=None, signed=None):
    d.Rows, d.Columns = slice_.shape
    d.BitsAllocated = slice_.dtype.itemsize * 8
    d.BitsStored = stored or (d.BitsAllocated if slice_.dtype.itemsize == 1 else 12)
    d.HighBit = d.BitsStored - 1
    d.PixelRepresentation = int(slice_.dtype.kind == "i" if signed is None else signed)
    d.PixelData = slice_.tobytes()
    d["PixelData"].VR = "OB" if d.BitsAllocated == 8 else "OW"


def place(d, k, origin, step):
    d.ImagePositionPatient = [text(x) for x in numpy.array(origin) + k * numpy.array(step)]
    d.InstanceNumber = k + 1
    d.SOPInstanceUID = f"{d.SeriesInstanceUID}.{k + 1}"
    d.SliceLocation = text(k)


def write(path, d, syntax=EXPLICIT, preamble=True):
    d.file_meta = FileMetaDataset()
    d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    d.file_meta.TransferSyntaxUID = UID(syntax)
    if syntax == BIG and d.BitsAllocated == 16:
        d.PixelData = numpy.frombuffer(d.PixelData, "<u2").byteswap().tobytes()
    if preamble:
        d.save_as(path, enforce_file_format=True)
    else:
        pydicom.dcmwrite(path, d_without_meta(d), implicit_vr=syntax == IMPLICIT, little_endian=True)


def d_without_meta(d):
    plain = Dataset()
    plain.update(d)
    return plain


def classic(folder, case, data, turn=(0, 0, 0), syntax=EXPLICIT, origin=(-21.5, -33.25, 12.125), distance=1.2, encode=None, change=None, **more):
    """A series of one file a slice, whose names have nothing to do with their order."""
    row, column = direction(*turn)
    step = numpy.cross(row, column) * distance
    order = numpy.random.default_rng(7).permutation(len(data))
    for k, slice_ in enumerate(data):
        d = header(case, row=row, column=column, thickness=distance, **more)
        put_pixels(d, slice_)
        place(d, k, origin, step)
        if change:
            change(d, k)
        if encode:
            d.PixelData = encapsulate([encode(slice_)])
            d["PixelData"].VR = "OB"
        write(folder / f"IM{order[k]:04d}", d, syntax)


# Cases. Each writes files into a folder; those that other programs must read alike return nothing, others what is known of them.


def oblique(folder):
    classic(folder, "oblique", voxels(), turn=(11, -7, 23))


def sagittal_implicit(folder):
    row, column = (0, 1, 0), (0, 0, -1)
    for k, slice_ in enumerate(voxels(seed=1)):
        d = header("sagittal", row=row, column=column)
        put_pixels(d, slice_)
        place(d, k, (30.5, -40.25, 55.125), (-1.1, 0, 0))
        write(folder / f"{9 - k}.dcm", d, IMPLICIT)


def coronal_big_endian(folder):
    classic(folder, "coronal", voxels(seed=2), turn=(-80, 3, 0), syntax=BIG)


def deflated(folder):
    classic(folder, "deflated", voxels(seed=3), turn=(5, 0, 0), syntax=DEFLATED)


def signed_rescaled(folder):
    def change(d, k):
        d.BitsStored, d.HighBit = 16, 15
        d.RescaleSlope, d.RescaleIntercept = "0.5", "-24"

    classic(folder, "signed", voxels(high=6000, seed=4, kind="i2") - 3000, turn=(0, 12, 0), change=change)


def eight_bits(folder):
    classic(folder, "eight", voxels(high=255, seed=5, kind="u1"))


def sixteen_bits(folder):
    def change(d, k):
        d.BitsStored, d.HighBit = 16, 15

    classic(folder, "sixteen", voxels(high=65535, seed=6), change=change)


def rle(folder):
    row, column = direction(3, 4, 5)
    for k, slice_ in enumerate(voxels(seed=8)):
        d = header("rle", row=row, column=column)
        put_pixels(d, slice_)
        place(d, k, (0, 0, 0), numpy.cross(row, column))
        d.file_meta = FileMetaDataset()
        d.compress(pydicom.uid.RLELossless, slice_, generate_instance_uid=False)
        write(folder / f"{k}", d, pydicom.uid.RLELossless)


def jpeg_lossless(folder):
    encode = lambda s: imagecodecs.ljpeg_encode(s, bitspersample=12)
    classic(folder, "jpeg lossless", voxels(seed=9), turn=(0, 0, 30), syntax="1.2.840.10008.1.2.4.70", encode=encode)


def jpeg_baseline(folder):
    encode = lambda s: imagecodecs.jpeg8_encode(s, level=95)
    classic(folder, "jpeg", voxels((4, 16, 16), high=255, seed=10, kind="u1"), syntax="1.2.840.10008.1.2.4.50", encode=encode)


def jpeg_ls(folder):
    classic(folder, "jpeg-ls", voxels(seed=11), syntax="1.2.840.10008.1.2.4.80", encode=imagecodecs.jpegls_encode)


def jpeg2000(folder):
    encode = lambda s: imagecodecs.jpeg2k_encode(s, level=0, codecformat="j2k", reversible=True, bitspersample=12)
    classic(folder, "jpeg 2000", voxels(seed=12), turn=(0, 9, 0), syntax="1.2.840.10008.1.2.4.90", encode=encode)


def jpeg2000_signed(folder):
    def change(d, k):
        d.BitsStored, d.HighBit = 16, 15

    encode = lambda s: imagecodecs.jpeg2k_encode(s, level=0, codecformat="j2k", reversible=True)
    classic(folder, "signed 2000", voxels(high=5000, seed=13, kind="i2") - 2500, syntax="1.2.840.10008.1.2.4.90", encode=encode, change=change)


def htj2k(folder):
    def change(d, k):
        d.BitsStored, d.HighBit = 16, 15

    encode = lambda s: imagecodecs.htj2k_encode(s, reversible=True)
    classic(folder, "htj2k", voxels((4, 32, 40), high=40000, seed=14), syntax="1.2.840.10008.1.2.4.201", encode=encode, change=change)


def htj2k_signed(folder):
    def change(d, k):
        d.BitsStored, d.HighBit = 16, 15

    encode = lambda s: imagecodecs.htj2k_encode(s, reversible=True)
    classic(folder, "signed htj2k", voxels((4, 32, 40), high=5000, seed=15, kind="i2") - 2500, syntax="1.2.840.10008.1.2.4.201", encode=encode, change=change)


def rescale_by_slice(folder):
    def change(d, k):
        d.RescaleSlope, d.RescaleIntercept = text(0.25 * (k + 1)), text(k)

    classic(folder, "by slice", voxels(seed=15), change=change)


def groups(d, row, column, spacing, thickness):
    shared = Dataset()
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [text(x) for x in spacing], text(thickness)
    measures.SpacingBetweenSlices = text(thickness)
    orientation.ImageOrientationPatient = [text(x) for x in (*row, *column)]
    transformation = Dataset()
    transformation.RescaleIntercept, transformation.RescaleSlope, transformation.RescaleType = "0", "2", "US"
    echo, timing = Dataset(), Dataset()
    echo.EffectiveEchoTime = 4.2
    timing.RepetitionTime, timing.FlipAngle = "9.4", "70"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    shared.PixelValueTransformationSequence = [transformation]
    shared.MREchoSequence, shared.MRTimingAndRelatedParametersSequence = [echo], [timing]
    return shared


def enhanced(folder):
    data = voxels(seed=16)
    row, column = direction(-14, 6, 2)
    step = numpy.cross(row, column) * 1.5
    d = header("enhanced")
    d.SOPClassUID = ENHANCED_MR
    for name in ("ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RepetitionTime", "EchoTime", "FlipAngle"):
        delattr(d, name)
    order = numpy.random.default_rng(3).permutation(len(data))
    put_pixels(d, data[0])
    d.PixelData = data[order].tobytes()
    d.NumberOfFrames = len(data)
    d.SOPInstanceUID, d.InstanceNumber = d.SeriesInstanceUID + ".1", 1
    d.SharedFunctionalGroupsSequence = [groups(d, row, column, (0.6, 0.5), 1.5)]
    d.PerFrameFunctionalGroupsSequence = []
    for k in order:
        frame, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [text(x) for x in numpy.array((5.5, 6.25, 7.125)) + k * step]
        content.StackID, content.InStackPositionNumber = "1", int(k) + 1
        content.DimensionIndexValues, content.TemporalPositionIndex = [1, int(k) + 1], 1
        frame.PlanePositionSequence, frame.FrameContentSequence = [position], [content]
        d.PerFrameFunctionalGroupsSequence.append(frame)
    write(folder / "enhanced.dcm", d)


def csa(tags):
    """A CSA header of version 2."""
    out = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, vr, values in tags:
        count = max(6, len(values))
        out += name.encode().ljust(64, b"\0") + struct.pack("<I", len(values)) + vr.encode().ljust(4, b"\0")
        out += struct.pack("<III", 6, count, 77)
        for n in range(count):
            value = values[n].encode() + b"\0" if n < len(values) else b""
            out += struct.pack("<IIII", len(value), len(value), 77, len(value))
            out += value + b"\0" * (-len(value) % 4)
    return out


def mosaic(folder):
    data = voxels((7, 8, 10), seed=17)
    across = 3
    row, column = direction(18, 0, 4)
    normal = numpy.cross(row, column)
    image = numpy.zeros((8 * across, 10 * across), "u2")
    for n, slice_ in enumerate(data):
        y, x = n // across * 8, n % across * 10
        image[y : y + 8, x : x + 10] = slice_
    d = header("mosaic", row=row, column=column, spacing=(2.0, 2.0), thickness=3.0)
    d.Manufacturer, d.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    d.SoftwareVersions = "syngo MR B17"
    d.SpacingBetweenSlices = "3.3"
    put_pixels(d, image)
    # What the scanner writes is the corner of an image as large as the mosaic about the middle of the slice.
    first = numpy.array((-10.5, -8.25, 3.125))
    corner = first - row * 2.0 * (image.shape[1] - 10) / 2 - column * 2.0 * (image.shape[0] - 8) / 2
    place(d, 0, corner, normal)
    block = d.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    tags = [
        ("NumberOfImagesInMosaic", "US", ["7"]),
        ("SliceNormalVector", "FD", [f"{x:.8f}" for x in normal]),
        ("MosaicRefAcqTimes", "FD", [f"{100.0 * n:.1f}" for n in range(7)]),
    ]
    block.add_new(0x10, "OB", csa(tags))
    write(folder / "mosaic.dcm", d)


def two_echoes(folder):
    for echo, time in ((1, "20"), (2, "80")):
        for k, slice_ in enumerate(voxels((4, 10, 12), seed=17 + echo)):
            d = header("two echoes")
            put_pixels(d, slice_)
            place(d, k, (1, 2, 3), (0, 0, 1))
            d.EchoTime, d.EchoNumbers = time, str(echo)
            d.InstanceNumber = 2 * k + echo
            d.SOPInstanceUID += f".{echo}"
            write(folder / f"e{echo}_{k}", d)


def without_preamble(folder):
    for k, slice_ in enumerate(voxels((4, 10, 12), seed=21)):
        d = header("plain")
        put_pixels(d, slice_)
        place(d, k, (1, 2, 3), (0, 0, 1))
        write(folder / f"{k}.ima", d, IMPLICIT, preamble=False)


def japanese(folder):
    def change(d, k):
        d.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        d.PatientName = "Yamada^Tarou=山田^太郎"
        d.SeriesDescription = "内耳道"

    classic(folder, "japanese", voxels((3, 10, 12), seed=22), change=change)


# What is not one regular stack: known from how it is made.


def mixed(folder):
    """Localiser in three planes, a slice missing, copies, two volumes at one place, tilt, irregular distances; a series each."""
    planes = [((1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, -1)), ((1, 0, 0), (0, 0, -1))]
    for n, (row, column) in enumerate(planes):
        for k in range(2):
            d = header("localizer", 1, row, column)
            d.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
            put_pixels(d, voxels((2, 10, 12), seed=30 + n)[k])
            place(d, 3 * k + n, (0, 0, 0), numpy.cross(row, column))
            write(folder / f"loc{n}{k}", d)
    for k in (0, 1, 2, 3, 6, 7, 8):
        d = header("gap", 2)
        put_pixels(d, voxels((9, 10, 12), seed=33)[k])
        place(d, k, (0, 0, 0), (0, 0, 2))
        write(folder / f"gap{k}", d)
    for k in range(3):
        d = header("copies", 3)
        put_pixels(d, voxels((3, 10, 12), seed=34)[k])
        place(d, k, (0, 0, 0), (0, 0, 2))
        write(folder / f"one{k}", d)
        write(folder / f"copy{k}", d)
    for volume in range(2):
        for k in range(3):
            d = header("volumes", 4)
            put_pixels(d, voxels((3, 10, 12), seed=35 + volume)[k])
            place(d, k, (0, 0, 0), (0, 0, 2))
            d.InstanceNumber = volume * 3 + k + 1
            d.SOPInstanceUID += f".{volume}"
            write(folder / f"vol{volume}{k}", d)
    for k in range(4):
        d = header("tilt", 5)
        put_pixels(d, voxels((4, 10, 12), seed=37)[k])
        place(d, k, (0, 0, 0), (0, 0.4, 2))
        write(folder / f"tilt{k}", d)
    for k, z in enumerate((0, 1, 2.5, 4.6)):
        d = header("irregular", 6)
        put_pixels(d, voxels((4, 10, 12), seed=38)[k])
        place(d, k, (0, 0, 0), (0, 0, 0))
        d.ImagePositionPatient = ["0", "0", str(z)]
        write(folder / f"irr{k}", d)
    d = header("clash", 7)
    for k in range(4):
        put_pixels(d, voxels((4, 10, 12), seed=39)[k])
        place(d, k, (0, 0, 0), (0, 0, 2))
        d.ImagePositionPatient = ["0", "0", str(2 * min(k, 2))]
        write(folder / f"clash{k}", d)


def negative(folder):
    def change(d, k):
        d.PhotometricInterpretation = "MONOCHROME1"

    classic(folder, "negative", voxels((3, 10, 12), seed=40), change=change)


def modality_lut(folder):
    def change(d, k):
        item = Dataset()
        item.LUTDescriptor, item.ModalityLUTType = [1000, 12, 16], "US"
        item.LUTData = (numpy.arange(1000, dtype="u4") ** 2 // 20).astype("u2").tobytes()
        item["LUTData"].VR = "OW"
        d.ModalityLUTSequence = [item]

    classic(folder, "table", voxels((2, 10, 12), high=1023, seed=41), change=change)


def unknown_sequence(folder):
    """A private sequence that a server did not know: UN without a length, with implicit elements inside (PS3.5, 6.2.2)."""
    def change(d, k):
        inner = b"\x09\x00\x10\x10\x02\x00\x00\x00AB"
        items = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
        private = b"\x09\x00\x10\x00LO\x04\x00TEST" + b"\x09\x00\x00\x10UN\0\0\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"
        d.private = private

    classic(folder, "unknown", voxels((3, 10, 12), seed=42))
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        at = data.index(b"\x10\x00\x10\x00PN")
        d = Dataset()
        change(d, 0)
        path.write_bytes(data[:at] + d.private + data[at:])


ALIKE = [oblique, sagittal_implicit, coronal_big_endian, deflated, signed_rescaled, eight_bits, sixteen_bits, rle, jpeg_lossless, jpeg_baseline]
ALIKE += [jpeg_ls, jpeg2000, jpeg2000_signed, htj2k, htj2k_signed, rescale_by_slice, enhanced, mosaic, two_echoes, without_preamble, japanese, negative]
ALIKE += [modality_lut, unknown_sequence]
KNOWN = [mixed]
COPIED = ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
COPIED += ["MR_small_padded.dcm", "MR_truncated.dcm", "JPGExtended.dcm", "JPEG-lossy.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm"]
COPIED += ["JPEG2000.dcm", "image_dfl.dcm", "badVR.dcm", "UN_sequence.dcm", "rtdose_rle_1frame.dcm"]


# What a program reads otherwise, and why: dcm2niix inflates nothing and leaves tables out; ITK takes the frames of an enhanced file in the order in which
# they are stored, knows no mosaics, stacks two echoes, and turns negatives round. Lossy JPEG is compared value by value, not by its hash.
OTHERWISE = {("deflated", "dcm2niix"), ("modality_lut", "dcm2niix"), ("modality_lut", "itk"), ("enhanced", "itk"), ("mosaic", "itk"), ("two_echoes", "itk")}
OTHERWISE |= {("negative", "itk"), ("jpeg_baseline", "dcm2niix")}


def canonical(image):
    """Affine and hash of a NIfTI image as `schwann inspect` defines them."""
    raw = numpy.asanyarray(image.dataobj.get_unscaled()) if hasattr(image.dataobj, "get_unscaled") else numpy.asanyarray(image.dataobj)
    slope, inter = getattr(image.dataobj, "slope", 1.0), getattr(image.dataobj, "inter", 0.0)
    values = (raw.astype("f8") * float(slope) + float(inter)).astype("f4")
    ras = nibabel.as_closest_canonical(nibabel.Nifti1Image(values, image.affine))
    data = numpy.asarray(ras.dataobj).astype("<f4")
    return ras.affine.tolist(), hashlib.sha256(data.tobytes(order="F")).hexdigest(), list(data.shape)


def by_dcm2niix(folder):
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(["dcm2niix", "-z", "n", "-b", "n", "-m", "n", "-l", "o", "-f", "%s_%e_%r", "-o", out, folder], capture_output=True, text=True)
        files = sorted(pathlib.Path(out).glob("*.nii"))
        if not files:
            print(folder, done.stdout[-600:])
        return [canonical(nibabel.load(f)) for f in files]


def by_itk(folder):
    reader = SimpleITK.ImageSeriesReader()
    found = []
    for series in reader.GetGDCMSeriesIDs(str(folder)):
        names = reader.GetGDCMSeriesFileNames(str(folder), series)
        reader.SetFileNames(names)
        image = reader.Execute() if len(names) > 1 else SimpleITK.ReadImage(names[0])
        matrix = numpy.array(image.GetDirection()).reshape(3, 3) @ numpy.diag(image.GetSpacing())
        affine = numpy.eye(4)
        affine[:3, :3], affine[:3, 3] = matrix, image.GetOrigin()
        affine = numpy.diag([-1, -1, 1, 1]) @ affine
        found.append(canonical(nibabel.Nifti1Image(SimpleITK.GetArrayFromImage(image).T.astype("f8"), affine, dtype="f8")))
    return found


def by_pydicom(folder):
    """Of axial slices without a turn, whose axes are LPS."""
    slices = sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda d: d.ImagePositionPatient[2])
    data = numpy.stack([pydicom.pixels.apply_modality_lut(d.pixel_array, d) for d in slices]).T
    first, distance = slices[0], slices[1].ImagePositionPatient[2] - slices[0].ImagePositionPatient[2]
    affine = numpy.diag([-first.PixelSpacing[1], -first.PixelSpacing[0], distance, 1.0])
    affine[:3, 3] = numpy.array(first.ImagePositionPatient, "f8") * (-1, -1, 1)
    return [canonical(nibabel.Nifti1Image(data.astype("f8"), affine, dtype="f8"))]


def main():
    expected = {}
    lossy = {}
    for case in [*ALIKE, *KNOWN]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            case(folder)
            with zipfile.ZipFile(HERE / f"{case.__name__}.zip", "w", zipfile.ZIP_STORED) as archive:
                for path in sorted(folder.iterdir()):
                    archive.writestr(zipfile.ZipInfo(path.name, (2024, 1, 31, 0, 0, 0)), path.read_bytes())
            if case in ALIKE:
                programs = {"dcm2niix": by_dcm2niix, "itk": by_itk}
                expected[case.__name__] = {}
                if case is modality_lut:
                    programs["pydicom"] = by_pydicom
                for name, program in programs.items():
                    if (case.__name__, name) in OTHERWISE:
                        continue
                    stacks = program(folder)
                    expected[case.__name__][name] = [{"affine": a, "sha256": h, "shape": s} for a, h, s in stacks]
                if case is jpeg_baseline:
                    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
                    lossy[case.__name__] = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(names)).ravel().tolist()
    samples = {}
    for name in COPIED:
        shutil.copy(get_testdata_file(name), HERE / name)
        try:
            d = pydicom.dcmread(HERE / name)
            pixels = d.pixel_array.astype("f8") * float(getattr(d, "RescaleSlope", 1)) + float(getattr(d, "RescaleIntercept", 0))
        except Exception as error:
            print(name, str(error)[:100])
            continue
        samples[name] = {
            "shape": [int(n) for n in pixels.shape[::-1]],
            "sum": float(pixels.sum()),
            "sha256": hashlib.sha256(pixels.astype("<f4").tobytes()).hexdigest(),
        }
        if name in ("JPGExtended.dcm", "JPEG2000.dcm"):
            samples[name]["every_hundredth"] = pixels.ravel()[::100].tolist()
    (HERE / "expected.json").write_text(json.dumps({"series": expected, "lossy": lossy, "samples": samples}) + "\n")
    names = ("pydicom", "dcm2niix", "SimpleITK", "nibabel", "imagecodecs", "numpy")
    versions = [f"{n} {__import__('importlib.metadata').metadata.version(n)}" for n in names]
    (HERE / "versions.txt").write_text("\n".join(versions) + "\n")


if __name__ == "__main__":
    main()
