//! What the manual and `--help` say of each command beyond its options.

/// What there is to say of one command.
pub struct Guide {
    /// The words that call it, without the program's name.
    pub command: &'static str,
    /// What it does, after the line that lists show.
    pub description: &'static str,
    /// Command lines, and what they are for.
    pub examples: &'static [(&'static str, &'static str)],
    /// Other pages.
    pub see: &'static [&'static str],
}

/// Under which heading a command stands in the first help.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("Log in", &["login", "logout", "org", "workspace", "profile", "lock"]),
    ("Use", &["token", "env", "exec", "relay"]),
    ("Set up", &["configure", "hook", "prompt", "import", "config", "store", "completions"]),
    ("Find out", &["status", "whoami", "doctor"]),
];

/// The commands in the order of their headings.
pub const GUIDES: &[Guide] = &[
    Guide {
        command: "login",
        description: "Opens the browser and waits for you to come back, on a port of this machine or with the address \
            that you paste. On a machine without a browser use --device, or open the address anywhere and paste where \
            the browser ended. The tokens rest in a sealed store; every later command renews them by itself.",
        examples: &[
            ("seqera login", "in the browser of this machine"),
            ("seqera login --device", "with a code, from a machine without a browser"),
            ("seqera login --endpoint https://platform.example/api", "at an installation of your own"),
            ("seqera login --with-token <token.txt", "with a personal access token"),
            ("seqera login --profile work", "beside another login"),
            ("seqera login --provider sekuire --with-token <key.txt", "at Sekuire"),
        ],
        see: &["logout", "status", "profile"],
    },
    Guide {
        command: "logout",
        description: "What cannot be revoked now, because the server cannot be reached, is noted and revoked by a later \
            command.",
        examples: &[
            ("seqera logout", "the login in use"),
            ("seqera logout --all", "every login"),
            ("seqera logout --everywhere", "also what Seqera's own program keeps"),
        ],
        see: &["login", "lock"],
    },
    Guide {
        command: "org",
        description: "Without a word it shows the chosen organization. Seqera's own program follows a choice made here, \
            unless seqera.sync_organization is off.",
        examples: &[
            ("seqera org list", "all that you are in"),
            ("seqera org switch acme", "choose one by its name"),
            ("seqera org show --json", "for a program"),
        ],
        see: &["workspace"],
    },
    Guide {
        command: "workspace",
        description: "Without a word it shows the chosen workspace. It is exported as TOWER_WORKSPACE_ID.",
        examples: &[
            ("seqera workspace list", "all that you may use"),
            ("seqera workspace switch acme/research", "choose one"),
            ("seqera workspace clear", "your personal workspace again"),
        ],
        see: &["org", "env"],
    },
    Guide {
        command: "profile",
        description: "Each login has a profile; the first is called default. --profile, then SEQERA_PROFILE, then the \
            folder that you are in (profile bind), then profile use say which one counts.",
        examples: &[
            ("seqera profile list", "all, with the one in use"),
            ("seqera profile use work", "from now on"),
            ("seqera profile bind ~/projects/acme work", "in this folder and below"),
        ],
        see: &["login", "status"],
    },
    Guide {
        command: "lock",
        description: "Linux keeps the key of the store in the kernel's keyring for a while after its last use (key_cache). \
            Afterwards the keychain is asked again.",
        examples: &[("seqera lock", "before you leave your seat")],
        see: &["store", "config"],
    },
    Guide {
        command: "token",
        description: "Prints the token and a newline, and nothing else. It is renewed first where it ends within a minute, \
            or within --min-ttl.",
        examples: &[
            ("seqera token", "for a header"),
            ("seqera token --min-ttl 3600", "one that lives an hour yet"),
            ("seqera token list", "what exec --job-token left behind"),
            ("seqera token revoke", "delete that"),
        ],
        see: &["exec", "env"],
    },
    Guide {
        command: "env",
        description: "",
        examples: &[
            ("eval \"$(seqera env)\"", "in this shell"),
            ("seqera env --dotenv >.env", "for a program that reads such a file"),
            ("seqera env --github", "in a step of GitHub Actions"),
            ("eval \"$(seqera env --unset)\"", "take it away again"),
        ],
        see: &["hook", "exec"],
    },
    Guide {
        command: "exec",
        description: "Never runs the command without a token. Signals and the exit status are the command's. A run that \
            outlives a token takes --live (a relay on this machine, which renews it) or --job-token (a personal access \
            token that is deleted afterwards).",
        examples: &[
            ("seqera exec -- tw runs list", "a command of minutes"),
            ("seqera exec --live -- nextflow run hello -with-tower", "a run of hours"),
            (
                "seqera exec --job-token -- nextflow run hello -with-wave",
                "where something far away needs the token",
            ),
            ("seqera exec --live --read-only -- my-agent", "lend it no more than it needs"),
        ],
        see: &["relay", "env", "token"],
    },
    Guide {
        command: "relay",
        description: "Stays in the foreground and prints what a program needs to reach it. The program gets an address and \
            a word, never the token.",
        examples: &[
            ("seqera relay --socket ~/.relay/socket", "for a container, or for ssh -R"),
            ("seqera relay --port 8765 --read-only", "at a port that you know beforehand"),
        ],
        see: &["exec"],
    },
    Guide {
        command: "configure",
        description: "Writes the client's own configuration and asks the client whether it reaches the helper. --undo takes \
            back exactly what was changed, to the byte where nobody else has changed the file since.",
        examples: &[
            ("seqera configure git", "for every server"),
            ("seqera configure git --url 'https://*.example.com'", "for some"),
            ("seqera configure docker --registry cr.seqera.io", "for one registry"),
            ("seqera configure --list", "every client, and what is configured"),
            ("seqera configure git --undo", "as it was before"),
        ],
        see: &["doctor", "import"],
    },
    Guide {
        command: "hook",
        description: "",
        examples: &[
            ("eval \"$(seqera hook bash)\"", "at the end of ~/.bashrc"),
            ("eval \"$(seqera hook bash --no-export)\"", "only the prompt's segment"),
            ("eval \"$(seqera hook bash --off)\"", "take it out of this shell"),
        ],
        see: &["prompt", "env"],
    },
    Guide {
        command: "prompt",
        description: "Reads one small file and asks nobody. The hook shows the same without starting a program.",
        examples: &[
            ("seqera prompt", "the segment"),
            ("seqera prompt --tmux", "for status-right of tmux"),
            ("seqera prompt --format '{profile} {left}'", "with what you want in it"),
        ],
        see: &["hook", "status"],
    },
    Guide {
        command: "import",
        description: "Stores it here, and removes the plain copy where you say so (--remove).",
        examples: &[
            ("seqera import seqera", "the login of Seqera's own program"),
            ("seqera import nextflow --remove", "what nextflow auth login wrote down"),
            ("seqera import git --dry-run", "what git credential-store has, without taking it"),
        ],
        see: &["login", "doctor"],
    },
    Guide {
        command: "config",
        description: "Changes config.toml and keeps its comments. A value is taken from the environment, then from your \
            file, then from your site's, then it is the default; list says which.",
        examples: &[
            ("seqera config list", "every setting, its value and where that comes from"),
            ("seqera config set key_cache 0", "ask the keychain every time"),
            ("seqera config unset key_cache", "back to the default"),
        ],
        see: &["store"],
    },
    Guide {
        command: "store",
        description: "Every secret is in a sealed file. The key that opens these files is in the keychain or, without a \
            keychain, in a private file.",
        examples: &[
            ("seqera store", "where they are"),
            ("seqera store move keychain", "the key goes into the keychain"),
        ],
        see: &["lock", "config"],
    },
    Guide {
        command: "completions",
        description: "Packages install these already.",
        examples: &[
            ("eval \"$(seqera completions bash)\"", "in ~/.bashrc"),
            ("seqera completions fish >~/.config/fish/completions/seqera.fish", "once"),
        ],
        see: &["hook"],
    },
    Guide {
        command: "status",
        description: "Asks nobody, unless --check is given, so it is instant.",
        examples: &[
            ("seqera status", "the login in use"),
            ("seqera status --all", "every login"),
            ("seqera status --check --json", "for a program, with what the server says"),
        ],
        see: &["whoami", "doctor"],
    },
    Guide {
        command: "whoami",
        description: "A token in the environment counts before a login.",
        examples: &[("seqera whoami", "the account"), ("seqera whoami --json", "for a program")],
        see: &["status"],
    },
    Guide {
        command: "doctor",
        description: "Looks at the programs, the store, the logins and their servers, and asks each configured client what it \
            gets. Every line that says WRONG ends with what to do. It shows no secret.",
        examples: &[("seqera doctor", "everything"), ("seqera doctor --quiet", "only what is wrong")],
        see: &["status", "configure"],
    },
];

/// What there is to say of the command that these words call: its own, or that of the command it belongs to.
pub fn guide(command: &str) -> Option<&'static Guide> {
    GUIDES.iter().find(|guide| guide.command == command)
}
