//! Which server is the AI backend of a login. A token is never sent to another installation's: Seqera's own program
//! sends it to Cloud's wherever none is named.

use url::Url;

use super::vendor::Settings;
use super::{Api, CLOUD, is_of};
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::env::env_text;
use crate::target::Target;

/// The variable that names a backend.
pub const VARIABLE: &str = "SEQERA_AI_BACKEND_URL";

/// Cloud's backend, as Seqera's program knows it.
const CLOUD_BACKEND: &str = "https://ai-api.cloud.seqera.io";

/// The backend of a login at `endpoint`: what the person set; what the settings of Seqera's program say for this
/// very login, then what our own say; Cloud's for Cloud; else what the installation says of itself. Nothing where
/// nobody knows one.
///
/// # Errors
/// The one that is named is neither https nor on this machine; the installation cannot be asked.
pub fn backend(http: &Http, endpoint: &Endpoint, config: &Config) -> Result<Option<Url>> {
    if let Some(named) = env_text(VARIABLE) {
        return checked(&named, VARIABLE).map(Some);
    }
    if let Some(named) = set_for(&Settings::read(), endpoint) {
        return checked(&named, "the settings of Seqera's program (config.json)").map(Some);
    }
    let ours = config.in_file("endpoint").unwrap_or_else(|| CLOUD.to_owned());
    if let Some(named) = config.in_file("backend").filter(|_| is_of(&ours, endpoint)) {
        return checked(&named, "the setting backend (config.toml)").map(Some);
    }
    if is_of(endpoint.as_str(), &Endpoint::fixed(CLOUD)) {
        return checked(CLOUD_BACKEND, "this program").map(Some);
    }
    let info = Api::new(http, endpoint).service_info()?;
    let named = info.seqera_agent_backend_url.filter(|url| !url.trim().is_empty());
    named.map(|named| checked(&named, "the installation (/service-info)")).transpose()
}

/// The error for a login without a known backend.
pub fn unknown(endpoint: &Endpoint) -> Error {
    Error::refused(format!("no AI backend is known for {endpoint}, and the token is sent to no other"))
        .next(format!("name it: export {VARIABLE}=https://…"))
}

fn checked(named: &str, by: &str) -> Result<Url> {
    let named = named.trim().trim_end_matches('/');
    let url = Url::parse(named).ok().filter(|url| url.username().is_empty() && url.password().is_none());
    let target = url.as_ref().and_then(|url| Target::from_url(url.as_str()));
    match (url, target.is_some_and(|target| target.is_private_enough())) {
        (Some(mut url), true) => {
            url.set_query(None);
            url.set_fragment(None);
            Ok(url)
        }
        _ => Err(Error::refused(format!("the AI backend that {by} names is not an https address"))
            .next(format!("correct it, or set {VARIABLE}"))),
    }
}

/// What the settings of Seqera's program say, where they are for the installation at `endpoint`.
fn set_for(settings: &Settings, endpoint: &Endpoint) -> Option<String> {
    let named = settings.backend_url.clone().filter(|named| !named.trim().is_empty())?;
    is_of(settings.authority().unwrap_or(CLOUD), endpoint).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str, endpoint: &'static str) -> Option<String> {
        set_for(&serde_json::from_str(json).unwrap(), &Endpoint::fixed(endpoint))
    }

    #[test]
    fn the_settings_of_seqeras_program_are_for_its_own_authority() {
        let own = "https://tower.example/api";
        let json = r#"{"version":1,"authDomain":"https://tower.example/api","backendUrl":"https://ai.tower.example"}"#;
        assert_eq!(settings(json, own).as_deref(), Some("https://ai.tower.example"));
        assert_eq!(settings(json, CLOUD), None);
        let json = r#"{"platformApiUrl":"tower.example/api","backendUrl":"https://ai.tower.example"}"#;
        assert_eq!(settings(json, own).as_deref(), Some("https://ai.tower.example"));
        let json = r#"{"authDomain":"","backendUrl":"https://ai.example"}"#;
        assert_eq!(settings(json, own), None, "without an authority it is Cloud's");
        assert_eq!(settings(json, "https://cloud.seqera.io/api").as_deref(), Some("https://ai.example"));
        assert_eq!(settings(r#"{"authDomain":"https://tower.example/api"}"#, own), None);
    }

    #[test]
    fn a_backend_is_https_or_here() {
        assert_eq!(checked(" https://ai.example/ ", "x").unwrap().as_str(), "https://ai.example/");
        assert!(checked("http://127.0.0.1:9", "x").is_ok());
        for bad in ["http://ai.example", "ai.example", "https://u:p@ai.example", "file:///x", ""] {
            assert_eq!(checked(bad, "x").unwrap_err().exit_code(), 7, "{bad}");
        }
    }
}
