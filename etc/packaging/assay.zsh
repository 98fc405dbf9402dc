#compdef assay
# zsh completion for assay(8).
typeset -gA _assay_commands _assay_options _assay_argument
@tables@

_assay()
{
    local at=assay word
    for word in ${words[2,CURRENT-1]}; do
        [[ " ${_assay_commands[$at]} " == *" $word "* ]] && at="$at $word"
    done
    case ${_assay_argument[$at ${words[CURRENT-1]}]} in
    '') ;;
    FILE) _files; return ;;
    DIR) _files -/; return ;;
    *) _message "${(L)_assay_argument[$at ${words[CURRENT-1]}]}"; return ;;
    esac
    if [[ ${words[CURRENT]} == -* ]]; then
        compadd -- ${=_assay_options[$at]}
    elif [[ -n ${_assay_commands[$at]} ]]; then
        compadd -- ${=_assay_commands[$at]}
    else
        _files
    fi
}

_assay "$@"
