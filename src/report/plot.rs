//! A log as a picture: the track, and each channel over time.

use crate::base::{Diagnostic, Size, UtcTime};
use crate::exec::logbook::Logbook;
use crate::manifest::values::Rgba;
use crate::model::telemetry::{Channel, LogClock, Telemetry};
use crate::overlay::canvas;
use crate::overlay::picture::{Align, Mark, Picture, Spot, sixteenths};
use crate::overlay::shaping::Face;

const WIDTH: u32 = 1600;
const TRACK: u32 = 480;
const PANEL: u32 = 150;
const MARGIN: f64 = 28.0;
const TITLE: f64 = 30.0;

/// Most channels that are drawn; how many more there are is said.
const MOST: usize = 40;

/// What every plot begins with: a plot replaces pictures and nothing else.
pub const MARK: &[u8] = b"\x89PNG\r\n\x1a\n";

const PAPER: Rgba = Rgba::opaque(250, 250, 248);
const GROUND: Rgba = Rgba::opaque(238, 239, 236);
const INK: Rgba = Rgba::opaque(32, 34, 36);
const GREY: Rgba = Rgba::opaque(120, 124, 128);
const COURSE: Rgba = Rgba::opaque(16, 104, 176);
const START: Rgba = Rgba::opaque(24, 150, 80);
const END: Rgba = Rgba::opaque(206, 54, 40);

/// Draws a log; the bytes are a PNG file.
///
/// # Errors
///
/// A log without anything to draw.
pub fn plot(book: &Logbook) -> Result<Vec<u8>, Diagnostic> {
    let log = &book.log;
    let known = |channel: &&Channel| channel.values.iter().any(|value| value.is_finite());
    let place = ["latitude", "longitude"].map(|name| log.channel(name).filter(known));
    let mut channels: Vec<&Channel> = log.channels.iter().filter(known).filter(|channel| !is_place(channel)).collect();
    let more = channels.len().saturating_sub(MOST);
    channels.truncate(MOST);
    let track = if let [Some(_), Some(_)] = place { TRACK } else { 0 };
    let height = 64 + track + PANEL * channels.len() as u32 + 16;
    if track == 0 && channels.is_empty() {
        return Err(Diagnostic::input(format!("{} holds nothing to draw", book.name)));
    }
    let mut sheet = Sheet { marks: Vec::new() };
    sheet.ground(0.0, 0.0, f64::from(WIDTH), f64::from(height), PAPER);
    let more = if more > 0 { format!(" (without {more} more channels)") } else { String::new() };
    sheet.text(MARGIN, 40.0, 24.0, Align::Left, INK, format!("{}: {}{more}", book.name, book.import.format));
    let mut top = 64.0;
    if let [Some(latitude), Some(longitude)] = place {
        sheet.track(log, latitude, longitude, top);
        top += f64::from(track);
    }
    for channel in channels {
        sheet.channel(log, channel, top);
        top += f64::from(PANEL);
    }
    let picture = Picture { size: Size::new(WIDTH, height), marks: sheet.marks };
    let drawn = canvas::paint(&picture)?;
    drawn.encode_png().map_err(|error| Diagnostic::bug(format!("the plot cannot be written as PNG: {error}")))
}

fn is_place(channel: &Channel) -> bool {
    matches!(channel.name.as_str(), "latitude" | "longitude")
}

struct Sheet {
    marks: Vec<Mark>,
}

impl Sheet {
    fn ground(&mut self, left: f64, top: f64, width: f64, height: f64, colour: Rgba) {
        let (right, bottom) = (left + width, top + height);
        let points = [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| spot(x, y)).to_vec();
        let [top, bottom] = [top, bottom].map(sixteenths);
        self.marks.push(Mark::Fill { points, top, bottom, colour, foot: colour });
    }

    fn text(&mut self, x: f64, y: f64, size: f64, align: Align, colour: Rgba, text: String) {
        // What the face does not have is shown as something that it has.
        let text = text.chars().map(|c| if Face::Text.lacks(&c.to_string()).is_some() { '?' } else { c }).collect();
        self.marks.push(Mark::Text { at: spot(x, y), align, face: Face::Text, size: sixteenths(size), colour, text });
    }

    fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: Rgba) {
        self.marks.push(Mark::Dot { centre: spot(x, y), radius: sixteenths(radius), colour });
    }

    fn lines(&mut self, lines: Vec<Vec<(f64, f64)>>, width: f64, colour: Rgba) {
        for line in lines {
            match line.as_slice() {
                [] => {}
                // A sample by itself.
                [one] => self.dot(*one, width, colour),
                _ => {
                    let points = line.iter().map(|(x, y)| spot(*x, *y)).collect();
                    self.marks.push(Mark::Line { points, width: sixteenths(width), colour });
                }
            }
        }
    }

    /// The way, north up, as large as fits.
    fn track(&mut self, log: &Telemetry, latitude: &Channel, longitude: &Channel, top: f64) {
        let (left, width, height) = (MARGIN, f64::from(WIDTH) - 2.0 * MARGIN, f64::from(TRACK) - 20.0);
        self.ground(left, top, width, height, GROUND);
        let (south, north) = range(&latitude.values);
        // Longitudes from the first, so that the date line is nowhere near.
        let origin = longitude.values.iter().copied().find(|value| value.is_finite()).unwrap_or(0.0);
        let east: Vec<f64> =
            longitude.values.iter().map(|value| (value - origin + 180.0).rem_euclid(360.0) - 180.0).collect();
        let (west, far) = range(&east);
        let narrow = libm::cos(((south + north) / 2.0).to_radians()).max(0.01);
        let scale =
            ((width - 60.0) / ((far - west) * narrow).max(1e-5)).min((height - 60.0) / (north - south).max(1e-5));
        let centre = ((west + far) / 2.0, (south + north) / 2.0);
        let middle = (left + width / 2.0, top + height / 2.0);
        let at = |sample: usize| {
            let (x, y) = (east[sample] - centre.0, latitude.values[sample] - centre.1);
            (middle.0 + x * narrow * scale, middle.1 - y * scale)
        };
        let runs = runs(log, |sample| east[sample].is_finite() && latitude.values[sample].is_finite());
        let ends = runs.first().and_then(|run| run.first()).zip(runs.last().and_then(|run| run.last()));
        let ends = ends.map(|(first, last)| (at(*first), at(*last)));
        let lines = runs.iter().map(|run| thinned(run.iter().map(|sample| at(*sample)))).collect();
        self.lines(lines, 2.5, COURSE);
        if let Some((first, last)) = ends {
            self.dot(first, 6.0, START);
            self.dot(last, 6.0, END);
        }
        let extent = [(far - west) * narrow, north - south].map(|degrees| degrees * 111.2);
        let told = format!("{:.2} km x {:.2} km, green start, red end", extent[0], extent[1]);
        self.text(left + width - 10.0, top + height - 10.0, 15.0, Align::Right, GREY, told);
    }

    /// A channel over time.
    fn channel(&mut self, log: &Telemetry, channel: &Channel, top: f64) {
        let (left, width) = (MARGIN, f64::from(WIDTH) - 2.0 * MARGIN);
        let (above, height) = (top + TITLE, f64::from(PANEL) - TITLE - 8.0);
        self.ground(left, above, width, height, GROUND);
        let (low, high) = range(&channel.values);
        let first = log.times.first().copied().unwrap_or(0);
        let span = log.times.last().copied().unwrap_or(0).saturating_sub(first).max(1) as f64;
        let reach = if high > low { high - low } else { 1.0 };
        let at = |sample: &usize| {
            let time = log.times[*sample].saturating_sub(first) as f64 / span;
            let share = (channel.values[*sample] - low) / reach;
            (left + 4.0 + time * (width - 8.0), above + height - 6.0 - share * (height - 12.0))
        };
        let runs = runs(log, |sample| channel.values[sample].is_finite());
        self.lines(runs.iter().map(|run| extremes(run.iter().map(at))).collect(), 1.6, COURSE);
        let unit = channel.unit.symbol();
        let named = if unit.is_empty() { channel.name.clone() } else { format!("{} ({unit})", channel.name) };
        self.text(left, top + 22.0, 17.0, Align::Left, INK, named);
        let told = format!("{low:.2} to {high:.2}");
        self.text(left + width, top + 22.0, 15.0, Align::Right, GREY, told);
        // Above the curve, which may be anywhere below.
        let start = match log.clock {
            LogClock::Utc => UtcTime(first).to_string(),
            LogClock::Start => "0 s".to_owned(),
        };
        let period = format!("{start} + {:.0} s", span / 1e9);
        self.text(left + width / 2.0, top + 22.0, 12.0, Align::Centre, GREY, period);
    }
}

fn spot(x: f64, y: f64) -> Spot {
    (sixteenths(x), sixteenths(y))
}

fn range(values: &[f64]) -> (f64, f64) {
    let known = values.iter().copied().filter(|value| value.is_finite());
    known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Samples between gaps that are known.
fn runs(log: &Telemetry, known: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let (mut open, mut breaks) = (false, log.breaks.iter().peekable());
    for sample in 0..log.times.len() {
        while breaks.next_if(|at| **at as usize <= sample).is_some() {
            open = false;
        }
        if !known(sample) {
            // One sample that does not know it is no gap: loggers write sensors
            // at their own pace.
            continue;
        }
        match runs.last_mut() {
            Some(run) if open => run.push(sample),
            _ => runs.push(vec![sample]),
        }
        open = true;
    }
    runs
}

/// Points that are at least a pixel from the one before.
fn thinned(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points {
        let is_far =
            kept.last().is_none_or(|kept: &(f64, f64)| (kept.0 - point.0).abs().max((kept.1 - point.1).abs()) >= 1.0);
        if is_far {
            kept.push(point);
        }
        last = Some(point);
    }
    kept.extend(last);
    kept
}

/// Of the points in each column of pixels the first, the lowest, the highest and
/// the last: what a line through all of them would cover.
fn extremes(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    let close = |column: &mut Vec<(f64, f64)>, kept: &mut Vec<(f64, f64)>| {
        if column.len() > 4 {
            let by = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
            let ends = [column.first(), column.iter().min_by(by), column.iter().max_by(by), column.last()];
            kept.extend(ends.into_iter().flatten());
        } else {
            kept.extend(column.iter());
        }
        column.clear();
    };
    for point in points {
        if column.first().is_some_and(|first| first.0.floor() != point.0.floor()) {
            close(&mut column, &mut kept);
        }
        column.push(point);
    }
    close(&mut column, &mut kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_pixels_keeps_what_it_covers() {
        let points = (0..1_000).map(|at| (f64::from(at) / 100.0, if at == 555 { 50.0 } else { f64::from(at % 2) }));
        let kept = extremes(points);
        assert!(kept.len() <= 40 && kept.contains(&(5.55, 50.0)), "{kept:?}");
    }

    #[test]
    fn nothing_is_drawn_across_a_gap() {
        let log = Telemetry { times: (0..6).collect(), breaks: vec![3], ..Telemetry::default() };
        assert_eq!(runs(&log, |sample| sample != 1), [vec![0, 2], vec![3, 4, 5]]);
    }
}
