"""Checks that the demo wrote what the README promises, and that each file parses."""

import gzip
import json
import pathlib
import struct
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])


def nifti(path):
    data = gzip.open(path).read()
    (header,) = struct.unpack_from("<i", data)
    dims = struct.unpack_from("<8h", data, 40)
    (bits,) = struct.unpack_from("<h", data, 72)
    assert header == 348 and data[344:348] == b"n+1\0", path
    count = dims[1] * dims[2] * dims[3]
    assert len(data) == 352 + count * bits // 8, path
    return dims[1:4], data[352:]


for visit in (1, 2):
    shape, _ = nifti(folder / f"visit{visit}_hrT2.nii.gz")
    for name in ("labels", "truth"):
        label_shape, labels = nifti(folder / f"visit{visit}_{name}.nii.gz")
        assert label_shape == shape
        assert labels.count(1) > 100, f"visit {visit}: no tumour in {name}"
    for plane in ("axial", "coronal", "sagittal"):
        png = (folder / f"visit{visit}_{plane}.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n") and len(png) > 10_000

result = json.loads((folder / "assessment.json").read_text())
assert result["notice"] == "research use only, not for diagnosis"
assert len(result["visits"]) == 2
for visit in result["visits"]:
    assert visit["koos"]["grade"] == visit["truth"]["koos"], (visit["koos"], visit["truth"]["koos"])
    assert visit["koos"]["evidence"]["side"] == visit["truth"]["side"].lower()
(change,) = result["growth"]["changes"]
assert change["verdict"] == "growth", change

pages = subprocess.run(["pdfinfo", folder / "report.pdf"], capture_output=True, text=True, check=True).stdout
assert "Pages:           1" in pages, pages
text = subprocess.run(["pdftotext", "-layout", folder / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
assert "research use only, not for diagnosis" in text.lower()
print("demo: files are there and parse; side, grade and growth agree with the phantom's truth")
