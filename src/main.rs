//! Schwann's one program: a window, or one command and its result.
use std::process::ExitCode;

/// Large tensors come and go with every tile; this allocator keeps their pages, which saves a tenth of the time of a segmentation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error,rfd=off"))
        .init();
    schwann::cli::run()
}
