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
