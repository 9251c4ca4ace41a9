#!/bin/sh
# Sees to system packages: tools/apt.sh [--optional] chromium|portaudio|pulseaudio|fonts|venv|haproxy|nginx …
#
# What is there already, from wherever, is left alone. As root the rest is installed; without root the one line to run is
# printed, and that is a failure unless --optional. What is needed for:
#   chromium, pulseaudio, fonts   the end-to-end tests (a real browser, a microphone made of software, Chinese screenshots)
#   portaudio                     the kernel microphone
#   venv                          Debian's Python, which comes without it
#   haproxy, nginx                the tests of deploy/, before servers on this machine
set -eu
optional=
if [ "${1:-}" = --optional ]; then
    optional=1
    shift
fi

has_library() {
    for folder in /usr/lib /usr/lib/* /usr/local/lib /lib /lib/*; do
        [ -e "$folder/$1" ] && return 0
    done
    return 1
}

missing=
want() { missing="$missing $*"; }
for name in "$@"; do
    case $name in
    chromium) command -v chromium >/dev/null 2>&1 || want chromium ;;
    portaudio) has_library libportaudio.so.2 || [ "$(uname)" != Linux ] || want libportaudio2 ;;
    pulseaudio)
        command -v pulseaudio >/dev/null 2>&1 || want pulseaudio
        { command -v pactl && command -v paplay; } >/dev/null 2>&1 || want pulseaudio-utils
        has_library alsa-lib/libasound_module_pcm_pulse.so || want libasound2-plugins
        ;;
    fonts) fc-list :lang=zh 2>/dev/null | grep -q . || want fonts-noto-cjk ;;
    venv) want python3-venv ;;
    haproxy | nginx) [ -x "/usr/sbin/$name" ] || command -v "$name" >/dev/null 2>&1 || want "$name" ;;
    *)
        echo "tools/apt.sh does not know '$name'" >&2
        exit 2
        ;;
    esac
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    echo "Installing$missing" >&2
    apt-get -qq update </dev/null >&2 || echo "apt-get update failed; going on with the package lists that are there." >&2
    # shellcheck disable=SC2086  # one word a package
    if apt-get -qq install -y --no-install-recommends $missing </dev/null >&2; then
        exit 0
    fi
    echo "These packages could not be installed:$missing" >&2
else
    echo "Missing system packages. Run this, then the same make command again:" >&2
    echo "    sudo apt-get update && sudo $line" >&2
fi
if [ -n "$optional" ]; then
    echo "Going on without them: the kernel microphone will not work, everything else will." >&2
    exit 0
fi
exit 1
