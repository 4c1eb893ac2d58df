{{- define "gatebench.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gatebench.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "gatebench.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gatebench.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-wide objects of two releases of one name in two namespaces must not collide. */}}
{{- define "gatebench.clusterName" -}}
{{- printf "%s-%s" (include "gatebench.fullname" .) .Release.Namespace | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "gatebench.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatebench.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object; with a component: (dict "context" $ "component" "operator"). */}}
{{- define "gatebench.labels" -}}
{{- $ := .context -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name ($.Chart.Version | replace "+" "_") }}
{{ include "gatebench.selectorLabels" $ }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gatebench.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "gatebench.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "gatebench.keySecretName" -}}
{{- default (printf "%s-key" (include "gatebench.fullname" .)) .Values.key.existingSecret }}
{{- end }}

{{- define "gatebench.prometheusName" -}}
{{- printf "%s-prometheus" (include "gatebench.fullname" .) }}
{{- end }}

{{/* Non-empty where this chart brings Prometheus; `embedded: {enabled: true}` is understood too. */}}
{{- define "gatebench.embedded" -}}
{{- $embedded := .Values.prometheus.embedded -}}
{{- if kindIs "map" $embedded -}}
{{- if $embedded.enabled }}true{{ end -}}
{{- else -}}
{{- if $embedded }}true{{ end -}}
{{- end -}}
{{- end }}

{{- define "gatebench.prometheusUrl" -}}
{{- if include "gatebench.embedded" . -}}
{{- if .Values.prometheus.url }}{{ fail "set prometheus.embedded or prometheus.url, not both" }}{{ end -}}
http://{{ include "gatebench.prometheusName" . }}.{{ .Release.Namespace }}.svc:9090
{{- else -}}
{{- .Values.prometheus.url -}}
{{- end -}}
{{- end }}

{{- define "gatebench.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "gatebench.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}
