//! `autocut verify`.

use crate::cli::args::{Args, Verify};
use crate::cli::{rebuild, setup};
use crate::exec::verify::objects;
use crate::report::{listing, progress::Bytes, verify};

pub(super) fn run(args: &Args, wanted: &Verify) -> u8 {
    if wanted.rebuild {
        return rebuild::run(args, wanted);
    }
    let storage = match setup::storage(args, "autocut verify") {
        Ok(storage) => storage,
        Err(code) => return code,
    };
    let bar = Bytes::new("checking", setup::live());
    let repair = storage.store.read_only().is_none();
    let checked = objects::check(&storage, repair, &|done, total| bar.set(done, total));
    bar.clear();
    match checked {
        Ok(checked) if wanted.json => {
            listing::print_text(&verify::json(&checked));
            checked.problems.exit_code()
        }
        Ok(checked) => {
            let code = setup::tell(&checked.problems);
            listing::print_text(&verify::text(&checked));
            code
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
