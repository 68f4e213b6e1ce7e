//! Login from a device.

use super::*;

#[test]
fn a_device_waits_for_the_person_and_gets_tokens_once() {
    let platform = Platform::start();
    platform.world(|world| world.settings.device_interval = Some(0));
    let device = start_device(&platform);
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(300), &json!(0)));
    let page = http::get(device["verification_uri_complete"].as_str().unwrap(), &[]).unwrap().body;
    let user_code = device["user_code"].as_str().unwrap();
    assert!(user_code.len() == 9 && page.contains(user_code));

    assert_refused(&poll(&platform, &device), 400, "authorization_pending");
    platform.approve_device(&user_code.to_lowercase().replace('-', ""));
    let login = Login::read(&poll(&platform, &device));
    assert!(lives(&platform, &login.access));
    assert_refused(&poll(&platform, &device), 400, "invalid_grant");
}

#[test]
fn a_device_can_be_denied_and_its_code_expires() {
    let platform = Platform::start();
    platform.world(|world| world.settings.device_interval = Some(0));
    let (denied, late) = (start_device(&platform), start_device(&platform));
    platform.deny_device(denied["user_code"].as_str().unwrap());
    assert_refused(&poll(&platform, &denied), 400, "access_denied");
    platform.expire_device_codes();
    assert_refused(&poll(&platform, &late), 400, "expired_token");
    assert_refused(&poll(&platform, &json!({ "device_code": "made-up" })), 400, "invalid_grant");
}

#[test]
fn a_device_that_polls_too_often_is_slowed_down_and_held_to_it() {
    let platform = Platform::start();
    let hasty = start_device(&platform);
    assert_refused(&poll(&platform, &hasty), 400, "authorization_pending");
    assert_refused(&poll(&platform, &hasty), 400, "slow_down");
    std::thread::sleep(Duration::from_millis(1100));
    assert_refused(&poll(&platform, &hasty), 400, "slow_down");

    // In time, and told so all the same.
    let patient = start_device(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::SlowDown);
    assert_refused(&poll(&platform, &patient), 400, "slow_down");
    platform.approve_device(patient["user_code"].as_str().unwrap());
    std::thread::sleep(Duration::from_millis(6050));
    assert_eq!(poll(&platform, &patient).status, 200);

    platform.world(|world| world.settings.device_interval = None);
    assert!(start_device(&platform).get("interval").is_none());
}
