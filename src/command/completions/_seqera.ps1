# Completion of seqera for PowerShell. The program says what a line can go on with: its first line names what the
# shell itself has to offer, the others are candidates.

Register-ArgumentCompleter -Native -CommandName @('seqera sekuire' -split ' ') -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words before the cursor as they are typed; what is written as a text is its text.
    $words = @(
        foreach ($element in $commandAst.CommandElements) {
            if ($element.Extent.EndOffset -ge $cursorPosition) { break }
            if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
            else { $element.Extent.Text }
        }
    )
    $program = [System.IO.Path]::GetFileNameWithoutExtension("$($words[0])")
    if ($program -notin ('seqera sekuire' -split ' ')) { $program = 'seqera' }
    $command = Get-Command -Name $program -CommandType Application -TotalCount 1 -ErrorAction Ignore
    if ($null -eq $command) { return }
    $before = $env:SEQERA_COMPLETE
    $env:SEQERA_COMPLETE = 'powershell'
    try {
        # PowerShell before 7.3 hands no empty word to a program: something stands before the last one.
        $answer = @(& $command -- @words "=$wordToComplete" 2>$null)
    } finally {
        if ($null -eq $before) { Remove-Item -LiteralPath Env:/SEQERA_COMPLETE -ErrorAction Ignore }
        else { $env:SEQERA_COMPLETE = $before }
    }
    if ($answer.Count -eq 0) { return }
    # Where nothing is returned, PowerShell itself completes names of files.
    if ("$($answer[0])" -match '^command (\d+)$') {
        $first = $commandAst.CommandElements[[int]$Matches[1]]
        $start = if ($null -eq $first) { $cursorPosition } else { $first.Extent.StartOffset }
        $whole = $commandAst.Extent.StartScriptPosition.GetFullScript()
        $line = $whole.Substring($start, [math]::Max(0, $cursorPosition - $start))
        $completed = [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null)
        return $completed.CompletionMatches
    }
    foreach ($line in ($answer | Select-Object -Skip 1)) {
        $word, $about = "$line".Split("`t", 2)
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
