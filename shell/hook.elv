# Keeps the exported token of this shell fresh. In ~/.config/elvish/rc.elv:  eval (seqera hook elvish | slurp)
#
# At each prompt and after each line it reads one line, the mark, without a process; `seqera hook-env` runs only
# when the login changed or the token is due. Before this file stand two variables:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: $E:SEQERA_PROMPT. Elvish has no clock, so it counts the seconds itself; while the machine sleeps
# they do not pass, and a token may then be renewed late. When this is printed, SEQERA_HOOK_… become the names of the
# platforms and of their variables.

use re
use str

var __seqera_run = ''
set __seqera_run = $__seqera_run$E:SEQERA_HOOK_RUN
if (==s $__seqera_run '') {
  # What an inherited token was exported for; a nested shell has no need to ask again.
  var seen = (str:split ':' $E:SEQERA_ENV | take 1)
  var far-seen = ''
  var known = '-'
  var clock = (num 0)
  var due = (num 9999999999)
  var wait = (num 30)
  var on = $true
  { while $on { sleep 10; set clock = (+ $clock 10) } } &

  # Ours is known by the name of its argument, also when it was loaded before.
  fn others {|hooks|
    each {|f|
      var ours = $false
      try { set ours = (has-value $f[arg-names] __seqera) } catch e { }
      if (not $ours) { put $f }
    } $hooks
  }

  # Links, pipes and devices are not read. Elvish before 0.20 cannot see the owner, the mode or the size of a file.
  var is-file~ = {|dir file| put $false }
  for text [
    'use path; fn is-file {|dir file| and (path:is-dir $dir) (path:is-regular $file) }'
    'use file; use os; use re
     var probe = (os:temp-file)
     file:close $probe
     var own = (os:stat $probe[name])
     os:remove $probe[name]
     fn is-closed {|found| re:match "[0145][0145]$" (printf "%o" $found[perm]) }
     fn is-small {|found| <= $found[size] 262144 }
     var knows = (and (is-closed $own) (is-small $own))
     fn is-own {|found type| and (==s $found[type] $type) (== $found[sys][uid] $own[sys][uid]) }
     if (not (is-own $own regular)) { fail "not ours" }
     fn is-file {|dir file|
       var folder found = (os:stat $dir) (os:stat $file)
       and (is-own $folder dir) (is-closed $folder) (is-own $found regular) (is-small $found)
     }'
  ] {
    try { eval &on-end={|ns| set is-file~ = $ns[is-file~] } $text } catch e { }
  }

  fn read {|dir name|
    var file = $dir/$name
    if (try { is-file $dir $file } catch e { put $false }) {
      try { put (str:trim-space (slurp < $file)) } catch e { put '' }
    } else {
      put ''
    }
  }

  # The profile of this shell, else of the folder: the nearest one that was bound.
  fn profile {
    var name = $E:SEQERA_PROFILE
    if (==s $name '') {
      var best = -1
      for dir [$__seqera_home $__seqera_dir] {
        for line [(str:split "\n" (read $dir folders))] {
          var words = [(str:split &max=2 ' ' $line)]
          if (and (== (count $words) 2) (str:has-prefix $pwd/ $words[1]/) (>= (count $words[1]) $best)) {
            set best = (count $words[1])
            set name = $words[0]
          }
        }
      }
    }
    put $name
  }

  fn mark-in {|dir name|
    var line = (read $dir $name)
    if (re:match '^1 [A-Za-z0-9_-]+\.\d+( \d{1,10}){6} (fresh|ending|ended|out) [^\pC\s!"#$%&()*+,.:;<=>\[\]\\^`{|}~]+( [a-z]+)?$' $line) {
      put [(str:split ' ' $line) SEQERA_HOOK_FIRST]
    } else {
      put []
    }
  }

  fn hook {|@__seqera|
    for turn [1 2] { # the second time to see what the first has changed
      var name = (profile)
      set name = (if (==s $name '') { put mark } else { put $name.mark })
      var far = ''
      var mark = []
      if (!=s $__seqera_home $__seqera_dir) {
        set mark = (mark-in $__seqera_home $name)
        if (> (count $mark) 0) { set far = $mark[1] }
      }
      var near = (mark-in $__seqera_dir $name)
      if (> (count $near) 0) { set mark = $near }
      if (== (count $mark) 0) { set mark = [1 '-' 0 0 0 0 0 0 none '' SEQERA_HOOK_FIRST] }
      var own = ''
      if (==s $mark[10] SEQERA_HOOK_PROVIDER) { set own = $own$E:SEQERA_HOOK_TOKEN }
      var tokens = ''
      set tokens = $tokens$E:SEQERA_HOOK_TOKEN
      if (==s $known '-') { set known = $E:SEQERA_ENV':'$tokens }
      if (and (==s $E:SEQERA_ENV '') (!=s $own '')) {
        set-env SEQERA_PROMPT env # the person's own token
        return
      }
      var label = ''
      if (has-value [fresh ending ended] $mark[8]) {
        set label = $mark[9](put [&fresh='' &ending='~' &ended='!'][$mark[8]])
      }
      set-env SEQERA_PROMPT $label
      if (and (== $turn 2) (has-value ['' $mark[1]] (str:split ':' $E:SEQERA_ENV | take 1))) {
        set seen = $mark[1] # that is what the program has just seen to
      }
      var same = (or (==s $tokens '') (==s $E:SEQERA_ENV':'$tokens $known))
      if (and (==s $mark[1] $seen) (has-value ['' $mark[1] $far-seen] $far) $same (< $clock $due)) {
        return
      }

      # Before it runs: a crash or a missing program then costs no second try at the next prompt.
      var options = [(if (!=s $__seqera_options '') { put $__seqera_options }) (if (> $wait 30) { put --again })]
      set seen = $mark[1]
      set far-seen = $far
      set due = (+ $clock $wait)
      set wait = (if (< $wait 480) { * $wait 2 } else { num 480 })
      var output = ''
      try {
        set output = (e:seqera hook-env elvish $@options < /dev/null 2> /dev/null | slurp)
        set wait = (num 30)
        set due = (num 9999999999)
      } catch e { }
      if (!=s $output '') {
        var reply = (echo $output | from-json)
        for name $reply[unset] { unset-env $name }
        for name [(keys $reply[set])] { set-env $name $reply[set][$name] }
        if $reply[say] { echo $reply[say] >&2 }
        if $reply[next_in] { set due = (+ $clock $reply[next_in]) }
      }
      set known = '-'
    }
  }

  set edit:before-readline = [(others $edit:before-readline) $hook~]
  set edit:after-readline = [(others $edit:after-readline) $hook~]

  edit:add-var __seqera_off~ {
    set on = $false
    set edit:before-readline = [(others $edit:before-readline)]
    set edit:after-readline = [(others $edit:after-readline)]
    unset-env SEQERA_PROMPT
    edit:del-var __seqera_off~
  }
}
