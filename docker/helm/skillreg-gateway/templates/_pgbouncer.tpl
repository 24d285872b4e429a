{{- define "pgbouncer.settings" -}}
; SPDX-License-Identifier: MIT
[databases]
; yours
{{- range .Values.pgbouncer.databases }}
{{ . }}
{{- end }}

[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /users/userlist.txt
pool_mode = transaction
max_prepared_statements = 200
max_client_conn = 1000
default_pool_size = 20
ignore_startup_parameters = extra_float_digits
{{- end }}
