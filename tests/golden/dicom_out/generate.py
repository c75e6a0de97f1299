"""Makes a small series, objects that other programs derive from it, and what they find in Schwann's own.

    pip install pydicom highdicom SimpleITK
    apt-get install dicom3tools plastimatch
    python generate.py PATH/TO/schwann

`series/` is the scan, `labels.nii.gz` its labels. `expected.json` holds, for each object of others, the labels that it stands for (SHA-256 of one byte a voxel, columns fastest, then rows, then slices along
their normal), and for `schwann_seg.dcm` and `schwann_rtstruct.dcm` what highdicom, pydicom and plastimatch find in them; the script stops where dciodvfy finds an error.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import highdicom
import numpy
import pydicom
import SimpleITK
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import SegmentDescription, Segmentation
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

HERE = pathlib.Path(__file__).parent
ROOT = "1.2.826.0.1.3680043.8.498.77"
SHAPE = (5, 16, 24)
SPACING = (3.0, 4.0, 5.0)  # slices, rows, columns


def orientation():
    """Rows and columns of an axial slice that is turned about all three axes."""
    a, b, c = numpy.radians((12, -7, 5))
    x = numpy.array([[1, 0, 0], [0, numpy.cos(a), -numpy.sin(a)], [0, numpy.sin(a), numpy.cos(a)]])
    y = numpy.array([[numpy.cos(b), 0, numpy.sin(b)], [0, 1, 0], [-numpy.sin(b), 0, numpy.cos(b)]])
    z = numpy.array([[numpy.cos(c), -numpy.sin(c), 0], [numpy.sin(c), numpy.cos(c), 0], [0, 0, 1]])
    turned = z @ y @ x
    return turned[:, 0], turned[:, 1], turned[:, 2]


def text(number):
    return f"{number:.9f}".rstrip("0").rstrip(".")[:16]


def position(k):
    return numpy.array([-57.3, -31.1, 12.7]) + orientation()[2] * SPACING[0] * k


def series():
    """The scan: files in an order that is not that of the slices."""
    folder = HERE / "series"
    folder.mkdir(exist_ok=True)
    random = numpy.random.default_rng(3)
    images = []
    for k in range(SHAPE[0]):
        d = Dataset()
        d.SpecificCharacterSet = "ISO_IR 192"
        d.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        d.SOPInstanceUID = f"{ROOT}.1.1.{k + 1}"
        d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = "20240131"
        d.StudyTime = d.SeriesTime = d.AcquisitionTime = d.ContentTime = "101500"
        d.AccessionNumber, d.StudyID = "A17", "S1"
        d.Modality, d.Manufacturer, d.ManufacturerModelName = "MR", "SIEMENS", "Avanto"
        d.ReferringPhysicianName = ""
        d.StudyDescription, d.SeriesDescription = "IAM", "t2 ciss"
        d.PatientName, d.PatientID = "Größe^Käthe", "P 17"
        d.PatientBirthDate, d.PatientSex = "19600101", "F"
        d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "GR", "SS", "3D"
        d.ScanOptions, d.EchoTrainLength = "", "1"
        d.SliceThickness, d.SpacingBetweenSlices = text(SPACING[0]), text(SPACING[0])
        d.RepetitionTime, d.EchoTime, d.FlipAngle, d.MagneticFieldStrength = "9.4", "4.2", "70", "1.5"
        d.StudyInstanceUID, d.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.1.1"
        d.FrameOfReferenceUID, d.PositionReferenceIndicator = f"{ROOT}.1.9", ""
        d.SeriesNumber, d.AcquisitionNumber, d.InstanceNumber = 3, 1, k + 1
        row, column, _ = orientation()
        d.ImageOrientationPatient = [text(x) for x in (*row, *column)]
        d.ImagePositionPatient = [text(x) for x in position(k)]
        d.PixelSpacing = [text(x) for x in SPACING[1:]]
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.Rows, d.Columns = SHAPE[1:]
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
        d.PixelData = random.integers(0, 400, SHAPE[1:]).astype("<u2").tobytes()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.save_as(folder / f"{(k * 3) % 5}.dcm", enforce_file_format=True)
        images.append(d)
    return images


def labels():
    """Two cochleae, a tumour at the left one, a brainstem with a hole in one slice and a part in the hole, and single voxels that touch at corners."""
    a = numpy.zeros(SHAPE, "u1")
    a[1:3, 6:8, 3:5] = 2
    a[1:4, 6:8, 19:21] = 2
    a[:, 3:13, 8:14] = 3
    a[2, 5:11, 10:13] = 0
    a[2, 7:9, 11] = 3
    a[1:4, 5:10, 14:19] = 1
    a[2, 4, 15] = a[2, 3, 16] = a[2, 4, 17] = 1
    a[3, 7, 16] = 0
    a[4, 0, 0] = a[4, 1, 1] = a[4, 15, 23] = 6
    return a


def sha256(array):
    return hashlib.sha256(numpy.ascontiguousarray(array, "u1").tobytes()).hexdigest()


def image(array):
    """Labels as SimpleITK holds them, in LPS."""
    made = SimpleITK.GetImageFromArray(array)
    made.SetSpacing(SPACING[::-1])
    made.SetOrigin(position(0).tolist())
    made.SetDirection(numpy.array(orientation()).T.ravel().tolist())
    return made


SCT = "SCT"
LEFT, RIGHT = CodedConcept("7771000", SCT, "Left"), CodedConcept("24028007", SCT, "Right")
ORGAN = CodedConcept("91723000", SCT, "Anatomical Structure")
ABNORMAL = CodedConcept("49755003", SCT, "Morphologically Abnormal Structure")


def described(number, label, category, kind, side=None, manual=False, region=None):
    algorithm = AlgorithmIdentificationSequence("a network", codes.DCM.ArtificialIntelligence, "2")
    made = SegmentDescription(
        number,
        label,
        category,
        kind,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL if manual else highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=None if manual else algorithm,
        tracking_uid=f"{ROOT}.5.{number}",
        tracking_id=label,
        anatomic_regions=[region] if region else None,
    )
    if side:
        modifier = Dataset()
        modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = side.value, SCT, side.meaning
        made.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = Sequence([modifier])
    return made


def segments():
    """A tumour by a general code and its place, cochleae, a brainstem by DICOM's usual code, a cerebellum by its name alone, and an eye."""
    return [
        described(1, "Lesion", ABNORMAL, CodedConcept("108369006", SCT, "Neoplasm"),
                  region=CodedConcept("8598002", SCT, "Vestibulocochlear nerve")),
        described(2, "Segment 2", ORGAN, CodedConcept("80169004", SCT, "Cochlea"), LEFT),
        described(3, "Segment 3", ORGAN, CodedConcept("80169004", SCT, "Cochlea"), RIGHT, manual=True),
        described(4, "Segment 4", ORGAN, CodedConcept("119238007", SCT, "Brainstem")),
        described(5, "cerebellum, a part", ORGAN, CodedConcept("12738006", SCT, "Brain")),
        described(6, "Eye", ORGAN, CodedConcept("81745001", SCT, "Eye")),
    ]


