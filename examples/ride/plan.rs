//! What is filmed when: the recordings of the two cameras, and the traffic that
//! they meet.

use autocut::base::{FrameRate, Timestamp, UtcTime};

use crate::rider::Ride;
use crate::world::{TUNNEL, Vehicle, VehicleKind};

/// 2025-06-14T07:30:00Z in nanoseconds: when the ride starts.
pub(crate) const RIDE_START: UtcTime = UtcTime(1_749_886_200_000_000_000);

/// What the rear camera's clock shows less the true time: nobody set it.
pub(crate) const REAR_CLOCK: i64 = -(3_600 + 37);

/// One file that a camera wrote.
pub(crate) struct Shot {
    /// Path in the project.
    pub(crate) path: &'static str,
    pub(crate) camera: CameraName,
    /// First frame, in seconds after the ride's start: exact.
    pub(crate) start: Timestamp,
    pub(crate) frames: u32,
    pub(crate) rate: FrameRate,
    pub(crate) has_sound: bool,
    /// Number in the machine-readable mark.
    pub(crate) number: u32,
}

impl Shot {
    /// Seconds after the ride's start at which frame `index` is exposed.
    pub(crate) fn time_of(&self, index: u32) -> f64 {
        (self.start + self.rate.time_of(i64::from(index))).as_f64()
    }

    pub(crate) fn duration(&self) -> Timestamp {
        self.rate.time_of(i64::from(self.frames))
    }

    /// The true time of the first frame.
    pub(crate) fn utc(&self) -> UtcTime {
        RIDE_START.plus(self.start)
    }

    /// What the file states as its time: whole seconds by the camera's clock.
    pub(crate) fn stated(&self) -> UtcTime {
        let wrong = match self.camera {
            CameraName::Front => 0,
            CameraName::Rear => REAR_CLOCK,
        };
        let stated = self.utc().plus(Timestamp::from_seconds(wrong));
        UtcTime(stated.0.div_euclid(1_000_000_000) * 1_000_000_000)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CameraName {
    Front,
    Rear,
}

impl CameraName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            CameraName::Front => "front",
            CameraName::Rear => "rear",
        }
    }
}

/// The filming and the traffic.
pub(crate) struct Plan {
    pub(crate) shots: Vec<Shot>,
    pub(crate) vehicles: Vec<Vehicle>,
    /// Second after the start whose logged position is far off: while the
    /// steepest climb is filmed, where it does most harm.
    pub(crate) glitch: f64,
}

/// A recording before its place in time is known. Where there are two numbers,
/// the second is for a short ride.
struct Recording {
    camera: CameraName,
    /// Where the rider is `anchor` seconds after the recording starts.
    s: f64,
    anchor: [f64; 2],
    /// Path and length in seconds of each chapter.
    chapters: &'static [(&'static str, [f64; 2])],
    has_sound: bool,
}

/// The steepest climb and the fastest descent.
const STEEP: f64 = 2560.0;
const FAST: f64 = 4640.0;

const RECORDINGS: [Recording; 5] = [
    Recording {
        camera: CameraName::Front,
        s: STEEP,
        anchor: [6.0, 1.5],
        chapters: &[("footage/front/GX010001.MP4", [10.0, 3.0]), ("footage/front/GX020001.MP4", [6.0, 2.0])],
        has_sound: true,
    },
    Recording {
        camera: CameraName::Front,
        s: FAST,
        anchor: [8.0, 1.5],
        chapters: &[("footage/front/GX010002.MP4", [14.0, 3.0])],
        has_sound: true,
    },
    Recording {
        camera: CameraName::Front,
        s: TUNNEL.0,
        anchor: [3.0, 0.8],
        chapters: &[("footage/front/GX010003.MP4", [11.0, 2.5])],
        has_sound: true,
    },
    Recording {
        camera: CameraName::Rear,
        s: FAST,
        anchor: [10.0, 2.5],
        chapters: &[("footage/rear/REAR0001.MP4", [12.0, 3.0])],
        has_sound: true,
    },
    Recording {
        camera: CameraName::Rear,
        s: 7800.0,
        anchor: [3.0, 1.0],
        chapters: &[("footage/rear/REAR0002.MP4", [7.0, 2.0])],
        has_sound: false,
    },
];

impl Plan {
    pub(crate) fn new(ride: &Ride, short: bool, front: FrameRate, rear: FrameRate) -> Self {
        let mut shots = Vec::new();
        let variant = usize::from(short);
        for recording in &RECORDINGS {
            // Cameras stamp whole seconds, so recordings start on them.
            let start = (ride.time_at(recording.s) - recording.anchor[variant]).round() as i64;
            let rate = match recording.camera {
                CameraName::Front => front,
                CameraName::Rear => rear,
            };
            let mut start = Timestamp::from_seconds(start);
            for (path, seconds) in recording.chapters {
                let frames = (seconds[variant] * rate.as_f64()).round() as u32;
                let number = shots.len() as u32 + 1;
                let camera = recording.camera;
                let shot = Shot { path, camera, start, frames, rate, has_sound: recording.has_sound, number };
                start = start + shot.duration();
                shots.push(shot);
            }
        }
        Plan { shots, vehicles: traffic(ride), glitch: (ride.time_at(STEEP) + 2.0).floor() }
    }
}

/// Cars that overtake or come towards the rider, and cyclists who are slower.
/// Each is placed by where and when it is beside the rider.
fn traffic(ride: &Ride) -> Vec<Vehicle> {
    let meeting = |s: f64, later: f64, speed: f64, across: f32, kind: VehicleKind| {
        let t = ride.time_at(s) + later;
        Vehicle { s: ride.at(t).s, t, speed, across, kind }
    };
    use VehicleKind::{Car, Cyclist};
    vec![
        meeting(STEEP, 3.8, 2.2, 2.2, Cyclist(0)),
        meeting(STEEP, -1.5, -11.0, -1.55, Car(1)),
        // Overtakes on the descent: first in the rear camera, then in front.
        meeting(FAST, -0.4, 22.5, -1.35, Car(0)),
        meeting(FAST, 4.2, -17.0, -1.6, Car(2)),
        meeting(TUNNEL.0, 1.2, -14.0, -1.6, Car(1)),
        meeting(TUNNEL.1, 2.0, 5.4, 2.2, Cyclist(1)),
        meeting(7800.0, 0.5, -9.0, -1.6, Car(2)),
        meeting(7800.0, -2.0, -6.5, -1.9, Cyclist(0)),
    ]
}
