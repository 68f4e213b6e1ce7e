//! One login in a real browser. What it shows in the end is kept as a picture for a person to look at.

use std::fs;
use std::path::Path;

use super::scene::{Scene, wait_for};

#[test]
fn a_real_browser_comes_back_to_a_page_that_says_it_worked() {
    let mut scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.platform.world(|world| world.settings.consent_given = true);
    // The browser's own memory, which holds the address it came back to, is none of our files.
    let memory = tempfile::tempdir().unwrap();
    let place = |name: &str| memory.path().join(name).display().to_string();
    let options = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --hide-scrollbars \
                   --window-size=1000,700 --enable-logging=stderr --v=0";
    let (picture, words) = (place("picture.png"), place("words"));
    scene.home.script(
        "browser",
        &format!(
            "#!/bin/sh\nHOME={home} timeout 60 chromium {options} --user-data-dir={profile} --screenshot={picture} \"$1\" 2>{words}.new\n\
             mv {words}.new {words}\n",
            home = memory.path().display(),
            profile = place("profile"),
        ),
    );
    scene.home.set("BROWSER", scene.home.bin().join("browser"));
    let run = scene.seqera(&["login", "--timeout", "50"], "").expect(0);
    assert!(run.err().contains("[Login] ✓ Organization set: solo"), "{run:?}");
    wait_for("the browser ends", || Path::new(&words).exists());
    let words = fs::read_to_string(words).unwrap();
    assert!(!words.contains("Content Security Policy") && !words.contains("Refused to"), "{words}");
    let picture = fs::read(picture).unwrap_or_else(|error| panic!("no picture: {error}\n{words}"));
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{} bytes", picture.len());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/artifacts");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("login.png"), picture).unwrap();
    scene.assert_nothing_leaked();
}
