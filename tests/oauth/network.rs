//! What a request meets on its way: each trouble has its own words and its exit code, and none shows a secret.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use seqera_credential_helper::error::Error;
use seqera_credential_helper::http::Http;
use seqera_credential_helper::secret::Secret;
use serde_json::Value;
use url::Url;

use super::double::{Double, Reply};

fn get(url: &str) -> Result<Value, Error> {
    let http = Http::new(Duration::from_secs(3));
    http.get_json::<Value>(&Url::parse(url).unwrap(), Some(&Secret::new("hunter2"))).map_err(Error::from)
}

fn meets(reply: Reply) -> (u8, String) {
    let double = Double::answering(vec![reply]);
    let error = get(&format!("{}/path?query=hunter2", double.origin())).unwrap_err();
    let text = error.to_string().replace(&double.origin(), "ORIGIN").replace(&double.authority(), "HOST");
    assert!(double.requests()[0].contains("authorization: Bearer hunter2"));
    assert!(!text.contains("hunter2") && !text.contains("query"), "{text}");
    (error.exit_code(), text)
}

#[test]
fn every_answer_that_is_not_what_was_asked_for_has_its_own_words() {
    let body = "hunter2";
    let lines: Vec<String> = [
        Reply::json(401, ""),
        Reply::json(403, ""),
        Reply::json(403, body),
        Reply::json(404, body),
        Reply::json(409, body),
        Reply::json(429, body).with("Retry-After: 17"),
        Reply::html(502, body),
        Reply::html(200, body),
        Reply::json(200, body),
        Reply::json(200, &format!("\"{}\"", "x".repeat(1 << 20))),
        Reply::json(302, body).with("Location: https://elsewhere.example/hunter2?hunter2"),
        Reply::json(307, body).with("Location: /hunter2"),
        Reply::cut_off(),
        Reply::never(),
    ]
    .into_iter()
    .map(|reply| {
        let (code, text) = meets(reply);
        format!("{code} {text}")
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    3 ORIGIN/path rejected the token (HTTP 401); log in again
    1 ORIGIN/path refuses this (HTTP 403) and gives no reason; your account may lack the right to it; check which one you are logged in with
    1 ORIGIN/path refuses this (HTTP 403); your account may lack the right to it; check which one you are logged in with
    1 there is no ORIGIN/path (HTTP 404); check the address, and that the server is recent
    1 ORIGIN/path does not accept this (HTTP 409); check the address, and that both sides are recent
    5 ORIGIN/path has been asked too often (HTTP 429); try again in 17 s
    5 ORIGIN/path failed (HTTP 502); try again in a minute
    5 unexpected answer from ORIGIN/path: a web page; a proxy or a network with a login page may be answering; open any page in a browser, then try again
    5 unexpected answer from ORIGIN/path: it is not JSON; check what answers there; try again
    5 the answer from ORIGIN/path is larger than 1 MiB; something else than the server may be answering; try again
    7 ORIGIN/path redirects to https://elsewhere.example; redirects are not followed; use the address of the server itself
    7 ORIGIN/path redirects to ORIGIN; redirects are not followed; use the address of the server itself
    5 the connection to HOST broke before the answer was complete; try again
    8 HOST did not answer in time; check your network connection and try again
    ");
}

#[test]
fn nothing_is_sent_in_the_clear_to_another_machine() {
    let error = get("http://example.com/").unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
}

#[test]
fn a_closed_port_is_a_refused_connection() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = get(&format!("http://127.0.0.1:{port}/")).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.what().contains("refuses the connection"), "{error}");
}

#[test]
fn a_deadline_that_has_passed_sends_nothing() {
    let double = Double::answering(vec![Reply::json(200, "{}")]);
    let http = Http::new(Duration::from_secs(3)).until(Instant::now());
    let failure = http.get_json::<Value>(&Url::parse(&double.origin()).unwrap(), None).unwrap_err();
    assert!(!failure.may_have_arrived());
    assert_eq!(Error::from(failure).exit_code(), 8);
    assert!(double.requests().is_empty());
}

/// What [`get`] of `url` says in a process of its own: certificates and proxies come from the environment.
fn in_environment(url: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "oauth::network::one_request", "--ignored", "--nocapture"])
        .env_clear()
        .env("ONE_REQUEST", url)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    text.lines().find_map(|line| line.split("MEETS ").nth(1)).unwrap_or_else(|| panic!("{text}")).into()
}

#[test]
#[ignore = "run by the other tests, each in an environment of its own"]
fn one_request() {
    let url = std::env::var("ONE_REQUEST").expect("not to be run by itself");
    match get(&url) {
        Ok(_) => println!("MEETS an answer"),
        Err(error) => println!("MEETS {} {}", error.exit_code(), error.what()),
    }
}

/// `openssl s_server` with a certificate of its own; stopped when dropped.
pub struct Tls {
    process: Child,
    port: String,
    pub certificate: PathBuf,
    _folder: tempfile::TempDir,
}

