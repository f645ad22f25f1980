{{/* The words of the command line that name the connector, one in each line. */}}
{{- define "tutela.connector.named" -}}
- baton
{{- if .connector }}
- {{ .connector | quote }}
{{- else }}
- "--connector"
- {{ printf "/etc/tutela/connector/%s" (.file.key | default "connector.yml") | quote }}
{{- end }}
{{- end }}

{{/* A self-hosted connector: dict "root" . "connector" (one of .Values.connectors) */}}
{{- define "tutela.connector" -}}
{{- $root := .root }}
{{- $own := .connector }}
{{- /* Not cut: two connectors would have one name. At most 50 + 1 + 32 characters, of the 253 that there are. */}}
{{- $name := printf "%s-%s" (include "tutela.name" $root) $own.name }}
{{- if eq $own.name "worker" }}
{{- fail "connector `worker`: workers of the server have this name, and its network policy would be theirs; give it another" }}
{{- end }}
{{- $replicas := int (hasKey $own "replicas" | ternary $own.replicas 1) }}
{{- if and $own.hostId (gt $replicas 1) }}
{{- fail (printf "connector `%s`: two processes with one host id take each other's work; leave `hostId` out, or set `replicas: 1`" $own.name) }}
{{- end }}
{{- if and $own.provisioning (gt $replicas 1) }}
{{- fail (printf "connector `%s`: two processes do not see each other's changes of one person; set `replicas: 1`, or `provisioning: false`" $own.name) }}
{{- end }}
{{- $named := include "tutela.connector.named" $own }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "tutela.labels" $root | nindent 4 }}
    app.kubernetes.io/component: connector
    baton-app: {{ $own.name | quote }}
spec:
  replicas: {{ $replicas }}
  # A host id that is given must not be there twice; names of pods never are.
  strategy: { type: Recreate }
  selector:
    matchLabels:
      {{- include "tutela.selector" $root | nindent 6 }}
      app.kubernetes.io/component: connector
      baton-app: {{ $own.name | quote }}
  template:
    metadata:
      labels:
        {{- include "tutela.labels" $root | nindent 8 }}
        app.kubernetes.io/component: connector
        baton: "true"
        baton-app: {{ $own.name | quote }}
    spec:
      serviceAccountName: {{ include "tutela.name" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      # The work under way gets ten seconds, then it is told as cancelled.
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
        - name: connector
          image: {{ include "tutela.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            {{- $named | nindent 12 }}
          envFrom:
            - secretRef: { name: {{ $own.existingSecret | quote }} }
          env:
            - { name: BATON_HEALTH_CHECK, value: "true" }
            {{- if $own.hostId }}
            - { name: BATON_HOST_ID, value: {{ $own.hostId | quote }} }
            {{- else }}
            - name: BATON_HOST_ID
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            {{- end }}
            # Said in any case, so that it is not the secret that decides.
            - { name: BATON_PROVISIONING, value: {{ $own.provisioning | default false | quote }} }
            {{- with $own.controlPlane }}
            - { name: BATON_C1_API_HOST, value: {{ . | quote }} }
            {{- end }}
            {{- range $key, $value := $own.env }}
            - { name: {{ $key | quote }}, value: {{ $value | quote }} }
            {{- end }}
          {{- range $probe, $asked := dict "startup" "live" "readiness" "ready" "liveness" "live" }}
          {{ $probe }}Probe:
            exec:
              command:
                - /usr/bin/tutela
                {{- $named | nindent 16 }}
                - health-check
                - "--endpoint={{ $asked }}"
            timeoutSeconds: 10
            periodSeconds: {{ get (dict "startup" 5 "readiness" 15 "liveness" 30) $probe }}
            failureThreshold: {{ get (dict "startup" 24 "readiness" 3 "liveness" 4) $probe }}
          {{- end }}
          resources:
            {{- toYaml ($own.resources | default $root.Values.connectorResources) | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: ["ALL"] }
          volumeMounts:
            # A sync lies here until it is uploaded.
            - { name: tmp, mountPath: /tmp }
            {{- if not $own.connector }}
            - { name: connector, mountPath: /etc/tutela/connector, readOnly: true }
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: { sizeLimit: {{ $own.tmpSizeLimit | default "2Gi" | quote }} }
        {{- if not $own.connector }}
        - name: connector
          configMap: { name: {{ $own.file.configMap | quote }} }
        {{- end }}
{{- if $root.Values.networkPolicy.enabled }}
---
# Nobody calls a connector; its probes run inside of the container.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- include "tutela.labels" $root | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "tutela.selector" $root | nindent 6 }}
      app.kubernetes.io/component: connector
      baton-app: {{ $own.name | quote }}
  policyTypes: ["Ingress"]
{{- end }}
---
{{- end }}
