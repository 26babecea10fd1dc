//! Ready-made pictures with transparency, each with smaller copies for the
//! distance. What they show is drawn by `plants`, `things` and `traffic`.

use tiny_skia::Pixmap;

use crate::pixel::{Spread, mix4, spread};
use crate::{plants, things, traffic};

/// Everything that is drawn once and shown many times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Picture {
    Oak,
    Beech,
    Lime,
    Fruit,
    Poplar,
    Fir,
    Spruce,
    Bush,
    Grass,
    Post,
    LimitSign,
    VillageSign,
    BendSign,
    Lamp,
    Pole,
    Fence,
    Rail,
    Cow,
    Bale,
    Church,
    CreamHouse,
    RoseHouse,
    TimberHouse,
    Tiles,
    /// Three colours: below the windows from behind, from the front, from the side.
    CarBack(u8),
    CarFront(u8),
    CarSide(u8),
    /// A cut through its hull and through its cabin, and the cabin's window.
    CarHull(u8),
    CarCabin(u8),
    CarWindow(u8),
    /// Colour, and one of [`PEDAL_PHASES`] positions of the pedals.
    CyclistBack(u8, u8),
    CyclistFront(u8, u8),
    Handlebar,
}

pub(crate) const CAR_COLOURS: u8 = 3;
pub(crate) const CYCLIST_COLOURS: u8 = 2;
pub(crate) const PEDAL_PHASES: u8 = 8;

const SIMPLE: [Picture; 25] = [
    Picture::Oak,
    Picture::Beech,
    Picture::Lime,
    Picture::Fruit,
    Picture::Poplar,
    Picture::Fir,
    Picture::Spruce,
    Picture::Bush,
    Picture::Grass,
    Picture::Post,
    Picture::LimitSign,
    Picture::VillageSign,
    Picture::BendSign,
    Picture::Lamp,
    Picture::Pole,
    Picture::Fence,
    Picture::Rail,
    Picture::Cow,
    Picture::Bale,
    Picture::Church,
    Picture::CreamHouse,
    Picture::RoseHouse,
    Picture::TimberHouse,
    Picture::Tiles,
    Picture::Handlebar,
];

/// All pictures, in one order.
fn all() -> Vec<Picture> {
    let mut list = SIMPLE.to_vec();
    for colour in 0..CAR_COLOURS {
        list.extend([Picture::CarBack(colour), Picture::CarFront(colour), Picture::CarSide(colour)]);
        list.extend([Picture::CarHull(colour), Picture::CarCabin(colour), Picture::CarWindow(colour)]);
    }
    for colour in 0..CYCLIST_COLOURS {
        for phase in 0..PEDAL_PHASES {
            list.extend([Picture::CyclistBack(colour, phase), Picture::CyclistFront(colour, phase)]);
        }
    }
    list
}

pub(crate) struct Sprites {
    list: Vec<(Picture, Sprite)>,
}

impl Sprites {
    /// Draws all pictures for frames of `height` rows.
    pub(crate) fn new(height: u32) -> Self {
        let detail = height as f32 / 720.0;
        let list =
            all().into_iter().filter_map(|picture| Some((picture, Sprite::of(&draw(picture, detail)?)))).collect();
        Sprites { list }
    }

    /// `None` for a colour or a phase that does not exist.
    pub(crate) fn get(&self, picture: Picture) -> Option<&Sprite> {
        self.list.iter().find(|(name, _)| *name == picture).map(|(_, sprite)| sprite)
    }
}

fn draw(picture: Picture, detail: f32) -> Option<Pixmap> {
    match picture {
        Picture::Oak => plants::broadleaf(detail, 1, [74, 104, 40], 0.92),
        Picture::Beech => plants::broadleaf(detail, 2, [88, 124, 44], 0.78),
        Picture::Lime => plants::broadleaf(detail, 3, [106, 134, 52], 0.66),
        Picture::Fruit => plants::broadleaf(detail * 0.7, 4, [84, 122, 56], 0.95),
        Picture::Poplar => plants::poplar(detail, 5),
        Picture::Fir => plants::conifer(detail, 6, [54, 88, 52], 0.44),
        Picture::Spruce => plants::conifer(detail, 7, [64, 98, 50], 0.36),
        Picture::Bush => plants::bush(detail, 8),
        Picture::Grass => plants::grass(detail, 9),
        Picture::Post => things::post(detail),
        Picture::LimitSign => things::limit_sign(detail),
        Picture::VillageSign => things::village_sign(detail),
        Picture::BendSign => things::bend_sign(detail),
        Picture::Lamp => things::lamp(detail),
        Picture::Pole => things::pole(detail),
        Picture::Fence => things::fence(detail),
        Picture::Rail => things::rail(detail),
        Picture::Cow => things::cow(detail),
        Picture::Bale => things::bale(detail),
        Picture::Church => things::church(detail),
        Picture::CreamHouse => things::house(detail, [232, 220, 190], [104, 84, 60], false),
        Picture::RoseHouse => things::house(detail, [222, 190, 170], [70, 98, 74], false),
        Picture::TimberHouse => things::house(detail, [236, 230, 216], [92, 62, 44], true),
        Picture::Tiles => things::tiles(detail),
        Picture::CarBack(colour) => traffic::car_end(detail, colour, false),
        Picture::CarFront(colour) => traffic::car_end(detail, colour, true),
        Picture::CarSide(colour) => traffic::car_side(detail, colour),
        Picture::CarHull(colour) => traffic::car_hull(detail, colour),
        Picture::CarCabin(colour) => traffic::car_cabin(detail, colour, false),
        Picture::CarWindow(colour) => traffic::car_cabin(detail, colour, true),
        Picture::CyclistBack(colour, phase) => traffic::cyclist(detail, colour, phase, false),
        Picture::CyclistFront(colour, phase) => traffic::cyclist(detail, colour, phase, true),
        Picture::Handlebar => traffic::handlebar(detail),
    }
}

