{{/* The embedded Prometheus' configuration. */}}
{{- define "gatebench.prometheusConfig" -}}
global:
  scrape_interval: {{ .Values.prometheus.scrapeInterval }}
  scrape_timeout: {{ .Values.prometheus.scrapeInterval }}
scrape_configs:
# CPU, memory, network and pressure of every container. /metrics/resource has container_cpu_usage_seconds_total too:
# metrics_path tells the two apart.
{{- range $job, $path := dict "kubelet-cadvisor" "/metrics/cadvisor" "kubelet-resource" "/metrics/resource" }}
- job_name: {{ $job }}
  scheme: https
  metrics_path: {{ $path }}
  # The kubelet's samples carry the time at which they were taken, which is up to 15 s before the scrape.
  honor_timestamps: true
  track_timestamps_staleness: true
  sample_limit: 50000
  authorization: {credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token}
  tls_config:
    {{- if $.Values.prometheus.server.kubelet.insecureSkipVerify }}
    insecure_skip_verify: true
    {{- else }}
    ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    {{- end }}
  kubernetes_sd_configs: [{role: node}]
  relabel_configs:
  - {source_labels: [__meta_kubernetes_node_name], target_label: node}
  - {source_labels: [__metrics_path__], target_label: metrics_path}
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: container_(tasks_state|blkio_device_usage_total|memory_failures_total|memory_numa_pages|ulimits_soft|fs_.*)|container_network_(tcp6?|udp6?|advance_tcp)_.*
    action: drop
{{- end }}
# The gateway (where the run names its metricsPath), the mock, the fleet's master and the operator.
- job_name: gatebench-pods
  sample_limit: 20000
  body_size_limit: 10MB
  kubernetes_sd_configs:
  - role: pod
    {{- with .Values.watchNamespaces }}
    namespaces: {names: {{ append . $.Release.Namespace | uniq | toJson }}}
    {{- end }}
  relabel_configs:
  - source_labels: [__meta_kubernetes_pod_annotation_gatebench_dev_scrape, __meta_kubernetes_pod_annotation_gatebench_dev_scrape_port]
    regex: true;[0-9]+
    action: keep
  - {source_labels: [__meta_kubernetes_pod_phase], regex: Pending|Succeeded|Failed, action: drop}
  # One target a pod, whichever ports its containers name.
  - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_gatebench_dev_scrape_port]
    regex: ([0-9.]+);([0-9]+)
    target_label: __address__
    replacement: $1:$2
  - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_gatebench_dev_scrape_port]
    regex: ([0-9a-fA-F]*:[0-9a-fA-F:.]*);([0-9]+)
    target_label: __address__
    replacement: "[$1]:$2"
  - {source_labels: [__meta_kubernetes_pod_annotation_gatebench_dev_scrape_path], regex: (/.*), target_label: __metrics_path__}
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
  - {source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component], target_label: component}
  - {source_labels: [__address__], target_label: instance}
{{- end }}
