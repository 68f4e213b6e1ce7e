complete --keep-order --exclusive --command seqera --arguments "(SEQERA_COMPLETE=fish seqera -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