def masks():
    """One mask a segment; columns grow towards the patient's left."""
    a = labels()
    columns = numpy.arange(SHAPE[2])[None, None]
    eye = numpy.zeros(SHAPE, bool)
    eye[0, 14:16, 2:4] = True
    return numpy.stack([a == 1, (a == 2) & (columns > 12), (a == 2) & (columns < 12), a == 3, a == 6, eye], axis=-1)


def segmentation(name, pixels, kind, images, segments=None, **more):
    made = Segmentation(
        source_images=images,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=segments or globals()["segments"](),
        series_instance_uid=f"{ROOT}.1.7",
        series_number=7,
        sop_instance_uid=f"{ROOT}.1.7.{len(name)}",
        instance_number=1,
        manufacturer="highdicom",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        content_label="TEST",
        **more,
    )
    made.save_as(HERE / name)
    return made


def segmentations(images):
    """Objects of highdicom, and the labels that each stands for."""
    m, expected = masks(), {}
    truth = labels()
    binary = highdicom.seg.SegmentationTypeValues.BINARY
    fractional = highdicom.seg.SegmentationTypeValues.FRACTIONAL
    segmentation("seg_binary.dcm", m.astype("u1"), binary, images)
    expected["seg_binary.dcm"] = sha256(truth)

    # Rows from the bottom up, slices from the top down.
    row, column, _ = orientation()
    positions = [highdicom.PlanePositionSequence("PATIENT", position(k) + column * SPACING[1] * (SHAPE[1] - 1)) for k in range(SHAPE[0])]
    segmentation(
        "seg_flipped.dcm",
        m[::-1, ::-1].astype("u1"),
        binary,
        images,
        plane_positions=positions[::-1],
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", [*row, *-column]),
        pixel_measures=highdicom.PixelMeasuresSequence(SPACING[1:], SPACING[0], SPACING[0]),
    )
    expected["seg_flipped.dcm"] = sha256(truth)

    # Probabilities that overlap: the larger has the voxel, those below one half have none.
    random = numpy.random.default_rng(8)
    p = numpy.where(m, random.uniform(0.3, 1, m.shape), random.uniform(0, 0.7, m.shape) * (random.random(m.shape) < 0.2))
    p = numpy.round(p * 255) / 255
    for name, syntax in (("seg_fractional.dcm", ExplicitVRLittleEndian), ("seg_fractional_rle.dcm", RLELossless)):
        segmentation(name, p, fractional, images, fractional_type="PROBABILITY", max_fractional_value=255, transfer_syntax_uid=syntax)
        known = p[..., :5].copy()
        known[known < 0.5] = 0
        first = numpy.argmax(known, axis=-1)
        value = numpy.array([1, 2, 2, 3, 6])[first]
        expected[name] = sha256(numpy.where(known.max(axis=-1) > 0, value, 0))

    numbers = (m * numpy.arange(1, 7)).max(axis=-1).astype("u1")
    segmentation("seg_labelmap.dcm", numbers, highdicom.seg.SegmentationTypeValues.LABELMAP, images)
    expected["seg_labelmap.dcm"] = sha256(truth)
    return expected


