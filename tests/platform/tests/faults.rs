//! Faults do what their names say, where and as often as ordered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;

/// Whatever comes before the connection closes, read without a client's opinion of it.
fn raw_refresh(platform: &Platform, refresh_token: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(platform.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let body = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={refresh_token}");
    let length = body.len();
    let request = format!(
        "POST /api/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = vec![];
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_connection_can_close_before_or_after_the_work() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::Hangup);
    assert_eq!(raw_refresh(&platform, &login.refresh), b"");
    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());

    platform.fault_next(1, Endpoint::Token, Fault::HangupAfterwards);
    assert_eq!(raw_refresh(&platform, &login.refresh), b"");
    assert!(platform.all_faults_happened() && !platform.family_burnt());
    // It was rotated: the client's token is the old one now.
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
    let unanswered = platform.requests().iter().filter(|request| request.status.is_none()).count();
    assert_eq!(unanswered, 2);
}

#[test]
fn a_server_can_fall_silent_before_or_after_the_work() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let url = format!("{}/token", platform.api());
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", login.refresh);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let wait = Duration::from_millis(300);
    for fault in [Fault::Mute, Fault::MuteAfterwards] {
        platform.fault_next(1, Endpoint::Token, fault);
        let start = Instant::now();
        let error = http::send_within(wait, "POST", &url, &headers, &form).unwrap_err();
        assert!(start.elapsed() >= wait && error.kind() != std::io::ErrorKind::UnexpectedEof, "{error}");
        assert!(!platform.family_burnt());
    }
    // The first did nothing or the second would have been re-use; the second rotated, so this is.
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
}

#[test]
fn a_client_that_leaves_a_slow_server_has_changed_nothing() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(2, Endpoint::Token, Fault::Slow(Duration::from_millis(600)));
    let url = format!("{}/token", platform.api());
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", login.refresh);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    http::send_within(Duration::from_millis(100), "POST", &url, &headers, &form).unwrap_err();
    let start = Instant::now();
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
    assert!(start.elapsed() >= Duration::from_millis(600));
}

#[test]
fn faults_stand_in_for_answers() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let order = |fault| {
        platform.fault_next(1, Endpoint::Token, fault);
        refresh(&platform, &login.refresh).unwrap()
    };
    for (fault, status) in [
        (Fault::Unauthorized, 401),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::ServiceUnavailable, 503),
        (Fault::TooManyRequests { retry_after: 7 }, 429),
    ] {
        let answer = order(fault);
        assert_eq!((answer.status, &*answer.body), (status, ""));
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("7"));
    }
    assert_eq!(order(Fault::ForbiddenWithMessage).json(), json!({ "message": "Forbidden" }));
    let answer = order(Fault::InternalError);
    assert!(answer.status == 500 && answer.json()["message"].is_string());
    let answer = order(Fault::BadGateway);
    assert!(answer.status == 502 && answer.body.contains("<title>502 Bad Gateway</title>"));
    let answer = order(Fault::HtmlPage);
    assert!(answer.status == 200 && answer.header("content-type").unwrap().starts_with("text/html"));
    let answer = order(Fault::InvalidJson);
    assert!(answer.status == 200 && serde_json::from_str::<Value>(&answer.body).is_err());
    let answer = order(Fault::HugeBody);
    assert!(answer.body.len() > 32 * 1024 * 1024 && serde_json::from_str::<Value>(&answer.body).is_ok());
    let answer = order(Fault::RedirectElsewhere);
    assert!(answer.status == 307 && answer.header("location").unwrap().starts_with(&platform.sekuire()));

    // None of them reached the work, or this would be re-use.
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
}

#[test]
fn faults_keep_to_their_endpoint_their_number_and_their_order() {
    let platform = Platform::start();
    let url = format!("{}/service-info", platform.api());
    let status = || http::get(&url, &[]).unwrap().status;
    platform.fault_next(2, Endpoint::ServiceInfo, Fault::InternalError);
    platform.fault(Endpoint::ServiceInfo, Fault::BadGateway);
    assert!(!platform.all_faults_happened());
    assert!(lives(&platform, &platform.personal_token()));
    assert_eq!([status(), status(), status(), status()], [500, 500, 502, 502]);
    assert!(platform.all_faults_happened());
    platform.clear_faults();
    assert_eq!(status(), 200);
}

#[test]
#[should_panic = "WrongState cannot happen at Token"]
fn a_fault_that_cannot_happen_is_not_taken() {
    Platform::start().fault(Endpoint::Token, Fault::WrongState);
}

#[test]
fn every_fault_with_a_name_can_be_ordered() {
    for named in crate::platform::faults::NAMED {
        (named.order)(&Platform::start());
    }
}

#[test]
fn an_issuer_of_another_name_is_stated_everywhere() {
    let platform = Platform::start();
    platform.world(|world| world.settings.issuer = Some("https://cloud.example.org/api".into()));
    let url = format!("{}/.well-known/openid-configuration", platform.api());
    let document = http::get(&url, &[]).unwrap().json();
    assert_eq!(document["issuer"], "https://cloud.example.org/api");
    assert_eq!(document["token_endpoint"], format!("{}/token", platform.api()));
    let redirect = platform.approve(&authorize_url(&platform, &[]));
    assert_eq!(parameter(&redirect, "iss").as_deref(), Some("https://cloud.example.org/api"));
}
