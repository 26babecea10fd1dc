//! What people are told things are called: files, actions, outputs.

use crate::base::{Diagnostic, Diagnostics, Digest, Timestamp};
use crate::graph::FileInput;
use crate::manifest::manifest::At;
use crate::model::moment::Moment;
use crate::model::naming;
use crate::model::specs::{Ban, DrawSpec, Pin, ShowSpec};
use crate::model::{ActionSpec, PlannedAction};

use super::Workspace;

impl Workspace {
    /// Why content cannot be read now.
    pub fn unavailable(&self, digest: Digest, action: &PlannedAction) -> Diagnostic {
        let names: Vec<_> = self.files_of(digest).into_iter().map(|file| self.name_of(file)).collect();
        match names.first() {
            Some(name) => Diagnostic::input(format!("{name} is not there now, and {} needs it", action.node))
                .hint("plug in the disk that it is on, or put it back"),
            None => Diagnostic::bug(format!("{} needs {}, which nothing makes", action.node, digest.short())),
        }
    }

    /// The file that an action is about, for messages; its node otherwise.
    pub fn subject(&self, action: &PlannedAction) -> String {
        let names = action.spec.inputs().into_iter().flat_map(|digest| self.files_of(digest));
        names.into_iter().next().map_or_else(|| action.node.clone(), |file| self.name_of(file))
    }

    /// A warning of a result as people are told of it: with the files that it
    /// names, or else with what the action is about.
    pub fn told(&self, action: &PlannedAction, warning: &str) -> String {
        if naming::named_in(warning).is_empty() {
            return format!("{}: {warning}", self.subject(action));
        }
        naming::with_names(warning, &|content| self.files_of(content).into_iter().next().map(|file| self.name_of(file)))
    }

    /// A failure as people are told of it: with the file, the overlay or the
    /// output that it is about, and its place in the manifest where it has one.
    pub fn named(&self, action: &PlannedAction, why: Diagnostic) -> Diagnostic {
        let (subject, place) = match &action.spec {
            ActionSpec::Show(ShowSpec { overlay, .. }) | ActionSpec::Draw(DrawSpec { overlay, .. }) => {
                match self.manifest.overlays.iter().find(|declared| declared.spec == *overlay) {
                    Some(declared) => (format!("overlay {:?}", declared.name), Some(&declared.place)),
                    None => (action.node.clone(), None),
                }
            }
            // The message names the recording and the time.
            ActionSpec::Choose(_) => (String::new(), self.place_of_moment(&why.message)),
            _ => (action.output.clone().unwrap_or_else(|| self.subject(action)), None),
        };
        let message =
            if why.message.contains(&subject) { why.message.clone() } else { format!("{subject}: {}", why.message) };
        let place = why.place.clone().or_else(|| place.map(|at| Box::new(at.0.clone())));
        Diagnostic { message, place, ..why }
    }

    /// Where the pin or ban stands that a message speaks of.
    pub(super) fn place_of_moment(&self, message: &str) -> Option<&At> {
        let moments = &self.manifest.moments;
        let pin = |pin: &Pin| position(&pin.recording, pin.start);
        let ban = |ban: &Ban| position(&ban.recording, ban.from);
        let pins = moments.pins.iter().map(pin).zip(&moments.pin_places);
        let mut all = pins.chain(moments.bans.iter().map(ban).zip(&moments.ban_places));
        all.find(|(name, _)| message.contains(name.as_str())).map(|(_, place)| place)
    }

    /// Says which of the named outputs do not exist.
    pub fn check_targets(&self, targets: &[String]) -> Result<(), Diagnostics> {
        let names: Vec<&str> = self.manifest.outputs.iter().map(|output| output.name.as_str()).collect();
        let mut problems = Diagnostics::default();
        for target in targets.iter().filter(|target| !names.contains(&target.as_str())) {
            let hint = match crate::base::diagnostic::nearest(target, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the manifest has: {}", names.join(", ")),
            };
            problems.push(Diagnostic::input(format!("there is no output {target:?}")).hint(hint));
        }
        problems.into_result()
    }

    /// The name of the project's folder.
    pub fn title(&self) -> String {
        self.root.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    pub fn name_of(&self, file: FileInput) -> String {
        self.files.get(&file).map_or_else(|| file.path(&self.db).clone(), |source| source.name.clone())
    }
}

/// A moment's place as messages write it: `front/GX010012@192.0s`.
fn position(recording: &str, start: Timestamp) -> String {
    let length = Timestamp::ZERO;
    Moment { recording: recording.to_owned(), start, length, pinned: false }.node()
}
