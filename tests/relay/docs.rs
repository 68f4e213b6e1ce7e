//! Every block of docs/agents.md and docs/nextflow.md, run as it stands, with stand-ins for the programs named.

use std::net::TcpListener;

use crate::platform::ai::AiBackend;
use crate::platform::{Endpoint, Platform};
use crate::support::home::{Home, run};
use crate::support::session::{self, Token};

/// Stands for an agent, a notebook, Nextflow: it works with what it finds in its environment, and says the status.
const PROGRAM: &str = r#"#!/usr/bin/python3
import os, sys, urllib.request as r, urllib.error
base = os.environ["TOWER_API_ENDPOINT"] if "TOWER_API_ENDPOINT" in os.environ else os.environ["SEQERA_AI_BACKEND_URL"] + "/v1/cli"
request = r.Request(base + "/user-info")
request.add_header("Authorization", "Bearer " + (os.environ.get("TOWER_ACCESS_TOKEN") or os.environ["SEQERA_ACCESS_TOKEN"]))
try:
    status = r.urlopen(request).status
except urllib.error.HTTPError as error:
    status = error.status
print(os.path.basename(sys.argv[0]), "was answered", status)
for name, value in os.environ.items():
    print(f"env {name}={value}")
"#;

/// Stands for `podman run --volume HERE:THERE:ro IMAGE COMMAND…`: without this environment.
const PODMAN: &str = r#"#!/usr/bin/python3
import os, sys
words = sys.argv[1:]
here, there, _ = words[words.index("--volume") + 1].split(":")
command = [word.replace(there, here) for word in words[words.index("my-image") + 1:]]
os.execvpe(command[0], command, {"PATH": os.environ["PATH"]})
"#;

/// Stands for `ssh -R ADDRESS:PORT:SOCKET HOST COMMAND…`: forwards for real, without this environment.
const SSH: &str = r#"#!/usr/bin/python3
import os, socket, subprocess, sys, threading
_, port, path = sys.argv[2].split(":")
listener = socket.create_server(("127.0.0.1", int(port)))
def copy(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
def serve():
    while True:
        client = listener.accept()[0]
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        threading.Thread(target=copy, args=(client, server), daemon=True).start()
        threading.Thread(target=copy, args=(server, client), daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run(sys.argv[4:], env={"PATH": os.environ["PATH"]}).returncode)
"#;

const SBATCH: &str = "#!/bin/sh\n[ \"$1\" = --wrap ] && exec sh -c \"$2\"\n";

fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for part in text.split("```sh\n").skip(1) {
        blocks.push(part.split("```").next().unwrap().to_owned());
    }
    blocks
}

fn every_block_of(text: &str, expected: usize) {
    let blocks = blocks(text);
    assert_eq!(blocks.len(), expected, "a new block is one more to try");
    assert_eq!(text.matches("```").count(), 2 * expected, "and no block is of another kind");
    for block in blocks {
        let platform = Platform::start();
        let _backend = AiBackend::start_named(&platform, "true");
        let home = Home::with_file_store();
        if block.contains("import nextflow") {
            let (token, api) = (platform.personal_token(), platform.api());
            let written = format!("tower {{\n    accessToken = '{token}'\n    endpoint = '{api}'\n}}\n");
            home.write(".nextflow/seqera-auth.config", written);
            home.write(".nextflow/config", "includeConfig 'seqera-auth.config'\n");
        } else {
            session::logged_in(&home, &platform, Token::Fresh);
        }
        for name in ["my-agent", "jupyter", "nextflow", "tw", "other-seqera"] {
            home.script(name, PROGRAM);
        }
        home.write("launch.sh", PROGRAM);
        std::fs::create_dir_all(home.path().join(".seqera/bin")).unwrap();
        std::fs::rename(home.bin().join("other-seqera"), home.path().join(".seqera/bin/seqera")).unwrap();
        for (name, script) in [("podman", PODMAN), ("ssh", SSH), ("sbatch", SBATCH)] {
            home.script(name, script);
        }
        // The port is fixed in the text, and other tests run beside this one.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = block.replace("8765", &port.to_string()).replace("./launch.sh", "python3 ./launch.sh");
        let mut shell = home.command("bash");
        shell.args(["-e", "-c", &text]);
        let run = run(shell, "").expect(0);
        let out = run.out();
        // Rules of a CI job name what it may do, which is not to ask who it is.
        let status = if block.contains("launch.sh") { "403" } else { "200" };
        assert!(out.contains(&format!("was answered {status}\n")), "{block}\n{run:?}");
        let is_lent = block.contains("--live") || block.contains("relay") || block.contains("seqera ai");
        if is_lent {
            for secret in platform.issued_secrets() {
                assert!(!out.contains(&secret), "{block}\n{run:?}");
            }
        }
        if block.contains("--job-token") {
            assert!(
                platform.count(Endpoint::PersonalTokens) == 2 && platform.personal_token_ids().is_empty()
            );
        }
        if block.contains("configure nextflow") {
            let written = std::fs::read_to_string(home.path().join(".nextflow/seqera-auth.config")).unwrap();
            assert!(written.contains("System.getenv('TOWER_ACCESS_TOKEN')"), "{written}");
        }
        if block.contains("--log") {
            assert!(out.contains(" GET /user-info 200 "), "{run:?}");
        }
    }
}

#[test]
fn what_the_page_on_agents_says_works() {
    every_block_of(include_str!("../../docs/agents.md"), 8);
}

#[test]
fn what_the_page_on_nextflow_says_works() {
    every_block_of(include_str!("../../docs/nextflow.md"), 7);
}
