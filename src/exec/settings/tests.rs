use super::*;
use crate::inputs::MemorySystem;

const CONFIG: &str = "/home/u/.config/autocut/config.ron";

fn settle(variables: &[(&str, &str)], system: &MemorySystem, arguments: Arguments) -> (Settings, Diagnostics) {
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    Settings::settle(Sources { arguments, environment: &value, system })
}

fn machine() -> MemorySystem {
    let system = MemorySystem::new();
    system.write("/proc/meminfo", "MemTotal:       8388608 kB\n");
    system
}

fn told(problems: &Diagnostics) -> Vec<String> {
    problems.0.iter().map(ToString::to_string).collect()
}

#[test]
fn each_place_is_stronger_than_the_one_before() {
    let system = machine();
    let none = Arguments::default;
    let (settings, problems) = settle(&[("HOME", "/home/u")], &system, none());
    assert_eq!(problems.0, []);
    assert!(matches!(settings.jobs.origin, Origin::Default(_)));
    assert_eq!(settings.memory.value, Some(Bytes(6 << 30)));
    assert_eq!(settings.store_of(Path::new("/p")), Path::new("/p/.autocut"));
    assert_eq!(settings.config, Some((CONFIG.into(), false)));

    let text = "Config(\n  jobs: 3, memory: \"2GiB\",\n  store: \"~/s/{project}\",\n  codec: \"libx264\",\n)";
    system.write(CONFIG, text);
    let (settings, problems) = settle(&[("HOME", "/home/u")], &system, none());
    assert_eq!(problems.0, []);
    assert_eq!(settings.jobs.value, Jobs(3));
    assert_eq!(settings.jobs.origin, Origin::File { path: CONFIG.into(), line: 2 });
    assert_eq!(settings.memory.value, Some(Bytes(2 << 30)));
    assert_eq!(settings.codec.value, Wanted::Only("libx264".to_owned()));
    assert!(settings.store_of(Path::new("/p/alps")).starts_with("/home/u/s"));

    let variables = [
        ("HOME", "/home/u"),
        ("AUTOCUT_JOBS", "5"),
        ("AUTOCUT_MEMORY", "1GiB"),
        ("AUTOCUT_STORE", "/s"),
        ("AUTOCUT_CODEC", "auto"),
    ];
    let (settings, problems) = settle(&variables, &system, none());
    assert_eq!(problems.0, []);
    assert_eq!((settings.jobs.value, settings.memory.value), (Jobs(5), Some(Bytes(1 << 30))));
    assert_eq!((settings.store_of(Path::new("/p")), settings.codec.value), ("/s".into(), Wanted::Auto));
    assert_eq!(settings.jobs.origin, Origin::Environment("AUTOCUT_JOBS"));

    let arguments = Arguments {
        jobs: Some(Jobs(7)),
        memory: Some(Bytes(9)),
        store: Some(StoreFolder("/t".into())),
        codec: Some(Wanted::Only("libx264".to_owned())),
        ..none()
    };
    let (settings, problems) = settle(&variables, &system, arguments);
    assert_eq!(problems.0, []);
    assert_eq!((settings.jobs.value, settings.memory.value), (Jobs(7), Some(Bytes(9))));
    assert_eq!(settings.store_of(Path::new("/p")), Path::new("/t"));
    assert_eq!(settings.store.origin.to_string(), "command line: --store");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let system = machine();
    system.write(CONFIG, "Config(jobs: 0)");
    let variables = [
        ("HOME", "/home/u"),
        ("AUTOCUT_JOBS", "many"),
        ("AUTOCUT_MEMORY", "little"),
        ("AUTOCUT_CODEC", "h264_magic"),
        ("AUTOCUT_DEADLINE", "soon"),
    ];
    // Wrong, although the command line is stronger.
    let (_, problems) = settle(&variables, &system, Arguments { jobs: Some(Jobs(1)), ..Arguments::default() });
    let told = told(&problems);
    assert_eq!(problems.exit_code(), 1);
    let expected = [
        "config.ron:1:14: expected a whole number from 1 to 1024",
        "AUTOCUT_JOBS: expected",
        "AUTOCUT_MEMORY: \"little\"",
        "AUTOCUT_CODEC: there is no encoder \"h264_magic\"",
        "AUTOCUT_DEADLINE: expected a number of seconds",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn the_config_file_is_where_it_is_said_to_be() {
    let system = machine();
    system.write("/x/autocut/config.ron", "Config(jobs: 2)").write("/named.ron", "Config(jobs: 4)");
    let home = ("HOME", "/home/u");
    let (settings, _) = settle(&[home, ("XDG_CONFIG_HOME", "/x")], &system, Arguments::default());
    assert_eq!(settings.jobs.value, Jobs(2));
    // A relative XDG_CONFIG_HOME is to be passed over (XDG base directories).
    let (settings, _) = settle(&[home, ("XDG_CONFIG_HOME", "x")], &system, Arguments::default());
    assert_eq!(settings.config, Some((CONFIG.into(), false)));
    let (settings, _) =
        settle(&[home, ("XDG_CONFIG_HOME", "/x"), ("AUTOCUT_CONFIG", "/named.ron")], &system, Arguments::default());
    assert_eq!(settings.jobs.value, Jobs(4));
    let (_, problems) = settle(&[home, ("AUTOCUT_CONFIG", "/gone.ron")], &system, Arguments::default());
    assert!(told(&problems)[0].contains("/gone.ron, which is not there"), "{problems:?}");
    let (settings, problems) = settle(&[], &system, Arguments::default());
    assert_eq!((settings.config, problems.0), (None, vec![]));
}

#[test]
fn a_control_group_is_told_as_the_reason_of_a_default() {
    let system = machine();
    system.write("/proc/self/cgroup", "0::/a\n");
    system.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    system.write("/sys/fs/cgroup/a/memory.max", "1073741824\n").write("/sys/fs/cgroup/a/cpu.max", "500 1000\n");
    let (settings, _) = settle(&[], &system, Arguments::default());
    assert_eq!((settings.jobs.value, settings.memory.value), (Jobs(1), Some(Bytes(768 << 20))));
    assert_eq!(settings.jobs.origin.to_string(), "default: the control group allows 0.5 processors");
    assert_eq!(settings.memory.origin.to_string(), "default: three quarters of the 1.0 GiB that the control group has");
}

#[test]
fn a_shared_store_is_a_folder_or_a_bucket_with_access_to_it() {
    let system = machine();
    let none = Arguments::default;
    let (settings, _) = settle(&[("AWS_ACCESS_KEY_ID", "id")], &system, none());
    assert_eq!((settings.remote.value, settings.remote_write.value), (None, false));

    system.write(CONFIG, "Config(remote: \"~/team\", remote_write: true)");
    let (settings, problems) = settle(&[("HOME", "/home/u")], &system, none());
    assert_eq!(problems.0, []);
    assert_eq!(settings.remote.value, Some(Location::Folder("/home/u/team".into())));
    assert!(settings.remote_write.value);

    let bucket = [
        ("HOME", "/home/u"),
        ("AUTOCUT_REMOTE", "s3://films/ride"),
        ("AUTOCUT_REMOTE_WRITE", "0"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "topsecret"),
    ];
    let (settings, problems) = settle(&bucket, &system, none());
    assert_eq!(problems.0, []);
    assert_eq!(settings.remote.origin, Origin::Environment("AUTOCUT_REMOTE"));
    assert!(!settings.remote_write.value);
    assert_ne!(settings.access, Access::default());
    assert!(!format!("{settings:?} {:?}", settings.list()).contains("topsecret"));

    let (_, problems) = settle(&bucket[..4], &system, none());
    assert!(told(&problems)[0].contains("AWS_SECRET_ACCESS_KEY"), "{:?}", told(&problems));
    system.write(CONFIG, "Config(remote: \"team\", remote_write: 1)");
    let wrong = [("HOME", "/home/u"), ("AUTOCUT_REMOTE", "gs://films"), ("AUTOCUT_REMOTE_WRITE", "perhaps")];
    let (_, problems) = settle(&wrong, &system, none());
    let told = told(&problems);
    for words in ["whole path", "config.ron:1:38: expected `true` or `false`", "gs://", "AUTOCUT_REMOTE_WRITE"] {
        assert!(told.iter().any(|one| one.contains(words)), "{words} is not in {told:#?}");
    }
}

#[test]
fn continuous_integration_decodes_in_software_unless_it_is_told() {
    use crate::model::decoders::Device;
    let system = machine();
    let decode = |variables: &[(&str, &str)], arguments| settle(variables, &system, arguments).0.decode;
    assert_eq!(decode(&[("CI", "")], Arguments::default()).value, DecodeBy::Auto);
    let found = decode(&[("CI", "1")], Arguments::default());
    assert_eq!((found.value, found.origin.to_string()), (DecodeBy::Software, "default: CI is set".to_owned()));
    let named = [("CI", "1"), ("AUTOCUT_DECODE", "cuda")];
    assert_eq!(decode(&named, Arguments::default()).value, DecodeBy::On(Device::Cuda));
    let arguments = Arguments { decode: Some(DecodeBy::Software), ..Arguments::default() };
    assert_eq!(decode(&named, arguments).value, DecodeBy::Software);
    system.write(CONFIG, "Config(\n decode: \"vaapi\",\n)");
    assert_eq!(decode(&[("HOME", "/home/u")], Arguments::default()).value, DecodeBy::On(Device::Vaapi));
    system.write(CONFIG, "Config(decode: \"gpu\")");
    let (_, problems) = settle(&[("HOME", "/home/u"), ("AUTOCUT_DECODE", "h264")], &system, Arguments::default());
    let told = told(&problems);
    for words in ["config.ron:1:16: nothing decodes by \"gpu\"", "AUTOCUT_DECODE: nothing decodes by \"h264\""] {
        assert!(told.iter().any(|one| one.contains(words)), "{words} is not in {told:#?}");
    }
}
