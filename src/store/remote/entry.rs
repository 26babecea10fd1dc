//! One result as it lies in a shared store: a record that says by itself what
//! it is, of which version, and whether it is whole.
//!
//! A magic, a version, the BLAKE3 of the body, and the body: the record of the
//! local log, packed the same way. That nothing in it is of the machine that made
//! it is for whoever publishes it.

use crate::model::{self, ActionKey};
use crate::store::records::{self, ActionRecord};

const MAGIC: &[u8; 16] = b"autocut result\n\n";
/// Raised together with the log's version, or alone.
const VERSION: u16 = 1;
/// Magic, this version, the log's version, checksum.
const HEADER: usize = 16 + 2 + 2 + 32;

/// No entry is longer; what is longer is damage.
pub(super) const MOST: u64 = 64 << 20;

/// Why an entry could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Cut short, changed, or about another action.
    Damaged,
    /// Written by another autocut, which may know how to read it.
    OtherVersion,
}

fn header(checksum: &[u8; 32]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..16].copy_from_slice(MAGIC);
    header[16..18].copy_from_slice(&VERSION.to_le_bytes());
    header[18..20].copy_from_slice(&(records::VERSION as u16).to_le_bytes());
    header[20..].copy_from_slice(checksum);
    header
}

/// The entry for a record.
pub(super) fn encode(record: &ActionRecord) -> Vec<u8> {
    let body = records::pack(&model::encode(record));
    let mut bytes = header(blake3::hash(&body).as_bytes()).to_vec();
    bytes.extend_from_slice(&body);
    bytes
}

/// The record for `key` in an entry.
pub(super) fn decode(bytes: &[u8], key: ActionKey) -> Result<ActionRecord, Unreadable> {
    let (found, body) = bytes.split_at_checked(HEADER).ok_or(Unreadable::Damaged)?;
    let expected = header(blake3::hash(body).as_bytes());
    if found[..16] == expected[..16] && found[16..20] != expected[16..20] {
        return Err(Unreadable::OtherVersion);
    }
    if found != expected {
        return Err(Unreadable::Damaged);
    }
    let record: Option<ActionRecord> = records::unpacked(body).and_then(|body| model::decode(&body));
    record.filter(|record| record.key == key).ok_or(Unreadable::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{action, key_of};

    #[test]
    fn an_entry_is_read_back_as_it_was() {
        let record = action(1, Vec::new());
        assert_eq!(decode(&encode(&record), record.key), Ok(record));
    }

    #[test]
    fn every_damaged_byte_and_every_cut_is_noticed() {
        let record = action(1, Vec::new());
        let bytes = encode(&record);
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert!(decode(&wrong, record.key).is_err(), "byte {at}");
            assert!(decode(&bytes[..at], record.key).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_version_is_not_called_damage_and_another_action_is() {
        let record = action(1, Vec::new());
        let mut bytes = encode(&record);
        assert_eq!(decode(&bytes, key_of(2)), Err(Unreadable::Damaged));
        bytes[16] += 1;
        assert_eq!(decode(&bytes, record.key), Err(Unreadable::OtherVersion));
    }
}
