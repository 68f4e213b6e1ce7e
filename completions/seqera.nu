# Completion of seqera for nushell. The program says what a line can go on with: its first line names what the shell
# itself has to offer, the others are candidates.

module completions {

  def "nu-complete seqera" [line: string] {
    let words = $line | split row --regex '[|;]' | last | str trim --left | split row --regex ' +'
    let called = $words.0 | path basename
    let program = if $called in [seqera sekuire] { $called } else { 'seqera' }
    let answer = with-env {SEQERA_COMPLETE: nushell} { ^$program -- ...$words | complete } | get stdout | lines
    let also = $answer.0? | default none
    if $also == files {
      return null
    }
    if ($also | str starts-with 'command ') and ($answer | length) == 1 {
      let completer = $env.config.completions.external.completer?
      return (if $completer == null { null } else { do $completer ($words | skip ($also | split row ' ' | last | into int)) })
    }
    let candidates = $answer | skip 1 | each {|line|
      let parts = $line | split row "\t"
      {value: $parts.0, description: ($parts.1? | default '')}
    }
    let folders = if $also == folders {
      let all = try { ls ($"($words | last)*" | into glob) } catch { [] }
      $all | where type == dir | each {|folder| {value: $"($folder.name)/", description: ''} }
    } else {
      []
    }
    {options: {sort: false}, completions: ($candidates ++ $folders)}
  }

