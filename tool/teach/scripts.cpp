// The shells' part of completion. See completion.hpp.
#include <stdexcept>

#include "teach/completion.hpp"

namespace strata::tool {
namespace {

// Bash breaks words at "=", which are put together again here, and wants only what follows it.
constexpr const char bash[] = R"sh(# Completion of strata in bash: source it, or install it as
# share/bash-completion/completions/strata.
_strata() {
  local words=() i word line directive= current trimmed
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == =* || (${COMP_WORDS[i-1]} == '=' && -n $word) ]]; then
      words[${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
  done
  current=${words[${#words[@]}-1]}
  trimmed=
  [[ $current == *=* ]] && trimmed=${current%%"${current##*=}"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) directive=$line ;;
      *) line=${line%%$'\t'*}; COMPREPLY+=("${line#"$trimmed"}") ;;
    esac
  done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
  case $directive in
    :files) compopt -o filenames -o default
      while IFS= read -r line; do COMPREPLY+=("$line"); done \
        < <(compgen -f -- "${current#"$trimmed"}") ;;
    :commands) compopt -o filenames
      while IFS= read -r line; do COMPREPLY+=("$line"); done \
        < <(compgen -c -- "$current"; compgen -f -- "$current") ;;
    :after*)
      if declare -F _command_offset >/dev/null; then
        _command_offset $((COMP_CWORD - ${#words[@]} + 1 + ${directive#:after }))
      else
        compopt -o default -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
      fi ;;
  esac
}
complete -F _strata strata
)sh";

constexpr const char zsh[] = R"sh(#compdef strata
# Completion of strata in zsh: install it as _strata in a folder of $fpath, or source it after compinit.
_strata() {
  local line text meaning directive
  local -a shown open
  for line in "${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :*) directive=$line ;;
      *)
        text=${line%%$'\t'*} meaning=${line#*$'\t'}
        if [[ $text == *= ]]; then
          open+=("${text//:/\\:}:$meaning")
        else
          shown+=("${text//:/\\:}:$meaning")
        fi ;;
    esac
  done
  (( $#shown )) && _describe strata shown
  (( $#open )) && _describe strata open -S ''
  case $directive in
    :files) _files ;;
    :commands) _command_names -e; _files ;;
    :after*)
      local skip=${directive#:after }
      shift $skip words
      (( CURRENT -= skip ))
      _normal ;;
  esac
}
if [[ $funcstack[1] == _strata ]]; then _strata "$@"; else compdef _strata strata; fi
)sh";

constexpr const char fish[] = R"sh(# Completion of strata in fish: install it as
# share/fish/vendor_completions.d/strata.fish, or source it.
function __strata_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l directive
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':*'
                set directive $line
            case '*'
                echo $line
        end
    end
    switch $directive
        case ':files'
            __fish_complete_path $current
        case ':commands'
            __fish_complete_command
        case ':after *'
            set -l first (math (string replace ':after ' '' $directive) + 1)
            set -l rest $words[$first..-1]
            complete -C (string join ' ' -- (string escape -- $rest) $current)
    end
end
complete -c strata -f -a '(__strata_complete)'
)sh";

}  // namespace

std::string completion_script(const std::string& shell) {
  if (shell == "bash") return bash;
  if (shell == "zsh") return zsh;
  if (shell == "fish") return fish;
  throw std::runtime_error("no completion for the shell " + shell);
}

}  // namespace strata::tool
