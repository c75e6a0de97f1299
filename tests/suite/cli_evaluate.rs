//! `schwann evaluate` on label maps whose values mean different things.
use super::{json, visits};
use schwann::{
    io,
    volume::{LabelMap, Structure},
};
use serde_json::Value;

#[test]
fn predictions_and_references_may_have_schemes_of_their_own_and_the_json_holds_all_warnings() {
    let first = &visits().1[0];
    let value = |s: Structure| first.table().value(s).unwrap();
    let [tumour, cochlea] = [Structure::VestibularSchwannoma, Structure::Cochlea].map(value);
    // The values of the challenge of 2023.
    let values = (first.labels().iter().enumerate()).map(|(n, v)| match *v {
        v if v == tumour => 1 + (n % 2) as u8,
        v if v == cochlea => 3,
        _ => 0,
    });
    let other = LabelMap::new(*first.grid(), values.collect(), first.table().clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [predicted, truth] = ["predicted", "truth"].map(|n| folder.path().join(n));
    for (folder, map) in [(&predicted, &other), (&truth, first)] {
        std::fs::create_dir(folder).unwrap();
        io::write_labels(&folder.join("a.nii.gz"), map).unwrap();
    }
    let own = folder.path().join("own.json");
    std::fs::write(
        &own,
        r#"{"1": "vestibular schwannoma", "2": "cochlea", "3": "brainstem"}"#,
    )
    .unwrap();
    let [predicted, truth, own] = [&predicted, &truth, &own].map(|p| p.to_str().unwrap());
    let judged = |more: &[&str]| {
        let folders = [
            "evaluate",
            "--json",
            "--prediction",
            predicted,
            "--reference",
            truth,
        ];
        json(&[&folders[..], more].concat())
    };
    let dice = |found: &Value, structure: Structure| {
        let cases = found["cases"].as_array().unwrap();
        let case = cases.iter().find(|c| c["structure"] == structure.name());
        case.unwrap()["dice"].clone()
    };
    for schemes in [
        &["--prediction-scheme", "crossmoda2023"][..],
        &["--scheme", "crossmoda2023", "--reference-scheme", own],
    ] {
        let found = judged(schemes);
        for structure in [Structure::VestibularSchwannoma, Structure::Cochlea] {
            assert_eq!(dice(&found, structure), 1.0, "{schemes:?}: {structure}");
        }
    }
    let plain = judged(&[]);
    assert_ne!(dice(&plain, Structure::VestibularSchwannoma), 1.0);
    let warnings = plain["warnings"].to_string();
    assert!(
        warnings.contains("--scheme crossmoda2023") && warnings.contains("a.nii.gz"),
        "{warnings}"
    );
}
