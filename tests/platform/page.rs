//! What a person sees in a browser. No page loads anything from anywhere.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

pub const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

pub const PORTAL: &str = "<!doctype html><html><head><title>Sign in to the network</title></head>\
    <body><div id=\"root\"></div></body></html>";

/// A page with the headers that every page of this kind should have. `form-action` is left open: browsers apply it to
/// the redirect that answers the form, and that goes to the client's own port.
pub fn html(page: String) -> Response {
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(page)).into_response()
}

/// An error that must not be sent to the client's address.
pub fn refusal(why: &str) -> Response {
    let page = document("This request cannot be answered", &format!("<p>{}</p>", escape(why)));
    (StatusCode::BAD_REQUEST, html(page)).into_response()
}

pub fn notice(title: &str, text: &str) -> Response {
    html(document(title, &format!("<p>{}</p>", escape(text))))
}

/// The consent page; `{request}` stands where its handle goes.
pub fn consent(client: &str, email: &str, scope: &str) -> String {
    let scopes: String = scope.split_whitespace().map(|word| format!("<li>{}</li>", escape(word))).collect();
    let body = format!(
        r#"<p><b>{}</b> wants to act for you.</p><p>You are signed in as {}.</p><ul>{scopes}</ul>
<form method="post" action="authorize/continue"><input type="hidden" name="request" value="{{request}}">{BUTTONS}</form>"#,
        escape(client),
        escape(email),
    );
    document("Allow access?", &body)
}

pub fn device(user_code: &str, email: &str) -> String {
    let body = format!(
        r#"<p>You are signed in as {}.</p><form method="post" action="device">
<p><input name="user_code" value="{}" placeholder="XXXX-XXXX" autocomplete="off" required></p>{BUTTONS}</form>"#,
        escape(email),
        escape(user_code),
    );
    document("Connect a device", &body)
}

/// A page with one button that makes a secret.
pub fn make_secret(title: &str, button: &str) -> String {
    document(title, &format!(r#"<form method="post"><button>{button}</button></form>"#))
}

pub fn secret_shown_once(secret: &str) -> Response {
    html(document("Copy it now", &format!("<p>It is shown only once.</p><pre>{}</pre>", escape(secret))))
}

const BUTTONS: &str = r#"<button id="allow" name="decision" value="allow">Allow</button>
<button id="deny" name="decision" value="deny">Deny</button>"#;

fn document(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 15vh auto; padding: 0 1rem }}
button {{ font: inherit; padding: .4rem 1.2rem }} input {{ font: 1.4rem monospace; width: 11ch }}
pre {{ white-space: pre-wrap; word-break: break-all }}</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
