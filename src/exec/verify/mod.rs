//! `autocut verify`: is what the store holds what it should be?

pub mod difference;
pub mod objects;
pub mod rebuild;
