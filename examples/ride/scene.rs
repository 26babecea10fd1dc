//! One frame: the far view, the ground, then everything that stands or moves,
//! from far to near.

use autocut::base::Size;

use crate::camera::{Ahead, Camera, Station};
use crate::canvas::{Canvas, Foot, Tint};
use crate::ground::Ground;
use crate::noise::{hash, unit};
use crate::plan::CameraName;
use crate::rider::Ride;
use crate::route::Route;
use crate::sky::Sky;
use crate::sprites::{PEDAL_PHASES, Picture, Sprites};
use crate::world::{Shape, TUNNEL, TUNNEL_HALF, TUNNEL_HEIGHT, Thing, Vehicle, VehicleKind, daylight, scenery};

/// Everything that does not change from frame to frame. Shared by the threads
/// that draw.
pub(crate) struct World {
    pub(crate) route: Route,
    pub(crate) ride: Ride,
    pub(crate) vehicles: Vec<Vehicle>,
    things: Vec<Thing>,
    ground: Ground,
    sky: Sky,
    sprites: Sprites,
}

/// What is to be drawn at one distance.
enum Item<'a> {
    Thing(&'a Thing),
    Vehicle(&'a Vehicle, f64),
}

/// Length of a car in metres.
const CAR: f64 = 4.3;

impl World {
    pub(crate) fn new(route: Route, ride: Ride, vehicles: Vec<Vehicle>, size: Size) -> Self {
        let things = scenery(route.length());
        let sprites = Sprites::new(size.height);
        World { route, ride, vehicles, things, ground: Ground::new(), sky: Sky::new(), sprites }
    }

    /// Draws what `camera` sees `t` seconds after the start; the picture's roll,
    /// shake and exposure come later, when it becomes a frame.
    pub(crate) fn draw(&self, canvas: &mut Canvas, camera: &Camera, name: CameraName, t: f64) {
        let ahead = Ahead::new(&self.route, camera);
        self.sky.draw(canvas, camera, &ahead);
        self.ground.draw(canvas, &self.route, camera, &ahead);
        let mut items = self.items(camera, &ahead, t);
        items.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (along, item) in items {
            match item {
                Item::Thing(thing) => self.thing(canvas, camera, &ahead, along, thing),
                Item::Vehicle(vehicle, s) => self.vehicle(canvas, camera, &ahead, along, vehicle, s, t),
            }
        }
        if name == CameraName::Front {
            self.handlebar(canvas, camera);
        }
    }

    /// What is in view, with its distance along the road.
    fn items(&self, camera: &Camera, ahead: &Ahead, t: f64) -> Vec<(f32, Item<'_>)> {
        let length = self.route.length();
        let reach = f64::from(ahead.reach()).min(620.0);
        let mut items = Vec::new();
        for thing in &self.things {
            let apart = libm::remainder(thing.s - camera.s, length) * camera.direction;
            if apart > -14.0 && apart < reach {
                let depth = match thing.shape {
                    Shape::Wall { length, .. } | Shape::House { length, .. } | Shape::Tube { length } => length,
                    _ => 0.0,
                };
                // Sorted by the middle.
                let middle = apart + depth * 0.5 * camera.direction;
                items.push((middle as f32, Item::Thing(thing)));
            }
        }
        for vehicle in &self.vehicles {
            let s = vehicle.at(t);
            let apart = (s - camera.s) * camera.direction;
            if (t - vehicle.t).abs() < 40.0 && apart > -6.0 && apart < reach {
                items.push((apart as f32, Item::Vehicle(vehicle, s)));
            }
        }
        items
    }

    fn thing(&self, canvas: &mut Canvas, camera: &Camera, ahead: &Ahead, middle: f32, thing: &Thing) {
        let light = daylight(thing.s);
        match thing.shape {
            Shape::Board { picture, height } => {
                let Some(station) = ahead.station(middle) else { return };
                let mirrored =
                    unit(hash((thing.s * 10.0) as i32, (thing.across * 10.0) as i32, 3)) < 0.5 && is_plant(picture);
                self.board(canvas, camera, &station, thing.across, picture, height, light, mirrored);
            }
            Shape::Wall { picture, length, height } => {
                let ends = [thing.s, thing.s + length];
                self.along_road(canvas, camera, ahead, picture, ends, thing.across, height, light);
            }
            Shape::House { picture, length, depth, height, roof } => {
                let ends = [thing.s, thing.s + length];
                self.house(canvas, camera, ahead, picture, ends, thing.across, [depth, height], roof);
            }
            Shape::Tube { length } => self.tube(canvas, camera, ahead, thing.s, length),
            Shape::Portal => self.portal(canvas, camera, ahead, thing.s, middle),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a place, a picture and a light, each plain")]
    fn board(
        &self,
        canvas: &mut Canvas,
        camera: &Camera,
        station: &Station,
        across: f32,
        picture: Picture,
        height: f32,
        light: f32,
        mirrored: bool,
    ) {
        let (x, z) = station.beside(across, camera.direction);
        let Some(sprite) = self.sprites.get(picture) else { return };
        if z < 0.9 {
            return;
        }
        let (column, foot) = camera.project(x, station.rise, z);
        let high = camera.focal * height / z;
        let wide = high * sprite.width() as f32 / sprite.height() as f32;
        let area = [column - wide * 0.5, foot - high, wide, high];
        canvas.sprite(sprite, area, station.clip + 1.0, Tint::new(light, z), mirrored);
    }

    /// A foot of a wall at distance `s` along the road.
    fn foot(&self, camera: &Camera, ahead: &Ahead, s: f64, across: f32) -> Option<(Foot, f32)> {
        let apart = libm::remainder(s - camera.s, self.route.length()) * camera.direction;
        let station = ahead.station(apart.max(-0.99) as f32)?;
        let (x, mut z) = station.beside(across, camera.direction);
        if apart < -0.99 {
            // Behind the camera the road goes on straight, for walls that reach
            // past it.
            z += (apart + 0.99) as f32;
        }
        Some((Foot { x, z, rise: station.rise }, station.clip))
    }

    #[expect(clippy::too_many_arguments, reason = "a place, a picture and a light, each plain")]
    fn along_road(
        &self,
        canvas: &mut Canvas,
        camera: &Camera,
        ahead: &Ahead,
        picture: Picture,
        ends: [f64; 2],
        across: f32,
        height: f32,
        light: f32,
    ) {
        let (Some(a), Some(b)) = (self.foot(camera, ahead, ends[0], across), self.foot(camera, ahead, ends[1], across))
        else {
            return;
        };
        let Some(sprite) = self.sprites.get(picture) else { return };
        canvas.wall(camera, sprite, [a.0, b.0], height, a.1.max(b.1) + 1.0, [light; 2]);
    }

    /// Road-facing wall, the gable towards the viewer, and the roof over both.
    #[expect(clippy::too_many_arguments, reason = "a place, a picture and a light, each plain")]
    fn house(
        &self,
        canvas: &mut Canvas,
        camera: &Camera,
        ahead: &Ahead,
        picture: Picture,
        ends: [f64; 2],
        across: f32,
        size: [f32; 2],
        roof: [u8; 3],
    ) {
        let [depth, height] = size;
        let back = across + depth * across.signum();
        let ridge = (across + back) * 0.5;
        let end = if camera.direction > 0.0 { ends[0] } else { ends[1] };
        let other = if camera.direction > 0.0 { ends[1] } else { ends[0] };
        let place = |s: f64, across: f32| self.foot(camera, ahead, s, across);
        let (Some(near), Some(near_ridge), Some(near_back)) = (place(end, across), place(end, ridge), place(end, back))
        else {
            return;
        };
        let (Some(far), Some(far_ridge)) = (place(other, across), place(other, ridge)) else { return };
        let Some(sprite) = self.sprites.get(picture) else { return };
        let clip = near.1.max(far.1) + 1.0;
        let point = |foot: Foot, up: f32| {
            let z = foot.z.max(crate::camera::NEAR);
            camera.project(foot.x, foot.rise + up, z)
        };
        let light = daylight(ends[0]);
        let eaves = -0.35f32;
        if near.0.z > crate::camera::NEAR || far.0.z > crate::camera::NEAR {
            let slope = [
                point(near.0, height + eaves * 0.4),
                point(far.0, height + eaves * 0.4),
                point(far_ridge.0, height + 3.0),
                point(near_ridge.0, height + 3.0),
            ];
            canvas.polygon(&slope, Tint::new(light, near.0.z).of(roof));
        }
        canvas.wall(camera, sprite, [near.0, far.0], height, clip, [light * 0.95; 2]);
        if near.0.z > crate::camera::NEAR {
            // The gable lies in the shade.
            canvas.wall(camera, sprite, [near.0, near_back.0], height, clip, [light * 0.72; 2]);
            let tint = Tint::new(light * 0.72, near.0.z);
            let gable = [point(near.0, height), point(near_back.0, height), point(near_ridge.0, height + 2.9)];
            canvas.polygon(&gable, tint.of([222, 208, 180]));
            let thick = camera.focal * 0.28 / near.0.z;
            let (a, b, c) = (point(near.0, height), point(near_ridge.0, height + 3.0), point(near_back.0, height));
            let lower = |p: (f32, f32)| (p.0, p.1 + thick);
            canvas.polygon(&[a, b, lower(b), lower(a)], tint.of(roof));
            canvas.polygon(&[c, b, lower(b), lower(c)], tint.of(roof));
        }
    }

    fn tube(&self, canvas: &mut Canvas, camera: &Camera, ahead: &Ahead, s: f64, length: f64) {
        let ends = [s, s + length];
        let light = ends.map(|s| daylight(s) * 1.1);
        let lamp = ((s - TUNNEL.0) / 5.2).fract() < 0.5;
        let corners = [-TUNNEL_HALF, TUNNEL_HALF].map(|across| ends.map(|s| self.foot(camera, ahead, s, across)));
        let [[Some(a), Some(b)], [Some(c), Some(d)]] = corners else { return };
        let near = crate::camera::NEAR;
        if a.0.z > near || b.0.z > near {
            let point =
                |foot: Foot, inward: f32, up: f32| camera.project(foot.x * inward, foot.rise + up, foot.z.max(near));
            // Each piece reaches a little under the next, against seams.
            let beyond =
                |p: Foot, q: Foot| Foot { x: q.x + (q.x - p.x) * 0.06, z: q.z + (q.z - p.z) * 0.06, rise: q.rise };
            let ceiling = [a.0, beyond(a.0, b.0), beyond(c.0, d.0), c.0].map(|foot| point(foot, 1.0, TUNNEL_HEIGHT));
            canvas.polygon(&ceiling, Tint::new((light[0] + light[1]) * 0.38, a.0.z).of([132, 128, 122]));
            if lamp {
                let middle = |p: Foot, q: Foot, t: f32| Foot { x: p.x + (q.x - p.x) * t, z: p.z, rise: p.rise };
                let strip =
                    [middle(a.0, c.0, 0.46), middle(b.0, d.0, 0.46), middle(b.0, d.0, 0.54), middle(a.0, c.0, 0.54)];
                canvas.polygon(&strip.map(|foot| point(foot, 1.0, TUNNEL_HEIGHT - 0.1)), [255, 226, 160]);
            }
        }
        let Some(sprite) = self.sprites.get(Picture::Tiles) else { return };
        canvas.wall(camera, sprite, [a.0, b.0], TUNNEL_HEIGHT, f32::MAX, light);
        canvas.wall(camera, sprite, [c.0, d.0], TUNNEL_HEIGHT, f32::MAX, light);
    }

    /// The hillside with the tunnel's mouth, for who looks at it from outside.
    fn portal(&self, canvas: &mut Canvas, camera: &Camera, ahead: &Ahead, s: f64, along: f32) {
        let outward = if s == TUNNEL.0 { 1.0 } else { -1.0 };
        let Some(station) = ahead.station(along) else { return };
        if camera.direction * outward < 0.0 || station.z < crate::camera::NEAR {
            return;
        }
        let tint = Tint::new(1.0, station.z);
        let at = |across: f32, up: f32| {
            let (x, _) = station.beside(across, camera.direction);
            camera.project(x, station.rise + up, station.z)
        };
        let arch = |half: f32, spring: f32, rise: f32| {
            let mut points = vec![at(-half, -0.5)];
            for i in 0..=12 {
                let angle = std::f32::consts::PI * (1.0 - i as f32 / 12.0);
                points.push(at(half * libm::cosf(angle), spring + rise * libm::sinf(angle)));
            }
            points.push(at(half, -0.5));
            points
        };
        let hill = |share: f32| {
            let mut points = vec![at(-90.0, -0.5)];
            for i in 0..=60 {
                let across = -90.0 + 3.0 * i as f32;
                let bump = unit(hash(i, (share * 8.0) as i32, 44)) * 1.6;
                points.push(at(across, (4.0 + 17.0 * libm::expf(-across * across / 1_400.0)) * share + bump));
            }
            points.push(at(90.0, -0.5));
            points
        };
        let mouth = arch(TUNNEL_HALF - 0.25, 2.9, 1.85);
        let ring = arch(TUNNEL_HALF + 1.1, 3.4, 2.9);
        // Lighter towards its foot.
        for step in 0..6u8 {
            let colour = [84 + 5 * step, 112 + 5 * step, 52 + 3 * step];
            // Even the lowest reaches over the mouth.
            canvas.polygons(&[&hill(1.0 - f32::from(step) * 0.12), &mouth], tint.of(colour));
        }
        // Bushes and trees all over it, those higher up first.
        for i in 0..900 {
            let up = 1.0 - i as f32 / 900.0;
            let across = (unit(hash(i, 1, 46)) - 0.5) * 110.0;
            let lift = (2.0 + 15.0 * libm::expf(-across * across / 1_400.0)) * up;
            if across.abs() < TUNNEL_HALF + 2.6 && lift < 8.0 {
                continue;
            }
            let (picture, high) = match hash(i, 2, 47) % 40 {
                0 => (Picture::Beech, 7.0),
                1 => (Picture::Spruce, 9.0),
                2..12 => (Picture::Bush, 0.8 + 1.8 * unit(hash(i, 3, 48))),
                _ => (Picture::Grass, 0.5 + unit(hash(i, 3, 48))),
            };
            let Some(sprite) = self.sprites.get(picture) else { continue };
            let (column, foot) = at(across, lift);
            let pixels = camera.focal * high / station.z;
            let wide = pixels * sprite.width() as f32 / sprite.height() as f32;
            canvas.sprite(sprite, [column - wide * 0.5, foot - pixels, wide, pixels], f32::MAX, tint, i % 2 == 0);
        }
        canvas.polygons(&[&ring, &mouth], tint.of([170, 160, 144]));
        let lintel = arch(TUNNEL_HALF + 0.25, 3.0, 2.2);
        canvas.polygons(&[&lintel, &mouth], tint.of([206, 196, 178]));
    }

    #[expect(clippy::too_many_arguments, reason = "a place, a vehicle and a time, each plain")]
    fn vehicle(
        &self,
        canvas: &mut Canvas,
        camera: &Camera,
        ahead: &Ahead,
        along: f32,
        vehicle: &Vehicle,
        s: f64,
        t: f64,
    ) {
        let light = daylight(s);
        // Whether the viewer sees its back: it goes the way that they look.
        let behind = vehicle.speed * camera.direction > 0.0;
        match vehicle.kind {
            VehicleKind::Cyclist(colour) => {
                let Some(station) = ahead.station(along) else { return };
                let turns = t * 1.35 * f64::from(PEDAL_PHASES);
                let phase = (turns.rem_euclid(f64::from(PEDAL_PHASES))) as u8;
                let picture =
                    if behind { Picture::CyclistBack(colour, phase) } else { Picture::CyclistFront(colour, phase) };
                self.board(canvas, camera, &station, vehicle.across, picture, 1.78, light, false);
            }
            VehicleKind::Car(colour) => self.car(canvas, camera, ahead, vehicle, colour, s),
        }
    }

    /// A solid car out of cuts across it, from far to near, its nearer side and
    /// its nearer end.
    fn car(&self, canvas: &mut Canvas, camera: &Camera, ahead: &Ahead, vehicle: &Vehicle, colour: u8, s: f64) {
        let light = daylight(s);
        let forward = vehicle.speed.signum();
        let behind = forward * camera.direction > 0.0;
        let draw = |canvas: &mut Canvas, place: f64, picture: Picture| {
            let apart = (s + place * forward - camera.s) * camera.direction;
            if let Some(station) = ahead.station(apart as f32) {
                self.board(canvas, camera, &station, vehicle.across, picture, 1.55, light, false);
            }
        };
        // Metres from the car's middle, forwards, of its cabin's ends.
        let (tail, nose, cabin_tail, cabin_nose) = (-CAR * 0.5, CAR * 0.5, -CAR * 0.42, CAR * 0.16);
        // The nearer the car, the thinner the cuts must be.
        let gap = (s - camera.s).abs().max(1.0);
        let cuts = (300.0 / gap).clamp(16.0, 90.0) as u32;
        for cut in 0..=cuts {
            let t = f64::from(cut) / f64::from(cuts);
            let place = if behind { nose + (tail - nose) * t } else { tail + (nose - tail) * t };
            draw(canvas, place, Picture::CarHull(colour));
            if place > cabin_tail && place < cabin_nose {
                draw(canvas, place, Picture::CarCabin(colour));
            }
        }
        let side = vehicle.across + if vehicle.across < 1.0 { 0.95 } else { -0.95 };
        let ends = [s + tail * forward, s + nose * forward];
        draw(canvas, if behind { cabin_tail } else { cabin_nose }, Picture::CarWindow(colour));
        let end = if behind { (tail, Picture::CarBack(colour)) } else { (nose, Picture::CarFront(colour)) };
        if !behind {
            // The bonnet lies in front of the windscreen.
            for cut in 0..cuts / 3 {
                let t = f64::from(cut) / f64::from(cuts / 3);
                draw(canvas, cabin_nose + (nose - cabin_nose) * t, Picture::CarHull(colour));
            }
        }
        self.along_road(canvas, camera, ahead, Picture::CarSide(colour), ends, side, 1.55, light * 0.9);
        draw(canvas, end.0, end.1);
    }

    fn handlebar(&self, canvas: &mut Canvas, camera: &Camera) {
        let Some(sprite) = self.sprites.get(Picture::Handlebar) else { return };
        let (width, height) = (canvas.width() as f32, canvas.height() as f32);
        let wide = width * 0.86;
        let high = wide * sprite.height() as f32 / sprite.width() as f32;
        let sway = libm::sin(camera.cranks * std::f64::consts::TAU) as f32 * width * 0.004;
        let steer = (self.route.curvature(camera.s + 2.0) * 900.0) as f32 * width / 1280.0;
        let left = (width - wide) * 0.5 + sway + steer - camera.shift.0 * 0.6;
        let top = height - high * 0.80 - camera.shift.1 * 0.8;
        let light = daylight(camera.s);
        canvas.sprite(sprite, [left, top, wide, high], f32::MAX, Tint { light, haze: 0.0 }, false);
    }
}

fn is_plant(picture: Picture) -> bool {
    use Picture::{Beech, Bush, Cow, Fir, Fruit, Grass, Lime, Oak, Poplar, Spruce};
    matches!(picture, Oak | Beech | Lime | Fruit | Poplar | Fir | Spruce | Bush | Grass | Cow)
}
