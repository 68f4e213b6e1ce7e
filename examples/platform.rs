//! The Platform on loopback, for trying things by hand: `cargo run --example platform`.

#![allow(clippy::disallowed_macros)]

#[path = "../tests/platform/mod.rs"]
mod platform;

use std::process::ExitCode;

use platform::Platform;
use platform::faults::NAMED;

const USAGE: &str = "usage: platform [--port N] [--fault NAME]...

Serves a Seqera Platform and a Sekuire backend on 127.0.0.1 until you press Ctrl-C.
With --fault it misbehaves; several may be given:";

fn main() -> ExitCode {
    let mut port = 0;
    let mut faults = vec![];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next();
        match (argument.as_str(), value) {
            ("--port", Some(value)) if value.parse::<u16>().is_ok() => port = value.parse().unwrap(),
            ("--fault", Some(value)) if NAMED.iter().any(|named| named.name == value) => faults.push(value),
            _ => return usage(),
        }
    }

    let platform = Platform::start_on(port);
    for named in NAMED.iter().filter(|named| faults.iter().any(|fault| fault == named.name)) {
        (named.order)(&platform);
        println!("Fault: {} ({})", named.name, named.about);
    }
    println!(
        "Platform {url}, Sekuire {sekuire}. Log in:

  export SEQERA_PLATFORM_API_URL={api} SEQERA_AUTH_DOMAIN={api}
  seqera login
  seqera login --device
  seqera login --with-token           with a token made at {url}/tokens
  seqera login --provider sekuire --web-url {sekuire} --backend {sekuire}
                                      with a key made at {sekuire}/dashboard/settings?tab=api-keys

You are ada@example.org. Each request as it is answered:
",
        url = platform.url(),
        api = platform.api(),
        sekuire = platform.sekuire(),
    );
    for request in platform.watch() {
        let status = request.status.map_or("no answer".to_owned(), |status| status.to_string());
        println!("{status:9} {} {} {}", request.method, request.path, request.grant.unwrap_or_default());
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}\n");
    for named in NAMED {
        eprintln!("  {:24}{}", named.name, named.about);
    }
    ExitCode::from(2)
}
