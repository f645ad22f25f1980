"""Renders the chart and checks every manifest against the schemas of Kubernetes, unknown keys refused.

Called by `cargo xtask deploy`: `check.py TOP OUT`. Writes each server.yml that a manifest holds to OUT, for the
program itself to check. Ends with 1 and one line for each problem.
"""

import pathlib
import sys

import helm_python
import kubernetes_validate
import yaml

# The oldest version that the chart admits, and the newest whose schemas are there.
VERSIONS = ["1.28", "1.37"]

# Name, values, and the kinds that must come out.
SHAPES = [
    ("file", {}, {"StatefulSet": 1, "Service": 1, "ConfigMap": 1, "NetworkPolicy": 2}),
    (
        "postgres",
        {
            "state": "postgres",
            "server": {"replicas": 3},
            "worker": {"replicas": 2},
            "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": [{"name": "registry"}]},
            "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tutela-tls"},
            "persistence": {"storageClass": "fast"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        },
        {"StatefulSet": 2, "Service": 2, "Ingress": 1, "PodDisruptionBudget": 2},
    ),
    ("bare", {"metrics": {"enabled": False}, "networkPolicy": {"enabled": False}}, {"StatefulSet": 1}),
]

# Values that the chart must refuse.
REFUSED = [
    ("two servers on one file", {"server": {"replicas": 2}}),
    ("a worker on a file", {"worker": {"replicas": 1}}),
    ("a kind of state that is none", {"state": "mysql"}),
    ("a key that is none", {"replicas": 2}),
]

# A manifest with a slip, which the check must find.
PLANTED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "planted"},
    "spec": {"ports": [{"port": "eighty"}], "slelector": {}},
}


def problems_of(manifest):
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except Exception as error:
            where = f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"
            yield f"{where} (Kubernetes {version}): {error}".replace("\n", " ")


def pods_of(manifests):
    for manifest in manifests:
        template = (manifest.get("spec") or {}).get("template")
        if template:
            yield manifest["metadata"]["name"], template["spec"]


def hardening(manifests):
    """What every pod must say, so that a chart does not grow lax."""
    for name, pod in pods_of(manifests):
        if pod["securityContext"].get("runAsNonRoot") is not True:
            yield f"{name} may run as root"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name} gets a token of the cluster"
        for container in pod["containers"]:
            context = container["securityContext"]
            if context.get("readOnlyRootFilesystem") is not True or context.get("allowPrivilegeEscalation") is not False:
                yield f"{name} may write to its image or gain rights"
            if "memory" not in container["resources"]["limits"]:
                yield f"{name} has no memory limit"


def check(name, text, out):
    manifests = [manifest for manifest in yaml.safe_load_all(text) if manifest]
    for manifest in manifests:
        yield from problems_of(manifest)
        if manifest["kind"] == "ConfigMap":
            (out / f"{name}.yml").write_text(manifest["data"]["server.yml"])
    yield from hardening(manifests)


def rendered(chart, values):
    files = chart.render(values, name="tutela", namespace="tutela")
    return "\n---\n".join(text for name, text in sorted(files.items()) if name.endswith(".yaml"))


def run(top, out):
    if not list(problems_of(PLANTED)):
        yield "the check does not find a slip that was planted"
    for path in sorted((top / "deploy" / "kubernetes").glob("*.yaml")):
        for problem in check(path.stem, path.read_text(), out):
            yield f"{path.name}: {problem}"
    with helm_python.Chart.load(str(top / "deploy" / "helm" / "tutela")) as chart:
        for name, values, kinds in SHAPES:
            text = rendered(chart, values)
            for problem in check(f"helm-{name}", text, out):
                yield f"helm, {name}: {problem}"
            found = [manifest["kind"] for manifest in yaml.safe_load_all(text) if manifest]
            for kind, count in kinds.items():
                if found.count(kind) != count:
                    yield f"helm, {name}: {found.count(kind)} of {kind} in place of {count}"
        for name, values in REFUSED:
            try:
                rendered(chart, values)
            except helm_python.HelmError:
                continue
            yield f"helm: {name} is not refused"


def main():
    top, out = (pathlib.Path(argument) for argument in sys.argv[1:3])
    problems = list(run(top, out))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
