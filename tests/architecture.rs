//! The dependency directions of `src/`, enforced.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
use std::{collections::BTreeSet, fs, path::Path};

/// Room, our rooms that it may use, third-party crates that it may name. The same table stands in `ARCHITECTURE.md`.
const RULES: &[(&str, &[&str], &[&str])] = &[
    ("volume", &[], &["glam", "rayon", "thiserror"]),
    (
        "measure",
        &["volume"],
        &["glam", "rand", "rand_chacha", "rayon", "serde", "thiserror"],
    ),
    (
        "patient",
        &["measure", "volume"],
        &[
            "chrono",
            "csv",
            "flate2",
            "glam",
            "pdf_writer",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ],
    ),
    (
        "io",
        &["measure", "patient", "volume"],
        &[
            "chrono",
            "csv",
            "dicom_core",
            "dicom_dictionary_std",
            "dicom_encoding",
            "dicom_object",
            "dicom_transfer_syntax_registry",
            "flate2",
            "getrandom",
            "glam",
            "half",
            "jpeg_decoder",
            "openreadout_codecs",
            "rayon",
            "serde",
            "serde_json",
            "sha2",
            "sysinfo",
            "tempfile",
            "thiserror",
            "walkdir",
            "zip",
        ],
    ),
    (
        "phantom",
        &["measure", "volume"],
        &[
            "glam",
            "rand",
            "rand_chacha",
            "rand_distr",
            "rayon",
            "rustfft",
            "serde",
            "thiserror",
        ],
    ),
    (
        "model",
        &[],
        &[
            "bytemuck",
            "candle_core",
            "candle_nn",
            "half",
            "rayon",
            "rand",
            "rand_chacha",
            "rand_distr",
            "safetensors",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "wgpu",
            "zip",
        ],
    ),
    (
        "predict",
        &["measure", "model", "patient", "volume"],
        &[
            "candle_core",
            "candle_nn",
            "glam",
            "half",
            "rayon",
            "serde",
            "serde_json",
            "sysinfo",
            "thiserror",
        ],
    ),
    (
        "train",
        &["io", "measure", "model", "phantom", "predict", "volume"],
        &[
            "candle_core",
            "candle_nn",
            "glam",
            "image",
            "rand",
            "rand_chacha",
            "rayon",
            "safetensors",
            "serde",
            "serde_json",
            "thiserror",
            "toml",
        ],
    ),
    (
        "render",
        &["measure", "volume"],
        &["bytemuck", "glam", "image", "rayon", "thiserror", "wgpu"],
    ),
    (
        "school",
        &["io", "measure", "phantom", "volume"],
        &[
            "chrono",
            "csv",
            "serde",
            "serde_json",
            "sha2",
            "tempfile",
            "thiserror",
        ],
    ),
    (
        "app",
        &[
            "io", "measure", "model", "patient", "phantom", "predict", "render", "school", "train",
            "volume",
        ],
        &[
            "bytemuck",
            "chrono",
            "eframe",
            "egui",
            "egui_plot",
            "egui_wgpu",
            "glam",
            "image",
            "rfd",
            "serde",
            "serde_json",
            "tempfile",
            "thiserror",
            "wgpu",
        ],
    ),
    (
        "cli",
        &[
            "app", "io", "measure", "model", "patient", "phantom", "predict", "render", "school",
            "train", "volume",
        ],
        &[
            "anyhow",
            "chrono",
            "clap",
            "glam",
            "image",
            "rayon",
            "serde",
            "serde_json",
            "tempfile",
        ],
    ),
];

/// Every dependency: one that is new must be given to a room.
const CRATES: &[&str] = &[
    "anyhow",
    "bytemuck",
    "candle_core",
    "candle_nn",
    "chrono",
    "clap",
    "csv",
    "dicom_core",
    "dicom_dictionary_std",
    "dicom_encoding",
    "dicom_object",
    "dicom_transfer_syntax_registry",
    "eframe",
    "egui",
    "egui_plot",
    "egui_wgpu",
    "flate2",
    "getrandom",
    "glam",
    "half",
    "image",
    "jpeg_decoder",
    "openreadout_codecs",
    "pdf_writer",
    "rand",
    "rand_chacha",
    "rand_distr",
    "rayon",
    "rfd",
    "rustfft",
    "safetensors",
    "serde",
    "serde_json",
    "sha2",
    "sysinfo",
    "tempfile",
    "thiserror",
    "toml",
    "walkdir",
    "wgpu",
    "zip",
];

