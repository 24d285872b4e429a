#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: compare.py <rendered by kubectl> <rendered from the chart>

The same objects, but for the three differences that docs/kubernetes.md names and those of a Gateway's own objects, which no chart of
ours makes."""
import difflib
import re
import sys

import yaml

OF_A_GATEWAY = {"Gateway", "HTTPRoute", "ReferenceGrant", "SecurityPolicy", "CiliumNetworkPolicy"}
HOOK = {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation"}


def without_instance(value):
    if isinstance(value, dict):
        return {key: without_instance(inner) for key, inner in value.items() if key != "app.kubernetes.io/instance"}
    return [without_instance(inner) for inner in value] if isinstance(value, list) else value


def plain(document):
    """Without what may differ."""
    document = without_instance(document)
    if document["kind"] == "Job":
        annotations = document["metadata"].pop("annotations", HOOK)
        assert annotations == HOOK, annotations
    if document["metadata"]["name"].startswith("skillreg-pgbouncer"):
        if document["kind"] == "ConfigMap":  # of kustomize's generator, which gives it no labels
            document["metadata"].pop("labels", None)
            document["metadata"]["name"] = re.sub(r"-[a-z0-9]{10}$", "", document["metadata"]["name"])
        if document["kind"] == "Deployment":
            template = document["spec"]["template"]
            annotations = template["metadata"].pop("annotations", {"checksum/settings": "0" * 64})
            assert list(annotations) == ["checksum/settings"] and re.fullmatch("[0-9a-f]{64}", *annotations.values())
            for volume in template["spec"]["volumes"]:
                if "configMap" in volume:
                    volume["configMap"]["name"] = re.sub(r"-[a-z0-9]{10}$", "", volume["configMap"]["name"])
    if document["kind"] == "Deployment":  # a set, in the order of whatever added to it
        for container in document["spec"]["template"]["spec"]["containers"]:
            container.get("env", []).sort(key=lambda entry: entry["name"])
            container["ports"].sort(key=lambda entry: entry["name"])
    return document


def objects(path):
    with open(path, encoding="utf-8") as text:
        documents = [plain(document) for document in yaml.safe_load_all(text) if document and document["kind"] not in OF_A_GATEWAY]
    assert documents, path
    return {f"{document['kind']} {document['metadata']['name']}": document for document in documents}


def main():
    ours, charts = (objects(path) for path in sys.argv[1:])
    texts = [yaml.safe_dump(found).splitlines() for found in (ours, charts)]
    difference = list(difflib.unified_diff(*texts, *sys.argv[1:], lineterm="", n=4))
    print("\n".join(difference) or f"ok the same {len(ours)} objects: {sys.argv[1]}, {sys.argv[2]}")
    sys.exit(1 if difference else 0)


main()
