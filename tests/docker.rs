//! Real docker and OCI clients against a real registry.

use std::path::PathBuf;

use crate::support::home::{Home, Run, run};
use crate::support::oci_image;
use crate::support::registry::Registry;

/// A home in which every client asks `docker-credential-seqera`, and a registry with one image.
struct Scene {
    home: Home,
    registry: Registry,
    image: String,
}

impl Scene {
    fn new() -> Scene {
        let mut home = Home::with_file_store();
        let registry = Registry::start(&[("alice", "correct horse"), ("bob", "battery")]);
        let host = registry.host().to_owned();
        home.write(".docker/config.json", r#"{"credsStore": "seqera"}"#);
        let auth = home.write("auth.json", format!(r#"{{"credHelpers": {{"{host}": "seqera"}}}}"#));
        home.set("REGISTRY_AUTH_FILE", auth);
        oci_image::write(&home.path().join("oci"));
        Scene { home, registry, image: format!("{host}/team/hello:1") }
    }

    fn host(&self) -> &str {
        self.registry.host()
    }

    #[track_caller]
    fn skopeo(&self, args: &[&str], stdin: &str) -> Run {
        self.home.run("skopeo", args, stdin)
    }

    #[track_caller]
    fn skopeo_login(&self, user: &str, password: &str) -> Run {
        let args = ["login", "--tls-verify=false", "--username", user, "--password-stdin", self.host()];
        self.skopeo(&args, password)
    }

    #[track_caller]
    fn skopeo_push(&self) -> Run {
        let to = format!("docker://{}", self.image);
        self.skopeo(&["copy", "--quiet", "--dest-tls-verify=false", "oci:oci:latest", &to], "")
    }

    #[track_caller]
    fn skopeo_inspect(&self) -> Run {
        let image = format!("docker://{}", self.image);
        self.skopeo(&["inspect", "--tls-verify=false", &image], "")
    }

    #[track_caller]
    fn podman(&self, args: &[&str], stdin: &str) -> Run {
        let folder = |name: &str| -> PathBuf { self.home.path().join(name) };
        let mut podman = self.home.command("podman");
        podman.arg("--root").arg(folder("images")).arg("--runroot").arg(folder("images-run"));
        podman.args(["--storage-driver=vfs", "--events-backend=none"]).args(args);
        run(podman, stdin)
    }

    #[track_caller]
    fn docker(&self, args: &[&str], stdin: &str) -> Run {
        self.home.run("docker", args, stdin)
    }

    /// What the helper lists.
    fn listed(&self) -> String {
        self.home.run("docker-credential-seqera", &["list"], "").ok().trim_end().to_owned()
    }
}

const NOTHING: &str = "{}";

#[test]
fn skopeo_logs_in_copies_inspects_and_logs_out() {
    let scene = Scene::new();
    scene.skopeo_push().expect(1);
    scene.skopeo_login("alice", "correct horse").ok();
    assert_eq!(scene.listed(), format!(r#"{{"{}":"alice"}}"#, scene.host()));
    assert_eq!(scene.skopeo(&["login", "--get-login", scene.host()], "").ok(), "alice\n");

    scene.skopeo_push().ok();
    assert!(scene.skopeo_inspect().ok().contains("sha256:"));

    scene.skopeo(&["logout", scene.host()], "").ok();
    assert_eq!(scene.listed(), NOTHING);
    scene.skopeo_inspect().expect(1);
    let again = scene.skopeo(&["logout", scene.host()], "");
    assert!(!again.err().contains("goroutine"), "Debian's skopeo crashes when erase fails: {again:?}");
}

#[test]
fn a_login_that_fails_leaves_nothing() {
    let scene = Scene::new();
    scene.skopeo_login("alice", "wrong").expect(1);
    scene.docker(&["login", "--username=alice", "--password-stdin", scene.host()], "wrong").expect(1);
    assert_eq!(scene.listed(), NOTHING);
}

#[test]
fn docker_logs_in_inspects_and_logs_out() {
    let scene = Scene::new();
    let manifest = ["manifest", "inspect", "--insecure", &scene.image];
    scene.docker(&["login", "--username=alice", "--password-stdin", scene.host()], "correct horse").ok();
    let config = std::fs::read_to_string(scene.home.path().join(".docker/config.json")).unwrap();
    assert!(config.contains("credsStore") && !config.contains("Y29ycmVjdC"), "{config}");
    // docker and the containers tools share what is stored.
    scene.skopeo_push().ok();
    assert!(scene.docker(&manifest, "").ok().contains("\"schemaVersion\": 2"));

    scene.docker(&["logout", scene.host()], "").ok();
    assert_eq!(scene.listed(), NOTHING);
    scene.docker(&manifest, "").expect(1);
    scene.docker(&["logout", scene.host()], "").ok();
}

#[test]
fn podman_logs_in_pulls_and_logs_out() {
    let scene = Scene::new();
    let login = ["login", "--tls-verify=false", "--username=bob", "--password-stdin", scene.host()];
    scene.podman(&login, "battery").ok();
    scene.skopeo_push().ok();
    scene.podman(&["pull", "--quiet", "--tls-verify=false", &scene.image], "").ok();
    assert!(scene.podman(&["images", "--format={{.Repository}}"], "").ok().contains("team/hello"));
    scene.podman(&["logout", scene.host()], "").ok();
    assert_eq!(scene.listed(), NOTHING);
}

#[test]
fn the_last_login_is_the_one() {
    let scene = Scene::new();
    scene.skopeo_login("alice", "correct horse").ok();
    scene.skopeo(&["logout", scene.host()], "").ok();
    scene.skopeo_login("bob", "battery").ok();
    assert_eq!(scene.listed(), format!(r#"{{"{}":"bob"}}"#, scene.host()));
    let mut docker = scene.home.command("docker");
    docker.args(["login", "--username=alice", "--password-stdin", scene.host()]);
    run(docker, "correct horse").ok();
    assert_eq!(scene.listed(), format!(r#"{{"{}":"alice"}}"#, scene.host()));
}

/// A server's name may be longer than that of a folder.
#[test]
fn a_server_with_the_longest_of_names_is_listed() {
    let home = Home::with_file_store();
    let host = ["a".repeat(60).as_str(); 4].join(".");
    let stored = format!(r#"{{"ServerURL":"{host}","Username":"u","Secret":"s"}}"#);
    home.run("docker-credential-seqera", &["store"], &stored).ok();
    assert!(home.run("docker-credential-seqera", &["get"], &host).ok().contains(r#""Secret":"s""#));
    let listed = home.run("docker-credential-seqera", &["list"], "").ok();
    assert_eq!(listed.trim_end(), format!(r#"{{"{host}":"u"}}"#));
}
