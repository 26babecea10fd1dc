//! What the cameras hear: wind that rises with speed, tyres, the freewheel,
//! gear changes, passing traffic, birds, and the tunnel's echo. Made of filtered
//! noise; every sample follows from its absolute time, so that two chapters of
//! one recording meet without a click.

use crate::noise::{hash, unit, value};
use crate::plan::{CameraName, Shot};
use crate::rider::{Ride, State};
use crate::wav::{RATE, Stereo};
use crate::world::{Land, TUNNEL, Vehicle, VehicleKind, land};

/// Seconds before the first sample from which the filters run, to settle.
const LEAD: i64 = RATE as i64 / 2;
/// Samples between looks at the ride.
const BLOCK: usize = 480;

/// The sound of a whole file.
pub(crate) fn record(ride: &Ride, traffic: &[Vehicle], shot: &Shot) -> Vec<Stereo> {
    let rate = i64::from(RATE);
    let first = shot.start.scaled(rate, 1).as_f64().round() as i64;
    let count = shot.duration().scaled(rate, 1).as_f64().round() as usize;
    let mut ear = Ear::default();
    let mut sound = Vec::with_capacity(count + BLOCK);
    let mut n = first - LEAD;
    while n < first + count as i64 {
        let t = n as f64 / f64::from(RATE);
        let scene = Scene::new(ride, traffic, shot.camera, t);
        for _ in 0..BLOCK {
            let sample = ear.hear(n, &scene);
            if n >= first && sound.len() < count {
                sound.push(sample);
            }
            n += 1;
        }
    }
    sound
}

/// What is going on during one block.
struct Scene {
    state: State,
    ratchet: bool,
    gear: i32,
    tunnel: f32,
    birds: bool,
    wind: f32,
    /// Loudness left and right, and brightness, of the traffic.
    traffic: [f32; 3],
}

impl Scene {
    fn new(ride: &Ride, vehicles: &[Vehicle], camera: CameraName, t: f64) -> Self {
        let state = ride.at(t);
        let gust = 0.75 + 0.35 * value(t * 1.7, 0.0, 500) + 0.15 * value(t * 6.0, 0.0, 501);
        let tunnel = if state.s > TUNNEL.0 && state.s < TUNNEL.1 { 1.0 } else { 0.0 };
        let exposed = if camera == CameraName::Front { 1.0 } else { 0.6 };
        let fast = state.speed / 16.0;
        let mut traffic = [0.0, 0.0, 0.0f32];
        for vehicle in vehicles.iter().filter(|vehicle| matches!(vehicle.kind, VehicleKind::Car(_))) {
            let gap = vehicle.at(t) - state.s;
            if gap.abs() > 160.0 {
                continue;
            }
            let loud = 0.62 * libm::exp(-gap.abs() / 26.0) + 2.2 / (9.0 + gap * gap);
            // The car is on the left of the rider.
            let near = libm::exp(-gap * gap / 60.0);
            let left = if camera == CameraName::Front { 0.5 + 0.35 * near } else { 0.5 - 0.35 * near };
            let closing = (vehicle.speed - state.speed) * -gap.signum();
            traffic[0] += (loud * left) as f32;
            traffic[1] += (loud * (1.0 - left)) as f32;
            traffic[2] = traffic[2].max((1.0 + closing / 60.0) as f32);
        }
        Scene {
            state,
            ratchet: state.cadence < 1.0 && state.speed > 1.0,
            gear: (state.speed / 1.9) as i32,
            tunnel,
            birds: tunnel < 0.5 && land(state.s) != Land::Village && state.speed < 9.0,
            wind: (fast * fast * gust * exposed) as f32,
            traffic,
        }
    }
}

/// Filters with their memory.
#[derive(Default)]
struct Ear {
    wind: [Pole; 4],
    tyre: [Pole; 2],
    car: [Pole; 4],
    click: Ring,
    clunk: Ring,
    teeth: i64,
    gear: i32,
    echo: Vec<Stereo>,
    at: usize,
}

