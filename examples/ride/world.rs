//! What stands beside the road and moves on it: land, trees, houses, a tunnel,
//! and the light at each place. Positions are distance along the road (`s`) and
//! metres to the right of its centre line (`across`).

use crate::noise::{Rng, smoothstep, value};
use crate::sprites::Picture;

/// Half the width of the asphalt, and how far from the centre line the rider
/// keeps, in metres.
pub(crate) const HALF_ROAD: f32 = 3.1;
pub(crate) const RIDER_ACROSS: f32 = 1.75;

/// Where the tunnel begins and ends.
pub(crate) const TUNNEL: (f64, f64) = (6394.0, 6446.0);
pub(crate) const TUNNEL_HALF: f32 = 4.3;
pub(crate) const TUNNEL_HEIGHT: f32 = 4.9;

/// What the ground is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Land {
    Village,
    Meadow,
    Field,
    Forest,
    Tunnel,
    Shore,
}

impl Land {
    pub(crate) const ALL: [Land; 6] =
        [Land::Village, Land::Meadow, Land::Field, Land::Forest, Land::Tunnel, Land::Shore];
}

/// Where each kind of land begins along the road.
const LANDS: &[(f64, Land)] = &[
    (0.0, Land::Village),
    (330.0, Land::Meadow),
    (1050.0, Land::Field),
    (1720.0, Land::Meadow),
    (2080.0, Land::Forest),
    (2700.0, Land::Meadow),
    (3250.0, Land::Field),
    (3980.0, Land::Meadow),
    (4620.0, Land::Field),
    (5280.0, Land::Forest),
    (5640.0, Land::Meadow),
    (TUNNEL.0, Land::Tunnel),
    (TUNNEL.1, Land::Shore),
    (7760.0, Land::Village),
];

/// The land at `s`, which may lie beyond the end of the loop.
pub(crate) fn land(s: f64) -> Land {
    LANDS.iter().rev().find(|(start, _)| s >= *start).map_or(Land::Village, |(_, land)| *land)
}

/// m/s: slow through the village, with care through the tunnel.
pub(crate) fn speed_limit(s: f64) -> f64 {
    match land(s) {
        Land::Village => 8.6,
        _ if s > TUNNEL.0 - 60.0 && s < TUNNEL.1 + 40.0 => 10.5,
        _ => 18.5,
    }
}

/// Daylight at `s` as a share of the open road's: shade in the forest, lamps in
/// the tunnel.
pub(crate) fn daylight(s: f64) -> f32 {
    let forest = |from: f64, to: f64| smoothstep(from - 10.0, from + 40.0, s) - smoothstep(to - 40.0, to + 10.0, s);
    let shade = 0.42 * (forest(2080.0, 2700.0) + forest(5280.0, 5640.0));
    let inside = smoothstep(TUNNEL.0 - 1.0, TUNNEL.0 + 9.0, s) - smoothstep(TUNNEL.1 - 9.0, TUNNEL.1 + 1.0, s);
    let lamp = libm::cos((s - TUNNEL.0) * std::f64::consts::TAU / 5.2);
    (1.0 - shade - inside * (0.78 - 0.04 * lamp)) as f32
}

/// How patchy the light is: sun through leaves.
pub(crate) fn dapple(s: f64) -> f32 {
    if land(s) == Land::Forest { 1.0 } else { 0.0 }
}

/// Something that stands still.
#[derive(Clone, Copy)]
pub(crate) struct Thing {
    pub(crate) s: f64,
    pub(crate) across: f32,
    pub(crate) shape: Shape,
}

#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Faces the viewer; height in metres.
    Board { picture: Picture, height: f32 },
    /// Runs along the road for `length` metres.
    Wall { picture: Picture, length: f64, height: f32 },
    /// A house with its ridge along the road.
    House { picture: Picture, length: f64, depth: f32, height: f32, roof: [u8; 3] },
    /// `length` metres of the tunnel's walls and ceiling.
    Tube { length: f64 },
    /// An end of the tunnel.
    Portal,
}

