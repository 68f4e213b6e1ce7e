//! Every block of the pages on clusters, CI, containers and environments, tried as it stands, with stand-ins for the
//! programs named. The pages on agents and Nextflow are tried in `relay/docs.rs`.

use std::fs;

use crate::platform::{Endpoint, Platform};
use crate::support::home::{Home, Run, run};
use crate::support::login;
use crate::support::session::{self, Token};

/// Stands for a program of the Platform's: works with what it finds in its environment, and says the status.
const PROGRAM: &str = r#"#!/usr/bin/python3
import os, sys, urllib.request as r, urllib.error
request = r.Request(os.environ["TOWER_API_ENDPOINT"] + "/user-info")
request.add_header("Authorization", "Bearer " + os.environ["TOWER_ACCESS_TOKEN"])
try:
    status = r.urlopen(request).status
except urllib.error.HTTPError as error:
    status = error.status
print(os.path.basename(sys.argv[0]), "was answered", status)
"#;

/// Stands for `sbatch --wrap COMMAND` and `sbatch FILE`: a shell that reads no start-up file.
const SBATCH: &str = "#!/bin/bash\n[ \"$1\" = --export=ALL ] && shift\n[ \"$1\" = --wrap ] && exec sh -c \"$2\"\nexec bash --norc \"$1\"\n";

/// Stands for `docker run OPTIONS my-image COMMAND…`: with the variables that the options name, as docker reads them, and
/// no others.
const DOCKER: &str = r#"#!/usr/bin/python3
import os, sys
words = sys.argv[1:]
at = words.index("my-image")
home = os.environ["HOME"] + "/container"
os.makedirs(home + "/volume", exist_ok=True)
env = {"PATH": os.environ["PATH"], "HOME": home}
for flag, value in zip(words[:at], words[1:at]):
    if flag == "--env-file":
        env.update(line.rstrip("\n").split("=", 1) for line in open(value))
    if flag == "--env" and "=" not in value:
        value += "=" + os.environ[value]
    if flag == "--env":
        name, value = value.split("=", 1)
        env[name] = home + "/volume" if value == "/seqera" else value
os.execvpe(words[at + 1], words[at + 1:], env)
"#;

/// The blocks of a page in one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// The blocks of all languages: a new one is one more to try.
fn count(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("```") && line.len() > 3).count()
}

/// Somebody who is logged in twice, and the programs named.
fn scene() -> (Home, Platform) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    login::with_token(&home, &platform, &["--profile", "work"]);
    for (name, script) in [
        ("tw", PROGRAM),
        ("sbatch", SBATCH),
        ("docker", DOCKER),
        ("module", "#!/bin/sh\n"),
        ("launch.sh", PROGRAM),
    ] {
        home.script(name, script);
    }
    home.write("launch.sh", PROGRAM);
    (home, platform)
}

/// A job of CI: a token in a secret, and no login.
fn job() -> (Home, Platform) {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    for (name, script) in [("tw", PROGRAM), ("docker", DOCKER)] {
        home.script(name, script);
    }
    home.write("launch.sh", PROGRAM);
    platform.sign_in("grace");
    home.set("TOWER_ACCESS_TOKEN", platform.personal_token());
    home.set("TOWER_API_ENDPOINT", platform.api());
    home.set("GITHUB_ENV", home.path().join("github-env"));
    (home, platform)
}

/// Runs a block in bash, to the end without an error, and sees that the Platform answered each program that asked.
#[track_caller]
fn tried(home: &Home, block: &str) -> Run {
    let mut shell = home.command("bash");
    shell.args(["-e", "-c", &block.replace("./launch.sh", "python3 ./launch.sh")]);
    let run = run(shell, "").expect(0);
    let asks = ["tw ", "./launch.sh"].iter().map(|name| block.matches(name).count()).sum::<usize>();
    // Rules of a job name what it may do, which is not to ask who it is.
    let status = if block.contains("--allow") { "403" } else { "200" };
    assert_eq!(run.out().matches(&format!("was answered {status}\n")).count(), asks, "{block}\n{run:?}");
    run
}

