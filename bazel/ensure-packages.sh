#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that this is Debian 12 on amd64 and that all of debian-packages.txt is installed.
# Says nothing where nothing is missing. Exits 2 where this machine cannot do, 1 where apt fails.
set -euo pipefail

list=$(dirname "${BASH_SOURCE[0]}")/debian-packages.txt

die() {
  echo "error: $2" >&2
  exit "$1"
}

check_system() {
  local ID=unknown VERSION_ID='' PRETTY_NAME='' machine
  # shellcheck source=/dev/null
  if [ -r /etc/os-release ]; then . /etc/os-release; fi
  machine=$(dpkg --print-architecture 2>/dev/null || uname -m)
  if [ "$ID $VERSION_ID $machine" != "debian 12 amd64" ]; then
    die 2 "Weir is built on Debian 12 (bookworm) on amd64, and this is ${PRETTY_NAME:-$ID} on $machine.
A container or virtual machine of Debian 12 will do; it needs 2 cores, 4 GB of memory, 6 GB of disk."
  fi
}

missing_packages() {
  local package
  grep -v -e '^#' -e '^$' "$list" | while read -r package; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

check_system
mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    die 2 "these packages are missing, and installing them needs root or sudo:
  apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

# apt speaks only when it fails.
quiet() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die 1 "\"$*\" failed; what it said is above"
  fi
  rm -f "$log"
}

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
# Asked for here, where a password can still be typed.
[ ${#as_root[@]} -eq 0 ] || sudo true || die 2 "installing packages needs sudo"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
quiet "${apt[@]}" update
quiet "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"
