//! The section `telemetry`: a path, a format, or several logs.

use super::*;

fn logs(telemetry: &str) -> Vec<(String, String, String)> {
    let manifest = good(&with(&format!("telemetry: {telemetry}")));
    manifest.telemetry.into_iter().map(|log| (log.file, log.format, log.params)).collect()
}

fn log(file: &str, format: &str, params: &str) -> (String, String, String) {
    (file.to_owned(), format.to_owned(), params.to_owned())
}

#[test]
fn a_bare_path_is_a_log_of_any_format() {
    assert_eq!(logs("\"ride.fit\""), [log("ride.fit", "Log", "{}")]);
    assert_eq!(logs("\"ride.fit\""), logs("Log(file: \"ride.fit\")"));
}

#[test]
fn several_logs_keep_their_order() {
    let csv = r#"{"columns":{},"zone":null}"#;
    let both = logs("[\"ride.fit\", Csv(file: \"car.csv\")]");
    assert_eq!(both, [log("ride.fit", "Log", "{}"), log("car.csv", "Csv", csv)]);
    assert_eq!(logs("[]"), []);
    let manifest = good(&with("telemetry: [\"ride.fit\", Csv(file: \"car.csv\", offset: \"2s\")]"));
    assert_eq!(manifest.telemetry[1].offset, Timestamp::from_seconds(2));
    let files: Vec<String> = manifest.materials().into_iter().map(|(file, _)| file).collect();
    assert_eq!(files, ["ride.fit", "car.csv"]);
}

#[test]
fn what_is_wrong_with_one_of_several_is_told_at_its_place() {
    let wrong =
        "telemetry: [\"ride.fit\",\nCsv(file: \"car.csv\", start: \"font/A\"),\n\"ride.fit\", Fit(file: \"a.fit\"), 5]";
    assert_eq!(
        told(&with(wrong)),
        [
            "7:13+3 `Fit` is not a telemetry format",
            "7:33+1 expected a telemetry format, found the number 5 (write its kind first: `Csv` and `Log`)",
        ]
    );
    let wrong = "telemetry: [\"ride.fit\",\nCsv(file: \"car.csv\", start: \"font/A\"),\n\"ride.fit\"]";
    assert_eq!(
        told(&with(wrong)),
        [
            "6:29+8 no footage set is named \"font\" (did you mean \"front/A\"?)",
            "7:1+10 the log \"ride.fit\" is given twice (remove one of them)",
        ]
    );
}

#[test]
fn a_weight_counts_where_one_of_several_logs_maps_it() {
    let text = with(
        "telemetry: [\"ride.fit\", Csv(file: \"r.csv\", columns: {\"lean\": \"Lean\"})],\n\
         moments: Moments(weights: {\"lean\": 1.0})",
    );
    good(&text);
}
