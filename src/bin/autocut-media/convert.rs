//! One picture into another of its own size, format and colours: libswscale
//! scales and changes formats, [`colour`](crate::colour) changes colours.

use autocut::base::Size;
use autocut::model::Colour;

use crate::av::scaler::{Filter, Picture, Scaler};
use crate::av::{Error, Frame, PixelFormat};
use crate::colour::{self, Change};
use crate::picture::matrix_number;
use crate::planes::{Source, Target};

/// What colours can be changed to.
const SAMPLED: [PixelFormat; 3] = [PixelFormat::YUV420P, PixelFormat::YUV420P10, PixelFormat::YUV422P10];

/// What a picture looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
    pub(crate) colour: Colour,
}

impl Look {
    /// For libswscale. Red, green and blue it always takes for full, and must
    /// not be told so: it would stretch them.
    fn picture(&self) -> Picture {
        Picture {
            format: self.format.plain(),
            size: self.size,
            matrix: matrix_number(self.colour.matrix),
            full_range: self.colour.full_range && !self.format.is_rgb(),
        }
    }

    /// Whether a picture of this look is one of the other as it is.
    pub(crate) fn is(&self, other: &Look) -> bool {
        self.picture() == other.picture() && !colour::is_light(&self.colour, &other.colour)
    }
}

/// Converts pictures. What one of them needs is kept for the next.
#[derive(Default)]
pub(crate) struct Converter {
    looks: Option<(Look, Look, Filter)>,
    stages: Option<Stages>,
}

struct Stages {
    /// Of libswscale, to `between` or else to the end; `None` where the picture
    /// is what `between` would be.
    scaler: Option<Scaler>,
    /// Scaled, in the colours of the source.
    between: Option<Frame>,
    change: Change,
    /// For what is not in [`SAMPLED`]: the changed picture, and what makes the end of it.
    last: Option<(Frame, Scaler)>,
}

impl Converter {
    /// `into` has the size and format of `to` and is shown by nobody else.
    pub(crate) fn run(
        &mut self,
        source: &Frame,
        from: Look,
        into: &mut Frame,
        to: Look,
        filter: Filter,
    ) -> Result<(), Error> {
        let looks = Some((from, to, filter));
        if self.looks != looks {
            self.stages = None;
        }
        let stages = match &mut self.stages {
            Some(stages) => stages,
            slot => {
                self.looks = looks;
                slot.insert(Stages::new(from, to, filter)?)
            }
        };
        stages.run(source, into)
    }
}

impl Stages {
    fn new(from: Look, to: Look, filter: Filter) -> Result<Stages, Error> {
        // The colours in which it is scaled: as they are, where it is YUV.
        let scaled = match (from.format.is_rgb(), colour::is_light(&from.colour, &to.colour)) {
            (false, _) => from.colour,
            (true, light) => {
                let matrix = if light { from.colour.matrix } else { to.colour.matrix };
                Colour { matrix, full_range: to.colour.full_range && !light, ..from.colour }
            }
        };
        let planar = SAMPLED.contains(&to.format);
        let to_bits = if planar { u32::from(to.format.bit_depth()) } else { 8 };
        let deep = from.format.bit_depth() > 8 || to_bits > 8 || colour::is_light(&from.colour, &to.colour);
        let bits = if deep { colour::TABLE_BITS } else { 8 };
        let change = Change::new(&scaled, &to.colour, bits, to_bits);
        let only_red_green_blue = to.format.is_rgb() && !matches!(change, Change::Table(..));
        if matches!(change, Change::Nothing) || only_red_green_blue {
            let scaler = Scaler::new(from.picture(), to.picture(), filter)?;
            return Ok(Stages { scaler: Some(scaler), between: None, change: Change::Nothing, last: None });
        }
        let format = match (deep, to.format) {
            (false, _) => PixelFormat::YUV420P,
            (true, PixelFormat::YUV422P10) => PixelFormat::YUV422P10,
            (true, _) => PixelFormat::YUV420P10,
        };
        let between = Look { format, size: to.size, colour: scaled };
        let is_there = from.is(&between);
        let scaler = if is_there { None } else { Some(Scaler::new(from.picture(), between.picture(), filter)?) };
        let last = if planar {
            None
        } else {
            let changed =
                Look { format: PixelFormat::YUV420P, colour: Colour { full_range: false, ..to.colour }, ..to };
            let scaler = Scaler::new(changed.picture(), to.picture(), filter)?;
            Some((Frame::picture(changed.format, to.size)?, scaler))
        };
        let change = match last {
            Some(_) => Change::new(&scaled, &Colour { full_range: false, ..to.colour }, bits, 8),
            None => change,
        };
        let between = if is_there { None } else { Some(Frame::picture(format, to.size)?) };
        Ok(Stages { scaler, between, change, last })
    }

    fn run(&mut self, source: &Frame, into: &mut Frame) -> Result<(), Error> {
        let source = match (&mut self.scaler, &mut self.between) {
            (Some(scaler), None) => return scaler.run(source, into),
            (Some(scaler), Some(between)) => {
                scaler.run(source, between)?;
                &*between
            }
            (None, _) => source,
        };
        match &mut self.last {
            None => change(&self.change, source, into),
            Some((changed, scaler)) => {
                change(&self.change, source, changed)?;
                scaler.run(changed, into)
            }
        }
    }
}

fn change(change: &Change, from: &Frame, into: &mut Frame) -> Result<(), Error> {
    let bytes = if from.pixel_format().bit_depth() > 8 { 2 } else { 1 };
    let plane = |index| {
        let plane = from.plane(index)?;
        Some(Source { data: plane.data, stride: plane.stride, width: plane.width, height: plane.height })
    };
    let from_planes = (|| Some([plane(0)?, plane(1)?, plane(2)?]))().ok_or(Error::InvalidData)?;
    if from.size() != into.size() {
        return Err(Error::InvalidData);
    }
    let tall = into.pixel_format().chroma_shift().1 == 0;
    let into = into.planes_mut().ok_or(Error::InvalidData)?;
    change.run(from_planes, bytes, into.map(|plane| Target { data: plane.data, stride: plane.stride }), tall);
    Ok(())
}
