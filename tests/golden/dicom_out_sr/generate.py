"""Writes highdicom.dcm, a measurement report as another program makes it, and expected.json, what it says.

    pip install highdicom==0.28.2 pydicom==3.0.2
    python generate.py
"""
import json
import pathlib

import highdicom as hd
import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

HERE = pathlib.Path(__file__).parent


def image():
    """The least that a report refers to: a patient who does not exist."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    ds.SOPInstanceUID = "1.2.3.4.1"
    ds.StudyInstanceUID = "1.2.3.4.2"
    ds.SeriesInstanceUID = "1.2.3.4.3"
    ds.FrameOfReferenceUID = "1.2.3.4.4"
    ds.PatientID, ds.PatientName = "PHANTOM", "Phantom^Überkopf"
    ds.PatientBirthDate, ds.PatientSex = "", ""
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "", ""
    ds.StudyDate, ds.StudyTime = "20240229", "120000"
    ds.Modality, ds.Rows, ds.Columns, ds.InstanceNumber = "MR", 16, 16, 1
    return ds


def main():
    source = image()
    code = sr.CodedConcept
    schwannoma = code("126949007", "SCT", "Vestibular schwannoma")
    left = codes.SCT.Left
    site = sr.FindingSite(code("8598002", "SCT", "Vestibulocochlear nerve"), laterality=left)
    observer = sr.ObserverContext(codes.DCM.Person, sr.PersonObserverIdentifyingAttributes("Reader^Jürgen"))
    measurements = [
        sr.Measurement(code("118565006", "SCT", "Volume"), 1234.5, code("mm3", "UCUM", "mm3")),
        sr.Measurement(code("103339001", "SCT", "Long Axis"), 17.25, code("mm", "UCUM", "mm")),
    ]
    koos = sr.QualitativeEvaluation(code("KOOS", "99OTHER", "Koos"), code("K3", "99OTHER", "Koos III"))
    region = sr.ImageRegion3D(
        graphic_type=sr.GraphicTypeValues3D.POLYGON,
        graphic_data=np.array([[0.0, 0, 0], [5, 0, 0], [5, 5, 0], [0, 0, 0]]),
        frame_of_reference_uid=source.FrameOfReferenceUID,
    )
    plain = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid="1.2.3.4.5", identifier="VS 1"),
        finding_type=schwannoma,
        finding_sites=[site],
        measurements=measurements,
        qualitative_evaluations=[koos],
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(source)],
    )
    planar = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid="1.2.3.4.6", identifier="VS 1, slice"),
        finding_type=schwannoma,
        referenced_region=region,
        measurements=[sr.Measurement(codes.SCT.Area, 12.5, code("mm2", "UCUM", "mm2"))],
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=observer),
        procedure_reported=code("25056-3", "LN", "MRI"),
        imaging_measurements=[plain, planar],
    )
    document = sr.Comprehensive3DSR(
        evidence=[source],
        content=report[0],
        series_number=7,
        series_instance_uid="1.2.3.4.7",
        sop_instance_uid="1.2.3.4.8",
        instance_number=1,
        manufacturer="highdicom",
        is_complete=True,
        is_verified=True,
        verifying_observer_name="Reader^Jürgen",
        verifying_organization="Nowhere",
    )
    document.SpecificCharacterSet = "ISO_IR 192"
    for name in ("ContentDate", "SeriesDate"):
        if name in document:
            setattr(document, name, "20240301")
    for name in ("ContentTime", "SeriesTime"):
        if name in document:
            setattr(document, name, "120000")
    document.VerifyingObserverSequence[0].VerificationDateTime = "20240301120000"
    document.save_as(HERE / "highdicom.dcm", enforce_file_format=True)
    expected = {
        "title": "Imaging Measurement Report",
        "verified": True,
        "verified_by": "Reader^Jürgen",
        "groups": [
            {
                "tracking_id": "VS 1",
                "tracking_uid": "1.2.3.4.5",
                "finding": "Vestibular schwannoma",
                "site": "Vestibulocochlear nerve",
                "laterality": "Left",
                "measurements": [
                    {"name": "Volume", "code": "118565006 SCT", "value": 1234.5, "unit": "mm3"},
                    {"name": "Long Axis", "code": "103339001 SCT", "value": 17.25, "unit": "mm"},
                ],
                "evaluations": [{"name": "Koos", "value": "Koos III"}],
            },
            {
                "tracking_id": "VS 1, slice",
                "tracking_uid": "1.2.3.4.6",
                "finding": "Vestibular schwannoma",
                "site": None,
                "laterality": None,
                "measurements": [{"name": "Area", "code": "42798000 SCT", "value": 12.5, "unit": "mm2"}],
                "evaluations": [],
            },
        ],
    }
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


main()
