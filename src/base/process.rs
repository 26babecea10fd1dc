//! What both programs ask of the system for themselves.

/// Lets this process and those that it starts do without huge pages. They make
/// nothing here quicker, and of each that is begun all 2 MiB are taken: two jobs
/// held 50 MiB more with them (docs/benchmarks.md).
pub fn without_huge_pages() {
    // A kernel that does not know of it has none.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
}
