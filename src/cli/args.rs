//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::base::{Bytes, Diagnostic, Timestamp};
use crate::deliver::codecs::Preset;
use crate::deliver::encoders::{Wanted, Which};
use crate::exec::decoding::DecodeBy;
use crate::exec::reproducible;
use crate::exec::settings::{Arguments, FromText, Jobs, SharedPlace, StoreFolder};
use crate::telemetry::zone::Zone;

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
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring the outputs up to date.
    Make(Make),
    /// Bring the outputs up to date, now and whenever something changes.
    Watch(Watch),
    /// Check the manifest, without rendering.
    Check,
    /// Say what this machine can do, what is odd about each file of footage,
    /// and what is done about it; how good each log is.
    Doctor(Doctor),
    /// Show what would run, for how long, and why; run nothing.
    Plan(Plan),
    /// Say why something has to be made, or was made as it is.
    Explain(Explain),
    /// Draw what the outputs rest on, for Graphviz or Mermaid.
    Graph(Graph),
    /// Compare encoders, presets and qualities on a piece of your own footage,
    /// and say which to take. Writes no output.
    Bench(Bench),
    /// Show what is in a file of telemetry, or in the telemetry of a film: its
    /// channels, what they range over, how they run. Needs no project.
    Telemetry(Telemetry),
    /// Write a page with the chosen moments and the near-misses, and the lines
    /// that pin or ban them.
    Storyboard(Storyboard),
    /// Write a commented manifest to start from.
    New(New),
    /// Remove from the store what was not used for longest.
    Gc(Gc),
    /// Remove the outputs that autocut wrote and nobody changed since.
    Clean(Clean),
    /// Say what is in the store, by kind, and how much of it was reused.
    Store(StoreArgs),
    /// List past builds and what each of them ran.
    Log(Log),
    /// Check every object, result and output against what was recorded, and take
    /// away what is damaged. Exit code 2 where something is wrong.
    Verify(Verify),
    /// Do one action that failed again, from the file that its failure names.
    #[command(hide = true)]
    Run(Run),
    /// Choose the moments and write them, with the tools, to autocut.lock: from
    /// there other machines take them.
    Lock,
    /// Print the reference of the manifest as Markdown.
    Reference,
}

/// Settings: each stronger than its variable, which is stronger than the config
/// file. `autocut doctor` shows what holds and where it comes from.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings (see `autocut doctor`)")]
pub(super) struct Settings {
    /// Actions that run side by side; AUTOCUT_JOBS [default: the processors that autocut may use].
    #[arg(short, long, global = true, value_name = "N", value_parser = value::<Jobs>)]
    jobs: Option<Jobs>,
    /// Memory that they may take together, e.g. 4GiB; AUTOCUT_MEMORY [default: three quarters of what
    /// autocut may use].
    #[arg(long, global = true, value_name = "SIZE", value_parser = value::<Bytes>)]
    memory: Option<Bytes>,
    /// The folder for results; AUTOCUT_STORE [default: .autocut in the project].
    #[arg(long, global = true, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// The encoder for the codec that it makes; AUTOCUT_CODEC [default: auto, the best that works].
    #[arg(long, global = true, value_name = "ENCODER", value_parser = value::<Wanted>)]
    codec: Option<Wanted>,
    /// What decodes footage: auto, software, or a device such as vaapi; AUTOCUT_DECODE [default: auto,
    /// hardware where it works and pays].
    #[arg(long, global = true, value_name = "HOW", value_parser = value::<DecodeBy>)]
    decode: Option<DecodeBy>,
    /// The store that machines share: a folder or s3://BUCKET/PREFIX; AUTOCUT_REMOTE [default: none].
    #[arg(long, global = true, value_name = "PLACE", value_parser = value::<SharedPlace>)]
    remote: Option<SharedPlace>,
    /// Publish what is made here to the shared store; AUTOCUT_REMOTE_WRITE.
    #[arg(long, global = true)]
    remote_write: bool,
}

impl Settings {
    pub(super) fn arguments(&self) -> Arguments {
        Arguments {
            jobs: self.jobs,
            memory: self.memory,
            store: self.store.clone().map(StoreFolder),
            codec: self.codec.clone(),
            decode: self.decode,
            remote: self.remote.clone(),
            remote_write: self.remote_write.then_some(true),
        }
    }
}

/// A setting's value, with what is wrong with it in clap's form.
fn value<T: FromText>(text: &str) -> Result<T, String> {
    T::from_text(text).map_err(told)
}

fn told(wrong: Diagnostic) -> String {
    let notes = wrong.notes.iter().chain(&wrong.hint).map(|note| format!("\n  {note}"));
    notes.fold(wrong.message.clone(), |text, note| text + &note)
}

