# Keeps the exported token of this shell fresh. Once, and after each upgrade:
#   mkdir $nu.user-autoload-dirs.0
#   seqera hook nu | save -f ($nu.user-autoload-dirs.0 | path join seqera.nu)
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand constants:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt: $env.SEQERA_PROMPT. What is unset is null: Nushell gives no null to a program. When this is printed,
# SEQERA_HOOK_… become the names of the platforms and of their variables.

# A small file in a folder of the person's own that nobody else may write; nothing else is there.
def __seqera_open [dir: string, name: string] {
    let file = $dir | path join $name
    try {
        if ($file | path type) != 'file' { return '' }
        let folder = ls -lD $dir | first
        let found = ls -l $file | first
        let open = ($folder.mode | str substring 4..4) == 'w' or ($folder.mode | str substring 7..7) == 'w'
        if $folder.type != 'dir' or $open or $folder.user != $found.user or $found.size > 64kb { return '' }
        open --raw $file | decode utf-8
    } catch { '' }
}

# The profile of this shell, else of the folder: the nearest one that was bound.
def __seqera_profile [] {
    let named = $env.SEQERA_PROFILE? | default ''
    if $named != '' { return $named }
    let here = $env.PWD + '/'
    let lines = [$__seqera_dir $__seqera_home] | each {|dir| __seqera_open $dir folders } | where $it != '' | append '' | first | lines
    $lines | each {|line| $line | split row -n 2 ' ' } | where {|it| ($it | length) == 2 and ($here | str starts-with ($it.1 + '/')) }
        | sort-by {|it| $it.1 | str length } | append [['' '']] | first (($in | length) - 1 | [$in 1] | math max) | last | first
}

def __seqera_parse [line: string] {
    let line = $line | str trim
    if $line =~ '^1 [A-Za-z0-9_-]+\.\d+( \d{1,10}){6} (fresh|ending|ended|out) [^\pC\s!"#$%&()*+,.:;<=>\[\]\\^`{|}~]+( [a-z]+)?$' {
        let m = $line | split row ' '
        { gen: $m.1 next: ($m.2 | into int) warn: ($m.3 | into int) end: ($m.4 | into int) state: $m.8 label: $m.9 provider: ($m.10? | default 'SEQERA_HOOK_FIRST') }
    }
}

# This machine's mark, else the home's, and in `far` what the home says.
def __seqera_mark [] {
    let profile = __seqera_profile
    let name = if $profile == '' { 'mark' } else { $'($profile).mark' }
    let none = { gen: '-' next: 0 warn: 9999999999 end: 9999999999 state: none label: '' provider: 'SEQERA_HOOK_FIRST' }
    let near = __seqera_parse (__seqera_open $__seqera_dir $name)
    let far = if $__seqera_home == $__seqera_dir { null } else { __seqera_parse (__seqera_open $__seqera_home $name) }
    $near | default $far | default $none | insert far ($far.gen? | default '')
}

# Whether the person has brought a token of their own for this platform.
def __seqera_own [provider: string] {
    mut own = false
    $own = $own or ($provider == 'SEQERA_HOOK_PROVIDER' and ($env.SEQERA_HOOK_TOKEN? | is-not-empty))
    $own
}

def __seqera_tokens [] {
    mut tokens = ''
    $tokens = $tokens + ($env.SEQERA_HOOK_TOKEN? | default '')
    $tokens
}

def __seqera_label [mark: record, now: int] {
    match $mark.state {
        'fresh' | 'ending' => {
            if $now >= $mark.end { $'($mark.label)!' } else if $now >= $mark.warn { $'($mark.label)~' } else { $mark.label }
        }
        'ended' => $'($mark.label)!'
        _ => ''
    }
}

# What `seqera hook nu --off` leaves to us, since it can only change the environment.
def --env __seqera_leave [] {
    let others = {|list| $list | default [] | where {|it| not (($it | describe) =~ '^record' and $it.__seqera? == true) } }
    let hooks = $env.config.hooks
    $env.config = ($env.config
        | upsert hooks.pre_prompt (do $others $hooks.pre_prompt?)
        | upsert hooks.pre_execution (do $others $hooks.pre_execution?))
}

