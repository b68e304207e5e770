//! `cargo xtask layers` on small trees that break one rule each.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use xtask::layers::table::{Import, Package, RULES, Rules};
use xtask::layers::{Finding, Severity, check};
use xtask::workspace::Workspace;

const CORE: Package = Package {
    name: "core-part",
    imports: &[],
    tests_import: &[],
    layers: &["base", "heap", "threaded"],
};

const TOP: Package = Package {
    name: "top",
    imports: &[Import {
        package: "core-part",
        only: &["base", "heap"],
        without: &["default", "os"],
    }],
    tests_import: &[],
    layers: &["draw"],
};

const TWO: Rules = Rules {
    packages: &[CORE, TOP],
};

/// A sound workspace of two packages.
fn sound() -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |path: &str, text: &str| write(dir.path(), path, text);
    write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"core-part\", \"top\"]\n[workspace.dependencies]\ncore-part = { path = \"core-part\" }\n",
    );
    write(
        "core-part/Cargo.toml",
        "[package]\nname = \"core-part\"\n[features]\ndefault = [\"os\"]\nos = []\n",
    );
    write(
        "core-part/src/lib.rs",
        "pub mod base;\npub mod heap;\npub mod threaded;\npub use threaded::Shared;\n",
    );
    write("core-part/src/base.rs", "pub struct Size(pub usize);\n");
    write(
        "core-part/src/heap/mod.rs",
        "mod bins;\nuse crate::base::Size;\npub struct Heap(Size);\n",
    );
    write(
        "core-part/src/heap/bins.rs",
        "use super::Heap;\nfn all(_: &Heap) {}\n",
    );
    write(
        "core-part/src/threaded.rs",
        "use crate::{base, heap::Heap};\npub struct Shared(Heap, base::Size);\n",
    );
    write(
        "core-part/tests/all.rs",
        "mod common;\nuse core_part::threaded::Shared;\n",
    );
    write("core-part/tests/common/mod.rs", "pub fn help() {}\n");
    write(
        "top/Cargo.toml",
        "[package]\nname = \"top\"\n[dependencies]\ncore-part = { path = \"../core-part\", default-features = false }\n",
    );
    write("top/src/main.rs", "mod draw;\nfn main() {}\n");
    write(
        "top/src/draw.rs",
        "use core_part::heap::Heap;\nfn draw(_: Heap) {}\n",
    );
    dir
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn findings(dir: &TempDir) -> Vec<Finding> {
    check(dir.path(), &TWO).unwrap().findings
}

/// The one finding of the sound tree with `path` holding `text`, as it is printed.
fn broken(path: &str, text: &str) -> String {
    let dir = sound();
    write(dir.path(), path, text);
    let findings = findings(&dir);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0].to_string()
}

#[test]
fn a_sound_tree_has_no_finding() {
    let dir = sound();
    let checked = check(dir.path(), &TWO).unwrap();
    assert_eq!(checked.findings, []);
    assert_eq!((checked.packages, checked.files), (2, 9));
}

#[test]
fn a_use_of_a_higher_layer_is_found_with_its_line() {
    let said = broken(
        "core-part/src/base.rs",
        "//! Sizes.\n\nuse crate::heap::Heap;\npub struct Size(pub usize);\n",
    );
    assert!(said.starts_with("core-part/src/base.rs:3: error"), "{said}");
    assert!(said.contains("`base` imports `heap`"), "{said}");
}

#[test]
fn a_path_without_use_is_found() {
    let said = broken(
        "core-part/src/base.rs",
        "pub struct Size(pub usize);\nfn f() -> crate::threaded::Shared { loop {} }\n",
    );
    assert!(said.contains("base.rs:2"), "{said}");
}

