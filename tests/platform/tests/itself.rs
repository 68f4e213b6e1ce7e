//! What tests read off the double, and its end.

use std::net::TcpStream;

use super::*;

#[test]
fn every_secret_is_known_and_none_is_in_the_log() {
    let platform = Platform::start();
    let watched = platform.watch();
    let code = code(&platform);
    let answer = redeem(&platform, &code, &[]).json();
    let mut secrets = vec![code, platform.personal_token(), platform.sekuire_key()];
    secrets.extend(
        ["access_token", "refresh_token", "id_token"].map(|n| answer[n].as_str().unwrap().to_owned()),
    );
    secrets.push(start_device(&platform)["device_code"].as_str().unwrap().to_owned());
    refresh(&platform, answer["refresh_token"].as_str().unwrap()).unwrap();

    let issued = platform.issued_secrets();
    assert!(secrets.iter().all(|secret| issued.contains(secret)));
    let log = format!("{:?}", platform.requests());
    assert!(issued.iter().all(|secret| !log.contains(secret)));

    let paths: Vec<_> = watched.try_iter().map(|request| (request.path, request.grant)).collect();
    let path = |path: &str, grant: Option<&str>| (path.to_owned(), grant.map(str::to_owned));
    assert_eq!(
        paths,
        [
            path("/api/authorize", None),
            path("/api/authorize/continue", None),
            path("/api/token", Some("authorization_code")),
            path("/api/device/authorize", None),
            path("/api/token", Some("refresh_token")),
        ]
    );
}

#[test]
fn what_a_client_asked_for_is_kept_and_lost_requests_are_counted() {
    let platform = Platform::start();
    platform.approve(&authorize_url(&platform, &[("audience", "platform")]));
    let asked = platform.world(|world| world.requests.authorizations.pop().unwrap());
    assert_eq!((asked["audience"].as_str(), asked["scope"].as_str()), ("platform", "openid offline_access"));
    assert_eq!(http::get(&format!("{}/no/such/place", platform.url()), &[]).unwrap().status, 404);
    assert_eq!(http::post_form(&format!("{}/elsewhere", platform.sekuire()), &[]).unwrap().status, 404);
    assert_eq!(platform.count(Endpoint::Nowhere), 2);
}

#[test]
fn it_stops_when_dropped_even_while_it_holds_a_connection() {
    let platform = Platform::start();
    let address = platform.url().strip_prefix("http://").unwrap().to_owned();
    platform.fault(Endpoint::ServiceInfo, Fault::Mute);
    let url = format!("{}/service-info", platform.api());
    let held = std::thread::spawn(move || http::get(&url, &[]).is_err());
    while platform.count(Endpoint::ServiceInfo) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(platform);
    assert!(held.join().unwrap());
    assert!(TcpStream::connect(address).is_err());
}
