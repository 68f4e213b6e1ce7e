module completions {

  def "nu-complete seqera" [line: string] {
    let words = $line | split row --regex '[|;]' | last | str trim --left | split row --regex ' +'
    with-env {SEQERA_COMPLETE: fish} { ^seqera -- ...$words } | lines | where {|name| not ($name starts-with '-')}
  }

  # Logs you in to Seqera and Sekuire once, keeps the tokens safe and fresh, and hands them to git, docker, shells and prompts
  export extern seqera [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete seqera login provider" [] {
    [ "seqera" "sekuire" ]
  }

  # Log in, once, in the browser
  export extern "seqera login" [
    --device                  # Log in with a code that you type into a browser on any device
    --with-token              # Read a token or key from standard input
    --provider: string@"nu-complete seqera login provider" # The platform: seqera, unless this program is called by another one's name
    --endpoint: string        # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --backend: string         # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --web-url: string         # Sekuire: its web pages, where you make a key
    --registry: string        # Sekuire: the registry that the key makes passwords for; its own backend's is known
    --auth-file               # Sekuire: also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --port: string            # The port on this machine that the browser comes back to
    --no-browser              # Show the address and open no browser
    --browser                 # Open a browser, whatever SEQERA_BROWSER_AUTO_OPEN says
    --headless                # For programs that run without a person; every login here is
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --timeout: string         # How long to wait for you
    --paste-from: path        # Read the address that the browser ended at from FILE, once you have saved it there; - is standard input
    --replace                 # Replace the login of another account without asking
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera logout" [
    --all                     # Every profile, and forget the cached key of the store
    --everywhere              # Also the login that Seqera's own program keeps
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Forget the cached key of the store
  export extern "seqera lock" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Show where the secrets rest, or move the key that opens them
  export extern "seqera store" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  def "nu-complete seqera store move to" [] {
    [ "keychain" "file" ]
  }

  # Move the key into the keychain, or into a private file beside the store
  export extern "seqera store move" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    to: string@"nu-complete seqera store move to" # Where to
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera store help" [
  ]

  # Move the key into the keychain, or into a private file beside the store
  export extern "seqera store help move" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera store help help" [
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera status" [
    --all                     # Show every login
    --check                   # Ask the server too
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Ask the server who you are
  export extern "seqera whoami" [
    --endpoint: string        # Ask this API: the token of a login goes to no other than its own
    --backend-url: string     # Ask this API: the token of a login goes to no other than its own
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Log in, log out, and see who is logged in
  export extern "seqera auth" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  def "nu-complete seqera auth login provider" [] {
    [ "seqera" "sekuire" ]
  }

  # Log in, once, in the browser
  export extern "seqera auth login" [
    --device                  # Log in with a code that you type into a browser on any device
    --with-token              # Read a token or key from standard input
    --provider: string@"nu-complete seqera auth login provider" # The platform: seqera, unless this program is called by another one's name
    --endpoint: string        # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --backend: string         # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --web-url: string         # Sekuire: its web pages, where you make a key
    --registry: string        # Sekuire: the registry that the key makes passwords for; its own backend's is known
    --auth-file               # Sekuire: also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --port: string            # The port on this machine that the browser comes back to
    --no-browser              # Show the address and open no browser
    --browser                 # Open a browser, whatever SEQERA_BROWSER_AUTO_OPEN says
    --headless                # For programs that run without a person; every login here is
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --timeout: string         # How long to wait for you
    --paste-from: path        # Read the address that the browser ended at from FILE, once you have saved it there; - is standard input
    --replace                 # Replace the login of another account without asking
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera auth logout" [
    --all                     # Every profile, and forget the cached key of the store
    --everywhere              # Also the login that Seqera's own program keeps
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera auth status" [
    --all                     # Show every login
    --check                   # Ask the server too
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Ask the server who you are
  export extern "seqera auth whoami" [
    --endpoint: string        # Ask this API: the token of a login goes to no other than its own
    --backend-url: string     # Ask this API: the token of a login goes to no other than its own
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera auth help" [
  ]

  # Log in, once, in the browser
  export extern "seqera auth help login" [
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera auth help logout" [
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera auth help status" [
  ]

  # Ask the server who you are
  export extern "seqera auth help whoami" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera auth help help" [
  ]

  # Show, list, choose or clear the organization
  export extern "seqera org" [
    --json                    # One JSON object
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The chosen one
  export extern "seqera org show" [
    --json                    # One JSON object
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Your organizations, as the server lists them; '*' is the chosen one
  export extern "seqera org list" [
    --json                    # One JSON object
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Choose an organization; asks on a terminal when none is named
  export extern "seqera org switch" [
    --json                    # One JSON object
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    organization?: string@"nu-complete seqera"     # Its name, its full name or its number
  ]

  # Choose none
  export extern "seqera org clear" [
    --json                    # One JSON object
    --verbose(-v)             # Say more of what is done, as SEQERA_HELPER_LOG=info does
    --debug                   # Say all of what is done, as SEQERA_HELPER_LOG=debug does
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera org help" [
  ]

  # The chosen one
  export extern "seqera org help show" [
  ]

  # Your organizations, as the server lists them; '*' is the chosen one
  export extern "seqera org help list" [
  ]

  # Choose an organization; asks on a terminal when none is named
  export extern "seqera org help switch" [
  ]

  # Choose none
  export extern "seqera org help clear" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera org help help" [
  ]

  # Show, list, choose or clear the workspace
  export extern "seqera workspace" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Your workspaces, as the server knows them; '*' is the chosen one
  export extern "seqera workspace list" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Choose a workspace; asks on a terminal when none is named
  export extern "seqera workspace switch" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    workspace?: string        # ORGANIZATION/NAME, its name where only one is called so, or its number
  ]

  # Choose none: your personal workspace
  export extern "seqera workspace clear" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera workspace help" [
  ]

  # Your workspaces, as the server knows them; '*' is the chosen one
  export extern "seqera workspace help list" [
  ]

  # Choose a workspace; asks on a terminal when none is named
  export extern "seqera workspace help switch" [
  ]

  # Choose none: your personal workspace
  export extern "seqera workspace help clear" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera workspace help help" [
  ]

  # Show, list, choose, rename or remove logins
  export extern "seqera profile" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # All profiles; '*' is the one in use
  export extern "seqera profile list" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Use a profile in all shells without a SEQERA_PROFILE of their own
  export extern "seqera profile use" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    name: string@"nu-complete seqera"              # Its name
  ]

  # Give a profile another name
  export extern "seqera profile rename" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    old: string@"nu-complete seqera"               # What it is called
    new: string               # What it will be called
  ]

  # Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
  export extern "seqera profile bind" [
    --remove                  # Take a folder's profile away
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    ...args: string           # The folder, the current one where none is named, and the profile
  ]

  # Log out of a profile and forget it
  export extern "seqera profile remove" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    name: string@"nu-complete seqera"              # Its name
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera profile help" [
  ]

  # All profiles; '*' is the one in use
  export extern "seqera profile help list" [
  ]

  # Use a profile in all shells without a SEQERA_PROFILE of their own
  export extern "seqera profile help use" [
  ]

  # Give a profile another name
  export extern "seqera profile help rename" [
  ]

  # Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
  export extern "seqera profile help bind" [
  ]

  # Log out of a profile and forget it
  export extern "seqera profile help remove" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera profile help help" [
  ]

  # Take over a login or token that another program keeps, or that you wrote down
  export extern "seqera import" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The API key in ~/.sekuire/auth.json, of Sekuire's own program
  export extern "seqera import sekuire" [
    --endpoint: string        # The backend that the key is for; Sekuire's own where nothing else is said
    --backend: string         # The backend that the key is for; Sekuire's own where nothing else is said
    --remove                  # Remove the plain file once the key is stored, without asking
    --dry-run                 # Show what would be taken over, and do nothing
    --registry: string        # Sekuire: the registry that the key makes passwords for; its own backend's is known
    --auth-file               # Sekuire: also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
  export extern "seqera import seqera" [
    --endpoint: string        # The API of the installation that it is a login of; found out where nothing is said
    --remove                  # Where that account is logged in here already: end its login over there, without asking
    --dry-run                 # Show what would be moved, and do nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The token in Nextflow's seqera-auth.config
  export extern "seqera import nextflow" [
    --remove                  # Remove the plain copy once it is stored here, without asking
    --dry-run                 # Show what would be taken over, and do nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
  export extern "seqera import env" [
    --endpoint: string        # The API that the token is for; that of the environment, or the platform's own, where nothing is said
    --remove                  # Remove the plain copy once it is stored here, without asking
    --dry-run                 # Show what would be taken over, and do nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The passwords in ~/.git-credentials, of git's own plain store
  export extern "seqera import git" [
    --remove                  # Remove the plain copy once it is stored here, without asking
    --dry-run                 # Show what would be taken over, and do nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The passwords in docker's config.json
  export extern "seqera import docker" [
    --remove                  # Remove the plain copy once it is stored here, without asking
    --dry-run                 # Show what would be taken over, and do nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera import help" [
  ]

  # The API key in ~/.sekuire/auth.json, of Sekuire's own program
  export extern "seqera import help sekuire" [
  ]

  # The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
  export extern "seqera import help seqera" [
  ]

  # The token in Nextflow's seqera-auth.config
  export extern "seqera import help nextflow" [
  ]

  # The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
  export extern "seqera import help env" [
  ]

  # The passwords in ~/.git-credentials, of git's own plain store
  export extern "seqera import help git" [
  ]

  # The passwords in docker's config.json
  export extern "seqera import help docker" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera import help help" [
  ]

  # Print a fresh access token; list and revoke the tokens of jobs
  export extern "seqera token" [
    --min-ttl: string         # Renew the token unless it lives this many seconds more
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # The tokens that 'exec --job-token' made and that are not deleted yet
  export extern "seqera token list" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Delete tokens of jobs: those named, else those that a job left behind
  export extern "seqera token revoke" [
    --all                     # Every one, also those whose jobs run
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    ...names: string          # As 'token list' shows them
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera token help" [
  ]

  # The tokens that 'exec --job-token' made and that are not deleted yet
  export extern "seqera token help list" [
  ]

  # Delete tokens of jobs: those named, else those that a job left behind
  export extern "seqera token help revoke" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera token help help" [
  ]

  def "nu-complete seqera env shell" [] {
    [ "bash" "zsh" "fish" "nu" "powershell" "elvish" "xonsh" "tcsh" "posix" ]
  }

  # Print the exports of a login, for eval "$(seqera env)".
  export extern "seqera env" [
    --shell: string@"nu-complete seqera env shell" # The shell to write for; found out when absent
    --json                    # One JSON object; null is a variable to take away
    --dotenv                  # Lines of a .env file
    --github                  # For GitHub Actions: hide the token in the log and append to the file that GITHUB_ENV names
    --unset                   # Take away exactly what was exported before
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
  ]

  # Run a command with a fresh token in its environment
  export extern "seqera exec" [
    --job-token               # Give it a personal access token of its own, which does not end while it runs, and delete that afterwards
    --live                    # Lend it a live token through a relay on this machine, for runs of hours and for agents
    --read-only               # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string           # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string       # Let through only requests of this workspace, and those that tell who you are
    --log: path               # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    ...command: string        # The command and its arguments
  ]

  def "nu-complete seqera relay shell" [] {
    [ "bash" "zsh" "fish" "nu" "powershell" "elvish" "xonsh" "tcsh" "posix" ]
  }

  # Lend a live token to programs elsewhere: in a container, or behind SSH
  export extern "seqera relay" [
    --socket: path            # Listen at a socket with this path instead of a port
    --port: string            # The port; a free one without it
    --shell: string@"nu-complete seqera relay shell" # The shell to write for; found out when absent
    --read-only               # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string           # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string       # Let through only requests of this workspace, and those that tell who you are
    --log: path               # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete seqera hook shell" [] {
    [ "bash" "zsh" "fish" "nu" "powershell" "elvish" "xonsh" "tcsh" "posix" ]
  }

  # Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
  export extern "seqera hook" [
    --no-export               # Export nothing; only keep the prompt's segment
    --off                     # Take the hook, and what it exported, out of the running shell
    --preexec                 # bash before 5.3: also before each command, through a DEBUG trap
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete seqera hook shell" # The shell
  ]

  def "nu-complete seqera hook-env shell" [] {
    [ "bash" "zsh" "fish" "nu" "powershell" "elvish" "xonsh" "tcsh" "posix" ]
  }

  # What a hook runs
  export extern "seqera hook-env" [
    --no-export               # Only see to the mark
    --again                   # An earlier attempt failed: do not say it twice
    --renew                   # Renew the token in the background and print nothing
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete seqera hook-env shell" # The shell that evaluates the answer
  ]

  def "nu-complete seqera prompt shell" [] {
    [ "bash" "zsh" "fish" "nu" "powershell" "elvish" "xonsh" "tcsh" "posix" ]
  }

  def "nu-complete seqera prompt color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the prompt's segment: organization, workspace, profile, and how the login stands
  export extern "seqera prompt" [
    --format: string          # Text with {label} {organization} {workspace} {profile} {state} {symbol} {left}
    --shell: string@"nu-complete seqera prompt shell" # The shell whose prompt it stands in, so that colours do not count as width
    --tmux                    # For a status line of tmux
    --color: string@"nu-complete seqera prompt color" # When to colour: `auto` is on a terminal and where a shell or tmux is named
    --unicode                 # Use signs outside of ASCII; found out from the locale when neither is given
    --ascii                   # Use ASCII only
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete seqera configure client" [] {
    [ "git" "docker" "containers" "nextflow" ]
  }

  # Make a client use the helper, or take that back
  export extern "seqera configure" [
    --url: string             # git: only for servers at this URL, such as https://github.com or 'https://*.example.com'
    --registry: string        # docker: only for this registry (may be repeated); without it, for all
    --undo                    # Take back what was configured
    --undo-all                # Take back what was configured for every client, before this program is removed
    --dry-run                 # Show what would be done, and do nothing
    --list                    # Show every client, and what is configured
    --json                    # The list as one JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    client?: string@"nu-complete seqera configure client" # The client
  ]

  # Show and change your settings (config.toml)
  export extern "seqera config" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  # Every setting, its value, and where that comes from
  export extern "seqera config list" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  def "nu-complete seqera config get key" [] {
    [ "endpoint" "client_id" "callback_port" "key_cache" "seqera.sync_organization" "seqera.relay" "sekuire.auth_file" ]
  }

  # The value of one setting
  export extern "seqera config get" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    key: string@"nu-complete seqera config get key" # The setting
  ]

  def "nu-complete seqera config set key" [] {
    [ "endpoint" "client_id" "callback_port" "key_cache" "seqera.sync_organization" "seqera.relay" "sekuire.auth_file" ]
  }

  # Write one setting into your file; its comments stay
  export extern "seqera config set" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    key: string@"nu-complete seqera config set key" # The setting
    value: string             # The value
  ]

  def "nu-complete seqera config unset key" [] {
    [ "endpoint" "client_id" "callback_port" "key_cache" "seqera.sync_organization" "seqera.relay" "sekuire.auth_file" ]
  }

  # Take one setting out of your file
  export extern "seqera config unset" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    key: string@"nu-complete seqera config unset key" # The setting
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera config help" [
  ]

  # Every setting, its value, and where that comes from
  export extern "seqera config help list" [
  ]

  # The value of one setting
  export extern "seqera config help get" [
  ]

  # Write one setting into your file; its comments stay
  export extern "seqera config help set" [
  ]

  # Take one setting out of your file
  export extern "seqera config help unset" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera config help help" [
  ]

  # Find out what is wrong
  export extern "seqera doctor" [
    --json                    # One JSON object
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
  ]

  def "nu-complete seqera completions shell" [] {
    [ "bash" "zsh" "fish" "powershell" "elvish" "nushell" ]
  }

  # Print the completion script of a shell
  export extern "seqera completions" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete seqera completions shell" # The shell
  ]

  # Write completions and manual pages below a folder
  export extern "seqera generate" [
    --quiet(-q)               # Say nothing but what was asked for
    --profile: string@"nu-complete seqera"         # The login to use, where you have several
    --help(-h)                # Print help
    dir: path                 # The folder
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera help" [
  ]

  # Log in, once, in the browser
  export extern "seqera help login" [
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera help logout" [
  ]

  # Forget the cached key of the store
  export extern "seqera help lock" [
  ]

  # Show where the secrets rest, or move the key that opens them
  export extern "seqera help store" [
  ]

  # Move the key into the keychain, or into a private file beside the store
  export extern "seqera help store move" [
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera help status" [
  ]

  # Ask the server who you are
  export extern "seqera help whoami" [
  ]

  # Log in, log out, and see who is logged in
  export extern "seqera help auth" [
  ]

  # Log in, once, in the browser
  export extern "seqera help auth login" [
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera help auth logout" [
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera help auth status" [
  ]

  # Ask the server who you are
  export extern "seqera help auth whoami" [
  ]

  # Show, list, choose or clear the organization
  export extern "seqera help org" [
  ]

  # The chosen one
  export extern "seqera help org show" [
  ]

  # Your organizations, as the server lists them; '*' is the chosen one
  export extern "seqera help org list" [
  ]

  # Choose an organization; asks on a terminal when none is named
  export extern "seqera help org switch" [
  ]

  # Choose none
  export extern "seqera help org clear" [
  ]

  # Show, list, choose or clear the workspace
  export extern "seqera help workspace" [
  ]

  # Your workspaces, as the server knows them; '*' is the chosen one
  export extern "seqera help workspace list" [
  ]

  # Choose a workspace; asks on a terminal when none is named
  export extern "seqera help workspace switch" [
  ]

  # Choose none: your personal workspace
  export extern "seqera help workspace clear" [
  ]

  # Show, list, choose, rename or remove logins
  export extern "seqera help profile" [
  ]

  # All profiles; '*' is the one in use
  export extern "seqera help profile list" [
  ]

  # Use a profile in all shells without a SEQERA_PROFILE of their own
  export extern "seqera help profile use" [
  ]

  # Give a profile another name
  export extern "seqera help profile rename" [
  ]

  # Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
  export extern "seqera help profile bind" [
  ]

  # Log out of a profile and forget it
  export extern "seqera help profile remove" [
  ]

  # Take over a login or token that another program keeps, or that you wrote down
  export extern "seqera help import" [
  ]

  # The API key in ~/.sekuire/auth.json, of Sekuire's own program
  export extern "seqera help import sekuire" [
  ]

  # The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
  export extern "seqera help import seqera" [
  ]

  # The token in Nextflow's seqera-auth.config
  export extern "seqera help import nextflow" [
  ]

  # The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
  export extern "seqera help import env" [
  ]

  # The passwords in ~/.git-credentials, of git's own plain store
  export extern "seqera help import git" [
  ]

  # The passwords in docker's config.json
  export extern "seqera help import docker" [
  ]

  # Print a fresh access token; list and revoke the tokens of jobs
  export extern "seqera help token" [
  ]

  # The tokens that 'exec --job-token' made and that are not deleted yet
  export extern "seqera help token list" [
  ]

  # Delete tokens of jobs: those named, else those that a job left behind
  export extern "seqera help token revoke" [
  ]

  # Print the exports of a login, for eval "$(seqera env)".
  export extern "seqera help env" [
  ]

  # Run a command with a fresh token in its environment
  export extern "seqera help exec" [
  ]

  # Lend a live token to programs elsewhere: in a container, or behind SSH
  export extern "seqera help relay" [
  ]

  # Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
  export extern "seqera help hook" [
  ]

  # What a hook runs
  export extern "seqera help hook-env" [
  ]

  # Print the prompt's segment: organization, workspace, profile, and how the login stands
  export extern "seqera help prompt" [
  ]

  # Make a client use the helper, or take that back
  export extern "seqera help configure" [
  ]

  # Show and change your settings (config.toml)
  export extern "seqera help config" [
  ]

  # Every setting, its value, and where that comes from
  export extern "seqera help config list" [
  ]

  # The value of one setting
  export extern "seqera help config get" [
  ]

  # Write one setting into your file; its comments stay
  export extern "seqera help config set" [
  ]

  # Take one setting out of your file
  export extern "seqera help config unset" [
  ]

  # Find out what is wrong
  export extern "seqera help doctor" [
  ]

  # Print the completion script of a shell
  export extern "seqera help completions" [
  ]

  # Write completions and manual pages below a folder
  export extern "seqera help generate" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "seqera help help" [
  ]

}

export use completions *
