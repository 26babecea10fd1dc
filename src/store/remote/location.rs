//! Where a shared store is, as people write it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{Diagnostic, Digest};

/// A place that several machines reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// A folder, usually on a network share.
    Folder(PathBuf),
    /// A bucket of an S3-compatible service.
    Bucket {
        bucket: String,
        /// What all names in it begin with; without slashes at its ends, and
        /// empty for the whole bucket.
        prefix: String,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(folder) => write!(f, "{}", folder.display()),
            Location::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Location::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Location {
    /// Stands for the place where it has to be short.
    pub fn digest(&self) -> Digest {
        Digest::derive("autocut 2026 shared store", self.to_string().as_bytes())
    }

    /// Reads a folder's path or `s3://bucket/prefix`. What is no bucket's name
    /// is not repeated in the error: it may be a secret in the wrong place.
    pub fn parse(text: &str) -> Result<Location, Diagnostic> {
        let hint = "write the path of a folder, or s3://BUCKET/PREFIX";
        let wrong = |what: String| Err(Diagnostic::input(what).hint(hint));
        let url = text.split_once("://");
        match url {
            None if text.is_empty() => wrong("the shared store has an empty name".to_owned()),
            None => Ok(Location::Folder(PathBuf::from(text))),
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
                if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(usual) {
                    return wrong(
                        "the shared store's s3:// address does not begin with the name of a bucket".to_owned(),
                    );
                }
                let prefix: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
                if prefix.iter().any(|part| matches!(*part, "." | "..")) {
                    return wrong(format!("the shared store's prefix in bucket {bucket} has a \".\" or \"..\""));
                }
                Ok(Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.join("/") })
            }
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                wrong(format!("there is no shared store behind {scheme}://"))
            }
            Some(_) => Ok(Location::Folder(PathBuf::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Location, String> {
        Location::parse(text).map_err(|problem| problem.message)
    }

    #[test]
    fn folders_and_buckets() {
        assert_eq!(parsed("/mnt/team/autocut"), Ok(Location::Folder("/mnt/team/autocut".into())));
        assert_eq!(parsed("../shared"), Ok(Location::Folder("../shared".into())));
        let bucket =
            |bucket: &str, prefix: &str| Ok(Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        assert_eq!(parsed("s3://films"), bucket("films", ""));
        assert_eq!(parsed("s3://films/"), bucket("films", ""));
        assert_eq!(parsed("s3://films/team//ride/"), bucket("films", "team/ride"));
        for text in ["/mnt/team/autocut", "s3://films", "s3://films/team/ride"] {
            assert_eq!(parsed(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "s3://", "s3:///prefix", "s3://a/b", "gs://bucket/x", "https://host/x", "s3://films/../x"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_in_the_address_is_not_repeated() {
        let problem = parsed("s3://AKIAKEY:topsecret@films/x").unwrap_err();
        assert!(!problem.contains("topsecret") && !problem.contains("AKIAKEY"), "{problem}");
    }
}
