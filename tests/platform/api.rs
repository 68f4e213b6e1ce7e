//! The Platform's own API: who am I, my organizations and workspaces, my personal access tokens.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::faults::Endpoint;
use super::page;
use super::people::{Organization, User};
use super::requests::at;
use super::state::{PersonalToken, Shared, World, timestamp};

pub fn routes(world: &Shared) -> Router<Shared> {
    let at = |endpoint, handler| at(world, endpoint, handler);
    let page = get(async || page::html(page::make_secret("Your tokens", "Add token")));
    Router::new()
        .route("/api/service-info", at(Endpoint::ServiceInfo, get(service_info)))
        .route("/api/user-info", at(Endpoint::UserInfo, get(user_info)))
        .route("/api/orgs", at(Endpoint::Organizations, get(organizations)))
        .route("/api/orgs/{id}/workspaces", at(Endpoint::Workspaces, get(workspaces_of_organization)))
        .route("/api/user/{id}/workspaces", at(Endpoint::Workspaces, get(workspaces_of_user)))
        .route("/api/tokens", at(Endpoint::PersonalTokens, get(list_tokens).post(make_token)))
        .route("/api/tokens/{id}", at(Endpoint::PersonalTokens, delete(delete_token)))
        .route("/tokens", at(Endpoint::TokensPage, page.post(make_token_on_page)))
}

/// The user whose access token or personal access token the request bears. Nobody is 401 with an empty body.
pub struct Caller(pub User);

