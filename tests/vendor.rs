//! Beside Seqera's own program: its settings, its organization, its words.

mod import;
mod plain;
mod side_by_side;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::support::home::Home;
use crate::support::login;

const METADATA: &str = ".config/seqera-ai/auth-metadata.json";

fn metadata(home: &Home) -> PathBuf {
    home.path().join(METADATA)
}

fn selected(home: &Home) -> Value {
    let text = fs::read(metadata(home)).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["selected_organization"].clone()
}

#[test]
fn its_organization_follows_ours() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    home.run("seqera", &["org", "switch", "acme"], "").expect(0);
    assert!(!home.path().join(".config/seqera-ai").exists(), "nothing is made where that program is not");

    let before = "{\n  \"user\": {\"email\": \"ada@example.org\"},\n  \"selected_organization\": {\n    \"org_id\": \"1\",\n    \"org_name\": \"old\"\n  },\n  \"audience\": \"platform\"\n}\n";
    let path = home.write(METADATA, before);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let shown = home.run("seqera", &["org"], "").ok();
    assert!(shown.contains("acme (2001)\n") && shown.contains("own program has another: old (1)"), "{shown}");
    let shown: Value = serde_json::from_str(&home.run("seqera", &["org", "--json"], "").ok()).unwrap();
    assert_eq!(shown["vendor_organization"], json!({"id": "1", "name": "old"}));

    let run = home.run("seqera", &["org", "switch", "community"], "").expect(0);
    assert_eq!(
        run.err(),
        "Organization set: community\nSeqera's own program has the same organization now.\n"
    );
    let expected = before
        .replace("\"1\"", "\"2002\"")
        .replace("\"old\"\n", "\"community\",\n    \"org_type\": \"basic\"\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(home.run("seqera", &["org"], "").ok(), "community (2002)\n");

    home.run("seqera", &["org", "clear"], "").expect(0);
    let left: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(left, json!({"user": {"email": "ada@example.org"}, "audience": "platform"}));

    // A login sets it, too, and a number stays one.
    fs::write(&path, r#"{"selected_organization":{"org_id":1,"org_name":"old"}}"#).unwrap();
    platform.sign_in("grace");
    login::with_token(&home, &platform, &["--profile", "grace"]);
    assert!(selected(&home)["org_id"].is_u64(), "{}", selected(&home));
}

#[test]
fn its_file_is_left_alone_where_it_is_not_ours_to_change() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let switch = |to: &str| home.run("seqera", &["org", "switch", to], "").expect(0);
    let elsewhere = r#"{"authDomain": "https://cloud.seqera.io/api", "selected_organization": {"org_id": 1, "org_name": "old"}}"#;
    for (content, words) in
        [(elsewhere, "another server"), ("not json", "is not what Seqera's program writes")]
    {
        let path = home.write(METADATA, content);
        let run = switch("acme");
        assert!(run.err().contains(words), "{run:?}");
        assert_eq!(fs::read_to_string(path).unwrap(), content);
        assert_eq!(home.run("seqera", &["org"], "").ok(), "acme (2001)\n");
    }
    home.write(".config/seqera-credential-helper/config.toml", "[seqera]\nsync_organization = false\n");
    home.write(METADATA, "{}");
    assert_eq!(switch("community").err(), "Organization set: community\n");
    assert_eq!(fs::read_to_string(metadata(&home)).unwrap(), "{}");
}

#[test]
fn a_new_file_of_its_is_private() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    fs::create_dir_all(metadata(&home).parent().unwrap()).unwrap();
    home.run("seqera", &["org", "clear"], "").expect(0);
    assert!(!metadata(&home).exists());
    home.run("seqera", &["org", "switch", "acme"], "").expect(0);
    assert_eq!(selected(&home), json!({"org_id": 2001, "org_name": "acme", "org_type": "pro"}));
    assert_eq!(fs::metadata(metadata(&home)).unwrap().permissions().mode() & 0o777, 0o600);
}
