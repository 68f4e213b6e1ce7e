# Completion of seqera for elvish. The program says what a line can go on with: its first line names what the shell
# itself has to offer, the others are candidates.

use str

fn complete-line {|program words|
  var answer = []
  try {
    tmp E:SEQERA_COMPLETE = elvish
    set answer = [((external $program) -- $@words 2>/dev/null </dev/null)]
  } catch error { }
  if (eq $answer []) {
    return
  }
  each {|line|
    var word @about = (str:split "\t" $line)
    var display = (str:join '  ' [$word $@about])
    edit:complex-candidate $word &display=$display
  } $answer[1..]
  var also = $answer[0]
  if (eq $also files) {
    var option value = '' $words[-1]
    if (and (str:has-prefix $value --) (str:contains $value '=')) {
      set option value = (str:split &max=2 '=' $value)
      set option = $option'='
    }
    edit:complete-filename $program $value | each {|file|
      edit:complex-candidate $option$file[stem] &code-suffix=$file[code-suffix] &display=$file[stem]
    }
  } elif (eq $also folders) {
    edit:complete-filename $@words | each {|file|
      if (str:has-suffix $file[stem] /) { put $file }
    }
  } elif (str:has-prefix $also 'command ') {
    edit:complete-sudo sudo (all $words[(str:trim-prefix $also 'command ')..])
  }
}

for program [seqera sekuire] {
  set edit:completion:arg-completer[$program] = {|@words| complete-line $program $words }
}
