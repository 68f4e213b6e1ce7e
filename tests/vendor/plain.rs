//! Passwords that git and docker keep in plain text move into the store; Nextflow is set up without a token written down.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::support::home::Home;
use crate::support::login;

#[test]
fn gits_own_plain_store_is_taken_over() {
    let home = Home::with_file_store();
    assert!(home.run("seqera", &["import", "git"], "").expect(3).err().contains("has no passwords"));
    let kept = "# a note of mine\n";
    let path = home.write(
        ".git-credentials",
        format!("https://ada:s3cret-of-ada%40home@git.example\n{kept}https://bob:s3cret-of-bob-too@other.example:8443/x.git\n"),
    );
    let dry = home.run("seqera", &["import", "git", "--dry-run"], "").ok();
    assert!(dry.contains("https://ada@git.example ") && !dry.contains("s3cret-of"), "{dry}");
    let ask = "protocol=https\nhost=git.example\nusername=ada\n\n";
    assert_eq!(home.run("git-credential-seqera", &["get"], ask).ok(), "");
    let run = home.run("seqera", &["import", "git"], "").expect(0);
    assert!(run.err().contains("still in plain text") && path.exists(), "{run:?}");
    assert!(!run.err().contains("s3cret-of") && !run.out().contains("s3cret-of"), "{run:?}");
    let answer = home.run("git-credential-seqera", &["get"], ask).ok();
    assert!(answer.contains("password=s3cret-of-ada@home\n"), "{answer}");
    home.run("seqera", &["import", "git", "--remove"], "").expect(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);
    let ask = "protocol=https\nhost=other.example:8443\npath=x.git\nusername=bob\n\n";
    assert!(home.run("git-credential-seqera", &["get"], ask).ok().contains("password=s3cret-of-bob-too\n"));
    let newer = "https://ada:pw@git.example\n";
    fs::write(&path, newer).unwrap();
    for how in ["--remove", "--dry-run"] {
        let run = home.run("seqera", &["import", "git", how], "").expect(2);
        assert!(run.err().contains("https://ada@git.example: another one is here; not replaced"), "{run:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    }
    let ask = "protocol=https\nhost=git.example\nusername=ada\n\n";
    assert!(home.run("git-credential-seqera", &["get"], ask).ok().contains("password=s3cret-of-ada@home\n"));
    home.run("git-credential-seqera", &["erase"], ask).expect(0);
    home.run("seqera", &["import", "git", "--remove"], "").expect(0);
    assert!(!path.exists(), "an empty file is of no use");

    // What cannot be read is named, counted and kept, byte for byte.
    let odd = b"https://only-a-user@git.example\n\xff\xfe\n# mine\n\nhttps://u:p%0Aq@git.example\n";
    fs::write(&path, [&odd[..], b"https://ada:pw@git.example\n"].concat()).unwrap();
    let run = home.run("seqera", &["import", "git", "--remove"], "").expect(0);
    for line in ["line 1", "line 2", "line 5"] {
        assert!(run.err().contains(&format!(".git-credentials, {line}: not an address")), "{run:?}");
    }
    assert!(run.err().contains("3 entries could not be read"), "{run:?}");
    assert!(!run.err().contains("only-a-user"), "{run:?}");
    assert_eq!(fs::read(&path).unwrap(), odd);
}

/// git takes the first line that fits; so does who asks here afterwards.
#[test]
fn of_several_passwords_git_gets_the_first_one_as_before() {
    let home = Home::with_file_store();
    let second = "https://ada:s3cret-two@git.example\n";
    let path = home.write(
        ".git-credentials",
        format!("https://ada:s3cret-one@git.example\nhttps://bob:s3cret-of-bob@GIT.example\n{second}"),
    );
    home.write(".config/git/credentials", "https://ada:s3cret-three@git.example\n");
    let run = home.run("seqera", &["import", "git", "--remove"], "").expect(0);
    assert!(run.err().contains("is there twice") && !run.err().contains("s3cret"), "{run:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), second);
    for ask in ["protocol=https\nhost=git.example\nusername=ada\n\n", "protocol=https\nhost=git.example\n\n"]
    {
        let answer = home.run("git-credential-seqera", &["get"], ask).ok();
        assert!(answer.contains("username=ada\npassword=s3cret-one\n"), "{ask}: {answer}");
    }
}

/// What another user could have put there is nobody's password, and no token to log in with.
#[test]
fn what_others_own_or_may_write_is_not_taken_over() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.set("TOWER_API_ENDPOINT", platform.api());
    let token = platform.personal_token();
    let nextflow = format!("tower {{ accessToken = '{token}'\n endpoint = '{}' }}\n", platform.api());
    let is_root = rustix::process::geteuid().is_root();
    for (from, file, content) in [
        ("git", ".git-credentials", "https://ada:pw@git.example\n".to_owned()),
        ("docker", ".docker/config.json", r#"{"auths": {"r.example": {"auth": "YWRhOnB3"}}}"#.to_owned()),
        ("env", ".bashrc", format!("export TOWER_ACCESS_TOKEN={token}\n")),
        ("nextflow", ".nextflow/seqera-auth.config", nextflow),
        ("sekuire", ".sekuire/auth.json", r#"{"api_key": "sk_test_0123456789"}"#.to_owned()),
    ] {
        let path = home.write(file, &content);
        let import = || home.run("seqera", &["import", from], "").expect(6);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let run = import();
        assert!(
            run.err().contains("others may write it") && run.err().contains("chmod go-w"),
            "{from}: {run:?}"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root {
            std::os::unix::fs::chown(&path, Some(54321), None).unwrap();
            let run = import();
            assert!(run.err().contains("it belongs to "), "{from}: {run:?}");
        } else {
            eprintln!("not tried: it takes root to be another user");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "{from}");
    }
    home.run("seqera", &["token"], "").expect(3);
    assert_eq!(home.run("docker-credential-seqera", &["list"], "").ok(), "{}\n");
    assert_eq!(platform.requests().len(), 0);
}

#[test]
fn dockers_plain_passwords_are_taken_over() {
    let home = Home::with_file_store();
    assert!(home.run("seqera", &["import", "docker"], "").expect(3).err().contains("no password stands in"));
    // ada:s3cret-of-ada
    let content = "{\n\t\"auths\": {\n\t\t\"r.example\": {\"auth\": \"YWRhOnMzY3JldC1vZi1hZGE=\"}\n\t},\n\t\"psFormat\": \"x\"\n}\n";
    let path = home.write(".docker/config.json", content);
    let dry = home.run("seqera", &["import", "docker", "--dry-run"], "").ok();
    assert!(dry.contains("r.example ada ********") && !dry.contains("s3cret-of"), "{dry}");
    home.run("seqera", &["import", "docker"], "").expect(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
    let run = home.run("seqera", &["import", "docker", "--remove"], "").expect(0);
    assert!(run.err().contains("Stored: the passwords of r.example"), "{run:?}");
    let left = "{\n\t\"auths\": {\n\t\t\"r.example\": {}\n\t},\n\t\"psFormat\": \"x\"\n}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), left);
    let answer: Value =
        serde_json::from_str(&home.run("docker-credential-seqera", &["get"], "r.example").ok()).unwrap();
    assert_eq!((&answer["Username"], &answer["Secret"]), (&json!("ada"), &json!("s3cret-of-ada")));

    // A newer one that is here stays, and so does the plain one. ada:s3cret-old
    let older = r#"{"auths": {"https://r.example": {"auth": "YWRhOnMzY3JldC1vbGQ="}}}"#;
    fs::write(&path, older).unwrap();
    for how in ["--remove", "--dry-run"] {
        let run = home.run("seqera", &["import", "docker", how], "").expect(2);
        assert!(run.err().contains("https://r.example, ada: another one is here; not replaced"), "{run:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), older);
    }
    assert!(home.run("docker-credential-seqera", &["get"], "r.example").ok().contains("s3cret-of-ada"));

    // What cannot be read is named and counted; what is empty is a helper's.
    let odd = r#"{"auths": {"a.example": {"auth": "%%"}, "b.example": {"auth": 7}, "c.example": {}, "d.example": {"username": "ada", "password": "s3cret-of-ada"}}}"#;
    fs::write(&path, odd).unwrap();
    let run = home.run("seqera", &["import", "docker", "--remove"], "").expect(0);
    for registry in ["a.example", "b.example"] {
        assert!(run.err().contains(&format!("config.json, {registry}: not a user")), "{run:?}");
    }
    assert!(run.err().contains("2 entries could not be read") && !run.err().contains("c.example"), "{run:?}");
    let left = odd.replace(r#"{"username": "ada", "password": "s3cret-of-ada"}"#, "{}");
    assert_eq!(fs::read_to_string(&path).unwrap(), left);
    fs::write(&path, "{\"auths\": ").unwrap();
    assert!(home.run("seqera", &["import", "docker"], "").expect(1).err().contains("is not JSON"));
}

#[test]
fn nextflow_is_set_up_without_a_token_and_taken_back() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    let config = home.write(".nextflow/config", "process.cpus = 2");
    let file = home.path().join(".nextflow/seqera-auth.config");
    let dry = home.run("seqera", &["configure", "nextflow", "--dry-run"], "").ok();
    assert!(dry.contains("seqera-auth.config") && !file.exists(), "{dry}");
    let run = home.run("seqera", &["configure", "nextflow"], "").expect(0);
    assert!(run.err().contains("seqera exec -- nextflow"), "{run:?}");
    let written = fs::read_to_string(&file).unwrap();
    assert!(
        written.contains("System.getenv('TOWER_ACCESS_TOKEN')") && !written.contains(&token),
        "{written}"
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_to_string(&config).unwrap(),
        "includeConfig 'seqera-auth.config'\nprocess.cpus = 2",
        "what the person says of tower comes after it, and counts"
    );
    assert!(home.run("seqera", &["configure", "nextflow"], "").expect(0).err().contains("already uses"));
    home.run("seqera", &["configure", "nextflow", "--undo"], "").expect(0);
    assert_eq!(fs::read_to_string(&config).unwrap(), "process.cpus = 2");
    assert!(!file.exists());

    fs::write(&file, format!("tower {{ accessToken = '{token}' }}\n")).unwrap();
    let run = home.run("seqera", &["configure", "nextflow"], "").expect(7);
    assert!(run.err().contains("seqera import nextflow --remove"), "{run:?}");
    for without in ["tower.workspaceId = 17\n", "tower { accessToken = System.getenv('MY_TOKEN') }\n", ""] {
        fs::write(&file, without).unwrap();
        let run = home.run("seqera", &["configure", "nextflow"], "").expect(7);
        assert!(run.err().contains(&format!("move {} away first", file.display())), "{run:?}");
    }
    fs::remove_dir_all(home.path().join(".nextflow")).unwrap();
    home.run("seqera", &["configure", "nextflow"], "").expect(0);
    home.run("seqera", &["configure", "nextflow", "--undo"], "").expect(0);
    assert!(!home.path().join(".nextflow").exists(), "what was made is gone");
}
