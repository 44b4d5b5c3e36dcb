{{- define "keyturn.labels" -}}
{{ include "keyturn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "keyturn.selector" -}}
app.kubernetes.io/name: keyturn
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "keyturn.migrate" -}}
app.kubernetes.io/name: keyturn-migrate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "keyturn.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
