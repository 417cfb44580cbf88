# Where the environments are and how one comes about. Read by bin/autopsy, scripts/ and .ci/run:
#     root=/path/to/the/plugin; . "$root/scripts/environment.sh"; set_up requirements.lock
# leaves the path of a complete environment in $environment. When it is there already, this costs
# two small processes (cksum and uname) and one look at the disk; no Python is started.

# shellcheck shell=sh
# shellcheck disable=SC2154 # root is set by whoever reads this

# Ends with one sentence that says what is wrong and what to do.
refuse() {
    printf 'agent-reliability: %s\n' "$1" >&2
    exit 2
}

# Sets $environment for the lock file $1, and makes that environment if it is not there.
set_up() {
    find_environment "$1"
    # The environment gets its name when it is complete, so one look is enough; and -x follows the
    # link to the interpreter, so an environment whose Python was uninstalled is made anew.
    [ -x "$environment/bin/python" ] || make_environment "$1"
}

find_environment() {
    [ -r "$root/$1" ] || refuse "$root/$1 is missing. Install the plugin again."
    find_cache
    find_version
    asked=python3
    if [ -n "${AUTOPSY_PYTHON:-}" ]; then
        asked=$(printf %s "$AUTOPSY_PYTHON" | cksum)
        asked=${asked%% *}
    fi
    # A home folder may be shared by machines of different kinds, hence the system and processor.
    # shellcheck disable=SC2046 # the words are to be split
    set -- $(cksum <"$root/$1") $(uname -sm)
    environment=$cache/$version-$1-$asked-$3-$4
}

find_cache() {
    case ${XDG_CACHE_HOME:-} in
    /*) cache=$XDG_CACHE_HOME/agent-reliability ;;
    *) cache=${HOME:+$HOME/.cache/agent-reliability} ;;
    esac
    cache=${AUTOPSY_CACHE:-$cache}
    case $cache in
    /*) ;;
    '') refuse "HOME is not set, so there is no folder to set up in. Set HOME, or name a folder \
with AUTOPSY_CACHE=/path/to/a/folder." ;;
    *) cache=$PWD/$cache ;;
    esac
}

find_version() {
    while read -r key _ version; do
        [ "$key" != version ] || break
    done <"$root/pyproject.toml"
    version=${version#\"}
    version=${version%\"}
}

make_environment() {
    find_python
    # On Ctrl-C the set-up tidies up first; without a trap some shells would not wait for it.
    trap 'exit 130' INT
    # -B: nothing is written beside the script, which may be in a folder that must not change.
    "$python" -I -B "$root/scripts/bootstrap.py" "$environment" "$root/$1" || exit $?
    trap - INT
}

# Sets $python to AUTOPSY_PYTHON, or to the first that is new enough, or else to one that is not:
# bootstrap.py says what is wrong with it.
find_python() {
    if [ -n "${AUTOPSY_PYTHON:-}" ]; then
        python=$AUTOPSY_PYTHON
        starts "$python" || refuse "AUTOPSY_PYTHON is $python, which does not start as Python 3. \
Name a Python 3.11 or newer with it, or unset it to use the one on the PATH."
        return
    fi
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        ! is_new_enough "$python" || return 0
    done
    # uv may have a Python that is not on the PATH.
    ! command -v uv >/dev/null || python=$(uv python find '>=3.11' 2>/dev/null) || :
    ! is_new_enough "$python" || return 0
    python=python3
    starts "$python" || refuse "no Python is on the PATH. Install Python 3.11 or newer, or name one \
with AUTOPSY_PYTHON=/path/to/python3."
}

starts() {
    [ -n "$(version_check "$1")" ]
}

is_new_enough() {
    [ "$(version_check "$1")" = True ]
}

# Whether Python $1 is new enough: True or False; nothing if it is no Python 3.
version_check() {
    "$1" -I -c 'import sys; print(sys.version_info >= (3, 11))' </dev/null 2>/dev/null || :
}
