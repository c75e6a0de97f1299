"""Reads what `schwann export` wrote with highdicom and pydicom, and says what does not fit.

    schwann export SERIES --labels LABELS.nii.gz --seg seg.dcm --sr sr.dcm --pdf pdf.dcm --key-image key.dcm
    python check.py FOLDER-OF-THESE
"""
import pathlib
import sys

import highdicom as hd
import pydicom

folder = pathlib.Path(sys.argv[1])
document = hd.sr.srread(folder / "sr.dcm")
groups = document.content.get_volumetric_roi_measurement_groups()
assert len(groups) == 1, len(groups)
group = groups[0]
segmentation = pydicom.dcmread(folder / "seg.dcm")
tumour = [s for s in segmentation.SegmentSequence if s.SegmentedPropertyTypeCodeSequence[0].CodeValue == "126949007"]
assert group.tracking_uid == tumour[0].TrackingUID, (group.tracking_uid, tumour[0].TrackingUID)
segment = group.referenced_segment
assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
assert list(segment.referenced_segment_numbers) == [tumour[0].SegmentNumber]
print(group.finding_type.meaning, [(s.value.meaning, s.laterality and s.laterality.meaning) for s in group.finding_sites])
for measurement in group.get_measurements():
    print(measurement.name.meaning, measurement.value, measurement.unit.value)
for evaluation in group.get_qualitative_evaluations():
    print(evaluation.name.meaning, "=", evaluation.value.meaning)
assert document.content.get_subject_contexts is not None
pdf = pydicom.dcmread(folder / "pdf.dcm")
assert pdf.EncapsulatedDocument.startswith(b"%PDF-") and b"%%EOF" in pdf.EncapsulatedDocument[-16:]
key = pydicom.dcmread(folder / "key.dcm")
assert key.pixel_array.shape == (key.Rows, key.Columns, 3)
print("all read")
