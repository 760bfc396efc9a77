//! The `vestibule` program: all of it is in the library.

use std::process::ExitCode;

/// A request makes many small allocations, most of which die with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vestibule::cli::main(std::env::args_os())
}
