#!/usr/bin/env python3
"""Trees and forests of scikit-learn on fixed rows, for tests/suite/model_forest.rs.

    pip install scikit-learn==1.9.1 && python3 tests/golden/forest/generate.py

Made with Python 3.11, scikit-learn 1.9.1, numpy 2.4.6. Writes `golden.json` beside itself: rows to learn from and rows to ask about (values are quarters, so that single
precision holds them and their midpoints exactly), a single tree that looks at every feature, a forest in Schwann's own format with its probabilities, and how
well forests of scikit-learn with 30 seeds do.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

NAMES = ["volume", "gap", "contact", "shift", "noise"]


def rows(random, count):
    """Four ordered classes from noisy thresholds, with unequal frequency."""
    severity = np.clip(random.normal(2.2, 1.1, count), 0, 4.4)
    grade = np.minimum(severity.astype(int), 3)
    x = np.stack(
        [
            np.exp(4.5 + 1.1 * severity + random.normal(0, 0.7, count)),
            np.maximum(0, 11 - 5 * severity + random.normal(0, 2.0, count)),
            np.maximum(0, 40 * (severity - 1.9) + random.normal(0, 18, count)),
            1.3 * np.maximum(0, severity - 2) + random.normal(0, 0.7, count),
            random.normal(0, 1, count),
        ],
        axis=1,
    )
    return np.round(x * 4) / 4, grade


def ours(trees, classes):
    """Trees of scikit-learn in the format of Schwann's forest."""
    out = []
    for t in trees:
        t = t.tree_
        split = {n: k for k, n in enumerate(np.flatnonzero(t.children_left >= 0).tolist())}
        leaf = {n: k for k, n in enumerate(np.flatnonzero(t.children_left < 0).tolist())}
        child = lambda n: split[n] if n in split else -1 - leaf[n]
        value = t.value[:, 0, :] / t.value[:, 0, :].sum(axis=1, keepdims=True)
        out.append(
            {
                "feature": [int(t.feature[n]) for n in split],
                "threshold": [float(t.threshold[n]) for n in split],
                "low": [child(int(t.children_left[n])) for n in split],
                "high": [child(int(t.children_right[n])) for n in split],
                "leaves": [value[n].tolist() for n in leaf],
            }
        )
    return {"features": NAMES, "medians": [0.0] * len(NAMES), "classes": classes, "trees": out}


def main():
    settings = dict(max_depth=4, min_samples_leaf=6, class_weight="balanced")
    for seed in range(1000):
        random = np.random.default_rng(seed)
        x, y = rows(random, 300)
        ask, truth = rows(random, 400)
        # The seed of a tree only breaks ties between features: rows on which all seeds agree have none.
        single = [DecisionTreeClassifier(random_state=s, **settings).fit(x, y).predict_proba(ask) for s in range(30)]
        if all(np.allclose(single[0], p, atol=1e-12) for p in single):
            break
    else:
        raise SystemExit("every split of every tree is tied")
    forest = dict(n_estimators=200, max_depth=5, min_samples_leaf=2, class_weight="balanced", max_features="sqrt")
    small = RandomForestClassifier(random_state=0, **{**forest, "n_estimators": 12}).fit(x, y)
    many = [RandomForestClassifier(random_state=s, **forest).fit(x, y).predict_proba(ask) for s in range(30)]
    accuracy = [float((p.argmax(axis=1) == truth).mean()) for p in many]
    mean = np.mean(many, axis=0)
    apart = [float(np.abs(p - mean).mean()) for p in many]
    golden = {
        "rows": x.tolist(),
        "classes": y.tolist(),
        "ask": ask.tolist(),
        "truth": truth.tolist(),
        "tree": single[0].tolist(),
        "forest": ours(small.estimators_, 4),
        "forest_probabilities": small.predict_proba(ask).tolist(),
        "mean_probabilities": np.round(mean, 6).tolist(),
        "accuracy": [min(accuracy), max(accuracy)],
        "apart": max(apart),
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden) + "\n")
    print("rows of seed", seed, np.bincount(y), "accuracy", golden["accuracy"], "apart", golden["apart"])


main()
