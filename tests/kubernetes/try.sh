#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Applies deploy/kubernetes/base to a real Kubernetes, produces, deletes pods of both kinds, and
# reads everything back. On demand only; ./test does not run it.
#
#   WEIR_KUBE_TOOLS=FOLDER tests/kubernetes/try.sh [--keep]
#
# FOLDER holds the programs `up` (starts a cluster, prints KUBECONFIG=...) and `image` (makes an image
# and gives it to the cluster: `image debian NAME:TAG PACKAGES`, `image dockerfile NAME:TAG FILE CONTEXT`).
# --keep leaves the namespace weir-try standing at the end. Needs root, for the images.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

namespace=weir-try
records=300

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }
die() {
  say "error: $*"
  exit "${code:-1}"
}
k() { kubectl -n "$namespace" "$@"; }

keep=
case ${1:-} in
'') ;;
--keep) keep=1 ;;
*) code=2 die "unknown argument \"$1\"; there is only --keep" ;;
esac
tools=${WEIR_KUBE_TOOLS:-}
[ -n "$tools" ] || code=2 die "WEIR_KUBE_TOOLS is not set: name the folder that holds \`up\` and \`image\`"
for program in up image; do
  [ -x "$tools/$program" ] || code=2 die "WEIR_KUBE_TOOLS=$tools has no program \`$program\`"
done

work=$(mktemp -d)
finish() {
  local status=$?
  if [ "$status" -ne 0 ] && [ -n "${KUBECONFIG:-}" ]; then
    k get pods,jobs,pvc -o wide >&2 || true
    k logs --prefix --tail=20 -l app.kubernetes.io/name=weir >&2 || true
  fi
  if [ -z "$keep" ] && [ -n "${KUBECONFIG:-}" ]; then
    kubectl delete namespace "$namespace" --ignore-not-found --timeout=90s >/dev/null 2>&1 || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# Runs `weir` in a pod, as a client inside the cluster does.
weir_in_pod() { k exec -i weir-client -- /usr/bin/weir --bootstrap weir:9292 "$@"; }

start_client() {
  # Something to exec into.
  k run weir-client --image=localhost/weir:dev --image-pull-policy=IfNotPresent --restart=Never \
    --command -- /usr/bin/tail -f /dev/null >/dev/null
  k wait --for=condition=Ready pod/weir-client --timeout=60s >/dev/null
}

numbers() { # FROM TO
  local i
  for ((i = $1; i <= $2; ++i)); do echo "key-$((i % 7)):value-$i"; done
}

replace_pod() { # POD SET
  local before after
  before=$(k get pod "$1" -o jsonpath='{.metadata.uid}')
  k delete pod "$1" --wait=true --timeout=90s >/dev/null
  k rollout status "statefulset/$2" --timeout=120s >/dev/null
  after=$(k get pod "$1" -o jsonpath='{.metadata.uid}')
  [ "$before" != "$after" ] || die "$1 was not replaced"
  say "ok: $1 was replaced and is ready again"
}

say "building the images"
"$root/deploy/docker/build.sh" --stage "$work"
"$tools/image" debian weir-base:dev "$(grep -v '^#' "$work/runtime-packages.txt" | paste -sd,)"
"$tools/image" dockerfile weir-controller:dev "$work/controller.Dockerfile" "$work"
"$tools/image" dockerfile weir-storage:dev "$work/storage.Dockerfile" "$work"
"$tools/image" dockerfile weir:dev "$work/weir.Dockerfile" "$work"

say "starting the cluster"
# Its last words are KUBECONFIG=...
KUBECONFIG=$("$tools/up" | sed -n 's/^\(export \)\{0,1\}KUBECONFIG=//p' | tail -n 1)
export KUBECONFIG
[ -n "$KUBECONFIG" ] || die "\`up\` printed no KUBECONFIG=..."

kubectl apply -k "$here" >/dev/null
k wait --for=condition=complete job/weir-init --timeout=180s >/dev/null
say "ok: the cluster is founded"
k rollout status statefulset/weir-controllers --timeout=120s >/dev/null
k rollout status statefulset/weir-nodes --timeout=120s >/dev/null
say "ok: three controllers and three storage nodes are ready"

start_client
cluster=$(weir_in_pod cluster info --format json | sed -n 's/.*"cluster_id": *"\([^"]*\)".*/\1/p')
weir_in_pod topic create numbers --partitions 3 --replicas 3
numbers 1 $((records / 3)) | weir_in_pod produce numbers --key-separator : --acks all
say "ok: produced a third"
replace_pod weir-nodes-0 weir-nodes
numbers $((records / 3 + 1)) $((records * 2 / 3)) | weir_in_pod produce numbers --key-separator : --acks all
say "ok: produced another third"
replace_pod weir-controllers-0 weir-controllers
numbers $((records * 2 / 3 + 1)) "$records" | weir_in_pod produce numbers --key-separator : --acks all
say "ok: produced the last third"

weir_in_pod consume numbers --from-beginning -f '%k:%v\n' >"$work/read"
diff <(numbers 1 "$records" | sort) <(sort "$work/read") >&2 || die "what was read is not what was written"
# Order holds within a key: values of one key come in the order they were written.
for key in 0 1 2 3 4 5 6; do
  diff <(numbers 1 "$records" | grep "^key-$key:") <(grep "^key-$key:" "$work/read") >&2 ||
    die "key-$key is out of order"
done
say "ok: all $records records came back, in order within each key"

weir_in_pod topic create later --partitions 3 --replicas 3 >/dev/null
[ "$(weir_in_pod cluster info --format json | sed -n 's/.*"cluster_id": *"\([^"]*\)".*/\1/p')" = "$cluster" ] ||
  die "the cluster id changed"
say "ok: the same cluster takes new topics"
say "all passed in $SECONDS s"
