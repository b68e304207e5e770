//! The JavaScript that stands between the page and the module.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::error::BuildError;

/// Writes `web.js` and `web_bg.wasm` for the module `wasm` into `out_dir`.
pub fn generate(wasm: &Path, out_dir: &Path) -> Result<(), BuildError> {
    let run = || {
        Bindgen::new()
            .input_path(wasm)
            .out_name("web")
            .web(true)?
            .typescript(false)
            .remove_name_section(true)
            .remove_producers_section(true)
            .generate(out_dir)
    };
    run().map_err(|error| BuildError::Bindings {
        wasm: wasm.to_path_buf(),
        reason: format!("{error:#}"),
    })
}
