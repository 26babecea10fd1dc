//! The sections that say what a project adds to its telemetry, and takes from
//! it.

use crate::manifest::checker::Checker;
use crate::manifest::schema::schema;
use crate::manifest::tree::Node;
use crate::manifest::values::{Coordinates, Length};

schema! {
    /// A place that must not be found: within `radius` of it, nothing that an
    /// output shows or names has a position.
    ///
    /// ```ron
    /// Place(at: (47.3769, 8.5417), radius: "200m")
    /// ```
    pub struct PlaceFields = "Place", check = PlaceFields::check {
        /// Its latitude and longitude.
        at: Coordinates,
        /// How far around it positions are unknown, up to 50 km.
        radius: Length,
    }
}

/// The largest radius, in millimetres: what is hidden is reckoned on a plane.
const LARGEST: u64 = 50_000_000;

impl PlaceFields {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.radius.0 > LARGEST {
            let span = node.field("radius").map_or(node.span, |radius| radius.span);
            checker.error_with_hint(
                span,
                "a place is at most 50 km around",
                "name several places, or leave the map out",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parser::parse;
    use crate::manifest::schema::Schema;

    fn check<T: Schema>() {
        let example = T::DOC.split("```").nth(1).and_then(|block| block.strip_prefix("ron")).unwrap();
        let mut checker = Checker::new(std::path::Path::new("example"), example);
        let read = T::from_node(&parse(example).unwrap(), &mut checker);
        assert!(read.is_some() && checker.finish().0.is_empty(), "{example}");
    }

    #[test]
    fn examples_are_right() {
        check::<PlaceFields>();
    }
}
