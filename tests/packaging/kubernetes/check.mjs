// SPDX-License-Identifier: MIT
// usage: check.mjs <documents.json>...
//
// Holds each document to the schema of its kind, as published for Kubernetes, the Gateway API and the Prometheus operator: the values by
// the validators made of them, the names of members by their types, which TypeScript refuses others than.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const groups = {
    "v1": "kubernetes-models/v1",
    "apps/v1": "kubernetes-models/apps/v1",
    "autoscaling/v2": "kubernetes-models/autoscaling/v2",
    "batch/v1": "kubernetes-models/batch/v1",
    "networking.k8s.io/v1": "kubernetes-models/networking.k8s.io/v1",
    "policy/v1": "kubernetes-models/policy/v1",
    "gateway.networking.k8s.io/v1": "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1beta1": "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1beta1",
    "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};
// Nobody publishes models of these.
const unknown = new Set(["gateway.envoyproxy.io/v1alpha1 SecurityPolicy", "cilium.io/v2 CiliumNetworkPolicy"]);

// ExternalAuth is a type of filter in the experimental channel of the Gateway API alone; the models know its members, not its name.
function withoutExperimental(document) {
    return JSON.parse(JSON.stringify(document).replaceAll('"type":"ExternalAuth"', '"type":"URLRewrite"'));
}

const problems = [];
const lines = [];
let checked = 0;
for (const path of process.argv.slice(2)) {
    for (const document of JSON.parse(readFileSync(path, "utf8"))) {
        const { apiVersion, kind, metadata } = document;
        if (unknown.has(`${apiVersion} ${kind}`)) continue;
        const module = groups[apiVersion];
        const Model = module && (await import(module))[kind];
        if (!Model) {
            problems.push(`${path}: no schema of ${apiVersion} ${kind}`);
            continue;
        }
        try {
            new Model(withoutExperimental(document)).validate();
        } catch (error) {
            problems.push(`${path}: ${kind} ${metadata.name}: ${error.message}`);
        }
        lines.push(`// ${path}: ${kind} ${metadata.name}`,
            `export const _${checked}: import("${module}").I${kind} = ${JSON.stringify(document)};`);
        checked++;
    }
}

const here = dirname(process.argv[1]);
const file = join(here, "documents.ts");
writeFileSync(file, lines.join("\n") + "\n");
const require = createRequire(import.meta.url);
try {
    execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext",
        "--moduleResolution", "nodenext", file], { encoding: "utf8" });
} catch (error) {
    for (const line of error.stdout.trim().split("\n")) {
        const at = line.match(/\((\d+),/);
        problems.push((at ? lines[at[1] - 2].slice(3) + ": " : "") + line.replace(/^.*error /, ""));
    }
}
for (const problem of problems) console.error(problem);
console.log(`${checked} documents held to their schemas`);
process.exit(problems.length > 0 || checked === 0 ? 1 : 0);