impl Ear {
    fn hear(&mut self, n: i64, scene: &Scene) -> Stereo {
        let noise = |channel: i32| unit(hash(n as i32, channel, 600)) * 2.0 - 1.0;
        let speed = scene.state.speed as f32;
        let mut out = [0.0; 2];
        let rumble = 90.0 + 46.0 * speed;
        for (side, out) in out.iter_mut().enumerate() {
            let white = noise(side as i32) * 0.8 + noise(2) * 0.5;
            let low = self.wind[side].low(white, rumble);
            let low = self.wind[side + 2].low(low, rumble * 2.2);
            *out += low * 1.5 * scene.wind;
            let bright = 420.0 * scene.traffic[2].max(0.3);
            let car = self.car[side].low(noise(3 + side as i32), bright * 3.2);
            let car = car - self.car[side + 2].low(car, bright * 0.25);
            *out += car * scene.traffic[side] * 1.5;
        }
        let hum = self.tyre[0].low(noise(5), 260.0 + 30.0 * speed);
        let hum = hum - self.tyre[1].low(hum, 110.0);
        let tyre = hum * 0.03 * speed;
        // Thirty teeth to a turn of the wheel of 2.1 m.
        let teeth =
            ((scene.state.s + f64::from(speed) * (n % BLOCK as i64) as f64 / f64::from(RATE)) / 2.1 * 30.0) as i64;
        let mut kick = 0.0;
        if scene.ratchet && teeth != self.teeth {
            kick = 0.05;
        }
        self.teeth = teeth;
        let mut clunk = 0.0;
        if scene.gear != self.gear && scene.state.power > 20.0 {
            clunk = 0.10;
        }
        self.gear = scene.gear;
        let bike = tyre + self.click.ring(kick, 3_300.0, 0.9965) + self.clunk.ring(clunk, 1_450.0, 0.9986);
        let bird = if scene.birds { chirp(n) } else { 0.0 };
        for (side, out) in out.iter_mut().enumerate() {
            *out += bike + bird * if side == 0 { 0.8 } else { 1.0 };
        }
        self.reverberate(out, scene.tunnel)
    }

    /// Echoes off the walls: two delays that feed back into each other.
    fn reverberate(&mut self, dry: Stereo, wet: f32) -> Stereo {
        const LENGTH: usize = 4_801;
        if self.echo.is_empty() {
            self.echo = vec![[0.0; 2]; LENGTH];
        }
        let (a, b) = (self.echo[(self.at + LENGTH - 1_913) % LENGTH], self.echo[(self.at + LENGTH - 3_121) % LENGTH]);
        let back = [0.42 * a[1] + 0.34 * b[0], 0.42 * a[0] + 0.34 * b[1]];
        self.echo[self.at] = [dry[0] * wet + back[0], dry[1] * wet + back[1]];
        self.at = (self.at + 1) % LENGTH;
        [dry[0] + back[0] * 0.8, dry[1] + back[1] * 0.8]
    }
}

/// A few notes now and then.
fn chirp(n: i64) -> f32 {
    let slot = n.div_euclid(i64::from(RATE) * 3 / 5);
    let t = n.rem_euclid(i64::from(RATE) * 3 / 5) as f32 / RATE as f32;
    let bird = hash(slot as i32, 7, 601);
    if bird % 5 > 1 {
        return 0.0;
    }
    let note = (t / 0.11) as i32;
    if note > (bird >> 8) as i32 % 4 {
        return 0.0;
    }
    let t = t - note as f32 * 0.11;
    let pitch = 3_000.0 + 1_700.0 * unit(hash(slot as i32, note, 602));
    let shape = libm::sinf((t / 0.085).min(1.0) * std::f32::consts::PI);
    let sweep = pitch * t + 4_500.0 * t * t;
    libm::sinf(sweep * std::f32::consts::TAU) * shape * shape * 0.035
}

/// A first-order low pass.
#[derive(Default)]
struct Pole(f32);

impl Pole {
    fn low(&mut self, input: f32, hertz: f32) -> f32 {
        let x = (std::f32::consts::TAU * hertz / RATE as f32).min(1.0);
        self.0 += (input - self.0) * x / (1.0 + x * 0.5);
        self.0
    }
}

/// Something that rings when struck.
#[derive(Default)]
struct Ring([f32; 2]);

impl Ring {
    fn ring(&mut self, strike: f32, hertz: f32, decay: f32) -> f32 {
        let turn = 2.0 * decay * libm::cosf(std::f32::consts::TAU * hertz / RATE as f32);
        let next = strike + turn * self.0[0] - decay * decay * self.0[1];
        self.0 = [next, self.0[0]];
        next
    }
}
