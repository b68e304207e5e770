//! The project's tasks, run as `cargo xtask …`.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`workspace`] | finds the repository, builds commands of cargo |
//! | [`process`] | runs a command and says how to repeat it |
//! | [`layers`] | imports run down only; every file is in the build |
//! | [`web`] | builds the page |
//! | [`mod@bench`] | measures fancy beside its peers |
//! | [`gallery`] | the pictures of the documentation |
//! | [`mod@test`] | the steps of `cargo xtask test` |
//!
//! The order of that table is the order of the layers: a module imports only what stands above it.

pub mod workspace;

pub mod process;

pub mod layers;

pub mod web;

pub mod bench;

pub mod gallery;

pub mod test;
