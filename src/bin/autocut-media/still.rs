//! The kind `still`: one frame as an upright JPEG.

use autocut::base::{Diagnostic, FrameRate, Timestamp};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::StillSpec;
use autocut::model::{Colour, Fit, Matrix};

use crate::av::encoder::VideoSettings;
use crate::av::{self, Encoder, Error, Frame, Packet, PixelFormat, Skip};
use crate::films::Films;
use crate::invocation::input;
use crate::picture::{Fitter, colour_numbers, display_size};

/// JFIF's colours.
const JPEG: Colour = Colour { matrix: Matrix::Bt601, full_range: true, primaries: 2, transfer: 2 };
/// FFmpeg's scale, where 2 is best and 31 worst.
const QUALITY: &str = "3";

/// Writes the frame that is shown at the time to the file `still.jpg` in the
/// scratch folder.
pub(crate) fn still(spec: &StillSpec, invocation: &Invocation, films: &mut Films) -> Result<Produced, Diagnostic> {
    let path = input(invocation, spec.file)?;
    let film = films.film(spec.file, path, Skip::Nothing)?;
    let half_frame = spec.picture.rate.time_of(1).scaled(1, 2);
    let limit = spec.at + half_frame;
    let shown = film.frame_at(limit)?;
    let from = shown.time - Timestamp::new(1, 1_000_000);
    let data = encode(shown.frame, spec).map_err(|fault| match fault {
        Fault::Told(diagnostic) => diagnostic,
        Fault::Av(error) => av::diagnose("cannot make a JPEG", error),
    })?;
    let path = invocation.scratch.join("still.jpg");
    std::fs::write(&path, data)
        .map_err(|error| Diagnostic::environment(format!("cannot write {}: {error}", path.display())))?;
    let losses = film.losses(from.min(spec.at - half_frame), limit);
    let warnings = losses.told(spec.file, "the picture before is shown instead");
    Ok(Produced { files: vec![path], warnings, ..Produced::default() })
}

enum Fault {
    Told(Diagnostic),
    Av(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Av(error)
    }
}

fn encode(source: &Frame, spec: &StillSpec) -> Result<Vec<u8>, Fault> {
    let size = display_size(source.size(), &spec.picture).fit_into(spec.within);
    let mut fitter = Fitter::new(size, JPEG, PixelFormat::YUV420P)?;
    let mut picture = Frame::new()?;
    if fitter.suits(source, &spec.picture) {
        picture.show_pixels(source)?;
    } else {
        picture = fitter.blank()?;
        fitter.fit(source, &spec.picture, Fit::Fit, &mut picture)?;
    }
    // The encoder takes nothing but the format that implies full range.
    picture.set_pixel_format(PixelFormat::YUVJ420P);
    picture.set_time(0);
    let options = [("qmin", QUALITY), ("qmax", QUALITY)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let rate = FrameRate::new(25, 1).ok_or(Error::Bug)?;
    let mut encoder = Encoder::video(&VideoSettings {
        encoder: "mjpeg",
        size,
        format: PixelFormat::YUVJ420P,
        surfaces: None,
        rate,
        colour: colour_numbers(&JPEG),
        options: &options,
        threads: 1,
    })
    .map_err(Fault::Told)?;
    encoder.send(Some(&picture))?;
    encoder.send(None)?;
    let mut packet = Packet::new()?;
    if encoder.receive(&mut packet)? { Ok(packet.data().to_vec()) } else { Err(Error::Bug.into()) }
}
