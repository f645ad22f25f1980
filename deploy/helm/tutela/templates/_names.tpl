{{- define "tutela.name" -}}
{{- if contains "tutela" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-tutela" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "tutela.selector" -}}
app.kubernetes.io/name: tutela
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tutela.labels" -}}
{{ include "tutela.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tutela.image" -}}
{{- if .Values.image.digest }}{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}{{ else }}{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}{{ end }}
{{- end }}

{{/* Where pods may run. */}}
{{- define "tutela.places" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A process: dict "root" . "component" "server" "values" .Values.server "command" "serve" */}}
{{- define "tutela.process" -}}
{{- $root := .root }}
{{- $name := include "tutela.name" $root }}
{{- if eq .component "worker" }}{{ $name = printf "%s-worker" $name }}{{ end }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels:
    {{- include "tutela.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ .values.replicas }}
  podManagementPolicy: {{ if eq $root.Values.state "file" }}OrderedReady{{ else }}Parallel{{ end }}
  serviceName: {{ $name }}
  selector:
    matchLabels:
      {{- include "tutela.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  template:
    metadata:
      labels:
        {{- include "tutela.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
      annotations:
        checksum/config: {{ include (print $root.Template.BasePath "/config.yaml") $root | sha256sum }}
        {{- if $root.Values.metrics.enabled }}
        prometheus.io/scrape: "true"
        prometheus.io/port: {{ $root.Values.metrics.port | quote }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "tutela.name" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      {{- with $root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      {{- with include "tutela.places" $root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      containers:
        - name: tutela
          image: {{ include "tutela.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: ["--log-format", "json", {{ .command | quote }}, "--config", "/etc/tutela/server.yml"]
          envFrom:
            - secretRef: { name: {{ $root.Values.existingSecret | quote }} }
          {{- if or (eq .component "server") $root.Values.metrics.enabled }}
          ports:
            {{- if eq .component "server" }}
            - { name: http, containerPort: 8080 }
            {{- end }}
            {{- if $root.Values.metrics.enabled }}
            - { name: metrics, containerPort: {{ $root.Values.metrics.port }} }
            {{- end }}
          {{- end }}
          {{- if eq .component "server" }}
          startupProbe:
            httpGet: { path: /health, port: http }
            periodSeconds: 2
            failureThreshold: 60
          readinessProbe:
            httpGet: { path: /ready, port: http }
            periodSeconds: 5
          livenessProbe:
            httpGet: { path: /live, port: http }
            periodSeconds: 10
            failureThreshold: 6
          {{- end }}
          {{- with .values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: ["ALL"] }
          volumeMounts:
            - { name: data, mountPath: /var/lib/tutela }
            - { name: config, mountPath: /etc/tutela, readOnly: true }
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: config
          configMap: { name: {{ include "tutela.name" $root }} }
        - name: tmp
          emptyDir: {}
  volumeClaimTemplates:
    # The journal of erasures lies here, outside of the database: it is what a restored database is cleaned
    # again with.
    - metadata: { name: data }
      spec:
        accessModes: ["ReadWriteOnce"]
        {{- with $root.Values.persistence.storageClass }}
        storageClassName: {{ . | quote }}
        {{- end }}
        resources:
          requests: { storage: {{ $root.Values.persistence.size | quote }} }
{{- end }}