impl Tls {
    /// A server whose certificate is for `name` and good until the year `until`.
    pub fn start(name: &str, until: u16) -> Tls {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("index"), "").unwrap();
        let authority = format!(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\n\
             policy=names\nx509_extensions=server\n[names]\ncommonName=supplied\n\
             [server]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:{name}\n"
        );
        std::fs::write(path("authority"), authority).unwrap();
        let request = format!("req -new -newkey rsa:2048 -nodes -keyout key -subj /CN={name} -out request");
        openssl(folder.path(), &request);
        let sign = "ca -batch -notext -selfsign -config authority -keyfile key -in request -out certificate";
        openssl(folder.path(), &format!("{sign} -startdate 20200101000000Z -enddate {until}0101000000Z"));
        Tls::serve(folder)
    }

    /// A server whose certificate is made as people make them, with `more` for `openssl req`.
    pub fn of_its_own(name: &str, more: &str) -> Tls {
        let folder = tempfile::tempdir().unwrap();
        let make = format!(
            "req -x509 -newkey rsa:2048 -nodes -days 9 -keyout key -subj /CN={name} -out certificate {more}"
        );
        openssl(folder.path(), make.trim());
        Tls::serve(folder)
    }

    fn serve(folder: tempfile::TempDir) -> Tls {
        let path = |name: &str| folder.path().join(name);
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "certificate", "-key", "key", "-www"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT 127.0.0.1:").map(str::to_owned));
        Tls {
            process,
            port: port.expect("openssl says its port"),
            certificate: path("certificate"),
            _folder: folder,
        }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_certificate_is_trusted_only_where_somebody_vouches_for_it() {
    let tls = Tls::start("localhost", 2099);
    let trusted = [("SSL_CERT_FILE", tls.certificate.to_str().unwrap())];
    let untrusted = in_environment(&tls.url(), &[]);
    assert!(untrusted.contains("is not trusted on this machine"), "{untrusted}");
    // The server answers with a page: so far it must have come.
    let met = in_environment(&tls.url(), &trusted);
    assert!(met.contains("a web page"), "{met}");
    let nowhere = in_environment(&tls.url(), &[("SSL_CERT_FILE", "/nonexistent/hunter2")]);
    assert!(nowhere.starts_with("1 the certificates of this system could not be read"), "{nowhere}");
}

#[test]
fn a_server_that_speaks_no_tls_is_said_to_be_that() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 4096]);
    });
    let met = get(&url).unwrap_err();
    assert!(met.what().starts_with("the TLS connection"), "{met}");
    server.join().unwrap();
}

/// Everything has been said, and the connection stays open.
#[test]
fn an_answer_whose_end_does_not_come_is_taken_when_it_is_whole() {
    for last in ["3\r\n:1}\r\n", "5\r\n:1}\r\n\r\n"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            write!(stream, "{head}4\r\n{{\"a\"\r\n{last}").unwrap();
            let _ = is_over.recv_timeout(Duration::from_secs(60));
        });
        let begun = Instant::now();
        assert_eq!(get(&url).unwrap(), serde_json::json!({"a": 1}));
        assert!(begun.elapsed() < Duration::from_secs(3));
        drop(over);
        server.join().unwrap();
    }
}

#[test]
fn a_certificate_of_another_name_or_time_is_said_to_be_that() {
    let other = Tls::start("other.example", 2099);
    let trusted = [("SSL_CERT_FILE", other.certificate.to_str().unwrap())];
    let met = in_environment(&other.url(), &trusted);
    assert!(met.contains("belongs to another name"), "{met}");
    let old = Tls::start("localhost", 2021);
    let trusted = [("SSL_CERT_FILE", old.certificate.to_str().unwrap())];
    let met = in_environment(&old.url(), &trusted);
    assert!(met.contains("by the clock of this machine"), "{met}");
}

#[test]
fn a_proxy_that_refuses_is_not_a_server_that_is_away() {
    let through = |proxy: &str| in_environment("https://seqera.example/", &[("HTTPS_PROXY", proxy)]);
    let reply = |status| Double::answering(vec![Reply::html(status, "hunter2")]);
    let met = through(&reply(407).origin());
    assert_eq!(met, "5 the proxy on the way to seqera.example wants a user and a password");
    let met = through(&reply(403).origin());
    assert_eq!(met, "5 the proxy does not connect to seqera.example");
    let met = through("http://user:hunter2@127.0.0.1:1");
    assert_eq!(met, "5 the proxy does not connect to seqera.example");
    let met = through("socks5h://user:hunter2@127.0.0.1:1");
    assert_eq!(met, "5 the proxy does not connect to seqera.example");
    // A name that we have to find for the proxy is not the proxy's fault.
    let met = in_environment("https://seqera.invalid/", &[("ALL_PROXY", "socks5://127.0.0.1:1")]);
    assert!(met.starts_with("5 ") && met.contains("seqera.invalid") && !met.contains("proxy"), "{met}");
}

