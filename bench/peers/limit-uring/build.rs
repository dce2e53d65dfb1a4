//! Compiles the C program and has it linked whole, `main` included.
//!
//! Not here: the server, which is `src/server.c`.

fn main() {
    println!("cargo:rerun-if-changed=src/server.c");
    cc::Build::new()
        .file("src/server.c")
        .opt_level(3)
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .link_lib_modifier("+whole-archive")
        .compile("limit_uring");
}
