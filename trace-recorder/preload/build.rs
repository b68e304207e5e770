//! Linker settings of the shared object.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Thread-exit and fork handlers point into the object: once loaded it stays.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libheaptape.so");
}
