{{/*
What the operator may do in a namespace whose runs it carries out: a Role's rules, or a ClusterRole's. No reading of
Secrets: a run's token is derived from the operator's key and written once.
*/}}
{{- define "gatebench.runRules" -}}
- apiGroups: [gatebench.dev]
  resources: [benchmarkruns]
  verbs: [get, list, watch, create, delete]   # create: a comparison's; delete: also ttlSecondsAfterFinished
- apiGroups: [gatebench.dev]
  resources: [benchmarkcomparisons]
  verbs: [get, list, watch, delete]           # delete: ttlSecondsAfterFinished
- apiGroups: [gatebench.dev]
  resources: [benchmarkruns/status, benchmarkcomparisons/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [pods, services, configmaps]
  verbs: [create, get, list, delete]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, get, list, delete]
{{- end }}

{{/* Nodes belong to no namespace: they are read in either mode, to find one that fits. */}}
{{- define "gatebench.nodeRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list]
{{- end }}

{{/* In the operator's own namespace: the Leases that keep two runs from one node. */}}
{{- define "gatebench.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, create, update, delete]
{{- end }}
