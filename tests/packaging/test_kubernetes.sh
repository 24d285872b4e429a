#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docker/kubernetes and docker/helm without a cluster and without helm: kubectl renders one, a small program with the functions of
# helm's templates the other; they make the same objects, and each is held to the schemas that are published for its kind. What the
# manifests say of the gateway is looked at in tests/e2e/test_kubernetes.py.
#
# The models come from npm, into build/packaging, at the versions of kubernetes/package-lock.json.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$project/tests/packaging/kubernetes
work=$project/build/packaging/kubernetes
gocode=/usr/share/gocode # of golang-github-masterminds-sprig-dev

skip() {
    printf 'SKIPPED %s: %s\n' "$(basename "$0" .sh)" "$*"
    exit 77
}

fail() {
    printf 'FAILED %s\n' "$*" >&2
    exit 1
}

for program in kubectl go npm node python3; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
[ -d "$gocode/src/github.com/Masterminds/sprig" ] || skip "golang-github-masterminds-sprig-dev is not installed"
python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed"
kubectl kustomize "$project/docker/kubernetes/overlays/production" >/dev/null 2>&1 || skip "kubectl is older than 1.21"

mkdir -p "$work/rendered"
rm -f "$work"/rendered/*
(cd "$here/chart" && GO111MODULE=off GOPATH=$gocode GOCACHE=$work/go GOFLAGS='' go build -o "$work/chart" .) ||
    fail "the program that renders the chart"

chart() { # chart <name of what comes out> [values]
    local values=()
    [ $# -eq 1 ] || values=("$project/docker/helm/skillreg-gateway/values-$2.yaml")
    "$work/chart" "$project/docker/helm/skillreg-gateway" skillreg-gateway skillreg "${values[@]}" \
        >"$work/rendered/chart-$1.yaml" 2>"$work/notes" || fail "the chart as $1: $(cat "$work/notes")"
}

chart base
for overlay in production pgbouncer nginx-gateway-fabric; do
    chart "$overlay" "$overlay"
done
for folder in base overlays/production overlays/pgbouncer gateway-api/nginx-gateway-fabric gateway-api/envoy-gateway gateway-api/cilium; do
    kubectl kustomize "$project/docker/kubernetes/$folder" >"$work/rendered/$(basename "$folder").yaml" || fail "$folder"
done
cd "$work/rendered"
for name in base production pgbouncer nginx-gateway-fabric; do
    python3 -B "$here/compare.py" "$name.yaml" "chart-$name.yaml" || fail "kustomize and the chart make different things: $name"
done
# No overlay of ours has the page: one is made.
mkdir -p "$work/tokens-page"
cat >"$work/tokens-page/kustomization.yaml" <<TEXT
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: skillreg
resources: [$(realpath --relative-to="$work/tokens-page" "$project/docker/kubernetes/base")]
components: [$(realpath --relative-to="$work/tokens-page" "$project/docker/kubernetes/components/tokens-page")]
TEXT
kubectl kustomize "$work/tokens-page" >tokens-page.yaml || fail "components/tokens-page"
"$work/chart" "$project/docker/helm/skillreg-gateway" skillreg-gateway skillreg <(echo "{tokensPage: {enabled: true}}") \
    >chart-tokens-page.yaml 2>/dev/null || fail "the chart with the page"
python3 -B "$here/compare.py" tokens-page.yaml chart-tokens-page.yaml || fail "kustomize and the chart make different things: tokens-page"
"$work/chart" "$project/docker/helm/skillreg-gateway" other elsewhere <(echo "{settings: {GATEWAY_WORKERS: 2}, monitor: service}") \
    2>/dev/null | grep -A1 'name: GATEWAY_WORKERS' | grep -q 'value: "2"' || fail "settings of the chart do not arrive"

cp "$project/docs/ci/kubernetes.yaml" ci.yaml
for file in *.yaml; do
    python3 -c 'import json, sys, yaml; json.dump([one for one in yaml.safe_load_all(sys.stdin) if one], sys.stdout)' \
        <"$file" >"${file%.yaml}.json"
done
cp "$here/package.json" "$here/package-lock.json" "$here/check.mjs" "$work"
(cd "$work" && npm ci --no-audit --no-fund --ignore-scripts --silent) >"$work/npm.log" 2>&1 ||
    skip "the models of Kubernetes were not to be had: $(tail -n 1 "$work/npm.log")"
node "$work/check.mjs" ./*.json || fail "what the schemas refuse"
