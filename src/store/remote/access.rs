//! How a bucket is reached: credentials, region and endpoint, as the service's
//! own tools read them from the environment. They come from there alone and are
//! written nowhere: not to the store, not into messages.

use std::ffi::OsString;
use std::fmt;

use crate::base::Diagnostic;

/// What the environment says of the service.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    pub(super) key: Option<Key>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) allow_http: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// Not derived: secrets must not reach a log.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.key.is_some() { "Access(with credentials)" } else { "Access(without credentials)" })
    }
}

impl Access {
    /// Reads the variables of the environment. Errors: they contradict each
    /// other.
    pub fn read(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Access, Diagnostic> {
        let given =
            |name: &str| variable(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty());
        let wrong = |message: &str, hint: &str| Err(Diagnostic::input(message).hint(hint));
        let key = match (given("AWS_ACCESS_KEY_ID"), given("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => Some(Key { id, secret, token: given("AWS_SESSION_TOKEN") }),
            (None, None) => None,
            (Some(_), None) => {
                return wrong("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not", "set both, or neither");
            }
            (None, Some(_)) => {
                return wrong("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not", "set both, or neither");
            }
        };
        let endpoint = given("AWS_ENDPOINT_URL_S3").or_else(|| given("AWS_ENDPOINT_URL"));
        let allow_http = given("AWS_ALLOW_HTTP").is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"));
        if let Some(endpoint) = &endpoint {
            let http = endpoint.starts_with("http://");
            if !http && !endpoint.starts_with("https://") {
                return wrong("AWS_ENDPOINT_URL is no address", "write e.g. https://storage.example.org");
            }
            if http && !allow_http {
                return wrong(
                    "AWS_ENDPOINT_URL begins with http://, by which everyone on the way can read along",
                    "use https://, or set AWS_ALLOW_HTTP=1 for a server on this machine",
                );
            }
        }
        let region = given("AWS_REGION").or_else(|| given("AWS_DEFAULT_REGION"));
        Ok(Access { key, region, endpoint, allow_http })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(variables: &[(&str, &str)]) -> Result<Access, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Access::read(&variable).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_environment_names_key_region_and_endpoint() {
        let access = access(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "topsecret"),
            ("AWS_SESSION_TOKEN", ""),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "https://storage.example.org"),
        ]);
        let access = access.unwrap();
        assert!(!format!("{access:?}").contains("topsecret"));
        let key = access.key.unwrap();
        assert_eq!((key.id.as_str(), key.secret.as_str(), key.token), ("id", "topsecret", None));
        assert_eq!(access.region.as_deref(), Some("eu-central-1"));
        assert_eq!(access.endpoint.as_deref(), Some("https://storage.example.org"));
    }

    #[test]
    fn an_environment_that_contradicts_itself_is_refused_without_its_secrets() {
        let wrong = [
            ("AWS_ACCESS_KEY_ID", "topsecret"),
            ("AWS_SECRET_ACCESS_KEY", "topsecret"),
            ("AWS_ENDPOINT_URL", "topsecret"),
            ("AWS_ENDPOINT_URL", "http://topsecret@127.0.0.1"),
        ];
        for variable in wrong {
            let problem = access(&[variable]).unwrap_err();
            assert!(!problem.contains("topsecret"), "{problem}");
        }
        assert!(access(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_ALLOW_HTTP", "1")]).is_ok());
    }
}
