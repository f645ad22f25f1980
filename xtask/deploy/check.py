"""Renders the chart as `helm template` does, with Helm's own code, and checks every manifest against the schemas of
Kubernetes, unknown keys refused.

Called by `cargo xtask deploy`: `check.py TOP OUT`. Writes each server.yml that a manifest holds to OUT/settings, and
how each connector is started to OUT/connectors, for the program itself to check. Ends with 1 and one line for each
problem.
"""

import copy
import json
import pathlib
import re
import sys

import helm_python
import kubernetes_validate
import yaml

import connectors

# The oldest version that the chart admits, and the newest whose schemas are there.
VERSIONS = ["1.28", "1.37"]

# Name, values, and the kinds that must come out.
SHAPES = [
    ("file", {}, {"StatefulSet": 1, "Service": 1, "ConfigMap": 1, "NetworkPolicy": 1}),
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
        {"StatefulSet": 2, "Service": 2, "Ingress": 1, "PodDisruptionBudget": 2, "NetworkPolicy": 2},
    ),
    (
        "connectors",
        {
            "connectors": [
                {"name": "segment", "connector": "segment", "existingSecret": "segment", "provisioning": True},
                {
                    "name": "own",
                    "file": {"configMap": "own-connector"},
                    "existingSecret": "own",
                    "controlPlane": "tutela.example.com",
                    "hostId": "the-only-one",
                    "tmpSizeLimit": "8Gi",
                    "env": {"BATON_DOMAIN": "eu1.api.segmentapis.com"},
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
                },
                {"name": "several", "connector": "github", "existingSecret": "github", "replicas": 3},
            ],
        },
        {"StatefulSet": 1, "Deployment": 3, "NetworkPolicy": 4},
    ),
    (
        "connectors-alone",
        {
            "server": {"enabled": False},
            "connectors": [{"name": "segment", "connector": "segment", "existingSecret": "segment"}],
            "nodeSelector": {"disk": "ssd"},
        },
        {"StatefulSet": 0, "ConfigMap": 0, "Service": 0, "Ingress": 0, "Deployment": 1, "NetworkPolicy": 1},
    ),
    (
        "control-plane",
        {
            "ingress": {"enabled": True, "host": "tutela.example.com", "tlsSecret": "tutela-tls"},
            "selfHosted": {"enabled": True},
            "config": {"self_hosted": {"overlap": "2d"}},
        },
        {"StatefulSet": 1, "Service": 1, "Ingress": 2},
    ),
    ("bare", {"metrics": {"enabled": False}, "networkPolicy": {"enabled": False}}, {"StatefulSet": 1}),
]

CONNECTOR = {"name": "a", "connector": "segment", "existingSecret": "a"}

# Values that the chart must refuse.
REFUSED = [
    ("two servers on one file", {"server": {"replicas": 2}}),
    ("a worker on a file", {"worker": {"replicas": 1}}),
    ("a kind of state that is none", {"state": "mysql"}),
    ("a key that is none", {"replicas": 2}),
    ("workers without a server", {"state": "postgres", "server": {"enabled": False}, "worker": {"replicas": 1}}),
    ("a connector that is none", {"connectors": [{"name": "a", "existingSecret": "a"}]}),
    ("a connector that is two", {"connectors": [{**CONNECTOR, "file": {"configMap": "a"}}]}),
    ("two connectors of one name", {"connectors": [CONNECTOR, CONNECTOR]}),
    ("two pods of one host id", {"connectors": [{**CONNECTOR, "hostId": "one", "replicas": 2}]}),
    ("two pods that change access", {"connectors": [{**CONNECTOR, "provisioning": True, "replicas": 2}]}),
    ("provisioning that is a text", {"connectors": [{**CONNECTOR, "provisioning": "true"}]}),
    ("a connector called as the workers are", {"connectors": [{**CONNECTOR, "name": "worker"}]}),
    ("a secret in the open", {"connectors": [{**CONNECTOR, "env": {"BATON_TOKEN": "canary"}}]}),
    ("a key in the open", {"connectors": [{**CONNECTOR, "env": {"BATON_API_KEY": "canary"}}]}),
    ("the master key in the open", {"connectors": [{**CONNECTOR, "env": {"TUTELA_KEY": "canary"}}]}),
    ("a value that is no text", {"connectors": [{**CONNECTOR, "env": {"BATON_TICKETING": True}}]}),
]

