//! The part of Sekuire's API that is about a key: is it good, whose is it, a password for the registry.
//!
//! Answers are read kindly: any field may be null or missing. Why a key is refused is said in words alone, so
//! it is told from the words; the words themselves are never shown.

use http::{Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Device, WEB};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::{Failure, Http, Place, Trouble};
use crate::provider::RegistryLogin;
use crate::provider::{Organization, Workspace};
use crate::secret::Secret;
use crate::target::Target;
use crate::ui;

/// The user under which Sekuire's own program logs in to the registry where the backend names none.
pub const USERNAME: &str = "token";

/// The API of one backend.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    http: &'a Http,
    endpoint: &'a Endpoint,
}

/// Whose key it is. Names are of foreign origin.
#[derive(Debug, Default)]
pub struct Me {
    /// The account's identifier.
    pub id: Option<String>,
    /// The account's address.
    pub email: Option<String>,
    /// Its organization.
    pub organization: Option<Organization>,
    /// The first of its workspaces, which Sekuire's own program takes for the default.
    pub workspace: Option<Workspace>,
}

impl<'a> Api<'a> {
    /// The API whose base is `endpoint`.
    pub fn new(http: &'a Http, endpoint: &'a Endpoint) -> Api<'a> {
        Api { http, endpoint }
    }

    /// `POST /api-keys/verify`: verifies a key and binds it to the device. Answers the key's organization.
    ///
    /// # Errors
    /// As [`super::verify`].
    pub fn verify(&self, key: &Secret, device: &Device) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Answer {
            valid: bool,
            org_id: Option<String>,
            error: Option<String>,
        }
        let body = json!({
            "api_key": key.expose_str(), "device_fingerprint": device.fingerprint,
            "device_name": device.name, "device_os": device.os,
        });
        let answer: Answer = self.ask(Method::POST, "api-keys/verify", &[], Some(&body))?;
        match answer.valid {
            true => Ok(answer.org_id.and_then(identifier)),
            false => Err(unaccepted(answer.error.as_deref().unwrap_or_default())),
        }
    }

    /// `GET /me`: whose key it is, asked from the device it is bound to.
    ///
    /// # Errors
    /// As [`super::verify`].
    pub fn me(&self, key: &Secret, fingerprint: &str) -> Result<Me> {
        #[derive(Deserialize)]
        struct Answer {
            id: Option<String>,
            email: Option<String>,
            #[serde(default)]
            organization: Value,
            workspaces: Option<Vec<Row>>,
        }
        #[derive(Deserialize)]
        struct Row {
            id: Option<String>,
            name: Option<String>,
        }
        let headers = [("x-api-key", key.expose()), ("x-device-fingerprint", fingerprint.as_bytes())];
        let answer: Answer = self.ask(Method::GET, "me", &headers, None)?;
        let named =
            |id: String, name: Option<String>| (name.filter(|n| !n.is_empty()).unwrap_or(id.clone()), id);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let organization = match &answer.organization {
            Value::String(id) => Some((id.clone(), None)),
            object => text(&object["id"]).map(|id| (id, text(&object["name"]))),
        };
        let workspace = answer.workspaces.unwrap_or_default().into_iter().next();
        Ok(Me {
            id: answer.id.and_then(identifier),
            email: answer.email.filter(|email| !email.is_empty()),
            organization: organization.and_then(|(id, name)| {
                let (name, id) = named(identifier(id)?, name);
                Some(Organization { id, name })
            }),
            workspace: workspace.and_then(|row| {
                let (name, id) = named(identifier(row.id?)?, row.name);
                Some(Workspace { id, name, organization: String::new() })
            }),
        })
    }

    /// `POST /registry/push-token`: a password for the registry, for the private images of an organization.
    ///
    /// # Errors
    /// As [`super::verify`].
    pub fn push_token(&self, key: &Secret, organization: &str) -> Result<RegistryLogin> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            username: Option<String>,
            /// Not in the published answer, and worth more than a guess where it comes.
            expires_in: Option<u64>,
        }
        let body = json!({ "org_id": organization, "namespace_type": "private" });
        let headers = [("x-api-key", key.expose())];
        let answer: Answer = self.ask(Method::POST, "registry/push-token", &headers, Some(&body))?;
        let token = answer.token.filter(|token| is_word(token)).map(Secret::new);
        Ok(RegistryLogin {
            token: token.ok_or_else(|| self.failure("registry/push-token", Trouble::BadAnswer))?,
            username: answer.username.filter(|name| is_word(name)).unwrap_or_else(|| USERNAME.to_owned()),
            lives_for: answer.expires_in,
        })
    }

    fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: Option<&Value>,
    ) -> Result<T> {
        let failure = |trouble| self.failure(path, trouble);
        let url = self.url(path);
        let mut request =
            Request::builder().method(method).uri(url.as_str()).header("accept", "application/json");
        for (name, value) in headers {
            let mut value = http::HeaderValue::from_bytes(value)
                .map_err(|_| Error::from(failure(Trouble::BadRequest)))?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                body.to_string().into_bytes()
            }
            None => Vec::new(),
        };
        let request = request.body(body).map_err(|_| Error::from(failure(Trouble::BadRequest)))?;
        let response = self.http.send_for_json(request)?;
        let refused = Failure::status_of(Place::of(&url), &response);
        let status = response.status();
        let body = zeroize::Zeroizing::new(response.into_body());
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| failure(Trouble::BadAnswer).into());
        }
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        match status.as_u16() {
            401 => Err(unaccepted(said["error"].as_str().unwrap_or_default())),
            402 => Err(plan_limit(&said, self.endpoint)),
            _ => Err(refused.into()),
        }
    }

    fn url(&self, path: &str) -> Url {
        self.endpoint.join(["api", "v1"].into_iter().chain(path.split('/')))
    }

    fn failure(&self, path: &str, trouble: Trouble) -> Failure {
        Failure::new(Place::of(&self.url(path)), trouble)
    }
}

