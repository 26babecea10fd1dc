//! Degrees to metres and back, on the WGS 84 ellipsoid.

/// Semi-major axis in metres and square of the first eccentricity (NIMA
/// TR8350.2).
const AXIS: f64 = 6_378_137.0;
const ECCENTRICITY: f64 = 0.006_694_379_990_14;

/// Metres in one degree to the north and to the east at a latitude.
pub(super) fn metres_per_degree(latitude: f64) -> (f64, f64) {
    let (sin, cos) = libm::sincos(latitude.to_radians());
    let square = 1.0 - ECCENTRICITY * sin * sin;
    let east = AXIS / square.sqrt();
    let north = east * (1.0 - ECCENTRICITY) / square;
    // At a pole a degree to the east is nothing; a divisor must not be.
    (north.to_radians(), (east * cos.max(1e-9)).to_radians())
}

/// The way from one place to another in metres to the east and to the north;
/// right for steps of a few kilometres.
pub(super) fn step(from: (f64, f64), to: (f64, f64)) -> [f64; 2] {
    let (north, east) = metres_per_degree((from.0 + to.0) / 2.0);
    let turn = (to.1 - from.1 + 180.0).rem_euclid(360.0) - 180.0;
    [turn * east, (to.0 - from.0) * north]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths of a degree as tabulated for WGS 84 (Snyder, "Map Projections",
    /// USGS Professional Paper 1395, table 4 gives them for a close ellipsoid;
    /// these are the widely published WGS 84 values).
    #[test]
    fn degrees_in_metres() {
        let close = |a: (f64, f64), b: (f64, f64)| assert!((a.0 - b.0).abs() < 1.0 && (a.1 - b.1).abs() < 1.0, "{a:?}");
        close(metres_per_degree(0.0), (110_574.0, 111_320.0));
        close(metres_per_degree(45.0), (111_132.0, 78_847.0));
    }

    #[test]
    fn steps_cross_the_date_line() {
        let [east, north] = step((0.0, 179.9999), (0.0, -179.9999));
        assert!((east - 22.264).abs() < 0.01 && north == 0.0, "{east}");
    }
}
