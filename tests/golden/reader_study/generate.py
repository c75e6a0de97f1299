#!/usr/bin/env python3
"""Random readers and what scikit-learn and statsmodels say of them, for tests/suite/measure_reader_study.rs.

    pip install scikit-learn==1.9.1 statsmodels==0.15.0 && python3 tests/golden/reader_study/generate.py

Made with Python 3.11.7. Writes `readers.json` beside itself. Each reader has a list of [true grade 1 to 4, answered grade, confidence 0 to 1].
"""
import json
from pathlib import Path

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, cohen_kappa_score, mean_absolute_error
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

READERS = [
    # answers, part of them one grade off, part anywhere
    (400, 0.1, 0.02),
    (60, 0.35, 0.1),
    (25, 0.5, 0.5),
    (8, 0.2, 0.0),
    (200, 0.0, 1.0),
]
STEPS = [0.25, 0.5, 0.7, 0.85, 0.98]


def reader(random, count, off, anywhere):
    truth = random.integers(1, 5, count)
    answer = truth.copy()
    one_off = random.random(count) < off
    answer[one_off] += random.choice([-1, 1], one_off.sum())
    lost = random.random(count) < anywhere
    answer[lost] = random.integers(1, 5, lost.sum())
    answer = np.clip(answer, 1, 4)
    # Half of the readers use the five steps, the others the whole scale.
    said = random.choice(STEPS, count) if count % 2 == 0 else random.random(count)
    right = (answer == truth).astype(int)
    table = np.zeros((4, 4))
    np.add.at(table, (truth - 1, answer - 1), 1)
    kappa = cohens_kappa(table, wt="quadratic")
    part_right, mean_said = calibration_curve(right, said, n_bins=10)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], said)
    counts = [int((bins == b).sum()) for b in range(10) if (bins == b).any()]
    rights = [int(right[bins == b].sum()) for b in range(10) if (bins == b).any()]
    return {
        "answers": [[int(t), int(a), float(s)] for t, a, s in zip(truth, answer, said)],
        "kappa": float(cohen_kappa_score(truth, answer, weights="quadratic", labels=[1, 2, 3, 4])),
        "kappa_ci95": [float(kappa.kappa_low), float(kappa.kappa_upp)],
        "accuracy": float(accuracy_score(truth, answer)),
        "mean_absolute_error": float(mean_absolute_error(truth, answer)),
        "brier": float(brier_score_loss(right, said)),
        "bins": [
            {"said": float(s), "right": float(r), "count": c, "ci95": [float(x) for x in proportion_confint(k, c, method="wilson")]}
            for s, r, c, k in zip(mean_said, part_right, counts, rights)
        ],
        "expected_error": float(sum(abs(s - r) * c for s, r, c in zip(mean_said, part_right, counts)) / count),
    }


def main():
    random = np.random.default_rng(8)
    readers = [reader(random, *r) for r in READERS]
    path = Path(__file__).with_name("readers.json")
    path.write_text(json.dumps(readers, separators=(",", ":")) + "\n")


main()