#[derive(Debug, clap::Args)]
pub(super) struct Make {
    /// Outputs to make, by name; all where none is named.
    pub outputs: Vec<String>,
    /// Show what would run, and run nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Go on with what does not need what failed.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Overwrite outputs that autocut did not write or that were changed since.
    #[arg(long)]
    pub force: bool,
    /// Make drafts to look at: a quarter of the picture, as quickly as it goes,
    /// in files of their own (`out/reel.draft.mp4`).
    #[arg(long)]
    pub draft: bool,
    #[command(flatten)]
    pub same: Same,
    /// Take the moments and the tools that autocut.lock pins, and fail where
    /// that file would change.
    #[arg(long)]
    pub locked: bool,
    /// Write where the time went to a file for Perfetto (ui.perfetto.dev) or
    /// chrome://tracing.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Print one JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Whether the same bytes can be asked for again.
#[derive(Debug, clap::Args)]
pub(super) struct Same {
    /// Use only encoders that make the same bytes every time, and refuse
    /// others [default where the environment variable CI is set].
    #[arg(long, overrides_with = "no_reproducible")]
    reproducible: bool,
    /// Use any encoder, also where CI is set.
    #[arg(long)]
    no_reproducible: bool,
}

impl Same {
    /// What the command line says, or else whether this is continuous
    /// integration.
    pub(super) fn is_wanted(&self) -> bool {
        self.reproducible || (!self.no_reproducible && reproducible::is_ci(std::env::var_os("CI").as_deref()))
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Watch {
    /// Outputs to make, by name; all where none is named.
    pub outputs: Vec<String>,
    /// A shell command to run after each good build; where it still runs then,
    /// it is ended first.
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// Go on with what does not need what failed.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Overwrite outputs that autocut did not write or that were changed since.
    #[arg(long)]
    pub force: bool,
    /// Make drafts to look at, as `make --draft` does.
    #[arg(long)]
    pub draft: bool,
    /// Print one JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Plan {
    /// Outputs to plan, by name; all where none is named.
    pub outputs: Vec<String>,
    /// Of drafts, as `make --draft` makes them.
    #[arg(long)]
    pub draft: bool,
    /// Say for each action what is different since it was last done.
    #[arg(long)]
    pub why: bool,
    /// Print one JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// An output by its name or file; `clip` and its number; an action by its
    /// name or the beginning of it; `moments` for the choice with all scores;
    /// `clock` and a camera, or none for all, for how their clocks were found.
    pub what: Option<String>,
    /// The number of the clip in its output, from 1; the camera of a `clock`.
    #[arg(value_name = "NUMBER|CAMERA")]
    pub which: Option<String>,
    /// The output that the clip is of [default: the first].
    #[arg(long, value_name = "OUTPUT")]
    pub output: Option<String>,
    /// What the last build ran, and why.
    #[arg(long, conflicts_with_all = ["what", "output"])]
    pub last: bool,
    /// Of drafts, as `make --draft` makes them.
    #[arg(long)]
    pub draft: bool,
    /// Go on without files that cannot be used (for `moments` and `clock`).
    #[arg(short, long)]
    pub keep_going: bool,
    /// Print a JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Graph {
    /// Outputs to draw, by name; all where none is named.
    pub outputs: Vec<String>,
    /// What is drawn as one box [default: clip, or kind where there are many clips].
    #[arg(long, value_enum)]
    pub by: Option<By>,
    /// The language of the text.
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum By {
    /// All actions of a kind.
    Kind,
    /// All actions of a clip.
    Clip,
    /// Each action.
    Action,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum GraphFormat {
    /// For Graphviz: `autocut graph | dot -Tsvg > plan.svg`.
    Dot,
    /// For pages that draw it, as Markdown on many code hosts does.
    Mermaid,
}

#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    /// The footage [default: the largest file of the project's footage].
    pub file: Option<PathBuf>,
    /// Where the stretch starts, e.g. 1min30s [default: in the middle].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Timestamp>,
    /// How long it is [default: 4s].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub length: Option<Timestamp>,
    /// Codecs (each by its best encoder that works here), or encoders by
    /// FFmpeg's names, e.g. H264,Hevc,libsvtav1 [default: H264,Hevc].
    #[arg(long = "codec", value_name = "CODEC,...", value_delimiter = ',', value_parser = which)]
    pub codecs: Vec<Which>,
    /// x264's presets; other encoders get their own that is nearest [default:
    /// veryfast,medium].
    #[arg(long, value_name = "PRESET,...", value_delimiter = ',', value_parser = preset)]
    pub preset: Vec<Preset>,
    /// Qualities on the scale of x264's CRF, 1 to 51 [default: 18,22,26].
    #[arg(long, value_name = "CRF,...", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=51))]
    pub quality: Vec<u32>,
    /// Compare with an earlier run: a file with what `--json` printed.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Print a JSON object on standard output.
    #[arg(long)]
    pub json: bool,
    /// The setting `--codec` of other commands, under a name of its own: here
    /// that one lists what is compared. (The same id keeps the global one out.)
    #[arg(id = "codec", long = "encoder", hide = true, value_parser = value::<Wanted>)]
    _encoder: Option<Wanted>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Telemetry {
    /// A log (FIT, GPX, TCX, CSV, NMEA, SRT, GPMF), or a film that carries one.
    /// Where the manifest here names it, it is read as the manifest says.
    pub file: PathBuf,
    /// Clean it first: drop what is impossible, smooth the track, compute what
    /// can be computed.
    #[arg(long)]
    pub clean: bool,
    /// Print a row for each sample instead, as CSV: `time` in seconds of the
    /// film or since 1970, then every channel in its own unit. Of a GoPro that
    /// includes samples without a fix.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Draw the track and every channel, as a PNG file.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// The zone of times that name none, e.g. Europe/Berlin or +05:30 [default: UTC].
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub timezone: Option<String>,
    /// Print a JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

fn zone(text: &str) -> Result<String, String> {
    Zone(text.to_owned()).rules().map(|_| text.to_owned()).map_err(told)
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
pub(super) struct Run {
    /// The file, in the store's folder `failed`.
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The folder to write to, if not this one.
    pub project: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Gc {
    /// Size that the store may keep, e.g. "20GiB" [default: the limit of the
    /// manifest or of the config file, or its usual one].
    #[arg(long, value_name = "SIZE", value_parser = value::<Bytes>)]
    pub limit: Option<Bytes>,
    /// Remove what was not used for this long, e.g. "30d", even where there is
    /// room.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<Timestamp>,
    /// Say what would go, and remove nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Clean {
    /// Outputs to remove, by name; all that autocut wrote where none is named.
    pub outputs: Vec<String>,
    /// Only files that the manifest no longer asks for: clips of moments that
    /// left the film, outputs that were renamed.
    #[arg(long)]
    pub stale: bool,
    /// Remove the store as well.
    #[arg(long, conflicts_with_all = ["outputs", "stale"])]
    pub all: bool,
    /// Say what would go, and remove nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Log {
    /// A build to show in full, by its number.
    pub build: Option<u64>,
    /// Only the last N builds.
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "build")]
    pub last: Option<usize>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Run the actions of the outputs again, in a store of their own, and
    /// compare what comes of each with what is recorded. Exit code 2 where
    /// something differs.
    #[arg(long)]
    pub rebuild: bool,
    /// Outputs to make again, by name; all where none is named.
    #[arg(requires = "rebuild", value_name = "OUTPUT")]
    pub outputs: Vec<String>,
    /// Keep both versions of what differs in this folder, to look at.
    #[arg(long, requires = "rebuild", value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    #[command(flatten)]
    pub same: Same,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    crate::manifest::values::time(text)
}

fn which(text: &str) -> Result<Which, String> {
    Which::parse(text).map_err(told)
}

fn preset(text: &str) -> Result<Preset, String> {
    Preset::named(text).map_err(told)
}

fn age(text: &str) -> Result<Timestamp, String> {
    let age = crate::manifest::values::time(text)?;
    if age > Timestamp::ZERO { Ok(age) } else { Err("an age is more than 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(age("30d").map(|age| age.to_nanos()), Ok(30 * 86_400_000_000_000));
        assert!(age("30").is_err() && age("-1d").is_err() && age("0s").is_err());
    }

    /// The list of `bench` is none of the setting of the same name, wherever
    /// that is said.
    #[test]
    fn codecs_of_bench_and_the_setting_are_two_things() {
        let parse = |line: &str| Args::try_parse_from(line.split(' ')).unwrap();
        for line in
            ["autocut --codec libx264 bench --codec Hevc,Av1", "autocut bench --codec Hevc,Av1 --encoder libx264"]
        {
            let args = parse(line);
            assert_eq!(args.settings.arguments().codec, Some(Wanted::Only("libx264".to_owned())));
            let Command::Bench(bench) = &args.command else { panic!("{args:?}") };
            assert_eq!(bench.codecs.len(), 2);
        }
        let args = parse("autocut bench --codec H264 --quality 18,20");
        assert_eq!(args.settings.arguments().codec, None);
        assert!(Args::try_parse_from(["autocut", "bench", "--quality", "52"]).is_err());
        assert!(Args::try_parse_from(["autocut", "bench", "--codec", "H265"]).is_err());
        assert_eq!(parse("autocut make --codec libx265").settings.arguments().codec.unwrap().as_str(), "libx265");
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
