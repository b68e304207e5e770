//! Length of files, and macros that mark unfinished code.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::Finding;
use super::modules::Tree;

/// A longer file is named.
pub const LONG: usize = 400;
/// A longer file fails the check.
pub const TOO_LONG: usize = 700;

const FORBIDDEN: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Looks at every file of the package.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree
        .all_files
        .iter()
        .filter_map(|(path, text)| length(path, text))
        .collect();
    for file in &tree.files {
        let mut macros = Macros {
            file: &file.path,
            findings: &mut findings,
        };
        macros.visit_file(&file.syntax);
    }
    findings
}

fn length(path: &Path, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    if lines > TOO_LONG {
        let what = format!("{lines} lines, more than {TOO_LONG}: divide it");
        Some(Finding::error(path, 0, what))
    } else if lines > LONG {
        let what = format!("{lines} lines: has it one idea? ({TOO_LONG} is the limit)");
        Some(Finding::warning(path, 0, what))
    } else {
        None
    }
}

struct Macros<'a> {
    file: &'a Path,
    findings: &'a mut Vec<Finding>,
}

impl Macros<'_> {
    fn forbid(&mut self, name: &str, line: usize) {
        if FORBIDDEN.contains(&name) {
            self.findings.push(Finding::error(
                self.file,
                line,
                format!("`{name}!` is not finished code"),
            ));
        }
    }

    /// Macros in the arguments of a macro, which syn leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut last: Option<proc_macro2::Ident> = None;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    last = Some(ident);
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == '!' => {
                    if let Some(ident) = &last {
                        self.forbid(&ident.to_string(), ident.span().start().line);
                    }
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
            last = None;
        }
    }
}

impl<'ast> Visit<'ast> for Macros<'_> {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(segment) = call.path.segments.last() {
            self.forbid(
                &segment.ident.to_string(),
                segment.ident.span().start().line,
            );
        }
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
