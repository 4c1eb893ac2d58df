{{/* The operator's settings: unknown keys are refused there, so this is all that it knows. */}}
{{- define "gatebench.settings" -}}
images:
  locust: {{ .Values.images.locust | quote }}
  engine: {{ .Values.images.engine | quote }}
  mock: {{ .Values.images.mock | quote }}
  probe: {{ .Values.images.probe | quote }}
watchNamespaces: {{ toJson .Values.watchNamespaces }}
deadlines:
  {{- toYaml .Values.deadlines | nindent 2 }}
tickInterval: {{ .Values.tickInterval | quote }}
cpuManagerReconcilePeriod: {{ .Values.cpuManagerReconcilePeriod | quote }}
prometheus:
  url: {{ include "gatebench.prometheusUrl" . | quote }}
  tokenFile: {{ ternary "/etc/gatebench/prometheus-token/token" "" (not (empty .Values.prometheus.tokenSecretRef.name)) | quote }}
  caFile: {{ ternary "/etc/gatebench/prometheus-ca/ca.crt" "" (not (empty .Values.prometheus.caSecretRef.name)) | quote }}
  userQueries: {{ .Values.prometheus.userQueries }}
  scrapeInterval: {{ .Values.prometheus.scrapeInterval | quote }}
leak:
  minimumWindow: {{ .Values.leak.minimumWindow | quote }}
networkPolicy:
  operatorLabels:
    {{- include "gatebench.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: operator
  {{- if or (include "gatebench.embedded" .) .Values.networkPolicy.metricsFrom }}
  metricsFrom:
  {{- if include "gatebench.embedded" . }}
  - podSelector:
      matchLabels:
        {{- include "gatebench.selectorLabels" . | nindent 8 }}
        app.kubernetes.io/component: prometheus
  {{- end }}
  {{- with .Values.networkPolicy.metricsFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- else }}
  metricsFrom: []
  {{- end }}
allowedTargets: {{ toJson .Values.allowedTargets }}
resources:
  {{- toYaml .Values.childResources | nindent 2 }}
imagePullPolicy: {{ .Values.imagePullPolicy }}
keyFile: /etc/gatebench/key/key
{{- end }}