  # Logs you in to Seqera and Sekuire once, keeps the tokens safe and fresh, and hands them to git, docker, shells and prompts
  export extern "seqera" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    --version(-V) # Print version
    ...words: string@"nu-complete seqera"
  ]

  # Log in, once, in the browser
  export extern "seqera login" [
    --device # Log in with a code that you type into a browser on any device
    --with-token # Read a token or key from standard input
    --provider: string@"nu-complete seqera" # The platform: seqera, unless this program is called by another one's name
    --endpoint: string@"nu-complete seqera" # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --backend: string@"nu-complete seqera" # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --web-url: string@"nu-complete seqera" # The web pages of Sekuire, where you make a key
    --registry: string@"nu-complete seqera" # The registry that the key makes passwords for; its own backend's is known
    --auth-file # Also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --port: string@"nu-complete seqera" # The port on this machine that the browser comes back to [default: 53682, or the next that is free]
    --no-browser # Show the address and open no browser
    --timeout: string@"nu-complete seqera" # How long to wait for you [default: 300]
    --paste-from: string@"nu-complete seqera" # Read the address that the browser ended at from FILE, once you have saved it there; - is standard input
    --replace # Replace the login of another account without asking
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "seqera logout" [
    --all # Every profile, and forget the cached key of the store
    --everywhere # Also the login that Seqera's own program keeps
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Forget the cached key of the store
  export extern "seqera lock" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show where the secrets rest, or move the key that opens them
  export extern "seqera store" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Move the key into the keychain, or into a private file beside the store
  export extern "seqera store move" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Show who is logged in, where, how and until when
  export extern "seqera status" [
    --all # Show every login
    --check # Ask the server too
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Ask the server who you are
  export extern "seqera whoami" [
    --endpoint: string@"nu-complete seqera" # Ask this API: the token of a login goes to no other than its own
    --backend-url: string@"nu-complete seqera" # Ask this API: the token of a login goes to no other than its own
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose or clear the organization
  export extern "seqera org" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The chosen one
  export extern "seqera org show" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Your organizations, as the server lists them; '*' is the chosen one
  export extern "seqera org list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose an organization; asks on a terminal when none is named
  export extern "seqera org switch" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose none
  export extern "seqera org clear" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose or clear the workspace
  export extern "seqera workspace" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Your workspaces, as the server knows them; '*' is the chosen one
  export extern "seqera workspace list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose a workspace; asks on a terminal when none is named
  export extern "seqera workspace switch" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose none: your personal workspace
  export extern "seqera workspace clear" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose, rename or remove logins
  export extern "seqera profile" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # All profiles; '*' is the one in use
  export extern "seqera profile list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Use a profile in all shells without a SEQERA_PROFILE of their own
  export extern "seqera profile use" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Give a profile another name
  export extern "seqera profile rename" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
  export extern "seqera profile bind" [
    --remove # Take a folder's profile away
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Log out of a profile and forget it
  export extern "seqera profile remove" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Take over a login or token that another program keeps, or that you wrote down
  export extern "seqera import" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The API key in ~/.sekuire/auth.json, of Sekuire's own program
  export extern "seqera import sekuire" [
    --endpoint: string@"nu-complete seqera" # The backend that the key is for; Sekuire's own where nothing else is said
    --backend: string@"nu-complete seqera" # The backend that the key is for; Sekuire's own where nothing else is said
    --remove # Remove the plain file once the key is stored, without asking
    --dry-run # Show what would be taken over, and do nothing
    --registry: string@"nu-complete seqera" # The registry that the key makes passwords for; its own backend's is known
    --auth-file # Also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
  export extern "seqera import seqera" [
    --endpoint: string@"nu-complete seqera" # The API of the installation that it is a login of; found out where nothing is said
    --remove # Where that account is logged in here already: end its login over there, without asking
    --dry-run # Show what would be moved, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The token in Nextflow's seqera-auth.config
  export extern "seqera import nextflow" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
  export extern "seqera import env" [
    --endpoint: string@"nu-complete seqera" # The API that the token is for; that of the environment, or the platform's own, where nothing is said
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The passwords in ~/.git-credentials, of git's own plain store
  export extern "seqera import git" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The passwords in docker's config.json
  export extern "seqera import docker" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print a fresh access token; list and revoke the tokens of jobs
  export extern "seqera token" [
    --min-ttl: string@"nu-complete seqera" # Renew the token unless it lives this many seconds more
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The tokens that 'exec --job-token' made and that are not deleted yet
  export extern "seqera token list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Delete tokens of jobs: those named, else those that a job left behind
  export extern "seqera token revoke" [
    --all # Every one, also those whose jobs run
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print the exports of a login, for eval "$(seqera env)".
  export extern "seqera env" [
    --shell: string@"nu-complete seqera" # The shell to write for; found out when absent
    --json # One JSON object; null is a variable to take away
    --dotenv # Lines of a .env file
    --github # For GitHub Actions: hide the token in the log and append to the file that GITHUB_ENV names
    --unset # Take away exactly what was exported before
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Run a command with a fresh token in its environment
  export extern "seqera exec" [
    --job-token # Give it a personal access token of its own, which does not end while it runs, and delete that afterwards
    --live # Lend it a live token through a relay on this machine, for runs of hours and for agents
    --read-only # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string@"nu-complete seqera" # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string@"nu-complete seqera" # Let through only requests of this workspace, and those that tell who you are
    --log: string@"nu-complete seqera" # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Lend a live token to programs elsewhere: in a container, or behind SSH
  export extern "seqera relay" [
    --socket: string@"nu-complete seqera" # Listen at a socket with this path instead of a port
    --port: string@"nu-complete seqera" # The port; a free one without it
    --shell: string@"nu-complete seqera" # The shell to write for; found out when absent
    --read-only # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string@"nu-complete seqera" # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string@"nu-complete seqera" # Let through only requests of this workspace, and those that tell who you are
    --log: string@"nu-complete seqera" # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
  export extern "seqera hook" [
    --no-export # Export nothing; only keep the prompt's segment
    --off # Take the hook, and what it exported, out of the running shell
    --preexec # bash before 5.3: also before each command, through a DEBUG trap
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Print the prompt's segment: organization, workspace, profile, and how the login stands
  export extern "seqera prompt" [
    --format: string@"nu-complete seqera" # Text with {label} {organization} {workspace} {profile} {state} {symbol} {left}
    --shell: string@"nu-complete seqera" # The shell whose prompt it stands in, so that colours do not count as width
    --tmux # For a status line of tmux
    --color: string@"nu-complete seqera" # When to colour: `auto` is on a terminal and where a shell or tmux is named
    --unicode # Use signs outside of ASCII; found out from the locale when neither is given
    --ascii # Use ASCII only
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Make a client use the helper, or take that back
  export extern "seqera configure" [
    --url: string@"nu-complete seqera" # git: only for servers at this URL, such as https://github.com or 'https://*.example.com'
    --registry: string@"nu-complete seqera" # docker: only for this registry (may be repeated); without it, for all
    --undo # Take back what was configured
    --undo-all # Take back what was configured for every client, before this program is removed
    --dry-run # Show what would be done, and do nothing
    --list # Show every client, and what is configured
    --json # The list as one JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Show and change your settings (config.toml)
  export extern "seqera config" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Every setting, its value, and where that comes from
  export extern "seqera config list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The value of one setting
  export extern "seqera config get" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Write one setting into your file; its comments stay
  export extern "seqera config set" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Take one setting out of your file
  export extern "seqera config unset" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Find out what is wrong
  export extern "seqera doctor" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print the completion script of a shell
  export extern "seqera completions" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Logs you in to Seqera and Sekuire once, keeps the tokens safe and fresh, and hands them to git, docker, shells and prompts
  export extern "sekuire" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    --version(-V) # Print version
    ...words: string@"nu-complete seqera"
  ]

  # Log in, once, in the browser
  export extern "sekuire login" [
    --device # Log in with a code that you type into a browser on any device
    --with-token # Read a token or key from standard input
    --provider: string@"nu-complete seqera" # The platform: seqera, unless this program is called by another one's name
    --endpoint: string@"nu-complete seqera" # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --backend: string@"nu-complete seqera" # The API of your installation, as in https://HOST/api; Seqera Cloud where nothing else is said
    --web-url: string@"nu-complete seqera" # The web pages of Sekuire, where you make a key
    --registry: string@"nu-complete seqera" # The registry that the key makes passwords for; its own backend's is known
    --auth-file # Also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --port: string@"nu-complete seqera" # The port on this machine that the browser comes back to [default: 53682, or the next that is free]
    --no-browser # Show the address and open no browser
    --timeout: string@"nu-complete seqera" # How long to wait for you [default: 300]
    --paste-from: string@"nu-complete seqera" # Read the address that the browser ended at from FILE, once you have saved it there; - is standard input
    --replace # Replace the login of another account without asking
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Log out: revoke the tokens on the server and remove them here
  export extern "sekuire logout" [
    --all # Every profile, and forget the cached key of the store
    --everywhere # Also the login that Seqera's own program keeps
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Forget the cached key of the store
  export extern "sekuire lock" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show where the secrets rest, or move the key that opens them
  export extern "sekuire store" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Move the key into the keychain, or into a private file beside the store
  export extern "sekuire store move" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Show who is logged in, where, how and until when
  export extern "sekuire status" [
    --all # Show every login
    --check # Ask the server too
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Ask the server who you are
  export extern "sekuire whoami" [
    --endpoint: string@"nu-complete seqera" # Ask this API: the token of a login goes to no other than its own
    --backend-url: string@"nu-complete seqera" # Ask this API: the token of a login goes to no other than its own
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose or clear the organization
  export extern "sekuire org" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The chosen one
  export extern "sekuire org show" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Your organizations, as the server lists them; '*' is the chosen one
  export extern "sekuire org list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose an organization; asks on a terminal when none is named
  export extern "sekuire org switch" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose none
  export extern "sekuire org clear" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose or clear the workspace
  export extern "sekuire workspace" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Your workspaces, as the server knows them; '*' is the chosen one
  export extern "sekuire workspace list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose a workspace; asks on a terminal when none is named
  export extern "sekuire workspace switch" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Choose none: your personal workspace
  export extern "sekuire workspace clear" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Show, list, choose, rename or remove logins
  export extern "sekuire profile" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # All profiles; '*' is the one in use
  export extern "sekuire profile list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Use a profile in all shells without a SEQERA_PROFILE of their own
  export extern "sekuire profile use" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Give a profile another name
  export extern "sekuire profile rename" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
  export extern "sekuire profile bind" [
    --remove # Take a folder's profile away
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Log out of a profile and forget it
  export extern "sekuire profile remove" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Take over a login or token that another program keeps, or that you wrote down
  export extern "sekuire import" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The API key in ~/.sekuire/auth.json, of Sekuire's own program
  export extern "sekuire import sekuire" [
    --endpoint: string@"nu-complete seqera" # The backend that the key is for; Sekuire's own where nothing else is said
    --backend: string@"nu-complete seqera" # The backend that the key is for; Sekuire's own where nothing else is said
    --remove # Remove the plain file once the key is stored, without asking
    --dry-run # Show what would be taken over, and do nothing
    --registry: string@"nu-complete seqera" # The registry that the key makes passwords for; its own backend's is known
    --auth-file # Also write the key to ~/.sekuire/auth.json, in plain text, for Sekuire's own program
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The login of Seqera's own program, from its keychain item, the kernel's keyring or its file
  export extern "sekuire import seqera" [
    --endpoint: string@"nu-complete seqera" # The API of the installation that it is a login of; found out where nothing is said
    --remove # Where that account is logged in here already: end its login over there, without asking
    --dry-run # Show what would be moved, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The token in Nextflow's seqera-auth.config
  export extern "sekuire import nextflow" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
  export extern "sekuire import env" [
    --endpoint: string@"nu-complete seqera" # The API that the token is for; that of the environment, or the platform's own, where nothing is said
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The passwords in ~/.git-credentials, of git's own plain store
  export extern "sekuire import git" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The passwords in docker's config.json
  export extern "sekuire import docker" [
    --remove # Remove the plain copy once it is stored here, without asking
    --dry-run # Show what would be taken over, and do nothing
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print a fresh access token; list and revoke the tokens of jobs
  export extern "sekuire token" [
    --min-ttl: string@"nu-complete seqera" # Renew the token unless it lives this many seconds more
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The tokens that 'exec --job-token' made and that are not deleted yet
  export extern "sekuire token list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Delete tokens of jobs: those named, else those that a job left behind
  export extern "sekuire token revoke" [
    --all # Every one, also those whose jobs run
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print the exports of a login, for eval "$(seqera env)".
  export extern "sekuire env" [
    --shell: string@"nu-complete seqera" # The shell to write for; found out when absent
    --json # One JSON object; null is a variable to take away
    --dotenv # Lines of a .env file
    --github # For GitHub Actions: hide the token in the log and append to the file that GITHUB_ENV names
    --unset # Take away exactly what was exported before
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Run a command with a fresh token in its environment
  export extern "sekuire exec" [
    --job-token # Give it a personal access token of its own, which does not end while it runs, and delete that afterwards
    --live # Lend it a live token through a relay on this machine, for runs of hours and for agents
    --read-only # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string@"nu-complete seqera" # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string@"nu-complete seqera" # Let through only requests of this workspace, and those that tell who you are
    --log: string@"nu-complete seqera" # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Lend a live token to programs elsewhere: in a container, or behind SSH
  export extern "sekuire relay" [
    --socket: string@"nu-complete seqera" # Listen at a socket with this path instead of a port
    --port: string@"nu-complete seqera" # The port; a free one without it
    --shell: string@"nu-complete seqera" # The shell to write for; found out when absent
    --read-only # Let through only requests that read (GET, HEAD, OPTIONS)
    --allow: string@"nu-complete seqera" # Let through only requests like these, as in 'GET /workflow/*'; beside --read-only, these as well
    --workspace: string@"nu-complete seqera" # Let through only requests of this workspace, and those that tell who you are
    --log: string@"nu-complete seqera" # Add a line for each request to this file: time, method, path, status, bytes
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
  export extern "sekuire hook" [
    --no-export # Export nothing; only keep the prompt's segment
    --off # Take the hook, and what it exported, out of the running shell
    --preexec # bash before 5.3: also before each command, through a DEBUG trap
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Print the prompt's segment: organization, workspace, profile, and how the login stands
  export extern "sekuire prompt" [
    --format: string@"nu-complete seqera" # Text with {label} {organization} {workspace} {profile} {state} {symbol} {left}
    --shell: string@"nu-complete seqera" # The shell whose prompt it stands in, so that colours do not count as width
    --tmux # For a status line of tmux
    --color: string@"nu-complete seqera" # When to colour: `auto` is on a terminal and where a shell or tmux is named
    --unicode # Use signs outside of ASCII; found out from the locale when neither is given
    --ascii # Use ASCII only
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Make a client use the helper, or take that back
  export extern "sekuire configure" [
    --url: string@"nu-complete seqera" # git: only for servers at this URL, such as https://github.com or 'https://*.example.com'
    --registry: string@"nu-complete seqera" # docker: only for this registry (may be repeated); without it, for all
    --undo # Take back what was configured
    --undo-all # Take back what was configured for every client, before this program is removed
    --dry-run # Show what would be done, and do nothing
    --list # Show every client, and what is configured
    --json # The list as one JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]

  # Show and change your settings (config.toml)
  export extern "sekuire config" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Every setting, its value, and where that comes from
  export extern "sekuire config list" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # The value of one setting
  export extern "sekuire config get" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Write one setting into your file; its comments stay
  export extern "sekuire config set" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Take one setting out of your file
  export extern "sekuire config unset" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Find out what is wrong
  export extern "sekuire doctor" [
    --json # One JSON object
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help
    ...words: string@"nu-complete seqera"
  ]

  # Print the completion script of a shell
  export extern "sekuire completions" [
    --quiet(-q) # Say nothing but what was asked for
    --profile: string@"nu-complete seqera" # The login to use, where you have several
    --help(-h) # Print help (see more with '--help')
    ...words: string@"nu-complete seqera"
  ]
}

export use completions *
