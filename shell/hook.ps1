# Keeps the exported token of this shell fresh. In $PROFILE:
#   Invoke-Expression (& seqera hook powershell | Out-String)
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand variables:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt: $env:SEQERA_PROMPT. When this is printed, SEQERA_HOOK_... become the names of the platforms and of their
# variables. What the program answers is JSON and is kept in no variable: Set-PSDebug shows both.

# Whether a file or folder is the person's own and others may not write it. Only on Unix, and only from PowerShell
# 7.1, items have a mode and an owner; the mode also tells a pipe from a file.
function global:__seqera_closed($item, $mode) {
    if ($null -eq $item.PSObject.Properties['UnixMode']) { return $true }
    if ($item.UnixMode -cnotmatch $mode) { return $false }
    return -not $item.User -or -not [Environment]::UserName -or $item.User -ceq [Environment]::UserName
}

# A small file in a folder; a link, a pipe or a device is not there.
function global:__seqera_read($folder, $name) {
    try {
        $place = Get-Item -LiteralPath $folder -Force -ErrorAction Stop
        $item = Get-Item -LiteralPath ([IO.Path]::Combine($folder, $name)) -Force -ErrorAction Stop
        $isFile = $item -is [IO.FileInfo] -and -not $item.LinkType -and -not $place.LinkType -and
            $item.Length -gt 0 -and $item.Length -le 65536
        if ($isFile -and (__seqera_closed $place '^d.{4}-.{2}-') -and (__seqera_closed $item '^-.{4}-.{2}-')) {
            return [IO.File]::ReadAllText($item.FullName).Trim()
        }
    } catch {
        return ''
    }
    return ''
}

# The profile of this shell, else of the folder: the nearest one that was bound.
function global:__seqera_profile {
    if ($env:SEQERA_PROFILE) { return $env:SEQERA_PROFILE }
    $here = "$($PWD.ProviderPath)/"
    $best = -1
    $found = ''
    foreach ($folder in @($global:__seqera_home, $global:__seqera_dir)) {
        foreach ($line in (__seqera_read $folder 'folders') -split "`n") {
            $name, $path = $line -split ' ', 2
            if ($null -ne $path -and $here.StartsWith("$path/", [StringComparison]::Ordinal) -and $path.Length -ge $best) {
                $best = $path.Length
                $found = $name
            }
        }
    }
    return $found
}

# This machine's mark, else the home's, and in Far what the home says.
function global:__seqera_mark {
    $name = __seqera_profile
    $name = if ($name) { "$name.mark" } else { 'mark' }
    $mark = @{ Gen = '-'; Next = 0; Warn = 9999999999; End = 9999999999; State = 'none'; Label = ''; Provider = 'SEQERA_HOOK_FIRST'; Far = '' }
    foreach ($folder in @($global:__seqera_home, $global:__seqera_dir)) {
        $line = __seqera_read $folder $name
        if ($line -cmatch '^1 ([A-Za-z0-9_-]+\.[0-9]+) ([0-9]{1,10}) ([0-9]{1,10}) ([0-9]{1,10})( [0-9]{1,10}){3} (fresh|ending|ended|out) ([^\p{C}\s!"#$%&()*+,.:;<=>\[\]\\^`{|}~]+)( [a-z]+)?$') {
            $far = if ($folder -ceq $global:__seqera_home) { $Matches[1] } else { $mark.Far }
            $provider = if ($Matches[8]) { $Matches[8].Trim() } else { 'SEQERA_HOOK_FIRST' }
            $mark = @{ Gen = $Matches[1]; Next = [long]$Matches[2]; Warn = [long]$Matches[3]; End = [long]$Matches[4]; State = $Matches[6]; Label = $Matches[7]; Provider = $provider; Far = $far }
        }
    }
    return $mark
}

# What is exported as a token now, with what it was exported for; nothing where there is none.
function global:__seqera_exported {
    $tokens = ''
    $tokens += $env:SEQERA_HOOK_TOKEN
    if ($tokens) { return "$env:SEQERA_ENV`:$tokens" }
    return ''
}

