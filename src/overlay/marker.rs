//! The dot that says where one is, on maps and profiles: drawn at quarters of
//! a pixel, so that it glides, and so in at most 64 pictures.

use crate::base::{Point, Size};
use crate::manifest::values::Rgba;
use crate::model::overlay::Layer;
use crate::overlay::picture::{Mark, Picture, sixteenths};
use crate::overlay::scene::layer;
use crate::overlay::style::{INK, alpha, spot};

/// A place in the frame in quarters of a pixel.
pub(crate) type Quarters = (i32, i32);

/// From pixels of the frame.
pub(crate) fn quarters(x: f64, y: f64) -> Quarters {
    (libm::round(x * 4.0) as i32, libm::round(y * 4.0) as i32)
}

/// A layer with a dot of `radius` pixels at each frame's place.
pub(crate) fn dots(places: &[Option<Quarters>], radius: f64, accent: Rgba) -> Layer {
    let reach = (libm::ceil(radius * 1.5) as i32 + 2) & !1;
    layer(
        places.len() as u32,
        |n| places[n as usize],
        |(x, y)| {
            // The corner is even; the rest, 0 to 7 quarters, is in the picture.
            let corner =
                Point::new((x.div_euclid(8) * 2).saturating_sub(reach), (y.div_euclid(8) * 2).saturating_sub(reach));
            let centre = |quarters: i32| f64::from(quarters.rem_euclid(8)) / 4.0 + f64::from(reach);
            let centre = spot(centre(*x), centre(*y));
            let disc = |share: f64, colour| Mark::Dot { centre, radius: sixteenths(radius * share), colour };
            let marks = vec![
                disc(1.45, alpha(Rgba::BLACK, 40)),
                disc(1.22, alpha(Rgba::BLACK, 90)),
                disc(1.0, INK),
                disc(0.66, accent),
            ];
            let side = (reach * 2 + 2) as u32;
            (Picture { size: Size::new(side, side), marks }, corner)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_that_crosses_the_frame_takes_at_most_64_pictures() {
        let places: Vec<_> = (0..4_000).map(|n| Some(quarters(f64::from(n) * 0.37, f64::from(n) * 0.11))).collect();
        let layer = dots(&places, 9.0, Rgba::WHITE);
        assert!(layer.cells.len() <= 64, "{}", layer.cells.len());
        assert!(layer.runs.iter().all(|run| run.x % 2 == 0 && run.y % 2 == 0));
    }
}
