{{/* A way in: dict "root" . "suffix" "" "path" "/" "port" "http" "annotations" (map) */}}
{{- define "tutela.ingress" -}}
{{- $root := .root }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "tutela.name" $root }}{{ .suffix }}
  labels:
    {{- include "tutela.labels" $root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $root.Values.ingress.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- with $root.Values.ingress.tlsSecret }}
  tls:
    - hosts: [{{ $root.Values.ingress.host | quote }}]
      secretName: {{ . | quote }}
  {{- end }}
  rules:
    - host: {{ $root.Values.ingress.host | quote }}
      http:
        paths:
          - path: {{ .path }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "tutela.name" $root }}
                port: { name: {{ .port }} }
{{- end }}