#[test]
fn a_proxy_that_says_nothing_is_blamed_and_not_the_server() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["http", "socks5h"] {
        let proxy = format!("{scheme}://{}", silent.local_addr().unwrap());
        let met = in_environment("https://seqera.example/", &[("ALL_PROXY", &proxy)]);
        assert!(met.starts_with("8 the proxy 127.0.0.1:") && met.contains("(ALL_PROXY)"), "{met}");
    }
}

#[test]
fn a_variable_that_is_no_proxy_is_named() {
    for bad in ["ftp://proxy:1", "http://", "htp://proxy"] {
        let met = in_environment("https://seqera.example/", &[("HTTPS_PROXY", bad)]);
        assert!(met.starts_with("5 HTTPS_PROXY cannot be used as a proxy: "), "{bad}: {met}");
    }
}

/// A SOCKS5 proxy (RFC 1928) without a password that leads everything to one place. Answers its port, and the
/// names it was asked for.
fn socks(to: String) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, names) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut client) = stream else { return };
            let take = |client: &mut std::net::TcpStream, n: u8| {
                let mut bytes = vec![0; n.into()];
                client.read_exact(&mut bytes).unwrap();
                bytes
            };
            let methods = take(&mut client, 2)[1];
            take(&mut client, methods);
            client.write_all(&[5, 0]).unwrap();
            // Version, command, nothing, and the kind of address: 3 is a name.
            assert_eq!(take(&mut client, 4), [5, 1, 0, 3]);
            let length = take(&mut client, 1)[0];
            let name = String::from_utf8(take(&mut client, length)).unwrap();
            take(&mut client, 2);
            let _ = asked.send(name);
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            let mut server = std::net::TcpStream::connect(&to).unwrap();
            let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut into));
            std::thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (port, names)
}

#[test]
fn every_spelling_of_a_socks_proxy_leads_to_the_server() {
    let tls = Tls::start("seqera.example", 2099);
    let certificate = tls.certificate.to_str().unwrap();
    let (port, names) = socks(tls.url().replace("https://localhost", "127.0.0.1").replace('/', ""));
    for scheme in ["socks5h", "socks", "SOCKS5H"] {
        let proxy = format!("{scheme}://127.0.0.1:{port}");
        let met = in_environment(
            "https://seqera.example/",
            &[("ALL_PROXY", &proxy), ("SSL_CERT_FILE", certificate)],
        );
        assert!(met.contains("a web page"), "{scheme}: {met}");
        assert_eq!(names.recv().unwrap(), "seqera.example", "the proxy finds the name");
    }
}

#[test]
fn what_no_proxy_names_goes_past_the_proxy() {
    let (dead, server) = ("http://127.0.0.1:1", "https://nowhere.invalid:8443/");
    let met = |list: &str| in_environment(server, &[("HTTPS_PROXY", dead), ("NO_PROXY", list)]);
    for list in ["nowhere.invalid:8443", "*.invalid", ".invalid", "*"] {
        assert!(!met(list).contains("proxy"), "{list}: {}", met(list));
    }
    for list in ["nowhere.invalid:443", "*.example"] {
        assert!(met(list).contains("the proxy does not connect"), "{list}: {}", met(list));
    }
}

/// What `openssl req -x509` makes: a certificate that is its own authority.
#[test]
fn a_certificate_that_vouches_for_itself_is_trusted_where_it_is_named_as_curl_has_it() {
    for (name, more, trusted) in [
        ("localhost", "-addext subjectAltName=DNS:localhost", true),
        // curl takes the common name where there is no other.
        ("localhost", "", true),
        ("localhost", "-addext subjectAltName=DNS:other.example", false),
        ("other.example", "", false),
        ("localhost", "-addext extendedKeyUsage=clientAuth", false),
    ] {
        let tls = Tls::of_its_own(name, more);
        let file = tls.certificate.to_str().unwrap();
        let met = in_environment(&tls.url(), &[("SSL_CERT_FILE", file)]);
        assert_eq!(met.contains("a web page"), trusted, "{name} {more}: {met}");
        let curl = Command::new("curl").args(["-sS", "--cacert", file, &tls.url()]).output();
        if let Ok(curl) = curl {
            assert_eq!(curl.status.success(), trusted, "curl, {name} {more}: {curl:?}");
        }
        // Another one is not.
        let other = Tls::of_its_own(name, more);
        let met = in_environment(&tls.url(), &[("SSL_CERT_FILE", other.certificate.to_str().unwrap())]);
        assert!(met.contains("certificate of localhost"), "{met}");
    }
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let double = Double::answering(vec![Reply::json(200, "{}")]);
    let proxy = "http://127.0.0.1:1";
    let proxies = [("HTTP_PROXY", proxy), ("http_proxy", proxy), ("ALL_PROXY", proxy)];
    assert_eq!(in_environment(&double.origin(), &proxies), "an answer");
}

#[test]
fn a_name_that_is_nowhere_is_said_in_time() {
    let begun = Instant::now();
    let met = in_environment("https://nowhere.invalid/", &[]);
    assert!(
        met == "5 nowhere.invalid cannot be found" || met.starts_with("8 there was no connection"),
        "{met}"
    );
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