def --env __seqera_hook [] {
    if $env.__seqera? == null {
        __seqera_leave
        return
    }
    let now = (date now | into int) // 1_000_000_000
    let mark = __seqera_mark
    let known = $env.__seqera
    let tokens = __seqera_tokens
    let said = $'($env.SEQERA_ENV? | default ''):($tokens)'
    if $known.tokens == '-' { $env.__seqera.tokens = $said }
    if ($env.SEQERA_ENV? | is-empty) and (__seqera_own $mark.provider) {
        $env.SEQERA_PROMPT = 'env' # the person's own token
        return
    }
    # What was exported may end sooner than the mark says.
    let ends = try { ($env.SEQERA_TOKEN_EXPIRES_AT? | default '9999999999' | into int) - 60 } catch { 9999999999 }
    let due = if ($env.SEQERA_ENV? | is-empty) { $mark.next } else { [$mark.next $ends] | math min }
    let same = $tokens == '' or $known.tokens in ['-' $said]
    if $mark.gen == $known.seen and $same and ($mark.far in ['' $mark.gen $known.far]) and ($now < $due or $now < $known.retry) {
        $env.SEQERA_PROMPT = (__seqera_label $mark $now)
        return
    }

    # Before it runs: an interrupt, a crash or a missing program then costs no second try at the next prompt.
    $env.__seqera = { seen: $mark.gen far: $mark.far tokens: $said retry: ($now + $known.wait) wait: ([($known.wait * 2) 480] | math min) }
    let again = if $known.wait > 30 { ['--again'] } else { [] }
    let options = [$__seqera_options] | where $it != ''
    let answer = try {
        with-env { SEQERA_PROFILE: ($env.SEQERA_PROFILE? | default '') } {
            null | ^seqera hook-env nu ...$options ...$again | complete
        }
    } catch {
        { exit_code: 127 stdout: '' }
    }
    let reply = try { $answer.stdout | from json } catch { null }
    if ($reply | describe) =~ '^record' {
        if $reply.say != null { print -e $reply.say }
        load-env ($reply.unset | reduce -f {} {|name, all| $all | insert $name null } | merge $reply.set)
    }
    let mark = __seqera_mark
    $env.__seqera.tokens = $'($env.SEQERA_ENV? | default ''):(__seqera_tokens)'
    # A second prompt need not ask again for what the first has changed.
    if $mark.gen == ($env.SEQERA_ENV? | default '' | split row ':' | first) or $mark.gen == '-' or ($env.SEQERA_ENV? | is-empty) { $env.__seqera.seen = $mark.gen }
    if $answer.exit_code == 0 and $mark.gen != '-' { $env.__seqera.wait = 30 }
    let own = ($env.SEQERA_ENV? | is-empty) and (__seqera_own $mark.provider)
    $env.SEQERA_PROMPT = (if $own { 'env' } else { __seqera_label $mark $now })
}

export-env {
    mut run = false
    $run = $run or ($env.SEQERA_HOOK_RUN? | is-not-empty)
    if not $run {
        # What an inherited token was exported for; a nested shell has no need to ask again.
        $env.__seqera = { seen: ($env.SEQERA_ENV? | default '' | split row ':' | first) far: '' tokens: '-' retry: 0 wait: 30 }
        let hook = { __seqera: true code: {|| __seqera_hook } }
        let installed = {|list| $list | default [] | any {|it| ($it | describe) =~ '^record' and $it.__seqera? == true } }
        let hooks = $env.config.hooks? | default {}
        if not (do $installed $hooks.pre_prompt?) {
            $env.config = ($env.config | upsert hooks.pre_prompt ($hooks.pre_prompt? | default [] | append $hook))
        }
        if not (do $installed $hooks.pre_execution?) {
            $env.config = ($env.config | upsert hooks.pre_execution ($hooks.pre_execution? | default [] | append $hook))
        }
    }
}
