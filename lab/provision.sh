#!/usr/bin/env bash
# Installs what xcnet needs on Debian 12 or newer, or Ubuntu 24.04 or newer: distribution packages where some are missing,
# a virtual environment, and a user-mode kernel where the machine's own cannot run a lab. Quick when nothing is to be done.
#
# Packages are installed as root, or with a sudo that asks no password. Any other user is told what to ask for.
# What apt and pip fetch from where is theirs to know: this script changes neither's configuration.
set -euo pipefail

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
venv=$repo/.venv
stamp=$venv/.xcnet-provisioned

required=(
    frr mininet iproute2 iputils-ping kmod procps           # what runs in a lab
    wpasupplicant tcpdump iperf3                            # what tests and people use on it
    python3 python3-venv                                    # what runs xcnet
    ca-certificates debian-archive-keyring                  # what lets a user-mode kernel be fetched
)
optional=(user-mode-linux)                                  # a kernel to fall back on; not every release has it

say() { printf '%s\n' "$*" >&2; }
die() { say "provision: $*"; exit 1; }

# Runs a command without a word, unless it fails: then with all of them.
quietly() {
    local words
    if ! words=$("$@" 2>&1 </dev/null); then
        say "$words"
        die "failed: $*"
    fi
}

# Names of those packages, of the ones given, that are not installed.
missing_packages() {
    local installed
    installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null | awk '$1 == "ii" {print $2}' || true)
    comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$installed" | sort -u)
}

# A service that a package starts at once (a router daemon on the host itself) is not wanted: labs start their own. The
# hook that says so belongs to the administrator, and is only lent; its mark lets a later run take back a forgotten one.
policy=/usr/sbin/policy-rc.d
mark='# lent by xcnet lab/provision.sh'

lend_policy() {
    if "${as_root[@]}" test -e "$policy"; then
        return
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
}

take_back_policy() {
    if [[ -f $policy ]] && grep -qxF "$mark" "$policy"; then
        "${as_root[@]}" rm -f "$policy"
    fi
}

# Of the optional packages, those that are missing and that apt could install, as far as it knows now.
missing_optional() {
    local package
    for package in $(missing_packages "${optional[@]}"); do
        if [[ -n $(apt-cache madison "$package" 2>/dev/null) ]]; then
            printf '%s\n' "$package"
        fi
    done
}

install_packages() {
    local missing extra
    mapfile -t missing < <(missing_packages "${required[@]}")
    mapfile -t extra < <(missing_optional)
    if ((${#missing[@]} + ${#extra[@]} == 0)); then
        return
    fi
    if ((EUID == 0)); then
        as_root=(env)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    elif ((${#missing[@]} == 0)); then
        return
    else
        say "provision: these packages are missing, and installing them needs an administrator:"
        say ""
        say "    apt-get install --no-install-recommends ${missing[*]}"
        say ""
        say "Everything else, the labs themselves included, works as an ordinary user."
        exit 1
    fi
    command -v apt-get >/dev/null || die "there is no apt-get here; install by hand: ${missing[*]}"
    trap take_back_policy EXIT
    lend_policy
    # A source that cannot be reached need not be one of those that matter.
    say "reading the package lists"
    "${as_root[@]}" apt-get -qq update >&2 || say "provision: apt-get update reports errors; going on with what it has"
    mapfile -t extra < <(missing_optional)
    say "installing: ${missing[*]} ${extra[*]}"
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends "${missing[@]}" "${extra[@]}"
    take_back_policy
    trap - EXIT
}

# The distribution's own Python: one from elsewhere would not see what its packages bring.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11; do
        if [[ -x $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed in /usr/bin; use Debian 12, Ubuntu 24.04 or newer"
}

make_environment() {
    local python state
    python=$(find_python)
    # The environment holds this folder's path and is made anew where the folder was moved.
    state=$({ cat "$repo/pyproject.toml"; "$python" --version; printf '%s\n' "$repo"; } | sha256sum)
    if [[ -x $venv/bin/python && -f $stamp && $(<"$stamp") == "$state" ]]; then
        return
    fi
    say "making the virtual environment .venv (a minute or two, once)"
    if [[ ! -x $venv/bin/python || ! -f $stamp ]] || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        "$python" -m venv --clear "$venv"
    fi
    quietly "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --editable "${repo}[dev]"
    printf '%s\n' "$state" >"$stamp"
}

install_packages
make_environment
"$venv/bin/python" -m compileall -q "$repo/src" || die "the sources do not compile"
"$venv/bin/python" -m xcnet.engine.provision
