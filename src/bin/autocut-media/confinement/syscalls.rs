//! System calls, by seccomp: those that are refused, since nothing that reads,
//! draws or encodes pictures needs them. All others are let through, because
//! which ones a C library uses differs with its version.
//!
//! Some things are here that Landlock has no word for: the rights, times and
//! attributes of files, and sockets other than TCP's.

use std::collections::BTreeMap;

use libc::c_long;
use rustix::process::getpid;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

/// Newer than some C libraries; the numbers are the same on every architecture
/// (Linux, `scripts/syscall.tbl`).
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;

/// Refused as something that this process may not do.
const REFUSED: &[c_long] = &[
    // The network, and whoever listens on this machine.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_kcmp,
    libc::SYS_setpriority,
    // What files are like besides what is in them.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_truncate,
    libc::SYS_mknodat,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // The machine.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_personality,
];

/// Of one architecture alone.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_mknod,
    libc::SYS_kexec_file_load,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Refused as something that this kernel does not have, for which there is
/// another way: a newer form of `clone`, whose flags a filter cannot see, and
/// rings, which would carry out what is refused here.
const UNKNOWN: &[c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// On x86-64 every call has a second number, with this bit, for programs with
/// short pointers; some have a third.
const X32: c_long = 0x4000_0000;
const X32_ONLY: &[c_long] = &[520, 521, 524, 528, 536, 539, 540, 545];

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Refuses them from now on. Gives the means, or why there is none.
pub(super) fn close() -> Result<String, String> {
    let why = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let refused = refused().map_err(|error| why(&error))?;
    let refused = program(refused, libc::EPERM).map_err(|error| why(&error))?;
    let unknown = program(always(UNKNOWN), libc::ENOSYS).map_err(|error| why(&error))?;
    for filter in [refused, unknown] {
        apply_filter(&filter).map_err(|error| why(&error))?;
    }
    Ok("seccomp".to_owned())
}

/// Makes this kernel look to the process like one without Landlock.
pub(super) fn hide_landlock() -> Result<(), String> {
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let filter = program(always(&calls), libc::ENOSYS).map_err(|error| error.to_string())?;
    apply_filter(&filter).map_err(|error| error.to_string())
}

fn always(calls: &[c_long]) -> Rules {
    let numbers = calls.iter().flat_map(|call| {
        let short = cfg!(target_arch = "x86_64").then_some(call | X32);
        [*call].into_iter().chain(short)
    });
    numbers.map(|number| (number, Vec::new())).collect()
}

fn refused() -> Result<Rules, BackendError> {
    let mut rules = always(REFUSED);
    rules.extend(always(REFUSED_HERE));
    if cfg!(target_arch = "x86_64") {
        rules.extend(X32_ONLY.iter().map(|call| (call | X32, Vec::new())));
    }
    let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    let is_other = || SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own);
    // Threads are this process; whatever else is cloned is another.
    let thread = libc::CLONE_THREAD.unsigned_abs().into();
    let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    // Keys that a terminal takes for typed.
    let typing = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::TIOCSTI)?;
    for (call, condition) in [
        (libc::SYS_kill, is_other()?),
        (libc::SYS_tgkill, is_other()?),
        (libc::SYS_clone, no_thread),
        (libc::SYS_ioctl, typing),
    ] {
        let rule = SeccompRule::new(vec![condition])?;
        if cfg!(target_arch = "x86_64") {
            rules.insert(call | X32, vec![rule.clone()]);
        }
        rules.insert(call, vec![rule]);
    }
    Ok(rules)
}

/// Everything but what the rules name is let through.
fn program(rules: Rules, error: i32) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, TargetArch::try_from(std::env::consts::ARCH)?)?;
    filter.try_into()
}
