//! The part of the Platform's API that is about an account: who am I, what do I belong to, my tokens.
//!
//! Answers are read kindly: any field may be null or missing, and what is not asked for is never kept, since
//! older servers put secrets into the user's object.

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::endpoint::Endpoint;
use crate::http::{Failure, Http};
use crate::provider::{Organization, Workspace};
use crate::secret::Secret;

/// The API at one endpoint.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    http: &'a Http,
    endpoint: &'a Endpoint,
}

/// Who a token belongs to. Names are of foreign origin.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The Platform's number for the account.
    #[serde(default, deserialize_with = "id")]
    pub id: Option<String>,
    /// The name chosen by the person.
    pub user_name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// An organization that the account belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: Organization,
    /// Its name for people, where it has one beside the short one.
    pub full_name: Option<String>,
    /// `pro`, `basic`, `academic`, …
    pub plan: Option<String>,
    /// `owner`, `member`, `collaborator`.
    pub role: Option<String>,
}

/// A personal access token that was made just now.
#[derive(Debug)]
pub struct Made {
    /// The token, which the server never shows again.
    pub secret: Secret,
    /// Its number, by which it is deleted.
    pub id: Option<String>,
}

/// What an installation says of itself, to anybody.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInfo {
    /// Of the Platform.
    pub version: Option<String>,
    /// Of its API.
    pub api_version: Option<String>,
    /// Its AI backend, where it has one.
    pub seqera_agent_backend_url: Option<String>,
}

impl<'a> Api<'a> {
    /// The API whose base is `endpoint`.
    pub fn new(http: &'a Http, endpoint: &'a Endpoint) -> Api<'a> {
        Api { http, endpoint }
    }

    /// `GET /user-info`: the one question that tells whether a token is good. 401 and 403 say that it is not.
    pub fn user(&self, token: &Secret) -> Result<User, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            user: User,
        }
        let answer: Answer = self.http.get_json(&self.url(&["user-info"]), Some(token))?;
        Ok(answer.user)
    }

    /// `GET /orgs`; where that is not to be had, what the list of workspaces tells.
    pub fn organizations(&self, token: &Secret, user: &User) -> Result<Vec<Membership>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default, deserialize_with = "list")]
            organizations: Vec<OrganizationRow>,
        }
        match (self.http.get_json::<Answer>(&self.url(&["orgs"]), Some(token)), &user.id) {
            (Ok(answer), _) => Ok(memberships(answer.organizations)),
            (Err(failure), Some(_)) if matches!(failure.status(), Some(403..=405)) => {
                let rows = self.rows(token, user)?.into_iter().filter(|row| row.workspace_id.is_none());
                Ok(memberships(rows.map(|row| row.organization)))
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// `GET /user/{id}/workspaces`: the workspaces of all organizations. The personal one is never among them.
    pub fn workspaces(&self, token: &Secret, user: &User) -> Result<Vec<Workspace>, Failure> {
        let of_row = |row: Row| {
            Some(Workspace {
                id: row.workspace_id?,
                name: row.workspace_name.unwrap_or_default(),
                organization: row.organization.name.unwrap_or_default(),
            })
        };
        Ok(self.rows(token, user)?.into_iter().filter_map(of_row).collect())
    }

    /// `GET /service-info`, which needs no login.
    pub fn service_info(&self) -> Result<ServiceInfo, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            service_info: ServiceInfo,
        }
        let answer: Answer = self.http.get_json(&self.url(&["service-info"]), None)?;
        Ok(answer.service_info)
    }

    /// `POST /tokens`: makes a personal access token called `name`, of 1 to 50 characters.
    pub fn make_token(&self, token: &Secret, name: &str) -> Result<Made, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            access_key: String,
            token: Option<Row>,
        }
        #[derive(Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "id")]
            id: Option<String>,
        }
        let url = self.url(&["tokens"]);
        let body = std::collections::BTreeMap::from([("name", name)]);
        let answer: Answer = self.http.post_json(&url, &body, Some(token))?;
        Ok(Made { secret: Secret::new(answer.access_key), id: answer.token.and_then(|row| row.id) })
    }

    /// `GET /tokens`: the number of the personal access token called `name`.
    pub fn token_named(&self, token: &Secret, name: &str) -> Result<Option<String>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            tokens: Vec<Row>,
        }
        #[derive(Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "id")]
            id: Option<String>,
            name: Option<String>,
        }
        let answer: Answer = self.http.get_json(&self.url(&["tokens"]), Some(token))?;
        Ok(answer.tokens.into_iter().find(|row| row.name.as_deref() == Some(name)).and_then(|row| row.id))
    }

    /// `DELETE /tokens/{id}`: ends a personal access token.
    pub fn delete_token(&self, token: &Secret, id: &str) -> Result<(), Failure> {
        self.http.delete(&self.url(&["tokens", id]), Some(token))
    }

    fn rows(&self, token: &Secret, user: &User) -> Result<Vec<Row>, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default, deserialize_with = "list")]
            orgs_and_workspaces: Vec<Row>,
        }
        let id = user.id.as_deref().unwrap_or_default();
        let answer: Answer = self.http.get_json(&self.url(&["user", id, "workspaces"]), Some(token))?;
        Ok(answer.orgs_and_workspaces)
    }

    fn url(&self, path: &[&str]) -> Url {
        self.endpoint.join(path.iter().copied())
    }
}

/// An organization, as `/orgs` and the list of workspaces name its fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationRow {
    #[serde(default, deserialize_with = "id")]
    org_id: Option<String>,
    #[serde(alias = "orgName")]
    name: Option<String>,
    full_name: Option<String>,
    #[serde(rename = "type", alias = "orgType")]
    plan: Option<String>,
    member_role: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    organization: OrganizationRow,
    #[serde(default, deserialize_with = "id")]
    workspace_id: Option<String>,
    workspace_name: Option<String>,
}

/// An organization without a number or a name is none that could be chosen.
fn memberships(rows: impl IntoIterator<Item = OrganizationRow>) -> Vec<Membership> {
    let of_row = |row: OrganizationRow| {
        let name = row.name.filter(|name| !name.is_empty())?;
        let organization = Organization { id: row.org_id?, name };
        let full_name = row.full_name.filter(|full| !full.is_empty());
        Some(Membership { organization, full_name, plan: row.plan, role: row.member_role })
    };
    rows.into_iter().filter_map(of_row).collect()
}

/// A number, or the same as text.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => {
            Some(text).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        }
        _ => None,
    })
}

/// A list that may be null.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_strangers_do_not_stop_the_reading() {
        let user: User = serde_json::from_str(
            r#"{"id":"17","userName":null,"email":"a@b.example","options":{"githubToken":"x"},"new":[]}"#,
        )
        .unwrap();
        assert_eq!((user.id.as_deref(), user.email.as_deref()), (Some("17"), Some("a@b.example")));
        let rows: Vec<Row> = serde_json::from_str(
            r#"[{"orgId":1,"orgName":"acme","orgType":"pro","workspaceId":null,"workspaceName":null,"roles":null},
                {"orgId":1,"orgName":"acme","workspaceId":9,"workspaceName":"ws"},
                {"orgId":null,"orgName":"nobody"},{"orgId":2,"orgName":""}]"#,
        )
        .unwrap();
        assert_eq!(rows[1].workspace_id.as_deref(), Some("9"));
        let found = memberships(rows.into_iter().map(|row| row.organization));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].plan.as_deref(), Some("pro"));
    }
}
