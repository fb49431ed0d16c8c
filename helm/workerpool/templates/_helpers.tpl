{{/* The chart's name, as a label. */}}
{{- define "workerpool.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The prefix of all names: the release's name, with the chart's unless it is in it. Short enough
     for what is added to it. */}}
{{- define "workerpool.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "workerpool.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "workerpool.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "workerpool.operator" -}}
{{ include "workerpool.fullname" . }}-operator
{{- end }}

{{/* A name for an object outside of namespaces: two releases of one name in two namespaces must not
     meet in it. In the usual namespace it stays short. */}}
{{- define "workerpool.clusterName" -}}
{{- if eq .Release.Namespace "workerpool-system" -}}
{{ include "workerpool.fullname" . }}
{{- else -}}
{{ include "workerpool.fullname" . }}-{{ .Release.Namespace }}
{{- end -}}
{{- end }}

{{- define "workerpool.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "workerpool.operator" .) .Values.serviceAccount.name }}
{{- else -}}
{{ required "serviceAccount.name: name the account, or let serviceAccount.create be true" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{/* What selects pods: never a version, selectors can't be changed.
     Call it with (dict "root" $ "component" "operator"). */}}
{{- define "workerpool.selectorLabels" -}}
app.kubernetes.io/name: {{ include "workerpool.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "workerpool.labels" -}}
{{ include "workerpool.selectorLabels" . }}
app.kubernetes.io/part-of: workerpool
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: (dict "root" $ "image" .Values.image). */}}
{{- define "workerpool.image" -}}
{{- with .image.registry }}{{ . }}/{{ end -}}
{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .root.Chart.AppVersion .image.tag }}{{ end -}}
{{- end }}

{{/* What the operator calls, in the namespaces that it serves. */}}
{{- define "workerpool.rules" -}}
- apiGroups: [workerpool.dev]
  resources: [workerpools]
  verbs: [get, list, watch, patch]
- apiGroups: [workerpool.dev]
  resources: [workerpools/status]
  verbs: [patch]
- apiGroups: [workerpool.dev]
  resources: [workerpools/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [get, patch]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
