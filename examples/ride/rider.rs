//! The ride: how one cyclist gets around the loop. A force balance of power,
//! slope, air and rolling resistance gives the speed, so that speed, gradient,
//! power, cadence and heart rate belong together as they do on a real ride.

use crate::noise::{Rng, smoothstep};
use crate::route::Route;
use crate::world;

/// Seconds between stored states.
const STEP: f64 = 0.1;
const MASS: f64 = 84.0;
const GRAVITY: f64 = 9.81;
/// Half the air's density times frontal area and drag coefficient, kg/m.
const DRAG: f64 = 0.20;
const ROLLING: f64 = 0.005;
/// Braking that a careful rider plans with, m/s².
const BRAKING: f64 = 2.2;

/// Where the rider stops to look at the lake, and for how long.
pub(crate) const PAUSE_AT: f64 = 3560.0;
pub(crate) const PAUSE_SECONDS: f64 = 52.0;

/// The rider at one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Distance along the road in metres.
    pub(crate) s: f64,
    /// m/s.
    pub(crate) speed: f64,
    pub(crate) power: f64,
    /// Revolutions per minute, 0 when coasting.
    pub(crate) cadence: f64,
    pub(crate) heart_rate: f64,
    /// Turns of the cranks since the start.
    pub(crate) cranks: f64,
}

/// The whole ride, from standstill to standstill.
pub(crate) struct Ride {
    states: Vec<State>,
}

impl Ride {
    pub(crate) fn new(route: &Route) -> Self {
        let mut rng = Rng(0x5EED_0002);
        let mut state = State { heart_rate: 88.0, ..State::default() };
        let mut states = vec![state; 80];
        let (mut mood, mut smooth_power, mut paused) = (0.0, 0.0, 0.0);
        let end = route.length() - 6.0;
        while state.s < end && states.len() < 40_000 {
            mood += -mood * STEP / 12.0 + rng.normal() * 9.0 * STEP.sqrt();
            let gradient = route.gradient(state.s);
            let allowed = allowed_speed(route, state.s, paused < PAUSE_SECONDS);
            let standing = allowed < 0.4 && (state.s - PAUSE_AT).abs() < 3.0 && paused < PAUSE_SECONDS;
            if standing {
                paused += STEP;
                state.speed = 0.0;
                state.power = 0.0;
            } else {
                let effort =
                    165.0 + 110.0 * smoothstep(0.01, 0.06, gradient) - 165.0 * smoothstep(-0.012, -0.03, gradient);
                let wanted = if state.speed > allowed { 0.0 } else { (effort + mood).max(0.0) };
                // Legs do not change their mind within a tenth of a second.
                state.power += (wanted - state.power) * STEP / 0.8;
                if wanted < 30.0 {
                    state.power = 0.0;
                }
                let drive = state.power / state.speed.max(2.0);
                let resist = DRAG * state.speed * state.speed + MASS * GRAVITY * (gradient + ROLLING);
                let brake = if state.speed > allowed { (state.speed - allowed).min(1.0) * BRAKING * MASS } else { 0.0 };
                let force = drive - resist - brake;
                state.speed = (state.speed + force / MASS * STEP).max(if allowed > 1.0 { 1.4 } else { 0.3 });
                state.s += state.speed * STEP;
            }
            let spin = if state.power > 0.0 { 88.0 - 260.0 * gradient.max(0.0) + 0.06 * mood } else { 0.0 };
            state.cadence = if state.speed < 0.5 { 0.0 } else { spin.min(40.0 + state.speed * 22.0).max(0.0) };
            state.cranks += state.cadence / 60.0 * STEP;
            smooth_power += (state.power - smooth_power) * STEP / 8.0;
            let target = 92.0 + 0.27 * smooth_power + states.len() as f64 * STEP * 0.004;
            state.heart_rate += (target - state.heart_rate) * STEP / 38.0;
            states.push(state);
        }
        for _ in 0..200 {
            state.speed = (state.speed - 2.0 * STEP).max(0.0);
            state.s += state.speed * STEP;
            (state.power, state.cadence) = (0.0, 0.0);
            state.heart_rate -= 0.02;
            states.push(state);
        }
        Ride { states }
    }

    /// Seconds from first to last state.
    pub(crate) fn duration(&self) -> f64 {
        (self.states.len() - 1) as f64 * STEP
    }

    /// The state `t` seconds after the start, held at both ends. Distance is
    /// interpolated with the speeds at both sides (a cubic Hermite curve), so
    /// that pictures move evenly.
    pub(crate) fn at(&self, t: f64) -> State {
        let x = (t / STEP).clamp(0.0, (self.states.len() - 1) as f64 - 1e-6);
        let i = x as usize;
        let (a, b, t) = (self.states[i], self.states[i + 1], x - i as f64);
        let mix = |a: f64, b: f64| a + (b - a) * t;
        let (t2, t3) = (t * t, t * t * t);
        let s = (2.0 * t3 - 3.0 * t2 + 1.0) * a.s
            + (t3 - 2.0 * t2 + t) * STEP * a.speed
            + (3.0 * t2 - 2.0 * t3) * b.s
            + (t3 - t2) * STEP * b.speed;
        State {
            s,
            speed: mix(a.speed, b.speed),
            power: mix(a.power, b.power),
            cadence: mix(a.cadence, b.cadence),
            heart_rate: mix(a.heart_rate, b.heart_rate),
            cranks: mix(a.cranks, b.cranks),
        }
    }

    /// When the rider first comes to `s`, in seconds after the start.
    pub(crate) fn time_at(&self, s: f64) -> f64 {
        self.states.partition_point(|state| state.s < s) as f64 * STEP
    }
}

/// As fast as the bends, the village and the stop ahead allow.
fn allowed_speed(route: &Route, s: f64, stop_ahead: bool) -> f64 {
    let mut allowed: f64 = 18.5;
    for i in 0..40 {
        let d = f64::from(i) * 3.0;
        let bend = (3.2 / route.curvature(s + d).abs().max(1e-4)).sqrt();
        let here = bend.min(world::speed_limit(s + d));
        allowed = allowed.min((here * here + 2.0 * BRAKING * d).sqrt());
    }
    let to_stop = PAUSE_AT - s;
    if stop_ahead && to_stop > -2.0 && to_stop < 120.0 {
        allowed = allowed.min((2.0 * BRAKING * 0.5 * to_stop.max(0.0)).sqrt());
    }
    allowed
}