/// The error for a key that the backend does not accept, by what it says of it.
fn unaccepted(said: &str) -> Error {
    let said = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let again = "create another in Sekuire's dashboard, under Settings, API keys, then: sekuire login";
    if says(&["revoke"]) {
        Error::not_logged_in("Sekuire has revoked this API key").next(again)
    } else if says(&["expire"]) {
        Error::not_logged_in("this API key has expired").next(again)
    } else if says(&["device", "fingerprint", "bound"]) {
        Error::not_logged_in("this API key is bound to another device").next(again)
    } else {
        Error::not_logged_in("Sekuire does not know this API key")
            .next("check that you copied all of it, and that it belongs to this backend; log in with: sekuire login")
    }
}

/// The error for what the plan does not include: it says nothing of the key.
fn plan_limit(said: &Value, endpoint: &Endpoint) -> Error {
    let plan = said["required_plan"].as_str().filter(|plan| plan.len() <= 40 && is_word(plan));
    let error = Error::failed(match plan {
        Some(plan) => format!("your Sekuire plan does not include this; the plan '{plan}' does"),
        None => "your Sekuire plan does not include this".into(),
    });
    error.next(match said["upgrade_url"].as_str().and_then(|url| upgrade_page(url, endpoint)) {
        Some(page) => format!("see: {page}"),
        None => "ask an administrator of your organization".into(),
    })
}

/// The address of a page to read, if it is one of Sekuire's or of the backend itself: the answer of a stranger
/// must not send a person elsewhere.
fn upgrade_page(url: &str, endpoint: &Endpoint) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "https" && url.username().is_empty())?;
    let page = Target::from_url(url.as_str())?;
    let known = page == *endpoint.origin() || Some(&page) == Target::from_url(WEB).as_ref();
    // A parsed address is ASCII without control characters.
    known.then(|| url.to_string()).filter(|url| url.len() <= 200)
}

/// An identifier of the backend's: it stands in environments, profiles and requests.
fn identifier(text: String) -> Option<String> {
    (is_word(&text) && text.len() <= 128).then_some(text)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && ui::plain(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_own_sentence() {
        let whats: Vec<String> = [
            "Invalid API key",
            "API key has been revoked",
            "API key is bound to another device",
            "Key expired",
        ]
        .map(|said| unaccepted(said).what().to_owned())
        .into();
        assert_eq!(whats.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        let hostile = unaccepted("\x1b[31mrevoked sk_live_secret").to_string();
        assert!(!hostile.contains('\x1b') && !hostile.contains("secret"));
    }

    #[test]
    fn a_plan_limit_sends_nobody_to_a_stranger() {
        let limit = |plan: &str, url: &str| {
            plan_limit(
                &json!({ "required_plan": plan, "upgrade_url": url }),
                &Endpoint::fixed("https://own.example"),
            )
            .to_string()
        };
        assert_eq!(
            limit("team", "https://sekuire.ai/pricing"),
            "your Sekuire plan does not include this; the plan 'team' does; see: https://sekuire.ai/pricing"
        );
        assert!(limit("team", "https://own.example/up").ends_with("see: https://own.example/up"));
        for url in [
            "https://sekuire.ai.evil.example/",
            "http://sekuire.ai/pricing",
            "https://evil@sekuire.ai/",
            "https://evil.example/sekuire.ai",
            "javascript:alert(1)",
            "\x1b]8;;https://sekuire.ai",
        ] {
            assert!(!limit("team", url).contains("see:"), "{url}");
        }
        assert!(!limit("a\x1b[31m", "").contains("the plan"));
        assert!(!limit(&"x".repeat(99), "").contains("xx"));
    }
}
