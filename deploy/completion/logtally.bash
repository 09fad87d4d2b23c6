# SPDX-License-Identifier: Apache-2.0
# bash completion for logtally. Commands and options are those that the
# program itself tells by --help, so that they are always its own.

_logtally_commands()
{
    "$1" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\{2,\}\) .*/\1/p'
}

# Of one command.
_logtally_options()
{
    "$1" "$2" --help | sed -n 's/^  \(-[A-Za-z], \|    \)\(--[a-z-]*\).*/\2/p'
}

# keys init, keys new, ...: what the usage shows behind the command.
_logtally_subcommands()
{
    "$1" "$2" --help |
        sed -n "s/^\(usage: \|       \)logtally $2 \[\{0,1\}\([a-z]\{2,\}\).*/\2/p"
}

_logtally_formats()
{
    "$1" formats | sed -n '2,$s/ .*//p'
    printf 'auto\n'
}

_logtally_fields='ip ident user time request method url path query proto status
bytes referer ua vhost port dur host file line'
_logtally_words='count sum( avg( min( max( distinct( p50( p90( p95( p99( hist(
first( last( top bottom where let'

# Names behind the last comma of a list.
_logtally_list()
{
    local before="${cur%"${cur##*,}"}"
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
    compopt -o nospace 2>/dev/null
}

# What stands behind "$prev"; false: it takes nothing that is known.
_logtally_value()
{
    case "$prev" in
        -f | --format)
            COMPREPLY=($(compgen -W "$(_logtally_formats "$program")" -- "$cur")) ;;
        -o | --output)
            local kinds='table tsv csv json jsonl md html'
            [ "$command" != doctor ] || kinds='text json'
            COMPREPLY=($(compgen -W "$kinds" -- "$cur")) ;;
        --progress)
            COMPREPLY=($(compgen -W 'auto bar json none' -- "$cur")) ;;
        -r | --role)
            COMPREPLY=($(compgen -W 'worker client admin' -- "$cur")) ;;
        -b | --by | -w | --where)
            _logtally_list "$_logtally_fields" ;;
        --tz)
            COMPREPLY=($(compgen -W 'local UTC' -- "$cur")) ;;
        --since | --until)
            COMPREPLY=($(compgen -W 'today yesterday now' -- "$cur")) ;;
        --coordinator)
            COMPREPLY=() ;;
        --keys)
            COMPREPLY=($(compgen -d -- "$cur")) ;;
        *)
            return 1 ;;
    esac
}

# How many words before this one are neither options nor their values; 1 more
# where an option stands for the query.
_logtally_operands()
{
    local i n=0 takes
    takes=" $("$program" "$command" --help | sed -n \
        -e 's/^  \(-[A-Za-z]\), \(--[a-z-]*\) [A-Z].*/\1 \2/p' \
        -e 's/^      \(--[a-z-]*\) [A-Z].*/\1/p' | tr '\n' ' ')"
    for ((i = 2; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            -q | --queries | -w | --where | -b | --by) n=$((n + 1)) ;;
        esac
        if [[ ${COMP_WORDS[i]} == --* && ${COMP_WORDS[i + 1]-} == = ]]; then
            i=$((i + 2))
        elif [[ $takes == *" ${COMP_WORDS[i]} "* ]]; then
            i=$((i + 1))
        elif [ "${COMP_WORDS[i]#-}" = "${COMP_WORDS[i]}" ]; then
            n=$((n + 1))
        fi
    done
    echo "$n"
}

# Of --option=value, which bash takes for three words.
_logtally_joined()
{
    if [[ $cur == = && $prev == --* ]]; then
        cur=""
    elif [[ $prev == = && $COMP_CWORD -ge 3 &&
        ${COMP_WORDS[COMP_CWORD - 2]} == --* ]]; then
        prev="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
}

_logtally()
{
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}"
    local program="${COMP_WORDS[0]}" command="${COMP_WORDS[1]-}"

    COMPREPLY=()
    _logtally_joined
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$(_logtally_commands "$program") --help
            --version" -- "$cur"))
        return
    fi
    _logtally_value && return
    if [ "${cur#-}" != "$cur" ]; then
        COMPREPLY=($(compgen -W "$(_logtally_options "$program" "$command")" \
            -- "$cur"))
        return
    fi
    if [ "$(_logtally_operands)" -eq 0 ]; then
        case "$command" in
            keys | formats | audit)
                COMPREPLY=($(compgen -W "$(_logtally_subcommands "$program" \
                    "$command")" -- "$cur")) ;;
            doctor)
                COMPREPLY=($(compgen -W 'coordinator worker client' \
                    -- "$cur")) ;;
            run | submit | plan)
                COMPREPLY=($(compgen -W "$_logtally_fields $_logtally_words" \
                    -- "$cur"))
                compopt -o nospace 2>/dev/null ;;
        esac
    fi
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null
}

complete -F _logtally logtally
