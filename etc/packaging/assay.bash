# bash completion for assay(8).
declare -gA _assay_commands=() _assay_options=() _assay_argument=()
@tables@

_assay()
{
    local cur=${COMP_WORDS[COMP_CWORD]} path=assay i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ " ${_assay_commands[$path]-} " == *" ${COMP_WORDS[i]} "* ]] && path="$path ${COMP_WORDS[i]}"
    done
    local commands=${_assay_commands[$path]-} options=${_assay_options[$path]-}
    case ${_assay_argument["$path ${COMP_WORDS[COMP_CWORD-1]}"]-} in
    '') ;;
    FILE) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    *) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [[ -n $commands ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
} && complete -o filenames -F _assay assay