/// Something that moves at a steady speed along the road.
#[derive(Clone, Copy)]
pub(crate) struct Vehicle {
    /// Where it is at `t`, in seconds after the ride's start.
    pub(crate) s: f64,
    pub(crate) t: f64,
    /// m/s, negative when it comes towards the rider.
    pub(crate) speed: f64,
    pub(crate) across: f32,
    pub(crate) kind: VehicleKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum VehicleKind {
    /// Colour 0, 1 or 2.
    Car(u8),
    Cyclist(u8),
}

impl Vehicle {
    pub(crate) fn at(&self, t: f64) -> f64 {
        self.s + self.speed * (t - self.t)
    }
}

/// The scenery in order of `s`.
pub(crate) fn scenery(length: f64) -> Vec<Thing> {
    let mut things = Vec::new();
    let mut rng = Rng(0x5EED_0003);
    posts(&mut things, length);
    let mut s = 0.0;
    while s < length - 4.0 {
        match land(s) {
            Land::Village => village(&mut things, &mut rng, s),
            Land::Meadow => meadow(&mut things, &mut rng, s),
            Land::Field => field(&mut things, &mut rng, s),
            Land::Forest => forest(&mut things, &mut rng, s),
            Land::Shore => shore(&mut things, &mut rng, s),
            Land::Tunnel => {}
        }
        s += 8.0;
    }
    things.retain(|thing| thing.s < TUNNEL.0 - 6.0 || thing.s > TUNNEL.1 + 6.0);
    tunnel(&mut things);
    things.sort_by(|a, b| a.s.total_cmp(&b.s));
    things
}

fn board(things: &mut Vec<Thing>, s: f64, across: f64, picture: Picture, height: f64) {
    things.push(Thing { s, across: across as f32, shape: Shape::Board { picture, height: height as f32 } });
}

fn side(rng: &mut Rng) -> f64 {
    if rng.unit() < 0.5 { -1.0 } else { 1.0 }
}

/// Delineator posts as they stand along country roads, every 25 m.
fn posts(things: &mut Vec<Thing>, length: f64) {
    let mut s = 12.0;
    while s < length {
        if land(s) != Land::Village {
            board(things, s, 3.75, Picture::Post, 1.05);
            board(things, s, -3.75, Picture::Post, 1.05);
        }
        s += 25.0;
    }
    for (s, picture) in [(330.0, Picture::LimitSign), (7750.0, Picture::VillageSign), (5240.0, Picture::BendSign)] {
        board(things, s, 4.3, picture, 2.6);
    }
    for s in [620.0, 2040.0, 3985.0, 4450.0, 4700.0, 5700.0] {
        board(things, s, 4.3, Picture::BendSign, 2.5);
    }
}

fn tree(things: &mut Vec<Thing>, rng: &mut Rng, s: f64, across: f64, pictures: &[Picture], low: f64, high: f64) {
    let picture = pictures[rng.below(pictures.len())];
    board(things, s + rng.range(-3.0, 3.0), across, picture, rng.range(low, high));
}

const BROADLEAF: [Picture; 3] = [Picture::Oak, Picture::Beech, Picture::Lime];
const CONIFER: [Picture; 2] = [Picture::Fir, Picture::Spruce];

fn village(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    let block = (s / 8.0) as i64;
    if block % 2 == 0 {
        for side in [-1.0f32, 1.0] {
            if rng.unit() < 0.16 {
                tree(things, rng, s, f64::from(side) * 7.0, &BROADLEAF, 6.0, 9.0);
                continue;
            }
            let picture = [Picture::CreamHouse, Picture::RoseHouse, Picture::TimberHouse][rng.below(3)];
            let roof = [[134, 62, 44], [112, 56, 44], [92, 60, 52]][rng.below(3)];
            let shape = Shape::House {
                picture,
                length: rng.range(10.0, 12.5),
                depth: 8.0,
                height: rng.range(4.6, 6.2) as f32,
                roof,
            };
            things.push(Thing { s, across: side * rng.range(6.4, 8.0) as f32, shape });
        }
    }
    if block % 5 == 0 {
        board(things, s + 4.0, 4.3, Picture::Lamp, 5.6);
    }
    if block % 5 == 2 {
        board(things, s + 2.0, -4.4, Picture::Lamp, 5.6);
    }
    if block == 22 || block == 992 {
        board(things, s, -26.0, Picture::Church, 34.0);
    }
    if rng.unit() < 0.35 {
        let across = side(rng) * 5.6;
        board(things, s + rng.range(0.0, 6.0), across, Picture::Bush, rng.range(0.9, 1.5));
    }
}

fn meadow(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    // Orchards: short trees in rows on one side, for a stretch at a time.
    let orchard = value(s / 140.0, 3.0, 5) > 0.25;
    if orchard {
        for across in [9.0, 14.0, 19.0, 24.0] {
            board(things, s, across, Picture::Fruit, rng.range(3.2, 4.2));
        }
    }
    if rng.unit() < 0.34 {
        let across = side(rng) * rng.range(6.5, 30.0);
        if !(orchard && across > 0.0) {
            tree(things, rng, s, across, &BROADLEAF, 7.0, 12.0);
        }
    }
    if rng.unit() < 0.4 {
        let across = side(rng) * rng.range(5.0, 12.0);
        let picture = if rng.unit() < 0.5 { Picture::Bush } else { Picture::Grass };
        board(things, s, across, picture, rng.range(0.7, 1.8));
    }
    if value(s / 90.0, 9.0, 5) > 0.1 {
        things.push(Thing {
            s,
            across: -5.2,
            shape: Shape::Wall { picture: Picture::Fence, length: 8.0, height: 1.15 },
        });
    }
    if rng.unit() < 0.1 && !orchard {
        for _ in 0..3 {
            board(things, s + rng.range(-9.0, 9.0), rng.range(10.0, 26.0), Picture::Cow, 1.5);
        }
    }
    verge(things, rng, s);
    backdrop(things, rng, s);
}

fn field(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    if rng.unit() < 0.22 {
        let across = side(rng) * rng.range(5.8, 14.0);
        tree(things, rng, s, across, &BROADLEAF, 7.0, 12.0);
    }
    if rng.unit() < 0.16 {
        board(things, s, side(rng) * rng.range(9.0, 30.0), Picture::Bale, 1.4);
    }
    if ((s / 8.0) as i64) % 6 == 0 {
        board(things, s, 8.5, Picture::Pole, 8.5);
    }
    // A guard rail on the outside of the descent.
    if s > 4200.0 && s < 4980.0 {
        things.push(Thing {
            s,
            across: 4.15,
            shape: Shape::Wall { picture: Picture::Rail, length: 8.0, height: 0.78 },
        });
    }
    verge(things, rng, s);
    backdrop(things, rng, s);
}

fn forest(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    for side in [-1.0, 1.0] {
        for (i, row) in [6.0, 8.5, 12.5, 19.0].into_iter().enumerate() {
            // The inner rows hide much of the outer ones.
            if i >= 2 && (s / 8.0) as usize % 2 == i % 2 {
                continue;
            }
            let across = side * (row + rng.range(-0.9, 1.6));
            if rng.unit() < 0.62 {
                tree(things, rng, s, across, &CONIFER, 13.0, 21.0);
            } else {
                tree(things, rng, s, across, &BROADLEAF, 10.0, 16.0);
            }
        }
        let fern = side * rng.range(4.7, 6.5);
        board(things, s + rng.range(0.0, 7.0), fern, Picture::Bush, rng.range(0.6, 1.3));
    }
    verge(things, rng, s);
}

fn shore(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    if ((s / 8.0) as i64) % 3 == 0 {
        board(things, s, 7.2, Picture::Poplar, rng.range(12.0, 16.0));
    }
    if rng.unit() < 0.3 {
        let across = rng.range(-30.0, -7.0);
        tree(things, rng, s, across, &BROADLEAF, 6.0, 11.0);
    }
    for _ in 0..2 {
        board(things, s + rng.range(0.0, 8.0), rng.range(8.5, 13.0), Picture::Grass, rng.range(1.0, 1.8));
    }
    verge(things, rng, s);
    backdrop(things, rng, s);
}

/// Tufts at the road's edge: what shows speed best.
fn verge(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    for _ in 0..3 {
        let across = side(rng) * rng.range(4.0, 6.2);
        board(things, s + rng.range(0.0, 8.0), across, Picture::Grass, rng.range(0.3, 0.75));
    }
}

/// The edge of a wood further off, which closes the view.
fn backdrop(things: &mut Vec<Thing>, rng: &mut Rng, s: f64) {
    for (side, seed) in [(-1.0, 21), (1.0, 22)] {
        let near = 46.0 + 22.0 * value(s / 160.0, 0.0, seed);
        if value(s / 210.0, 4.0, seed) > -0.15 {
            tree(
                things,
                rng,
                s,
                side * near,
                &[Picture::Fir, Picture::Oak, Picture::Beech, Picture::Spruce],
                10.0,
                17.0,
            );
        }
    }
}

fn tunnel(things: &mut Vec<Thing>) {
    let length = 2.6;
    let mut s = TUNNEL.0;
    while s < TUNNEL.1 - 0.1 {
        things.push(Thing { s, across: 0.0, shape: Shape::Tube { length } });
        s += length;
    }
    for s in [TUNNEL.0, TUNNEL.1] {
        things.push(Thing { s, across: 0.0, shape: Shape::Portal });
    }
}
