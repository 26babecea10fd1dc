//! x264's presets, the scale of speed.

use serde::{Deserialize, Serialize};

use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;
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

    /// That of a name.
    ///
    /// # Errors
    /// Of the user's input: there is none.
    pub fn named(name: &str) -> Result<Preset, Diagnostic> {
        if PRESETS.contains(&name) {
            return Ok(Preset(name.to_owned()));
        }
        let problem = Diagnostic::input(format!("there is no preset {name:?}"));
        let problem = problem.note(format!("the presets are, quickest first: {}", PRESETS.join(", ")));
        Err(match nearest(name, PRESETS.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near:?}?")),
            None => problem,
        })
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
