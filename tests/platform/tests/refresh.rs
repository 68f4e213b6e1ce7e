//! What ends tokens: rotation, re-use, time, revocation.

use super::*;

#[test]
fn refresh_rotates_and_re_use_burns_the_whole_family() {
    let platform = Platform::start();
    let first = Login::new(&platform);
    let second = Login::read(&refresh(&platform, &first.refresh).unwrap());
    assert!(first.access != second.access && first.refresh != second.refresh);
    assert!(lives(&platform, &first.access) && lives(&platform, &second.access));
    assert_eq!(platform.standings(), [Standing::Live]);

    let bystander = Login::new(&platform);
    assert_refused(&refresh(&platform, &first.refresh).unwrap(), 400, "invalid_grant");
    assert_eq!(platform.standings(), [Standing::Burnt, Standing::Live]);
    assert_refused(&refresh(&platform, &second.refresh).unwrap(), 400, "invalid_grant");
    assert!(!lives(&platform, &first.access) && !lives(&platform, &second.access));
    assert!(lives(&platform, &bystander.access));
}

#[test]
fn of_many_refreshes_at_once_one_wins_and_the_family_burns() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..16).map(|_| scope.spawn(|| refresh(&platform, &login.refresh).unwrap().status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!((won, platform.count_grant("refresh_token"), platform.family_burnt()), (1, 16, true));
}

#[test]
fn within_the_grace_an_old_refresh_token_still_works() {
    let platform = Platform::start();
    platform.world(|world| world.settings.rotation_grace = Some(Duration::from_secs(60)));
    let login = Login::new(&platform);
    for _ in 0..2 {
        assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
    }
    platform.world(|world| world.settings.rotation_grace = Some(Duration::ZERO));
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
}

#[test]
fn a_refresh_token_of_another_client_or_of_nobody_burns_nothing() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let form =
        [("grant_type", "refresh_token"), ("client_id", "nextflow_cli"), ("refresh_token", &*login.refresh)];
    assert_refused(&token(&platform, &form).unwrap(), 400, "invalid_grant");
    assert_refused(&refresh(&platform, "made-up").unwrap(), 400, "invalid_grant");
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
}

#[test]
fn access_tokens_end_by_themselves_or_at_a_word_and_refresh_brings_new_ones() {
    let platform = Platform::start();
    platform.world(|world| world.settings.access_lifetime = Duration::from_millis(300));
    let login = Login::new(&platform);
    assert!(lives(&platform, &login.access));
    std::thread::sleep(Duration::from_millis(350));
    assert!(!lives(&platform, &login.access));

    platform.world(|world| world.settings.access_lifetime = Duration::from_secs(3600));
    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());
    assert!(lives(&platform, &login.access));
    platform.expire_access_tokens();
    let answer = ask(&platform, "GET", "/user-info", &login.access, "");
    assert_eq!((answer.status, &*answer.body), (401, ""));

    platform.expire_refresh_tokens();
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(!platform.family_burnt());
}

#[test]
fn token_answers_can_lack_what_they_should_have() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::NoNewRefreshToken);
    let tokens = refresh(&platform, &login.refresh).unwrap().json();
    assert!(
        tokens.get("refresh_token").is_none() && lives(&platform, tokens["access_token"].as_str().unwrap())
    );

    // The old one was left in place.
    platform.fault_next(1, Endpoint::Token, Fault::NoExpiresIn);
    platform.world(|world| {
        world.settings.tells_refresh_lifetime = true;
        world.settings.opaque_access_tokens = true;
    });
    let tokens = refresh(&platform, &login.refresh).unwrap().json();
    assert!(tokens.get("expires_in").is_none() && tokens["refresh_expires_in"] == 21600);
    assert!(!tokens["access_token"].as_str().unwrap().contains('.'));
}

#[test]
fn revocation_ends_the_session_or_one_access_token_and_never_complains() {
    let platform = Platform::start();
    let url = format!("{}/revoke", platform.api());
    let revoke = |token: &str| http::post_form(&url, &[("client_id", CLIENT), ("token", token)]).unwrap();
    let login = Login::new(&platform);
    assert_eq!((revoke("made-up").status, revoke(&login.access).status), (200, 200));
    assert!(!lives(&platform, &login.access));

    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());
    let answer = revoke(&login.refresh);
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert!(!lives(&platform, &login.access));
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert_eq!(platform.standings(), [Standing::Revoked]);

    let login = Login::new(&platform);
    platform.revoke_all();
    assert!(!lives(&platform, &login.access) && !platform.family_burnt());
}
