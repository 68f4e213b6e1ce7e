//! A certified OpenID provider on loopback, and a person who finds their way through its pages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use url::Url;

/// The provider of tests/oidc; stopped when dropped.
pub struct Provider {
    process: Child,
    issuer: String,
    // Kept, since a provider whose output goes nowhere dies of it.
    _output: BufReader<ChildStdout>,
}

impl Provider {
    pub fn start() -> Provider {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        assert!(
            folder.join("node_modules/oidc-provider").is_dir(),
            "the OpenID provider is not installed: run `npm ci --prefix tests/oidc`"
        );
        let mut process = Command::new("node")
            .arg(folder.join("server.mjs"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut issuer = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider says where it is: {issuer:?}");
        Provider { process, issuer: issuer.trim().into(), _output: output }
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A person with a browser: cookies, links, forms.
#[derive(Default)]
pub struct Person {
    cookies: BTreeMap<String, String>,
    refuses: bool,
}

pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

impl Person {
    /// Somebody who presses "cancel".
    pub fn who_refuses() -> Person {
        Person { refuses: true, ..Person::default() }
    }

    /// Follows links and fills in forms from `url` on. Answers with the address below `redirect` that the
    /// browser is sent to in the end, or nothing where the way ends on a page.
    pub fn goes_to(&mut self, url: &str, redirect: &Url) -> Option<String> {
        let mut here = Url::parse(url).unwrap();
        let mut answer = self.get(here.as_str());
        let mut refused = false;
        for _ in 0..20 {
            if let Some(location) = answer.location.take() {
                here = here.join(&location).unwrap();
                if here.origin() == redirect.origin() {
                    return Some(here.into());
                }
                answer = self.get(here.as_str());
                continue;
            }
            assert!(answer.status < 400, "{here}: {} {}", answer.status, answer.body);
            if refused {
                return None;
            }
            if self.refuses && here.path().starts_with("/interaction/") {
                here.set_path(&format!("{}/abort", here.path()));
                answer = self.get(here.as_str());
                refused = true;
                continue;
            }
            let (action, fields) = form(&answer.body)?;
            here = here.join(&action).unwrap();
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            answer = self.send("POST", here.as_str(), body);
        }
        panic!("the way through the provider does not end");
    }

    pub fn get(&mut self, url: &str) -> Answer {
        self.send("GET", url, String::new())
    }

    fn send(&mut self, method: &str, url: &str, body: String) -> Answer {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(30))
            .build()
            .unwrap();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = client
            .request(method.parse().unwrap(), url)
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let response = request.send().await.unwrap();
            for cookie in response.headers().get_all("set-cookie") {
                let (name, value) =
                    cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.into(), value.into());
            }
            let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
            Answer { status: response.status().as_u16(), location, body: response.text().await.unwrap() }
        })
    }
}

/// The first form of a page, filled in.
fn form(html: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = html.split("<form").nth(1)?.split("</form>").next()?;
    let fields = form.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next()?;
        let value = attribute(input, "value").unwrap_or_else(|| "someone".into());
        Some((attribute(input, "name")?, value))
    });
    Some((attribute(form, "action")?, fields.collect()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&amp;", "&"))
}
