//! x264's presets, the scale of speed.

use serde::{Deserialize, Serialize};

use crate::manifest::schema::unknown;
use crate::manifest::{Checker, FromNode, Node};

/// The presets that x264 knows, quickest first, but for `placebo`, which is not worth its time.
const PRESETS: &[&str] =
    &["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

/// One of [`PRESETS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset(String);

impl Default for Preset {
    fn default() -> Self {
        Preset("veryfast".to_owned())
    }
}

impl Preset {
    pub fn name(&self) -> &str {
        &self.0
    }

    pub fn quickest() -> Self {
        Preset(PRESETS[0].to_owned())
    }

    /// Its place in [`PRESETS`], quickest first.
    pub fn speed(&self) -> usize {
        PRESETS.iter().position(|preset| *preset == self.0).unwrap_or(0)
    }
}

impl FromNode for Preset {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let name = String::from_node(node, checker)?;
        if PRESETS.contains(&name.as_str()) {
            return Some(Preset(name));
        }
        unknown(checker, node.span, format!("there is no preset {name:?}"), &name, PRESETS);
        None
    }

    fn expects() -> String {
        "one of x264's presets, such as \"veryfast\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.0)
    }
}
