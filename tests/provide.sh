#!/bin/sh
# Provides the programs that tests start and pip does not bring: a Redis server, Chromium and PostgreSQL; and what its
# arguments name: node and npm.
# Uses what is on PATH; else installs the system's package, as root or by sudo without a password.
set -eu

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

found() { # NAME...: prints the path of the first that is on PATH, or where Debian keeps PostgreSQL's programs
    PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"
    for name in "$@"; do
        command -v "$name" && return
    done
    return 1
}

# PROGRAM PACKAGE-MANAGER: the package that holds the program, where it is not named like it.
package() {
    case "$1 $2" in
        "redis-server dnf" | "redis-server apk" | "redis-server brew") echo redis ;;
        "chromium brew") echo --cask chromium ;;
        "node apt-get" | "node dnf" | "node apk") echo nodejs ;;
        "npm brew") echo node ;;
        "initdb apt-get") echo postgresql ;;
        "initdb dnf") echo postgresql-server ;;
        "initdb apk") echo postgresql ;;
        "initdb brew") echo postgresql@16 ;;
        *) echo "$1" ;;
    esac
}

install() { # PACKAGE-MANAGER PACKAGE
    case $1 in
        apt-get)
            if [ -z "${updated-}" ]; then
                as_root apt-get -qq update
                updated=yes
            fi
            if [ "$2" = postgresql ] && [ ! -e /etc/postgresql-common ]; then
                # Debian would start a server for the whole machine; tests start their own.
                as_root mkdir -p /etc/postgresql-common/createcluster.d
                echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/none.conf >/dev/null
            fi
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$2" >/dev/null
            ;;
        dnf) as_root dnf -q install -y "$2" ;;
        apk) as_root apk add -q "$2" ;;
        brew) brew install --quiet $2 ;;
    esac
}

provide() { # PROGRAM [OTHER-NAME...]
    program=$1
    if path=$(found "$@"); then
        echo "$program: $path"
        return
    fi
    manager=$(basename "$(found apt-get dnf apk brew || echo none)")
    package=$(package "$program" "$manager")
    if [ "$manager" = none ]; then
        reason="there is no package manager that this script knows (apt-get, dnf, apk, brew)"
    elif [ "$manager" != brew ] && ! may_install; then
        reason="only root, or sudo without a password, may run: $manager install $package"
    else
        echo "$program: not on PATH; installing the package $package with $manager, a minute or two"
        if install "$manager" "$package" && path=$(found "$@"); then
            echo "$program: $path"
            return
        fi
        reason="$manager did not provide it with the package $package"
    fi
    echo "$program: not on PATH, and $reason. Install it so that PATH has one of: $*" >&2
    exit 1
}

provide redis-server valkey-server
provide chromium chromium-browser google-chrome google-chrome-stable
provide initdb
for program; do provide "$program"; done
