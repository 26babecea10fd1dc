//! How good pictures are, or that they stay as they are.

use serde::{Deserialize, Serialize};

use crate::base::FrameRate;
use crate::manifest::schema::{choice, mismatch};
use crate::manifest::{Checker, FromNode, Node, Value};

/// How an output's pictures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Quality {
    /// Encoded with this constant quality: x264's CRF.
    Constant(u32),
    /// Copied by whole GOPs where that pays, else encoded.
    Auto,
    /// Copied wherever that is possible, and people are told where it is not.
    Copy,
}

/// Encoded to this where nothing else is said.
const USUAL: u32 = 20;

/// What stands beside copied pictures looks like them.
const BESIDE_COPIES: u32 = 18;

/// x264's CRF runs from 0, which is lossless and no High profile, to 51.
const MAX: u32 = 51;

impl Default for Quality {
    fn default() -> Self {
        Quality::Constant(USUAL)
    }
}

impl Quality {
    /// x264's CRF of what is encoded.
    pub fn crf(self) -> u32 {
        match self {
            Quality::Constant(crf) => crf,
            Quality::Auto => USUAL,
            Quality::Copy => BESIDE_COPIES,
        }
    }

    /// Whether footage may be copied.
    pub fn copies(self) -> bool {
        matches!(self, Quality::Auto | Quality::Copy)
    }

    /// Whether so much of a stretch of footage that could be copied is worth it.
    /// A second saves little and costs a segment more; where less than half can
    /// be copied, most is encoded all the same.
    pub fn pays(self, copied: u32, frames: u32, rate: FrameRate) -> bool {
        match self {
            Quality::Constant(_) => false,
            Quality::Copy => copied > 0,
            Quality::Auto => {
                u64::from(copied) * u64::from(rate.denominator()) >= u64::from(rate.numerator())
                    && u64::from(copied) * 2 >= u64::from(frames)
            }
        }
    }
}

impl FromNode for Quality {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let words = [("Auto", Quality::Auto), ("Copy", Quality::Copy)];
        match &node.value {
            Value::Ident(_) => choice(node, "a quality", &words, checker),
            Value::Int(_) => {
                let crf = u32::from_node(node, checker)?;
                if (1..=MAX).contains(&crf) {
                    return Some(Quality::Constant(crf));
                }
                checker.error_with_hint(
                    node.span,
                    format!("the quality {crf} is out of range"),
                    "it runs from 1 (huge) to 51 (tiny); 18 to 24 is usual",
                );
                None
            }
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "a number from 1 (huge) to 51 (tiny), `Auto` or `Copy`".to_owned()
    }

    fn to_text(&self) -> String {
        match self {
            Quality::Constant(crf) => crf.to_string(),
            Quality::Auto => "Auto".to_owned(),
            Quality::Copy => "Copy".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copying_pays_from_a_second_and_half_on() {
        let rate = FrameRate::new(30, 1).unwrap();
        assert!(Quality::Auto.pays(30, 60, rate));
        assert!(!Quality::Auto.pays(29, 30, rate));
        assert!(!Quality::Auto.pays(30, 61, rate));
        assert!(Quality::Copy.pays(1, 300, rate));
        assert!(!Quality::Copy.pays(0, 300, rate));
        assert!(!Quality::Constant(20).pays(300, 300, rate));
        assert!(Quality::Auto.copies() && Quality::Copy.copies() && !Quality::Constant(18).copies());
    }
}
