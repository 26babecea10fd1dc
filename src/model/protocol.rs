//! What `autocut` and `autocut-media` say to each other: postcard messages,
//! each behind its length as four bytes, little-endian, over a socket that is
//! the media program's standard input. Nothing is ever said on standard
//! output, which libraries print to.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::base::{Diagnostic, Digest};
use crate::model::action::ActionSpec;
use crate::model::confinement::{Confinement, Rights};
use crate::model::decoders::Device;
use crate::model::toolchain::Toolchain;
use crate::model::usage::Usage;

/// Both sides must have been built from the same protocol.
pub const PROTOCOL_VERSION: u32 = 5;

/// The longest message taken: a lying length must not allocate without bound.
const MAX_MESSAGE: u32 = 256 << 20;

/// From `autocut`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Always first.
    Hello { version: u32 },
    /// Before any work: keep no more than these rights.
    Confine(Rights),
    /// Versions and fingerprints of everything (some tens of milliseconds, more
    /// where hardware is tried). Only before `Confine`: each trial is a process.
    Toolchain,
    /// Do these. Several at once are those that share one decode: analyses of
    /// one chunk.
    Run(Vec<Invocation>),
}

/// How to do one action here and now: everything that must not be in its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invocation {
    /// Names the action in replies.
    pub id: u64,
    pub spec: ActionSpec,
    /// Where the spec's input digests can be read.
    pub inputs: BTreeMap<Digest, PathBuf>,
    /// Which of them a device decodes, where it leaves out nothing; the others
    /// are decoded in software. What comes out is the same.
    #[serde(default)]
    pub devices: BTreeMap<Digest, Device>,
    /// Sprite packs in which a segment's sprites can be found.
    pub packs: Vec<PathBuf>,
    /// An empty folder for this action alone; outputs are written here.
    pub scratch: PathBuf,
}

/// From `autocut-media`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    Hello {
        version: u32,
    },
    /// Those rights are left, as far as the system has means for it.
    Confined(Confinement),
    Toolchain(Toolchain),
    /// `done` of `total` frames or samples: shown to people, and proof of life.
    Progress {
        id: u64,
        done: u64,
        total: u64,
    },
    /// Something was got done that no progress is told of: proof of life.
    Alive,
    /// A device did not decode as software does, which then did it again: it is
    /// not to be used any more.
    Mistrusted {
        device: Device,
        why: Diagnostic,
    },
    Done {
        id: u64,
        result: Produced,
        /// What it took of this process.
        usage: Usage,
    },
    Failed {
        id: u64,
        diagnostic: Diagnostic,
    },
}

/// What an action made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Produced {
    /// Files in the scratch folder, in the order that the kind defines.
    pub files: Vec<PathBuf>,
    /// The encoded value, for kinds that have one.
    pub value: Vec<u8>,
    /// What people should be told although it succeeded.
    pub warnings: Vec<Diagnostic>,
}

/// Writes one message.
pub fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = super::encode(message);
    let length = u32::try_from(body.len()).ok().filter(|n| *n <= MAX_MESSAGE);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "message too long"))?;
    let mut framed = Vec::with_capacity(body.len() + 4);
    framed.extend_from_slice(&length.to_le_bytes());
    framed.extend_from_slice(&body);
    to.write_all(&framed)?;
    to.flush()
}

/// Reads one message; `None` at a clean end.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0u8; 4];
    let mut filled = 0;
    while filled < length.len() {
        match from.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    let mut body = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let message = super::decode(&body);
    message.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable message"))
}