/// One size of a picture: premultiplied, see [`crate::pixel`].
pub(crate) struct Level {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pixels: Vec<Spread>,
    /// First and last column of each row that is not clear.
    extents: Vec<Option<(usize, usize)>>,
}

/// Two rows of a level, the share of the second in 1 / 256, and the columns
/// between which either has something.
pub(crate) type RowPair<'a> = ([&'a [Spread]; 2], u32, Option<(usize, usize)>);

impl Level {
    fn new(width: usize, height: usize, pixels: Vec<Spread>) -> Self {
        let extents = pixels
            .chunks_exact(width)
            .map(|row| Some((row.iter().position(|p| *p != 0)?, row.iter().rposition(|p| *p != 0)?)))
            .collect();
        Level { width, height, pixels, extents }
    }

    /// The rows around a height of `v` rows from the top; held at both ends.
    pub(crate) fn rows(&self, v: f32) -> RowPair<'_> {
        let v = (v * 256.0).clamp(0.0, ((self.height - 1) * 256 - 1) as f32) as usize;
        let y = v >> 8;
        let row = |y: usize| &self.pixels[y * self.width..(y + 1) * self.width];
        let extent = match (self.extents[y], self.extents[y + 1]) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (one, other) => one.or(other),
        };
        ([row(y), row(y + 1)], (v & 255) as u32, extent)
    }

    /// The colour at a place in 1 / 256 pixels, between the four pixels around
    /// it; held at the edges.
    pub(crate) fn sample(&self, u: i32, v: i32) -> Spread {
        let u = u.clamp(0, (self.width as i32 - 1) * 256 - 1) as usize;
        let v = v.clamp(0, (self.height as i32 - 1) * 256 - 1) as usize;
        let at = (v >> 8) * self.width + (u >> 8);
        let (upper, lower) = (&self.pixels[at..at + 2], &self.pixels[at + self.width..at + self.width + 2]);
        mix4([upper[0], upper[1]], [lower[0], lower[1]], (u & 255) as u32, (v & 255) as u32)
    }
}

pub(crate) struct Sprite {
    levels: Vec<Level>,
}

impl Sprite {
    fn of(pixmap: &Pixmap) -> Self {
        let pixels = pixmap
            .data()
            .chunks_exact(4)
            .map(|part| spread(u32::from_le_bytes([part[0], part[1], part[2], part[3]])))
            .collect();
        let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
        let mut levels = vec![Level::new(width, height, pixels)];
        while let Some(last) = levels.last().filter(|last| last.width > 4 && last.height > 4) {
            let smaller = halved(last);
            levels.push(smaller);
        }
        Sprite { levels }
    }

    pub(crate) fn width(&self) -> usize {
        self.levels[0].width
    }

    pub(crate) fn height(&self) -> usize {
        self.levels[0].height
    }

    /// The copy to use where `squeeze` of its rows fall on one row of the frame.
    pub(crate) fn level(&self, squeeze: f32) -> &Level {
        let mut i = 0;
        let mut squeeze = squeeze;
        while squeeze > 1.5 && i + 1 < self.levels.len() {
            squeeze *= 0.5;
            i += 1;
        }
        &self.levels[i]
    }
}

fn halved(level: &Level) -> Level {
    let (width, height) = (level.width / 2, level.height / 2);
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let at = |dx: usize, dy: usize| level.pixels[(y * 2 + dy) * level.width + x * 2 + dx];
            pixels.push(mix4([at(0, 0), at(1, 0)], [at(0, 1), at(1, 1)], 128, 128));
        }
    }
    Level::new(width, height, pixels)
}
