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

_logtally_value()
{
    case "$prev" in
        -f | --format)
            COMPREPLY=($(compgen -W "$(_logtally_formats "$program")" -- "$cur")) ;;
        -o | --output)
            COMPREPLY=($(compgen -W 'table tsv csv json jsonl md html' -- "$cur")) ;;
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

_logtally()
{
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}"
    local program="${COMP_WORDS[0]}" command="${COMP_WORDS[1]-}"

    COMPREPLY=()
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
    if [ "$COMP_CWORD" -eq 2 ]; then
        case "$command" in
            keys | formats | audit)
                COMPREPLY=($(compgen -W "$(_logtally_subcommands "$program" \
                    "$command")" -- "$cur")) ;;
            run | submit | plan)
                COMPREPLY=($(compgen -W "$_logtally_fields $_logtally_words" \
                    -- "$cur"))
                compopt -o nospace 2>/dev/null ;;
        esac
    fi
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null
}

complete -F _logtally logtally
