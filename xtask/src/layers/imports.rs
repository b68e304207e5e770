//! Imports inside a package: a layer names only the layers before it.
//!
//! Every path counts, not only `use`: types, calls, patterns, the arguments of macros. A name that the crate's root
//! re-exports counts as the layer it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Visibility};

use super::Finding;
use super::modules::{SourceFile, Tree};
use super::paths::{self, Found};
use super::table::{Import, Package, Rules};

/// Checks the library and the programs of a package.
pub fn check(tree: &Tree, package: &Package, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut present = BTreeSet::new();
    let targets: BTreeSet<usize> = tree
        .files
        .iter()
        .filter(|file| file.layered)
        .map(|file| file.target)
        .collect();
    for target in targets {
        let files: Vec<&SourceFile> = tree
            .files
            .iter()
            .filter(|file| file.target == target)
            .collect();
        let Some(root) = files.iter().find(|file| file.module.is_empty()) else {
            continue;
        };
        let modules = layer_modules(root);
        for (name, line) in &modules {
            present.insert(name.clone());
            if !package.layers.contains(&name.as_str()) {
                findings.push(Finding::error(
                    &root.path,
                    *line,
                    format!(
                        "`{name}` has no place among the layers of `{}`: enter it in xtask/src/layers/table.rs",
                        package.name
                    ),
                ));
            }
        }
        let names = root_names(root, &files, &modules);
        let constants = root_constants(root);
        for file in &files {
            let judge = Judge {
                package,
                rules,
                names: &names,
                constants: &constants,
                file: &file.path,
                from: file.module.first().map(String::as_str),
            };
            for found in paths::of(file) {
                findings.extend(judge.finding(&found));
            }
        }
    }
    for layer in package.layers {
        if !present.contains(*layer) {
            findings.push(Finding::error(
                Path::new("xtask/src/layers/table.rs"),
                0,
                format!(
                    "`{}` has no module `{layer}`: take it out of the table",
                    package.name
                ),
            ));
        }
    }
    findings
}

/// The modules with a file of their own that the root file declares, with the line.
fn layer_modules(root: &SourceFile) -> BTreeMap<String, usize> {
    root.syntax
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() => {
                Some((module.ident.to_string(), module.ident.span().start().line))
            }
            _ => None,
        })
        .collect()
}

/// Constants that the root file defines, such as the limits of a format: they import nothing, so every layer may name them.
fn root_constants(root: &SourceFile) -> BTreeSet<String> {
    root.syntax
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Const(constant) => Some(constant.ident.to_string()),
            _ => None,
        })
        .collect()
}

/// What `crate::NAME` stands for: the layer that NAME is or comes from.
fn root_names(
    root: &SourceFile,
    files: &[&SourceFile],
    modules: &BTreeMap<String, usize>,
) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = modules
        .keys()
        .map(|name| (name.clone(), name.clone()))
        .collect();
    for item in &root.syntax.items {
        if let Item::Use(item) = item {
            reexports(item, modules, &mut names);
        }
    }
    for file in files {
        if let Some(layer) = file.module.first() {
            let mut exported = ExportedMacros::default();
            exported.visit_file(&file.syntax);
            names.extend(exported.0.into_iter().map(|name| (name, layer.clone())));
        }
    }
    names
}

fn reexports(
    item: &ItemUse,
    modules: &BTreeMap<String, usize>,
    names: &mut BTreeMap<String, String>,
) {
    if matches!(item.vis, Visibility::Inherited) {
        return;
    }
    for leaf in paths::leaves(&item.tree) {
        let start = leaf
            .segments
            .iter()
            .position(|segment| segment != "self" && segment != "crate");
        if let Some(layer) = start.and_then(|index| leaf.segments.get(index))
            && modules.contains_key(layer)
        {
            names.insert(leaf.name, layer.clone());
        }
    }
}

/// Names of `#[macro_export]` macros, which live at the crate's root wherever they are written.
#[derive(Default)]
struct ExportedMacros(Vec<String>);

impl<'ast> Visit<'ast> for ExportedMacros {
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let exported = item
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("macro_export"));
        if let Some(ident) = item.ident.as_ref().filter(|_| exported) {
            self.0.push(ident.to_string());
        }
        visit::visit_item_macro(self, item);
    }
}

struct Judge<'a> {
    package: &'a Package,
    rules: &'a Rules,
    names: &'a BTreeMap<String, String>,
    constants: &'a BTreeSet<String>,
    file: &'a Path,
    /// The layer that the file belongs to; `None` for the root file, which stands above all.
    from: Option<&'a str>,
}

impl Judge<'_> {
    fn finding(&self, found: &Found) -> Option<Finding> {
        let what = match found {
            Found::Inside { path, .. } => self.inside(path),
            Found::Outside { name, path, .. } => self.outside(name, path.first()?),
        };
        Some(Finding::error(self.file, found.line(), what?))
    }

    /// Why this file must not name `crate::path`.
    fn inside(&self, path: &[String]) -> Option<String> {
        let from = self.from?;
        let Some(first) = path.first().filter(|first| *first != "*") else {
            return Some(format!(
                "`{from}` takes from the crate's root, which stands above all layers: name the layer"
            ));
        };
        if self.constants.contains(first) {
            return None;
        }
        let Some(to) = self.names.get(first) else {
            return Some(format!(
                "`crate::{first}` is defined at the crate's root, which stands above `{from}`: move it into a layer"
            ));
        };
        let rank = |name: &str| self.package.layers.iter().position(|layer| *layer == name);
        // A layer that is not in the table was reported where it is declared.
        let (mine, its) = (rank(from)?, rank(to)?);
        (its > mine).then(|| {
            format!("`{from}` imports `{to}`, which stands above it: imports run down only")
        })
    }

    /// Why this file must not name module `first` of the crate `name`.
    fn outside(&self, name: &str, first: &str) -> Option<String> {
        let ours = self
            .rules
            .packages
            .iter()
            .find(|package| package.name.replace('-', "_") == name)?;
        let import: &Import = self
            .package
            .imports
            .iter()
            .find(|import| import.package == ours.name)?;
        let allowed = import.only.is_empty() || import.only.contains(&first);
        (!allowed).then(|| {
            format!(
                "`{}` may name only {} of `{name}`, not `{name}::{first}`",
                self.package.name,
                import
                    .only
                    .iter()
                    .map(|module| format!("`{module}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
    }
}
