//! A bar for work that is counted in bytes.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a single piece of work has come.
pub struct Bytes(ProgressBar);

impl Bytes {
    /// `live` draws it on standard error; otherwise nothing is shown.
    pub fn new(what: &str, live: bool) -> Self {
        let target = if live { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let template =
            "{spinner:.cyan} {msg} {wide_bar:.cyan/238} {bytes:>10}/{total_bytes} {bytes_per_sec:>12} {eta:>4} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        bar.set_message(what.to_owned());
        Bytes(bar)
    }

    pub fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// Takes it off the screen.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