# A manifest with a slip, which the check must find.
PLANTED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "planted"},
    "spec": {"ports": [{"port": "eighty"}], "slelector": {}},
}


def manifests_of(text):
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


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
            if "memory" not in container.get("resources", {}).get("limits", {}):
                yield f"{name} has no memory limit"


def references(manifests, given=()):
    """What one manifest says of another: labels that are selected, names that are mounted, services that are led to.

    Config maps that are `given` are made by whoever uses the chart.
    """
    pods = [
        (manifest["kind"], manifest["metadata"]["name"], manifest["spec"]["template"]["metadata"]["labels"])
        for manifest in manifests
        if (manifest.get("spec") or {}).get("template")
    ]
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    ports = {
        (manifest["metadata"]["name"], port["name"])
        for manifest in manifests
        if manifest["kind"] == "Service"
        for port in manifest["spec"].get("ports", [])
    }

    def selects(selector):
        return any(selector.items() <= labels.items() for _, _, labels in pods)

    for manifest in manifests:
        kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec") or {}
        selector = spec.get("selector") if kind == "Service" else (spec.get("selector") or {}).get("matchLabels")
        if kind == "NetworkPolicy":
            selector = spec["podSelector"].get("matchLabels")
        if selector and not selects(selector):
            yield f"{kind} {name} selects no pod"
        if kind == "StatefulSet":
            if not selector.items() <= spec["template"]["metadata"]["labels"].items():
                yield f"{kind} {name} does not select its own pods"
            if ("Service", spec["serviceName"]) not in names:
                yield f"{kind} {name} names the service {spec['serviceName']}, which is not there"
        for rule in spec.get("rules", []) if kind == "Ingress" else []:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                if (service["name"], service["port"]["name"]) not in ports:
                    yield f"{kind} {name} leads to the service {service}, which is not there"
    for name, pod in pods_of(manifests):
        account = pod.get("serviceAccountName")
        if account and ("ServiceAccount", account) not in names:
            yield f"{name} runs under the account {account}, which is not there"
        for volume in pod.get("volumes", []):
            mounted = volume.get("configMap", {}).get("name")
            if mounted and mounted not in given and ("ConfigMap", mounted) not in names:
                yield f"{name} mounts the config map {mounted}, which is not there"


def check(name, text, out, given=()):
    manifests = manifests_of(text)
    for manifest in manifests:
        yield from problems_of(manifest)
        if manifest["kind"] == "ConfigMap":
            (out / "settings" / f"{name}.yml").write_text(manifest["data"]["server.yml"])
    for connector, how in connectors.started(manifests):
        (out / "connectors" / f"{name}-{connector}.json").write_text(json.dumps(how))
    yield from hardening(manifests)
    yield from references(manifests, given)
    yield from connectors.problems(manifests)


def planted(manifests):
    """Slips in manifests that are right, each of which the checks must find."""

    def slip(what, check, change):
        broken = copy.deepcopy(manifests)
        for manifest in broken:
            change(manifest, manifest.get("spec") or {})
        if not list(check(broken)):
            yield f"the check does not find a slip that was planted: {what}"

    def pod(change):
        return lambda manifest, spec: change(spec["template"]["spec"]) if "template" in spec else None

    def of(kind, change):
        return lambda manifest, spec: change(manifest, spec) if manifest["kind"] == kind else None

    def each(broken):
        return [problem for manifest in broken for problem in problems_of(manifest)]

    def renamed(manifest, spec):
        manifest["metadata"]["name"] = "other"

    yield from slip("a key that is none", each, of("StatefulSet", lambda _, spec: spec.update(replica=1)))
    yield from slip("a text for a number", each, of("StatefulSet", lambda _, spec: spec.update(replicas="1")))
    yield from slip("root", hardening, pod(lambda spec: spec["securityContext"].update(runAsNonRoot=False)))
    yield from slip("no limit", hardening, pod(lambda spec: spec["containers"][0]["resources"].pop("limits")))
    if any(manifest["kind"] == "Ingress" for manifest in manifests):
        unnamed = of("Service", lambda _, spec: [port.update(name="other") for port in spec.get("ports", [])])
        yield from slip("a way in to no port", references, unnamed)
    yield from slip("no pods", references, of("Service", lambda _, spec: spec.update(selector={"a": "b"})))
    yield from slip("a config map of another name", references, of("ConfigMap", renamed))
    yield from slip("an account of another name", references, of("ServiceAccount", renamed))