#[test]
fn a_path_through_super_is_found() {
    let said = broken(
        "core-part/src/heap/bins.rs",
        "use super::super::threaded::Shared;\n",
    );
    assert!(said.contains("`heap` imports `threaded`"), "{said}");
    let said = broken(
        "core-part/src/heap/bins.rs",
        "mod tests {\n    use super::super::super::threaded;\n}\n",
    );
    assert!(said.contains("bins.rs:2"), "{said}");
}

#[test]
fn a_path_in_the_arguments_of_a_macro_is_found() {
    for line in [
        "fn f() { assert!(crate::threaded::ready()); }\n",
        "fn f() { m! { use crate::{base::Size, threaded::Shared}; } }\n",
        "macro_rules! m { () => { $crate::threaded::ready() } }\n",
    ] {
        let said = broken(
            "core-part/src/base.rs",
            &format!("pub struct Size(pub usize);\n{line}"),
        );
        assert!(said.contains("base.rs:2"), "{said}");
        assert!(said.contains("`base` imports `threaded`"), "{said}");
    }
}

#[test]
fn a_name_that_the_root_re_exports_counts_as_its_layer() {
    let said = broken("core-part/src/heap/bins.rs", "use crate::Shared;\n");
    assert!(said.contains("`heap` imports `threaded`"), "{said}");
}

#[test]
fn what_the_root_itself_defines_stands_above_all_but_constants() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/lib.rs",
        "pub mod base;\npub mod heap;\npub mod threaded;\npub const LIMIT: u8 = 1;\npub fn top() {}\n",
    );
    write(
        dir.path(),
        "core-part/src/heap/bins.rs",
        "use crate::LIMIT;\nuse crate::top;\nuse crate::*;\n",
    );
    let said: Vec<String> = findings(&dir).iter().map(Finding::to_string).collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].contains("`crate::top`"), "{said:#?}");
    assert!(said[1].contains("crate's root"), "{said:#?}");
}

#[test]
fn visibility_is_no_import() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/base.rs",
        "pub struct Size(pub usize);\npub(crate) fn f() {}\nimpl Size { fn g(&self) -> usize { self.0 } }\n",
    );
    assert_eq!(findings(&dir), []);
}

#[test]
fn a_folder_that_is_not_in_the_table_is_found() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/lib.rs",
        "pub mod base;\npub mod heap;\npub mod threaded;\npub mod utils;\n",
    );
    write(dir.path(), "core-part/src/utils/mod.rs", "");
    let said = findings(&dir)
        .iter()
        .map(Finding::to_string)
        .collect::<String>();
    assert!(said.contains("lib.rs:4"), "{said}");
    assert!(said.contains("`utils` has no place"), "{said}");
}

#[test]
fn an_entry_of_the_table_that_stands_for_nothing_is_found() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/lib.rs",
        "pub mod base;\npub mod heap;\n",
    );
    fs::remove_file(dir.path().join("core-part/src/threaded.rs")).unwrap();
    let said = findings(&dir)[0].to_string();
    assert!(said.contains("has no module `threaded`"), "{said}");
}

#[test]
fn a_package_must_not_import_one_above_it() {
    let said = broken(
        "core-part/Cargo.toml",
        "[package]\nname = \"core-part\"\n[dependencies]\ntop = { path = \"../top\" }\n",
    );
    assert!(said.starts_with("core-part/Cargo.toml:4"), "{said}");
    assert!(said.contains("`core-part` must not import `top`"), "{said}");
    let said = broken(
        "core-part/Cargo.toml",
        "[package]\nname = \"core-part\"\n[target.'cfg(unix)'.dev-dependencies]\ntop.path = \"../top\"\n",
    );
    assert!(said.contains("the tests of `core-part`"), "{said}");
}

#[test]
fn a_feature_that_must_be_off_is_found() {
    let with = |entry: &str| {
        broken(
            "top/Cargo.toml",
            &format!("[package]\nname = \"top\"\n[dependencies]\n{entry}\n"),
        )
    };
    let said = with("core-part.workspace = true");
    assert!(said.contains("without the feature `default`"), "{said}");
    let said = with(
        "core-part = { path = \"../core-part\", default-features = false, features = [\"os\"] }",
    );
    assert!(said.contains("without the feature `os`"), "{said}");
}