#[test]
fn what_the_page_on_clusters_says_works() {
    let text = include_str!("../docs/hpc.md");
    let (scripts, settings) = (blocks(text, "sh"), blocks(text, "toml"));
    assert_eq!((scripts.len(), settings.len(), count(text)), (6, 1, 7));
    for block in &scripts {
        let (home, _platform) = scene();
        tried(&home, block);
    }
    let mut home = Home::new();
    let file = home.write("site/seqera-credential-helper/config.toml", &settings[0]);
    home.set("XDG_CONFIG_DIRS", home.path().join("site"));
    let list = home.run("seqera", &["config", "list"], "").ok();
    let from_site = list.matches(&format!("({}, your site's)", file.display())).count();
    assert_eq!(from_site, settings[0].lines().count(), "{list}");
}

#[test]
fn what_the_page_on_ci_says_works() {
    let text = include_str!("../docs/ci.md");
    let (yaml, groovy, scripts) = (blocks(text, "yaml"), blocks(text, "groovy"), blocks(text, "sh"));
    assert_eq!((yaml.len(), groovy.len(), scripts.len(), count(text)), (3, 1, 1, 5));
    for block in &yaml {
        let (home, platform) = job();
        let steps = block.lines().filter_map(|line| {
            let line = line.trim();
            line.strip_prefix("run: ")
                .or_else(|| line.strip_prefix("- ").filter(|line| !line.starts_with("name:")))
        });
        let steps: Vec<&str> = steps.collect();
        assert!(!steps.is_empty(), "{block}");
        let out = tried(&home, &steps.join("\n")).out();
        if block.contains("--github") {
            let exported = fs::read_to_string(home.path().join("github-env")).unwrap();
            let tokens = platform.issued_secrets();
            assert!(
                out.contains("::add-mask::") && tokens.iter().any(|token| exported.contains(token.as_str()))
            );
        }
        assert!(!home.path().join("seqera.env").exists(), "it is removed");
    }
    let (home, _platform) = job();
    let steps = groovy[0].lines().filter_map(|line| line.trim().strip_prefix("sh '")?.strip_suffix('\''));
    tried(&home, &steps.collect::<Vec<_>>().join("\n"));
    let (mut home, _platform) = job();
    home.set("GIT_TOKEN", "git-token");
    assert_eq!(tried(&home, &scripts[0]).out(), "1\n");
    assert!(!home.path().join(".gitconfig").exists() && !home.path().join(".local").exists());
}

#[test]
fn what_the_page_on_containers_says_works() {
    let text = include_str!("../docs/containers.md");
    let (scripts, json) = (blocks(text, "sh"), blocks(text, "json"));
    assert_eq!((scripts.len(), json.len(), count(text)), (2, 1, 3));
    for block in &scripts {
        let (home, _platform) = scene();
        tried(&home, block);
    }
    let (home, platform) = scene();
    fs::create_dir(home.path().join(".devcontainer")).unwrap();
    let container: serde_json::Value = serde_json::from_str(&json[0]).unwrap();
    let word = |key: &str| container[key].as_str().unwrap().to_owned();
    let options = container["runArgs"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let start = format!("docker run {} {}", options.collect::<Vec<_>>().join(" "), word("image"));
    let run =
        tried(&home, &format!("{}\n{start} {}\n", word("initializeCommand"), word("postCreateCommand")));
    assert!(run.out().starts_with("Logged in as: ") && platform.count(Endpoint::UserInfo) > 0, "{run:?}");
}

#[test]
fn what_the_page_on_environments_says_works() {
    let text = include_str!("../docs/environments.md");
    let (scripts, toml, ini) = (blocks(text, "sh"), blocks(text, "toml"), blocks(text, "ini"));
    assert_eq!((scripts.len(), toml.len(), ini.len(), count(text)), (2, 1, 1, 4));

    // direnv itself.
    let (home, _platform) = scene();
    home.write("project/.envrc", &scripts[0]);
    let run = tried(
        &home,
        "cd project\ndirenv allow .\ndirenv exec . sh -c 'tw runs list; echo profile: $SEQERA_PROFILE'",
    );
    assert!(run.out().contains("profile: work\n"), "{run:?}");

    // What mise sources.
    let (home, _platform) = scene();
    home.write("seqera.sh", &scripts[1]);
    let named = toml[0].lines().find_map(|line| line.strip_prefix("_.source = \"")?.strip_suffix('"'));
    tried(&home, &format!("source {}\ntw runs list", named.unwrap()));

    // What systemd runs.
    let (home, _platform) = scene();
    let value = |key: &str| ini[0].lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
    tried(&home, &format!("export {}\n{}", value("Environment="), value("ExecStart=")));
}
