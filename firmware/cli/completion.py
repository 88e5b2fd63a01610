"""Shell completion, generated from the same commands the parser is built of."""

from firmware.cli.parser import COMMON, Command, commands

_BASH = """\
# Completion of branchline; load it with: source <(branchline completion {dialect})
{start}_branchline() {{
    local word i path="" skip="" state="" words=""
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    for ((i = 1; i < COMP_CWORD; i++)); do
        word="${{COMP_WORDS[i]}}"
        if [[ -n $skip ]]; then [[ $skip == state ]] && state="$word"; skip=""; continue; fi
        case "$word" in
            --state) skip=state ;;
            {valued}) skip=value ;;
            -*) ;;
            *) case "${{path:+$path }}$word" in {paths}) path="${{path:+$path }}$word" ;; esac ;;
        esac
    done
    COMPREPLY=()
    case "$previous" in
        --state) COMPREPLY=($(compgen -d -- "$current")); return ;;
        {valued}) return ;;
    esac
    case "$path" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _branchline branchline
"""
_ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"


def script(shell: str) -> str:
    """Return the completion script for bash or zsh (zsh runs the same function through its bashcompinit)."""
    every = commands()
    groups: dict[str, list[str]] = {"": []}
    for command in every:
        for depth, word in enumerate(command.words):
            words = groups.setdefault(" ".join(command.words[:depth]), [])
            if word not in words:
                words.append(word)
    options = {option for command in every for option in command.options}
    valued = sorted(option.flag for option in options if option.takes_value and option.flag.startswith("-"))
    common = " ".join(option.flag for option in COMMON)
    cases = [f'        "{path}") words="{" ".join(words)} {common}" ;;' for path, words in groups.items()]
    cases += [_case(command, common) for command in every]
    return _BASH.format(
        dialect=shell,
        start=_ZSH if shell == "zsh" else "",
        valued="|".join(valued),
        paths="|".join(f'"{path}"' for path in [*groups, *(" ".join(one.words) for one in every)] if path),
        cases="\n".join(cases),
    )


def _case(command: Command, common: str) -> str:
    path = " ".join(command.words)
    flags = " ".join(option.flag for option in command.options if option.flag)
    case = f'        "{path}") words="{flags} {common}"'
    for option in command.options:
        if option.choices in ("numbers", "calls", "trunks"):
            ask = f'branchline ${{state:+--state "$state"}} complete {option.choices} 2>/dev/null'
            case += f'; words+=" $({ask})"'
        if option.choices == "files":
            case += '; [[ $current != -* ]] && { COMPREPLY=($(compgen -f -- "$current")); return; }'
    return case + " ;;"