#[test]
fn a_module_of_another_package_that_must_not_be_named_is_found() {
    let said = broken("top/src/draw.rs", "use core_part::threaded::Shared;\n");
    assert!(said.contains("top/src/draw.rs:1"), "{said}");
    assert!(said.contains("not `core_part::threaded`"), "{said}");
    // A re-export at the other crate's root is no way around.
    let said = broken("top/src/draw.rs", "fn f(_: core_part::Shared) {}\n");
    assert!(said.contains("not `core_part::Shared`"), "{said}");
}

#[test]
fn a_package_that_is_not_in_the_table_is_found() {
    let dir = sound();
    let core_only = Rules { packages: &[CORE] };
    let findings = check(dir.path(), &core_only).unwrap().findings;
    let said = findings[0].to_string();
    assert!(said.contains("package `top` is not in the table"), "{said}");
}

#[test]
fn a_file_outside_every_build_is_found() {
    let said = broken("core-part/src/heap/old.rs", "pub fn f() {}\n");
    assert!(
        said.starts_with("core-part/src/heap/old.rs: error: no target"),
        "{said}"
    );
    let said = broken(
        "core-part/src/heap/bins.rs",
        "#[cfg(any())]\nmod never { fn f() {} }\n",
    );
    assert!(said.contains("left out of every build"), "{said}");
}

#[test]
fn a_path_attribute_is_followed() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/base.rs",
        "#[path = \"elsewhere/odd.rs\"]\nmod odd;\npub struct Size(pub usize);\n",
    );
    write(dir.path(), "core-part/src/elsewhere/odd.rs", "");
    write(
        dir.path(),
        "core-part/examples/one.rs",
        "#[path = \"../tests/common/mod.rs\"]\nmod common;\nfn main() {}\n",
    );
    assert_eq!(findings(&dir), []);
}

#[test]
fn a_module_without_a_file_and_a_file_that_is_not_rust_are_found() {
    let said = broken("core-part/src/heap/bins.rs", "mod missing;\n");
    assert!(said.contains("`mod missing;` has no file"), "{said}");
    let said = broken("core-part/src/heap/bins.rs", "fn f( {\n");
    assert!(said.contains("is not Rust"), "{said}");
}

#[test]
fn unfinished_code_is_found() {
    for line in [
        "fn f() { todo!() }",
        "fn f() { std::unimplemented!(\"later\") }",
        "fn f() { println!(\"{}\", dbg!(1)); }",
    ] {
        let said = broken("core-part/src/heap/bins.rs", line);
        assert!(said.contains("bins.rs:1"), "{said}");
        assert!(said.contains("not finished code"), "{said}");
    }
    // The word alone is no macro.
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/heap/bins.rs",
        "// todo!\nfn todo() -> &'static str { \"dbg!\" }\n",
    );
    assert_eq!(findings(&dir), []);
}

#[test]
fn a_long_file_is_named_and_a_very_long_one_fails() {
    let dir = sound();
    write(
        dir.path(),
        "core-part/src/heap/bins.rs",
        &"// line\n".repeat(401),
    );
    let found = findings(&dir);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].severity, Severity::Warning);
    let said = broken("core-part/src/heap/bins.rs", &"// line\n".repeat(701));
    assert!(said.contains("error: 701 lines"), "{said}");
}

#[test]
fn the_tables_own_packages_are_those_of_the_workspace() {
    let workspace = Workspace::find().unwrap();
    let manifests = xtask::layers::packages::read(workspace.root()).unwrap();
    for package in RULES.packages {
        assert!(
            manifests
                .iter()
                .any(|manifest| manifest.name == package.name),
            "{} is in the table only",
            package.name
        );
    }
}
