# Keeps the exported token of this shell fresh. In $PROFILE:
#   Invoke-Expression (& seqera hook powershell | Out-String)
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand two variables:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: $env:SEQERA_PROMPT.

function global:__seqera_mark {
    $name = if ($env:SEQERA_PROFILE) { "$env:SEQERA_PROFILE.mark" } else { 'mark' }
    $line = ''
    try { $line = [IO.File]::ReadAllText([IO.Path]::Combine($global:__seqera_dir, $name)).Trim() } catch { $line = '' }
    if ($line -cmatch '^1 (\S+) (\d{1,10}) (\d{1,10}) (\d{1,10})( \d{1,10}){3} ([a-z]+) ([A-Za-z0-9_/@?-]+)( [a-z]+)?$') {
        return @{ Gen = $Matches[1]; Next = [long]$Matches[2]; Warn = [long]$Matches[3]; End = [long]$Matches[4]; State = $Matches[6]; Label = $Matches[7]; Provider = if ($Matches[8]) { $Matches[8].Trim() } else { 'SEQERA_HOOK_FIRST' } }
    }
    return @{ Gen = ''; Next = 9999999999; Warn = 9999999999; End = 9999999999; State = 'out'; Label = ''; Provider = 'SEQERA_HOOK_FIRST' }
}

# Whether the person has brought a token of their own for this platform.
function global:__seqera_own($provider) {
    if ($env:SEQERA_ENV) { return $false }
    if ($provider -ceq 'SEQERA_HOOK_PROVIDER' -and $env:SEQERA_HOOK_TOKEN) { return $true }
    return $false
}

function global:__seqera_hook {
    $now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    $mark = __seqera_mark
    if (__seqera_own $mark.Provider) {
        $env:SEQERA_PROMPT = 'env'
        return
    }
    if ($mark.Gen -cne $global:__seqera_seen -or ($now -ge $mark.Next -and $now -ge $global:__seqera_retry)) {
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        $options = @($global:__seqera_options) -ne ''
        if ($global:__seqera_wait -gt 30) { $options += '--again' }
        $global:__seqera_seen = $mark.Gen
        $global:__seqera_retry = $now + $global:__seqera_wait
        $global:__seqera_wait = [Math]::Min($global:__seqera_wait * 2, 480)
        $exit = Get-Variable -Name LASTEXITCODE -Scope Global -ValueOnly -ErrorAction Ignore
        try {
            $program = Get-Command -Name seqera -CommandType Application -TotalCount 1 -ErrorAction Stop
            $out = $null | & $program hook-env powershell @options 2>$null | Out-String
            if ($global:LASTEXITCODE -eq 0) { $global:__seqera_wait = 30 }
            if ($out.Trim()) { Invoke-Expression $out }
        } catch {
            $out = ''
        }
        $global:LASTEXITCODE = $exit
        $mark = __seqera_mark
        if (__seqera_own $mark.Provider) {
            $env:SEQERA_PROMPT = 'env'
            return
        }
    }
    $sign = ''
    if ($mark.State -ceq 'ended' -or $now -ge $mark.End) { $sign = '!' } elseif ($now -ge $mark.Warn) { $sign = '~' }
    $env:SEQERA_PROMPT = if (@('fresh', 'ending', 'ended') -ccontains $mark.State) { $mark.Label + $sign } else { $null }
}

function global:__seqera_off {
    if (Test-Path Variable:global:__seqera_prompt) { Set-Item -Path Function:global:prompt -Value $global:__seqera_prompt }
    if (Test-Path Variable:global:__seqera_readline) { Set-Item -Path Function:global:PSConsoleHostReadLine -Value $global:__seqera_readline }
    Remove-Item -Path @('Function:__seqera_hook', 'Function:__seqera_mark', 'Function:__seqera_own', 'Function:__seqera_off') -ErrorAction Ignore
    Remove-Variable -Scope Global -Name '__seqera_*' -ErrorAction Ignore
    Remove-Item -LiteralPath 'Env:/SEQERA_PROMPT' -ErrorAction Ignore
}

$global:__seqera_run = $false
if ($env:SEQERA_HOOK_RUN) { $global:__seqera_run = $true }
if ([Environment]::UserInteractive -and -not $global:__seqera_run -and -not (Test-Path Variable:global:__seqera_prompt)) {
    # What an inherited token was exported for; a nested shell has no need to ask again.
    $global:__seqera_seen = "$env:SEQERA_ENV".Split(':')[0]
    $global:__seqera_retry = 0
    $global:__seqera_wait = 30

    $global:__seqera_prompt = $function:prompt
    function global:prompt {
        $ok = $global:?
        __seqera_hook
        # The person's prompt sees the status of their last command.
        if (-not $ok) { Write-Error '' -ErrorAction Ignore }
        & $global:__seqera_prompt
    }

    if (Test-Path Function:PSConsoleHostReadLine) {
        $global:__seqera_readline = $function:PSConsoleHostReadLine
        function global:PSConsoleHostReadLine {
            $line = & $global:__seqera_readline
            __seqera_hook
            $line
        }
    }
}
