# Keeps the exported token of this shell fresh. Once, and after each upgrade:
#   mkdir $nu.user-autoload-dirs.0
#   seqera hook nu | save -f ($nu.user-autoload-dirs.0 | path join seqera.nu)
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand two constants:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: $env.SEQERA_PROMPT. What is unset is null: Nushell gives no null to a program.

def __seqera_mark [] {
    let profile = $env.SEQERA_PROFILE? | default ''
    let file = $__seqera_dir | path join (if $profile == '' { 'mark' } else { $'($profile).mark' })
    let line = try { open --raw $file | decode utf-8 | str trim } catch { '' }
    if $line =~ '^1 \S+( \d{1,10}){6} [a-z]+ [A-Za-z0-9_/@?-]+( [a-z]+)?$' {
        let m = $line | split row ' '
        { gen: $m.1 next: ($m.2 | into int) warn: ($m.3 | into int) end: ($m.4 | into int) state: $m.8 label: $m.9 provider: ($m.10? | default 'SEQERA_HOOK_FIRST') }
    } else {
        { gen: '' next: 9999999999 warn: 9999999999 end: 9999999999 state: out label: '' provider: 'SEQERA_HOOK_FIRST' }
    }
}

# Whether the person has brought a token of their own for this platform.
def __seqera_own [provider: string] {
    mut own = false
    $own = $own or ($provider == 'SEQERA_HOOK_PROVIDER' and ($env.SEQERA_HOOK_TOKEN? | is-not-empty))
    $own
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
    if ($env.SEQERA_ENV? | is-empty) and (__seqera_own $mark.provider) {
        $env.SEQERA_PROMPT = 'env' # the person's own token
        return
    }
    let known = $env.__seqera
    if $mark.gen == $known.seen and ($now < $mark.next or $now < $known.retry) {
        $env.SEQERA_PROMPT = (__seqera_label $mark $now)
        return
    }

    # Before it runs: an interrupt, a crash or a missing program then costs no second try at the next prompt.
    $env.__seqera = { seen: $mark.gen retry: ($now + $known.wait) wait: ([($known.wait * 2) 480] | math min) }
    let again = if $known.wait > 30 { ['--again'] } else { [] }
    let options = [$__seqera_options] | where $it != ''
    let answer = try {
        with-env { SEQERA_PROFILE: ($env.SEQERA_PROFILE? | default '') } {
            null | ^seqera hook-env nu ...$options ...$again | complete
        }
    } catch {
        { exit_code: 127 stdout: '' }
    }
    if $answer.exit_code == 0 { $env.__seqera.wait = 30 }
    let reply = try { $answer.stdout | from json } catch { null }
    if ($reply | describe) =~ '^record' {
        if $reply.say != null { print -e $reply.say }
        load-env ($reply.unset | reduce -f {} {|name, all| $all | insert $name null } | merge $reply.set)
    }
    let mark = __seqera_mark
    let own = ($env.SEQERA_ENV? | is-empty) and (__seqera_own $mark.provider)
    $env.SEQERA_PROMPT = (if $own { 'env' } else { __seqera_label $mark $now })
}

export-env {
    mut run = false
    $run = $run or ($env.SEQERA_HOOK_RUN? | is-not-empty)
    if not $run {
        # What an inherited token was exported for; a nested shell has no need to ask again.
        $env.__seqera = { seen: ($env.SEQERA_ENV? | default '' | split row ':' | first) retry: 0 wait: 30 }
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
