#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The alerts of docker/prometheus as the Prometheus operator takes them: a component of docker/kubernetes and a template of the chart.

    dev.d/alerts.py [--check]   writes both; with --check it only says whether they would change, and ends with 1 if so
"""
import pathlib
import sys
import textwrap

DOCKER = pathlib.Path(__file__).resolve().parents[1] / "docker"
HEAD = "# Made of docker/prometheus/alerts.yaml: ./dev reference\n"
COMPONENT = "# SPDX-License-Identifier: MIT\n" + HEAD + """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: skillreg-gateway
  labels:
    app.kubernetes.io/name: skillreg-gateway
spec:
"""
TEMPLATE = "{{- if .Values.alerts }}\n" + HEAD + """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "gateway.labels" . | nindent 4 }}
spec:
"""


def copies():
    rules = (DOCKER / "prometheus/alerts.yaml").read_text(encoding="utf-8")
    groups = textwrap.indent(rules[rules.index("groups:\n"):], "  ")
    escaped = groups.replace("{{", "{{`{{`}}")
    return {DOCKER / "kubernetes/components/alerts/rules.yaml": COMPONENT + groups,
            DOCKER / "helm/skillreg-gateway/templates/alerts.yaml": TEMPLATE + escaped + "{{- end }}\n"}


def main(arguments):
    is_check = arguments == ["--check"]
    if arguments and not is_check:
        print(f"usage: {pathlib.Path(__file__).name} [--check]", file=sys.stderr)
        return 2
    old = [path for path, text in copies().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in old:
        if is_check:
            print(f"{path} is not what docker/prometheus/alerts.yaml says: ./dev reference writes it", file=sys.stderr)
        else:
            path.write_text(copies()[path], encoding="utf-8")
    return int(is_check and bool(old))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
