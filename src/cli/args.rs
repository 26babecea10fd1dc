//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// make for video: renders what autocut.ron declares, and only what changed.
#[derive(Debug, Parser)]
#[command(
    name = "autocut",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Args {
    /// The project's folder, if not this one.
    #[arg(short = 'C', long = "directory", global = true, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring the outputs up to date.
    Make(Make),
    /// Check the manifest, without rendering.
    Check,
    /// Say what this machine can do, what is odd about each file of footage,
    /// and what is done about it.
    Doctor,
    /// Say why something is as it is.
    Explain(Explain),
    /// Write a page with the chosen moments and the near-misses, and the lines
    /// that pin or ban them.
    Storyboard(Storyboard),
    /// Write a commented manifest to start from.
    New(New),
    /// Remove from the store what was not used for longest.
    Gc(Gc),
    /// Check every object, result and output against what was recorded, and take
    /// away what is damaged. Exit code 2 where something is wrong.
    Verify(Verify),
    /// Print the reference of the manifest as Markdown.
    Reference,
}

#[derive(Debug, clap::Args)]
pub(super) struct Make {
    /// Outputs to make, by name; all where none is named.
    pub outputs: Vec<String>,
    /// Show what would run, and run nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Actions that run side by side [default: the processors of this machine].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Go on with what does not need what failed.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Overwrite outputs that autocut did not write or that were changed since.
    #[arg(long)]
    pub force: bool,
    /// Use only encoders that make the same bytes every time, and refuse
    /// others [default where the environment variable CI is set].
    #[arg(long, overrides_with = "no_reproducible")]
    pub reproducible: bool,
    /// Use any encoder, also where CI is set.
    #[arg(long)]
    pub no_reproducible: bool,
    /// Print one JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// What to explain.
    #[arg(value_enum)]
    pub what: Topic,
    /// Go on without files that cannot be used.
    #[arg(short, long)]
    pub keep_going: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Topic {
    /// Each chosen moment and each near-miss, with its scores and why.
    Moments,
}

#[derive(Debug, clap::Args)]
pub(super) struct Storyboard {
    /// The page to write.
    #[arg(short, long, default_value = "storyboard.html")]
    pub output: PathBuf,
    /// Go on without files that cannot be used.
    #[arg(short, long)]
    pub keep_going: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The folder to write to, if not this one.
    pub project: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Gc {
    /// Size that the store may keep, e.g. "20GiB" [default: its usual limit].
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub limit: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// "20GiB", "500 MB" or a number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write e.g. \"20GiB\" or \"500MB\"");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes("20GiB"), Ok(20 << 30));
        assert_eq!(bytes("500 MB"), Ok(500_000_000));
        assert_eq!(bytes("12"), Ok(12));
        assert!(bytes("much").is_err());
        assert!(bytes("99999999999TiB").is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
