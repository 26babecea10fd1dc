//! `autocut verify`: is what the store holds what it should be?

pub mod objects;
