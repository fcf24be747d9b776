# Lets the command STRATA write its manual pages and completion scripts into the folder OUT, laid out
# as they are installed.
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/completion/bash-completion/completions
  ${OUT}/completion/zsh/site-functions ${OUT}/completion/fish/vendor_completions.d)
execute_process(COMMAND ${STRATA} __manual ${OUT}/man COMMAND_ERROR_IS_FATAL ANY)
foreach(pair bash=bash-completion/completions/strata zsh=zsh/site-functions/_strata
             fish=fish/vendor_completions.d/strata.fish)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 shell)
  list(GET pair 1 path)
  execute_process(COMMAND ${STRATA} completion ${shell} OUTPUT_FILE ${OUT}/completion/${path}
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(WRITE ${OUT}/stamp "")
