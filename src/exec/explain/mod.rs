//! Why an action runs or ran: what is different since its node last succeeded.

pub mod basis;
