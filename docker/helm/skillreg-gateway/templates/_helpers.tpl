{{- define "gateway.selector" -}}
app.kubernetes.io/name: skillreg-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "gateway.labels" -}}
app.kubernetes.io/name: skillreg-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gateway.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "gateway.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "gateway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "pgbouncer.name" -}}
{{ .Release.Name | replace "skillreg-gateway" "skillreg" }}-pgbouncer
{{- end }}

{{- define "pgbouncer.labels" -}}
app.kubernetes.io/name: skillreg-pgbouncer
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