/// Dependencies that no room names: the allocator and the logger of `main.rs`, logging itself, and two that only switch features on.
const ROOMLESS: &[&str] = &["env_logger", "gemm", "log", "mimalloc"];

/// No file of `src/` is longer than this.
const MAX_LINES: usize = 800;

fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

/// First path segments after every path to the crate's root, groups included. `depth` is the number of modules between the file and the root.
fn own_modules(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&root) {
            let rest = code[at + root.len()..].trim_start();
            if let Some(group) = rest.strip_prefix('{') {
                let (mut depth, mut item) = (0, String::new());
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.insert(first_ident(&item));
                            item.clear();
                            continue;
                        }
                        _ => {}
                    }
                    item.push(c);
                }
                found.insert(first_ident(&item));
            } else {
                found.insert(first_ident(rest));
            }
        }
    }
    found
}

fn first_ident(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| is_ident(*c))
        .collect()
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].trim_start();
        // a path root: `name::`, or `use name;` / `use name as x`
        !before.is_some_and(|c| is_ident(c) || c == ':' || c == '.' || c == '"')
            && (after.starts_with("::") || code[..at].trim_end().ends_with("use"))
    })
}

fn rust_files(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn modules_depend_only_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (module, ours, third) in RULES {
        let mut files = Vec::new();
        rust_files(&src.join(module), &mut files);
        for file in files {
            let code = without_comments(&fs::read_to_string(&file).expect("source is readable"));
            // `room/mod.rs` is one module below the root, `room/file.rs` and `room/sub/mod.rs` two.
            let inside = file
                .strip_prefix(src.join(module))
                .expect("the file lies in the room");
            let depth = inside.components().count() + usize::from(!inside.ends_with("mod.rs"));
            let used = own_modules(&code, depth);
            for (other, ..) in RULES {
                if other != module && used.contains(*other) && !ours.contains(other) {
                    broken.push(format!("{}: {module} must not use {other}", file.display()));
                }
            }
            for name in CRATES {
                if names_crate(&code, name) && !third.contains(name) {
                    broken.push(format!("{}: {module} must not name {name}", file.display()));
                }
            }
        }
    }
    broken.sort();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_module_has_a_rule() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
        .expect("lib.rs is readable");
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|l| l.trim().strip_prefix("pub mod "))
        .map(|l| l.trim_end_matches(';'))
        .collect();
    let ruled: BTreeSet<&str> = RULES.iter().map(|r| r.0).collect();
    assert_eq!(declared, ruled);
}

#[test]
fn every_dependency_has_a_room() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .expect("the manifest is readable");
    let listed: BTreeSet<String> = manifest
        .lines()
        .skip_while(|l| *l != "[dependencies]")
        .skip(1)
        .take_while(|l| !l.starts_with('['))
        .filter_map(|l| l.split_once(" = "))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect();
    let known: BTreeSet<String> = CRATES
        .iter()
        .chain(ROOMLESS)
        .map(|c| (*c).to_owned())
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn the_state_of_the_window_is_testable_without_a_window() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    for name in ["state.rs", "command.rs", "apply.rs", "job.rs"] {
        let code =
            without_comments(&fs::read_to_string(app.join(name)).expect("source is readable"));
        for toolkit in ["egui", "eframe", "wgpu"] {
            assert!(
                !names_crate(&code, toolkit),
                "app/{name} must not name {toolkit}"
            );
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut files = Vec::new();
    rust_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    for file in files {
        let lines = fs::read_to_string(&file)
            .expect("source is readable")
            .lines()
            .count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", file.display());
    }
}
