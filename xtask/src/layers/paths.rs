//! Every path that a file names, resolved to the crate's root or to a package of ours.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree};

use super::modules::SourceFile;

/// A path that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A place inside the crate, counted from its root.
    Inside {
        /// The segments after `crate`; empty for the root itself, `*` for a glob.
        path: Vec<String>,
        /// The line, from 1.
        line: usize,
    },
    /// A path that begins with the name of another crate (or with any other name).
    Outside {
        /// The first segment.
        name: String,
        /// The segments after it.
        path: Vec<String>,
        /// The line, from 1.
        line: usize,
    },
}

impl Found {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        match self {
            Found::Inside { line, .. } | Found::Outside { line, .. } => *line,
        }
    }
}

/// One name that a `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The whole path; a glob ends in `*`.
    pub segments: Vec<String>,
    /// The name that it gets here.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
}

/// Every path of two or more segments in `file`.
pub fn of(file: &SourceFile) -> Vec<Found> {
    let mut visitor = Paths {
        module: file.module.clone(),
        found: Vec::new(),
    };
    visitor.visit_file(&file.syntax);
    visitor.found
}

/// The single names of a `use`.
pub fn leaves(tree: &UseTree) -> Vec<Leaf> {
    let mut into = Vec::new();
    flatten(tree, &mut Vec::new(), &mut into);
    into
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, into: &mut Vec<Leaf>) {
    let mut leaf = |ident: &Ident, name: String| {
        let mut segments = prefix.clone();
        // `use a::{self}` names `a`.
        if ident != "self" || segments.is_empty() {
            segments.push(ident.to_string());
        }
        let name = if name == "self" {
            segments.last().cloned().unwrap_or(name)
        } else {
            name
        };
        into.push(Leaf {
            segments,
            name,
            line: ident.span().start().line,
        });
    };
    match tree {
        UseTree::Name(item) => leaf(&item.ident, item.ident.to_string()),
        UseTree::Rename(item) => leaf(&item.ident, item.rename.to_string()),
        UseTree::Glob(item) => {
            let mut segments = prefix.clone();
            segments.push("*".to_owned());
            into.push(Leaf {
                segments,
                name: "*".to_owned(),
                line: item.star_token.spans[0].start().line,
            });
        }
        UseTree::Path(item) => {
            prefix.push(item.ident.to_string());
            flatten(&item.tree, prefix, into);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, into);
            }
        }
    }
}

struct Paths {
    /// The module that the walk is in.
    module: Vec<String>,
    found: Vec<Found>,
}

impl Paths {
    fn record(&mut self, segments: &[String], line: usize) {
        if segments.len() < 2 {
            // `pub(crate)`, `self.x`, a plain name: nothing is imported.
            return;
        }
        let mut base = self.module.clone();
        let mut rest = segments;
        let mut relative = false;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            relative = true;
            rest = tail;
        }
        if relative {
            base.extend(rest.iter().cloned());
            self.found.push(Found::Inside { path: base, line });
        } else if let Some((name, path)) = segments.split_first() {
            self.found.push(Found::Outside {
                name: name.clone(),
                path: path.to_vec(),
                line,
            });
        }
    }

    /// Paths in the arguments of a macro, which syn leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(first) => at = self.token_path(&tokens, at, first),
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads the path that begins at token `at`; gives the index after it.
    fn token_path(&mut self, tokens: &[TokenTree], at: usize, first: &Ident) -> usize {
        let line = first.span().start().line;
        let mut segments = vec![first.to_string()];
        let mut next = at + 1;
        while is_colon(tokens.get(next)) && is_colon(tokens.get(next + 1)) {
            match tokens.get(next + 2) {
                Some(TokenTree::Ident(ident)) => segments.push(ident.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let tree = TokenStream::from(TokenTree::Group(group.clone()));
                    if let Ok(tree) = syn::parse2::<UseTree>(tree) {
                        for leaf in leaves(&tree) {
                            let whole = [segments.as_slice(), &leaf.segments].concat();
                            self.record(&whole, leaf.line);
                        }
                    }
                    return next + 3;
                }
                _ => break,
            }
            next += 3;
        }
        self.record(&segments, line);
        next
    }
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for leaf in leaves(&item.tree) {
            self.record(&leaf.segments, leaf.line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if let Some(first) = path.segments.first() {
            self.record(&segments, first.ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