impl FromRequestParts<Shared> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, world: &Shared) -> Result<Self, StatusCode> {
        let world = world.lock();
        let user = bearer(&parts.headers).and_then(|token| {
            let personal = world.personal_tokens.iter().find(|personal| personal.secret == token);
            let id = personal.map(|personal| personal.user).or_else(|| world.grants.user_of(token))?;
            world.people.by_id(id).cloned()
        });
        user.map(Caller).ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// An error in the Platform's form.
fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

async fn service_info(State(world): State<Shared>) -> Json<Value> {
    let world = world.lock();
    Json(json!({ "serviceInfo": {
        "version": "26.1.0", "apiVersion": "1.181.0", "commitId": "0000000", "authTypes": ["github", "google", "oidc"],
        "loginPath": "/login", "logoutUrl": null, "landingUrl": world.origin, "contactEmail": "support@example.org",
        "heartbeatInterval": 60, "userWorkspaceEnabled": true, "allowInstanceCredentials": false,
        "waveEnabled": true, "groundswellEnabled": false, "llmEnabled": true, "seqeraCloud": false,
        "seqeraAiBaseUrl": null, "seqeraAgentBackendUrl": world.settings.agent_backend, "analytics": {}, "navbar": { "menus": [] },
    } }))
}

async fn user_info(State(world): State<Shared>, Caller(user): Caller) -> Json<Value> {
    let now = timestamp(world.lock().now());
    let first_workspace = user.organizations.iter().flat_map(|organization| &organization.workspaces).next();
    Json(json!({
        "needConsent": false,
        "defaultWorkspaceId": first_workspace.map(|workspace| workspace.id),
        "user": {
            "id": user.id, "userName": user.name, "email": user.email, "firstName": user.name, "lastName": null,
            "organization": null, "description": null, "avatar": null, "avatarId": null, "dateCreated": now,
            "lastUpdated": now, "lastAccess": now, "deleted": false, "marketingConsent": false,
            "termsOfUseConsent": true, "notification": null, "waveBuildNotification": null,
            // Older servers send these, one of them a secret: a client must not pass the object on.
            "options": { "githubToken": null, "maxRuns": null }, "trusted": true,
        },
    }))
}

async fn organizations(Caller(user): Caller) -> Json<Value> {
    let rows: Vec<Value> = user
        .organizations
        .iter()
        .map(|organization| {
            json!({
                "orgId": organization.id, "name": organization.name, "fullName": organization.full_name,
                "description": null, "location": null, "website": null, "logoId": null, "logoUrl": null,
                "memberId": organization.id + 100, "memberRole": organization.role, "type": organization.plan,
                "paying": organization.plan == "pro",
            })
        })
        .collect();
    Json(json!({ "organizations": rows, "totalSize": rows.len() }))
}

async fn workspaces_of_organization(Caller(user): Caller, Path(id): Path<i64>) -> Response {
    let Some(organization) = user.organizations.iter().find(|organization| organization.id == id) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let rows: Vec<Value> = organization
        .workspaces
        .iter()
        .map(|workspace| {
            json!({
                "id": workspace.id, "name": workspace.name, "fullName": workspace.name, "description": null,
                "visibility": workspace.visibility,
            })
        })
        .collect();
    Json(json!({ "workspaces": rows })).into_response()
}

/// One row for each organization without a workspace, and one for each workspace.
async fn workspaces_of_user(Caller(user): Caller, Path(id): Path<i64>) -> Response {
    if id != user.id {
        return refuse(StatusCode::FORBIDDEN, "Forbidden");
    }
    let of_organization = |organization: &Organization| {
        let row = json!({
            "orgId": organization.id, "orgName": organization.name, "orgLogoUrl": null, "orgType": organization.plan,
            "workspaceId": null, "workspaceName": null, "workspaceFullName": null, "visibility": null, "roles": null,
        });
        let mut rows = vec![row.clone()];
        rows.extend(organization.workspaces.iter().map(|workspace| {
            let mut row = row.clone();
            row["workspaceId"] = json!(workspace.id);
            row["workspaceName"] = json!(workspace.name);
            row["workspaceFullName"] = json!(workspace.name);
            row["visibility"] = json!(workspace.visibility);
            row["roles"] = json!(["owner"]);
            row
        }));
        rows
    };
    let rows: Vec<Value> = user.organizations.iter().flat_map(of_organization).collect();
    Json(json!({ "orgsAndWorkspaces": rows })).into_response()
}

fn describe(token: &PersonalToken) -> Value {
    json!({
        "id": token.id, "name": token.name, "dateCreated": timestamp(token.created), "lastUsed": null,
        "basicAuth": null,
    })
}

async fn list_tokens(State(world): State<Shared>, Caller(user): Caller) -> Json<Value> {
    let world = world.lock();
    let mine = world.personal_tokens.iter().filter(|token| token.user == user.id);
    Json(json!({ "tokens": mine.map(describe).collect::<Vec<_>>() }))
}

async fn make_token(State(world): State<Shared>, Caller(user): Caller, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(name) = body["name"].as_str().filter(|name| (1..=50).contains(&name.chars().count())) else {
        return refuse(StatusCode::BAD_REQUEST, "Token name must be 1 to 50 characters long");
    };
    let mut world = world.lock();
    if world.personal_tokens.iter().any(|token| token.user == user.id && token.name == name) {
        return refuse(StatusCode::CONFLICT, "A token with this name already exists");
    }
    let token = world.make_personal_token(user.id, name);
    Json(json!({ "accessKey": token.secret, "token": describe(token) })).into_response()
}

async fn delete_token(State(world): State<Shared>, Caller(user): Caller, Path(id): Path<i64>) -> StatusCode {
    let mut world = world.lock();
    match world.personal_tokens.iter().position(|token| token.id == id && token.user == user.id) {
        Some(at) => {
            world.personal_tokens.remove(at);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::FORBIDDEN,
    }
}

async fn make_token_on_page(State(world): State<Shared>) -> Response {
    let mut world = world.lock();
    let secret = give_personal_token(&mut world);
    page::secret_shown_once(&secret)
}

/// A personal access token of the signed-in user, as if made on the web page.
pub fn give_personal_token(world: &mut World) -> String {
    let user = world.people.signed_in().id;
    let name = format!("token-{}", world.personal_tokens.len() + 1);
    world.make_personal_token(user, &name).secret.clone()
}