def plain(top):
    """The manifests beside the chart, a secret together with what runs with it."""
    texts = {}
    for path in sorted((top / "deploy" / "kubernetes").glob("*.yaml")):
        name = path.stem.removesuffix("-secret")
        texts[name] = "\n---\n".join(filter(None, [texts.get(name), path.read_text()]))
    return texts


def shown(top):
    """The manifest that the server shows with a fresh client secret."""
    source = (top / "crates/api/src/routes/self_hosted/manifest.rs").read_text()
    text = re.search(r'const TEMPLATE: &str = r#"(.*?)"#;', source, re.DOTALL)[1]
    # A connector of the library, which has no file of its own.
    filled = {"connector": '"segment"', "variables": '  BATON_TOKEN: "<token>"\n', "mounts": "", "volumes": "", "files": ""}
    return re.sub(r"\{([a-z_]+)\}", lambda place: filled.get(place[1], place[1].replace("_", "-")), text)


def rendered(chart, values):
    files = chart.render(values, name="tutela", namespace="tutela")
    text = "\n---\n".join(text for name, text in sorted(files.items()) if name.endswith(".yaml"))
    return text, "\n".join(text for name, text in files.items() if name.endswith("NOTES.txt"))


def chart_problems(top, folder):
    report = helm_python.lint(str(folder), strict=True)
    for message in report["messages"]:
        # 2 is a warning, 3 an error.
        if message["severity"] >= 2:
            yield f"helm lint: {message['path']}: {message['error']}"
    version = re.search(r'^version = "(.*)"$', (top / "Cargo.toml").read_text(), re.MULTILINE)[1]
    named = yaml.safe_load((folder / "Chart.yaml").read_text())["appVersion"]
    if named != version:
        yield f"Chart.yaml: appVersion is {named}, the program is {version}"


def run(top, out):
    if not list(problems_of(PLANTED)):
        yield "the check does not find a slip that was planted"
    guides = "\n".join(path.read_text() for path in sorted((top / "docs" / "guide").glob("*.md")))
    pods = []
    for name, text in [*plain(top).items(), ("shown-by-the-server", shown(top))]:
        yield from (f"{name}: {problem}" for problem in check(name, text, out))
        manifests = manifests_of(text)
        if list(connectors.connectors_of(manifests)):
            yield from (f"{name}: {problem}" for problem in connectors.selector_problems(text, manifests))
            yield from connectors.planted(manifests, problems_of)
        pods += manifests
    folder = top / "deploy" / "helm" / "tutela"
    yield from chart_problems(top, folder)
    with helm_python.Chart.load(str(folder)) as chart:
        for name, values, kinds in SHAPES:
            text, notes = rendered(chart, values)
            given = [own["file"]["configMap"] for own in values.get("connectors", []) if "file" in own]
            for problem in check(f"helm-{name}", text, out, given):
                yield f"helm, {name}: {problem}"
            manifests = manifests_of(text)
            found = [manifest["kind"] for manifest in manifests]
            for kind, count in kinds.items():
                if found.count(kind) != count:
                    yield f"helm, {name}: {found.count(kind)} of {kind} in place of {count}"
            if "StatefulSet" in found:
                yield from planted(manifests)
            yield from connectors.selector_problems(notes, manifests)
            if values.get("connectors"):
                yield from connectors.planted(manifests, problems_of)
                pods += manifests
        for name, values in REFUSED:
            try:
                rendered(chart, values)
            except helm_python.HelmError:
                continue
            yield f"helm: {name} is not refused"
    yield from (f"guide: {problem}" for problem in connectors.selector_problems(guides, pods))


def main():
    top, out = (pathlib.Path(argument) for argument in sys.argv[1:3])
    for name in ["settings", "connectors"]:
        (out / name).mkdir()
    problems = list(run(top, out))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
