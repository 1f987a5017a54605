#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the images localhost/weir-controller, localhost/weir-storage and localhost/weir from what
# Bazel builds:
#
#   deploy/docker/build.sh                    with buildah and mmdebstrap, as root: no daemon needed
#   deploy/docker/build.sh --docker           with a Docker (or Podman) daemon
#   deploy/docker/build.sh --stage FOLDER     only puts Dockerfiles and programs into FOLDER
#
# --tag TAG names the images' tag (dev); --save FOLDER also writes each as FOLDER/NAME.tar, which
# `docker load` and `ctr images import` take. WEIR_BAZEL_FLAGS (--config=opt) goes to bazel;
# WEIR_DEBIAN_MIRROR is where mmdebstrap gets Debian, if not from its default.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# Bazel targets, and the images' Dockerfiles.
programs=(//controller:controller //controller/inspect:inspect //storage:storage //cli:weir)
images=(controller storage weir)

say() { echo "build.sh: $*" >&2; }
die() {
  say "error: $*"
  exit 2
}
usage() { sed -n '3,12s/^# \{0,1\}//p' "$here/build.sh"; }

way=buildah
tag=dev
save=
stage=
while [ $# -gt 0 ]; do
  case $1 in
  --docker) way=docker ;;
  --tag | --save | --stage)
    [ $# -ge 2 ] || die "$1 needs a value"
    case $1 in --tag) tag=$2 ;; --save) save=$2 ;; --stage) way=none stage=$2 ;; esac
    shift
    ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) die "unknown argument \"$1\"; --help shows what there is" ;;
  esac
  shift
done

need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || die "$1 is missing: apt-get install --no-install-recommends $2"
}
case $way in
buildah)
  need buildah buildah
  need mmdebstrap mmdebstrap
  [ "$(id -u)" -eq 0 ] || die "without a daemon this needs root; with one, say --docker"
  ;;
docker) need docker docker.io ;;
esac
need bazel bazel-bootstrap

packages() { grep -v '^#' "$here/runtime-packages.txt"; }

stage_files() { # FOLDER
  mkdir -p "$1"
  cp "$here"/*.Dockerfile "$here/runtime-packages.txt" "$1/"
  local flags target file
  read -r -a flags <<<"${WEIR_BAZEL_FLAGS:---config=opt}"
  (cd "$root" && bazel build "${flags[@]}" --strip=always "${programs[@]}")
  local bin
  bin=$(cd "$root" && bazel info "${flags[@]}" bazel-bin 2>/dev/null)
  for target in "${programs[@]}"; do
    file=${target#//}
    # Beside other programs of a machine, a program says whose it is.
    install -m 755 "$bin/${file/://}" "$1/weir-${file##*:}"
  done
  mv "$1/weir-weir" "$1/weir"
}

bud() { BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs buildah "$@"; }

make_base() { # FOLDER
  local base=localhost/weir-base:$tag
  if [ "$way" = docker ]; then
    docker build -q -t "$base" -f "$1/base.Dockerfile" "$1" >/dev/null
    return
  fi
  # The packages' list makes the base's name, so that it is made again only when that changes.
  local made
  made=localhost/weir-base:$(packages | sha256sum | cut -c1-12)
  if ! bud inspect --type image "$made" >/dev/null 2>&1; then
    say "making the base image"
    mmdebstrap --quiet --variant=minbase --include="$(packages | paste -sd,)" \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' \
      --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
      bookworm "$1/base.tar" ${WEIR_DEBIAN_MIRROR:+"$WEIR_DEBIAN_MIRROR"}
    printf 'FROM scratch\nADD base.tar /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n' >"$1/rootfs.Dockerfile"
    bud bud -q -t "$made" -f "$1/rootfs.Dockerfile" "$1" >/dev/null
    rm -f "$1/base.tar"
  fi
  bud tag "$made" "$base"
}

make_image() { # FOLDER NAME
  local name=localhost/weir-$2:$tag base=localhost/weir-base:$tag
  [ "$2" != weir ] || name=localhost/weir:$tag
  local file=$1/$2.Dockerfile
  if [ "$way" = docker ]; then
    docker build -q -t "$name" --build-arg BASE="$base" -f "$file" "$1" >/dev/null
  else
    bud bud -q --pull-never --build-arg BASE="$base" -t "$name" -f "$file" "$1" >/dev/null
  fi
  echo "$name"
  [ -n "$save" ] || return 0
  local tar=${name##*/}
  tar=$save/${tar%:*}.tar
  rm -f "$tar"
  if [ "$way" = docker ]; then
    docker save -o "$tar" "$name"
  else
    bud push -q "$name" "docker-archive:$tar:$name"
  fi
}

if [ "$way" = none ]; then
  stage_files "$stage"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$save" ]; then mkdir -p "$save"; fi
stage_files "$work"
make_base "$work"
for image in "${images[@]}"; do make_image "$work" "$image"; done
