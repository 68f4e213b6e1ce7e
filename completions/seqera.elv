
set edit:completion:arg-completer[seqera] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) SEQERA_COMPLETE="elvish" seqera -- $@words) | to-lines
}
