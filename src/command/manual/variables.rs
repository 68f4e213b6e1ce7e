//! Every variable that the programs read or set: the one list of them. A test finds those that are missing.

/// One variable.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The commands whose pages name it; none is all of them.
    pub commands: &'static [&'static str],
}

const fn variable(name: &'static str, commands: &'static [&'static str], about: &'static str) -> Variable {
    Variable { name, about, commands }
}

const TOKENS: &[&str] = &["token", "env", "exec", "whoami", "status", "hook", "seqera-credential-helper"];
const LOGIN: &[&str] = &["login"];
const CLIENTS: &[&str] = &["configure", "doctor", "import"];
const INTERNAL: &[&str] = &["-"];

/// Every variable, by what it is for.
pub const VARIABLES: &[(&str, &[Variable])] = &[
    (
        "A token from outside",
        &[
            variable(
                "SEQERA_ACCESS_TOKEN",
                TOKENS,
                "A token that is used instead of a login: no store, no renewal. Comes before SEQERA_TOKEN and \
                 TOWER_ACCESS_TOKEN. One that our own hook exported does not count. Exported for the login in use.",
            ),
            variable("SEQERA_TOKEN", TOKENS, "The same, where SEQERA_ACCESS_TOKEN is not set."),
            variable(
                "TOWER_ACCESS_TOKEN",
                TOKENS,
                "The same, where neither is set. Exported for the login in use: Nextflow and tw read it.",
            ),
            variable("SEKUIRE_API_KEY", TOKENS, "The same for Sekuire. Exported for a login to Sekuire."),
        ],
    ),
    (
        "Where to log in",
        &[
            variable(
                "SEQERA_AUTH_DOMAIN",
                LOGIN,
                "The server that logs you in, where --endpoint names none.",
            ),
            variable(
                "SEQERA_PLATFORM_API_URL",
                &["login", "whoami"],
                "The API of the installation, where --endpoint names none. Default: the setting endpoint, then \
                 https://api.cloud.seqera.io.",
            ),
            variable(
                "TOWER_API_ENDPOINT",
                &["login", "whoami", "env", "exec"],
                "The same, where SEQERA_PLATFORM_API_URL is not set. Exported for the login in use.",
            ),
            variable(
                "SEQERA_AUTH_CLI_CLIENT_ID",
                LOGIN,
                "The OAuth client. Default: the setting client_id, then seqera_ai_cli.",
            ),
            variable("SEQERA_AUTH_AUDIENCE", LOGIN, "The audience of the token. Default: platform."),
            variable(
                "SEQERA_AUTH_REDIRECT_PORT",
                LOGIN,
                "The port on this machine that the browser comes back to. Default: the setting callback_port, then 53682.",
            ),
            variable(
                "SEQERA_AUTH_CALLBACK_TIMEOUT_MS",
                LOGIN,
                "How long the login waits for you, in milliseconds. Default: 300000.",
            ),
            variable(
                "SEQERA_BROWSER_AUTO_OPEN",
                LOGIN,
                "0, false, no or off: show the address and open no browser.",
            ),
            variable(
                "SEKUIRE_API_URL",
                &["login", "whoami", "env", "exec"],
                "The API of Sekuire. Exported for a login to Sekuire.",
            ),
            variable(
                "SEKUIRE_BACKEND_URL",
                &["login", "whoami"],
                "The same, where SEKUIRE_API_URL is not set.",
            ),
            variable("BROWSER", LOGIN, "The browser to open."),
        ],
    ),
    (
        "Which login",
        &[
            variable("SEQERA_PROFILE", &[], "The profile for this shell; --profile overrides it."),
            variable(
                "TOWER_WORKSPACE_ID",
                &["env", "exec", "workspace", "import"],
                "The number of a workspace. Exported for the one that was chosen.",
            ),
            variable("SEKUIRE_WORKSPACE_ID", &["env", "exec", "import"], "The same for Sekuire."),
        ],
    ),
    (
        "How the programs work",
        &[
            variable(
                "SEQERA_HELPER_HOME",
                &[],
                "One folder of its own for configuration, state and the store; an absolute path.",
            ),
            variable(
                "SEQERA_HELPER_STORE",
                &["login", "store", "configure", "doctor", "seqera-credential-helper"],
                "Where the key of a new store is kept: auto (the keychain, else a file), keychain or file. Default: the \
                 setting store, then auto.",
            ),
            variable(
                "SEQERA_HELPER_TRUST_HOME",
                &["login", "store", "doctor", "seqera-credential-helper"],
                "1: accept files that others could read, on a volume or in a container that only you use.",
            ),
            variable(
                "SEQERA_HELPER_RELAY",
                &["exec", "relay"],
                "off, false, no or 0: hand a token itself to Seqera's own program instead of lending it; on, true, yes or 1: lend \
                 it. Anything else is an error. Default: the setting seqera.relay, then on.",
            ),
            variable(
                "SEQERA_AI_BACKEND_URL",
                &["exec", "relay"],
                "The backend of seqera ai. Default: the settings of Seqera's own program, then the setting backend, then \
                 what the installation says.",
            ),
            variable(
                "SEQERA_HELPER_TIMEOUT_MS",
                &["configure", "doctor", "seqera-credential-helper"],
                "How long one call of the helper may take, in milliseconds. Default: 10000.",
            ),
            variable(
                "SEQERA_HELPER_LOG",
                &[],
                "error, warn, info, debug or trace: say on standard error what is done. No secret is in it.",
            ),
            variable(
                "NO_COLOR",
                &[],
                "Anything: no colours. So do CLICOLOR=0 and TERM=dumb; CLICOLOR_FORCE=1 wants them.",
            ),
        ],
    ),
    (
        "The network",
        &[
            variable("HTTPS_PROXY", &[], "The proxy; so do HTTP_PROXY and ALL_PROXY, in capitals or not."),
            variable("NO_PROXY", &[], "The servers that are reached without it."),
            variable(
                "SSL_CERT_FILE",
                &[],
                "A file with the certificates that count instead of the system's.",
            ),
            variable("SSL_CERT_DIR", &[], "A folder of such files."),
        ],
    ),
    (
        "Files of the system and of other programs",
        &[
            variable("XDG_CONFIG_HOME", &[], "Where config.toml is. Default: ~/.config."),
            variable(
                "XDG_CONFIG_DIRS",
                &["config"],
                "Where a site's config.toml is looked for, before /etc. Default: /etc/xdg.",
            ),
            variable("XDG_DATA_HOME", &["store"], "Where the store is. Default: ~/.local/share."),
            variable("XDG_STATE_HOME", &[], "Where profiles and records are. Default: ~/.local/state."),
            variable("XDG_RUNTIME_DIR", &["hook", "prompt"], "Where the line is that prompts read."),
            variable("GIT_CONFIG_GLOBAL", CLIENTS, "git's configuration. Default: ~/.gitconfig."),
            variable("DOCKER_CONFIG", CLIENTS, "docker's folder. Default: ~/.docker."),
            variable(
                "CONTAINERS_REGISTRIES_CONF",
                CLIENTS,
                "The configuration of podman, skopeo and buildah.",
            ),
            variable("NXF_HOME", CLIENTS, "Nextflow's folder. Default: ~/.nextflow."),
            variable(
                "SEQERA_CLI_CONFIG_DIR",
                &["import", "logout", "doctor", "org"],
                "The folder of Seqera's own program. Default: ~/.config/seqera-ai.",
            ),
            variable(
                "SEQERA_LOG_FILE",
                &["exec"],
                "The transcript of Seqera's own program; set to a private file where it is not set.",
            ),
        ],
    ),
    (
        "In a run of the Platform, and in CI",
        &[
            variable(
                "TOWER_WORKFLOW_ID",
                &["env", "hook"],
                "Set by the Platform in what it runs: the hook and env stand aside.",
            ),
            variable("TOWER_REFRESH_TOKEN", &["env", "hook"], "The same."),
            variable(
                "GITHUB_ENV",
                &["env"],
                "The file of a step of GitHub Actions that env --github adds to.",
            ),
        ],
    ),
    (
        "What the hook and env leave for each other",
        &[
            variable(
                "SEQERA_TOKEN_EXPIRES_AT",
                &["env", "hook"],
                "When the exported token ends, in seconds since 1970.",
            ),
            variable("SEQERA_ENV", &["env", "hook"], "By which our own exports are known in a nested shell."),
            variable("SEQERA_PROMPT", &["hook", "prompt"], "The segment, kept up to date by the hook."),
            variable("SEQERA_HOOK_EACH", INTERNAL, "Between the hook and its shell."),
            variable("SEQERA_HOOK_FIRST", INTERNAL, "Between the hook and its shell."),
            variable("SEQERA_HOOK_PROVIDER", INTERNAL, "Between the hook and its shell."),
            variable("SEQERA_HOOK_RUN", INTERNAL, "Between the hook and its shell."),
            variable("SEQERA_HOOK_TOKEN", INTERNAL, "Between the hook and its shell."),
            variable("SEQERA_COMPLETE", INTERNAL, "Between a shell's completion and this program."),
            variable(
                "SEQERA_HANDED_OVER",
                INTERNAL,
                "Keeps two programs of this name from calling each other for ever.",
            ),
            variable(
                "SEQERA_HELPER_PROBE",
                INTERNAL,
                "configure and doctor ask a client with it whether it starts the helper.",
            ),
        ],
    ),
];

/// Those that a command's page names.
pub fn of(command: &str) -> impl Iterator<Item = &'static Variable> {
    let all = VARIABLES.iter().flat_map(|(_, variables)| variables.iter());
    all.filter(move |variable| variable.commands.contains(&command))
}
