//! `autocut reference`: docs/reference.md, made from the schema itself.

use crate::exec::workspace;
use crate::report::listing;

pub(super) fn run() -> u8 {
    listing::print_text(&crate::manifest::reference::render(&workspace::kinds().as_kinds()));
    0
}