def structure_set():
    """An object of plastimatch, made from masks; it writes holes as contours of their own. One region is about a structure and none itself."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        a = labels()
        for value, name in ((1, "GTV_VS"), (2, "Cochlea"), (3, "Brain_Stem"), (6, "PTV_VS")):
            (folder / "masks").mkdir(exist_ok=True)
            SimpleITK.WriteImage(image((a == value).astype("u1")), folder / "masks" / f"{name}.nii.gz")
        run("plastimatch", "convert", "--input-prefix", folder / "masks", "--referenced-ct", HERE / "series", "--output-dicom", folder / "dicom")
        made = [f for f in (folder / "dicom").rglob("*") if f.is_file() and pydicom.dcmread(f).Modality == "RTSTRUCT"]
        d = pydicom.dcmread(made[0])
        d.save_as(HERE / "rtstruct_plastimatch.dcm")
    return {"rtstruct_plastimatch.dcm": sha256(numpy.where(a == 6, 0, a))}


def rasterised(path, names):
    """What plastimatch fills of a structure set."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run("plastimatch", "convert", "--input", path, "--referenced-ct", HERE / "series", "--output-prefix", folder, "--prefix-format", "nii.gz")
        out = numpy.zeros(SHAPE, "u1")
        grid = image(out)
        for name, value in names.items():
            mask = SimpleITK.Resample(SimpleITK.ReadImage(folder / f"{name}.nii.gz"), grid, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
            mask = SimpleITK.GetArrayFromImage(mask) > 0
            out[mask & (out == 0)] = value
        return out


def run(*words):
    subprocess.run([str(w) for w in words], check=True, capture_output=True)


def checked(path):
    """Stops at what dciodvfy calls an error."""
    said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True).stderr
    errors = [line for line in said.splitlines() if line.startswith("Error")]
    assert not errors, (path, errors)


def of_schwann(program, images):
    """What others find in Schwann's objects."""
    SimpleITK.WriteImage(image(labels()), HERE / "labels.nii.gz")
    seg, rtstruct = HERE / "schwann_seg.dcm", HERE / "schwann_rtstruct.dcm"
    run(program, "export", HERE / "series", "--labels", HERE / "labels.nii.gz", "--seg", seg, "--rtstruct", rtstruct,
        "--state", "accepted", "--by", "Ada Reader", "--made", "semiautomatic", "--algorithm", "test model", "--algorithm-version", "1")
    checked(seg)
    checked(rtstruct)
    read = highdicom.seg.segread(seg)
    volume = read.get_volume(combine_segments=False)
    values = {"Vestibular": 1, "Cochlea": 2, "Brainstem": 3, "Cerebellum": 6}
    out = numpy.zeros(SHAPE, "u1")
    grid = image(out)
    found = []
    for n, number in enumerate(read.segment_numbers):
        one = read.get_segment_description(number)
        kind = one.SegmentedPropertyTypeCodeSequence[0]
        modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence", [])
        found.append({
            "label": one.segment_label,
            "code": kind.CodeValue,
            "side": [m.CodeMeaning for m in modifiers],
            "made": one.SegmentAlgorithmType,
            "algorithm": one.SegmentAlgorithmName,
            "tracking_uid": one.tracking_uid,
        })
        for at in numpy.argwhere(volume.array[..., n] > 0):
            point = (volume.affine @ [*at, 1])[:3]
            i, j, k = grid.TransformPhysicalPointToIndex(point.tolist())
            out[k, j, i] = values[one.segment_label.split()[0].strip(",")]
    sources = {s.SOPInstanceUID for s in images}
    for frame in read.PerFrameFunctionalGroupsSequence:
        named = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert named in sources
        own = next(s for s in images if s.SOPInstanceUID == named)
        assert numpy.allclose(own.ImagePositionPatient, frame.PlanePositionSequence[0].ImagePositionPatient, atol=1e-9)
    contours = pydicom.dcmread(rtstruct)
    names = {r.ROIName: values.get({"GTV_VS": "Vestibular"}.get(r.ROIName, r.ROIName.split("_")[0])) for r in contours.StructureSetROISequence}
    return {
        "segments": found,
        "seg_sha256": sha256(out),
        "patient": str(read.PatientName),
        "rois": list(names),
        "types": [o.RTROIInterpretedType for o in contours.RTROIObservationsSequence],
        "approval": [contours.ApprovalStatus, str(contours.ReviewerName)],
        "rtstruct_sha256": sha256(rasterised(rtstruct, names)),
        "labels_sha256": sha256(labels()),
    }


if __name__ == "__main__":
    images = series()
    expected = {"others": segmentations(images) | structure_set(), "schwann": of_schwann(sys.argv[1], images)}
    expected["versions"] = {"highdicom": highdicom.__version__, "pydicom": pydicom.__version__}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