# Whether the person has brought a token of their own for this platform.
function global:__seqera_own($provider) {
    if ($env:SEQERA_ENV) { return $false }
    if ($provider -ceq 'SEQERA_HOOK_PROVIDER' -and $env:SEQERA_HOOK_TOKEN) { return $true }
    return $false
}

function global:__seqera_hook {
    $now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    foreach ($turn in 1, 2) { # the second time to see what the first has changed
        $mark = __seqera_mark
        if (__seqera_own $mark.Provider) {
            $env:SEQERA_PROMPT = 'env'
            return
        }
        if ($turn -eq 2 -and @('', $mark.Gen) -ccontains "$env:SEQERA_ENV".Split(':')[0]) {
            $global:__seqera_seen = $mark.Gen # that is what the program has just seen to
        }
        if ($global:__seqera_known -ceq '-') { $global:__seqera_known = __seqera_exported }
        $due = $mark.Next
        # What was exported may end sooner than the mark says.
        if ($env:SEQERA_ENV -and $env:SEQERA_TOKEN_EXPIRES_AT -match '^[0-9]{10}$') {
            $due = [Math]::Min($due, [long]$env:SEQERA_TOKEN_EXPIRES_AT - 60)
        }
        $same = @('', $global:__seqera_known) -ccontains (__seqera_exported)
        $near = @('', $mark.Gen, $global:__seqera_far) -ccontains $mark.Far
        if ($mark.Gen -ceq $global:__seqera_seen -and $same -and $near -and ($now -lt $due -or $now -lt $global:__seqera_retry)) { break }
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        $options = @($global:__seqera_options) -ne ''
        if ($global:__seqera_wait -gt 30) { $options += '--again' }
        $global:__seqera_seen = $mark.Gen
        $global:__seqera_far = $mark.Far
        $global:__seqera_retry = $now + $global:__seqera_wait
        $global:__seqera_wait = [Math]::Min($global:__seqera_wait * 2, 480)
        $exit = Get-Variable -Name LASTEXITCODE -Scope Global -ValueOnly -ErrorAction Ignore
        try {
            $program = Get-Command -Name seqera -CommandType Application -TotalCount 1 -ErrorAction Stop
            $null | & $program hook-env powershell @options 2>$null | Out-String | ConvertFrom-Json | ForEach-Object {
                $_.unset | Where-Object { $_ } | ForEach-Object { Remove-Item -LiteralPath "Env:/$_" -ErrorAction Ignore }
                $_.set.PSObject.Properties | ForEach-Object { Set-Item -LiteralPath "Env:/$($_.Name)" -Value $_.Value }
                if ($_.say) { [Console]::Error.WriteLine($_.say) }
            }
            if ($global:LASTEXITCODE -eq 0 -and $mark.Gen -cne '-') { $global:__seqera_wait = 30 }
        } catch {
            $program = ''
        }
        $global:LASTEXITCODE = $exit
        $global:__seqera_known = '-'
    }
    $sign = ''
    if ($mark.State -ceq 'ended' -or $now -ge $mark.End) { $sign = '!' } elseif ($now -ge $mark.Warn) { $sign = '~' }
    $env:SEQERA_PROMPT = if (@('fresh', 'ending', 'ended') -ccontains $mark.State) { $mark.Label + $sign } else { $null }
}

function global:__seqera_off {
    if (Test-Path Variable:global:__seqera_prompt) { Set-Item -Path Function:global:prompt -Value $global:__seqera_prompt }
    if (Test-Path Variable:global:__seqera_readline) { Set-Item -Path Function:global:PSConsoleHostReadLine -Value $global:__seqera_readline }
    Remove-Item -Path @('Function:__seqera_hook', 'Function:__seqera_mark', 'Function:__seqera_own', 'Function:__seqera_read', 'Function:__seqera_closed', 'Function:__seqera_profile', 'Function:__seqera_exported', 'Function:__seqera_off') -ErrorAction Ignore
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
    $global:__seqera_far = ''
    $global:__seqera_known = '-'

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
