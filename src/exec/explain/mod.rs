//! Why an action runs or ran: what is different since its node last succeeded.
//!
//! Two bases, that of the last success and that of now, are compared field by
//! field ([`diff`]), what is different is followed to what someone changed
//! ([`causes`]), and said in the words of the manifest ([`labels`]). These are
//! pure; [`provenance`] and [`inquiry`] look into a project and its store.

pub mod basis;
pub mod causes;
pub mod clock;
pub mod contents;
pub mod diff;
pub mod inquiry;
pub mod labels;
pub mod last;
pub mod provenance;
pub mod why;

#[cfg(test)]
mod tests;
