//! Every shader is valid WGSL, without a GPU.
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn shaders(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(shaders(&path));
        } else if path.extension().is_some_and(|e| e == "wgsl") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn check(name: &str, source: &str) {
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string_with_path(source, name)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {e:?}"));
}

#[test]
fn every_shader_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let common: String = shaders(&root.join("common"))
        .iter()
        .map(|p| fs::read_to_string(p).unwrap())
        .collect();
    let all = shaders(&root);
    assert!(all.len() >= 2, "{all:?}");
    for path in all {
        let source = fs::read_to_string(&path).unwrap();
        // A kernel comes first, the common part after it, as the program compiles them.
        let is_common = path.parent().is_some_and(|p| p.ends_with("common"));
        let whole = if is_common { source } else { source + &common };
        check(&path.display().to_string(), &whole);
    }
}

#[test]
fn the_slice_shader_that_is_compiled_is_valid() {
    check("slice", schwann::render::SLICE_SHADER);
}
