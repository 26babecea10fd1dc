//! Files, by Landlock: reading anywhere, writing in few places, running nothing.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest that is asked for. An older kernel gives what it has.
const NEWEST: ABI = ABI::V6;

/// Devices that encode and decode: without them none of them works. What is not
/// there is passed over.
const ENCODERS: [&str; 5] = ["/dev/dri", "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"];

/// Leaves writing only below these folders. Gives the means, or why there is
/// none.
pub(super) fn close(writable: &[PathBuf]) -> Result<String, String> {
    match restrict(writable) {
        Ok(RulesetStatus::FullyEnforced) => Ok("Landlock".to_owned()),
        Ok(RulesetStatus::PartiallyEnforced) => Ok("Landlock, as far as this kernel has it".to_owned()),
        Ok(RulesetStatus::NotEnforced) => {
            Err("this kernel has no Landlock (Linux has it since 5.13, where it is enabled)".to_owned())
        }
        Err(error) => Err(format!("Landlock: {error}")),
    }
}

fn restrict(writable: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    let folders = AccessFs::MakeDir | AccessFs::RemoveDir;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    if let Ok(root) = PathFd::new("/") {
        rules = rules.add_rule(PathBeneath::new(root, read))?;
    }
    // A folder that is not there is not written to either.
    for folder in writable.iter().filter_map(|folder| PathFd::new(folder).ok()) {
        rules = rules.add_rule(PathBeneath::new(folder, read | write | folders))?;
    }
    let device = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::IoctlDev;
    for path in ENCODERS.iter().filter_map(|path| PathFd::new(path).ok()) {
        rules = rules.add_rule(PathBeneath::new(path, device))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}
