//! Small versions that cameras write beside their footage, by name: GoPro's `.LRV`
//! and DJI's `.LRF`. (That a file bears the name says nothing of what is in it.)

/// The names that a small version of the file may have, the usual first; in the
/// same folder.
///
/// GoPro (HERO6 and later): `GX010012.MP4` and `GH010012.MP4` have `GL010012.LRV`;
/// earlier, `GOPR0012.MP4` has `GOPR0012.LRV` and `GP010012.MP4` `GP010012.LRV`.
/// DJI: `DJI_0012.MP4` has `DJI_0012.LRF`.
pub fn names_of(name: &str) -> Vec<String> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, file) = name.split_at(file);
    let Some((stem, extension)) = file.rsplit_once('.') else { return Vec::new() };
    let is_film = ["mp4", "mov"].iter().any(|film| extension.eq_ignore_ascii_case(film));
    let upper = stem.to_ascii_uppercase();
    let number = |digits: &str, count: usize| digits.len() == count && digits.bytes().all(|b| b.is_ascii_digit());
    let gopro = |prefix: &str, count: usize| upper.strip_prefix(prefix).is_some_and(|digits| number(digits, count));
    let (twin, kinds) = if gopro("GX", 6) || gopro("GH", 6) {
        (format!("GL{}", &stem[2..]), ["LRV", "lrv"])
    } else if gopro("GOPR", 4) || gopro("GP", 6) {
        (stem.to_owned(), ["LRV", "lrv"])
    } else if upper.starts_with("DJI_") {
        (stem.to_owned(), ["LRF", "lrf"])
    } else {
        return Vec::new();
    };
    if !is_film {
        return Vec::new();
    }
    kinds.iter().map(|kind| format!("{folder}{twin}.{kind}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_versions_have_the_names_that_cameras_give_them() {
        let first = |name: &str| names_of(name).first().cloned();
        assert_eq!(first("front/GX010012.MP4").as_deref(), Some("front/GL010012.LRV"));
        assert_eq!(first("GH020012.mp4").as_deref(), Some("GL020012.LRV"));
        assert_eq!(first("a/GOPR0012.MP4").as_deref(), Some("a/GOPR0012.LRV"));
        assert_eq!(first("a/GP010012.MP4").as_deref(), Some("a/GP010012.LRV"));
        assert_eq!(first("DJI_20240601_0012_D.MP4").as_deref(), Some("DJI_20240601_0012_D.LRF"));
        for none in ["GX010012.JPG", "GX01001.MP4", "GXÄ0012.MP4", "ride.mp4", "GX010012", "front/GX010012.MP4/x"] {
            assert_eq!(names_of(none), Vec::<String>::new(), "{none}");
        }
    }
}
