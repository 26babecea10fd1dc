//! `autocut telemetry`.

use crate::base::{Diagnostic, Diagnostics};
use crate::cli::args::{Args, Telemetry};
use crate::cli::setup;
use crate::exec::alone::Ended;
use crate::exec::goal::INTERRUPTED;
use crate::exec::logbook::{self, Asked};
use crate::report::{listing, logbook as report, plot};
use crate::store;

pub(super) fn run(args: &Args, wanted: &Telemetry) -> u8 {
    let settings = match setup::settings(args) {
        Ok(settings) => settings,
        Err(refused) => return refused.code,
    };
    let folder = setup::folder(args);
    let ending = wanted.plot.as_ref().and_then(|path| path.extension());
    if let (Some(path), Some(ending)) = (&wanted.plot, ending)
        && !ending.eq_ignore_ascii_case("png")
    {
        let problem = Diagnostic::input(format!("what is drawn is a PNG, and {} is called another", path.display()));
        let named = path.with_extension("png");
        return setup::tell(&problem.hint(format!("write `--plot {}`", named.display())).into());
    }
    let asked = Asked {
        file: folder.join(&wanted.file),
        timezone: wanted.timezone.clone(),
        clean: wanted.clean,
        rows: wanted.csv,
    };
    let interrupted = setup::attended();
    let book = match logbook::read(&folder, &asked, &settings, &interrupted) {
        Ok(book) => book,
        Err(Ended::Interrupted) => return INTERRUPTED,
        Err(Ended::Failed(problem)) => {
            return setup::tell(&problem.note(format!("while reading {}", asked.file.display())).into());
        }
    };
    setup::tell(&Diagnostics(book.warning.iter().cloned().collect()));
    let plotted = wanted.plot.as_ref().map(|path| folder.join(path));
    if let Some(path) = &plotted {
        let written = plot::plot(&book).and_then(|png| store::write_page(path, &png, plot::MARK));
        if let Err(problem) = written {
            return setup::tell(&problem.into());
        }
    }
    match (&plotted, wanted.csv, wanted.json) {
        (_, true, _) => return report::print_csv(&book).map_or_else(|problem| setup::tell(&problem.into()), |()| 0),
        (_, _, true) => listing::print_text(&report::json(&book)),
        (Some(path), ..) => listing::print_text(&format!("{}wrote {}\n", report::text(&book), path.display())),
        (None, ..) => listing::print_text(&report::text(&book)),
    }
    0
}
