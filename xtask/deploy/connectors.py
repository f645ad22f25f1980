"""What self-hosted connectors must say on Kubernetes, and slips that have been made there.

Governance 5.2 lists the slips of manifests that were published; each is planted here and must be found.
"""

import copy
import re

# How names of variables end that hold a secret.
SECRET = re.compile("(SECRET|TOKEN|PASSWORD|PASSPHRASE|KEY|CREDENTIALS?)$")
# The image holds nothing else, and knows no path.
PROGRAM = "/usr/bin/tutela"
POD_NAME = {"fieldRef": {"fieldPath": "metadata.name"}}


def connectors_of(manifests):
    """The deployments whose pods are connectors, with the one container of each."""
    for manifest in manifests:
        template = (manifest.get("spec") or {}).get("template")
        if template and "baton" in template["metadata"]["labels"]:
            yield manifest, template["spec"]["containers"][0]


def variables_of(container):
    return {variable["name"]: variable for variable in container.get("env", [])}


def is_pinned(image):
    """Whether the image is the same one tomorrow."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return digest.startswith("sha256:") or tag not in ("", "latest")


def probe_problems(container, variables):
    for kind, endpoint in [("liveness", "live"), ("readiness", "ready")]:
        command = container.get(f"{kind}Probe", {}).get("exec", {}).get("command", [])
        if command[-2:] != ["health-check", f"--endpoint={endpoint}"]:
            yield f"has no {kind} probe that asks for `{endpoint}`"
        elif command[:-2] != [PROGRAM, *container["args"]]:
            yield f"asks another program than the one that runs: {command}"
    if variables.get("BATON_HEALTH_CHECK", {}).get("value") != "true":
        yield "tells nobody its health, so its probes would fail"


def host_problems(spec, variables):
    """Two processes with one host id would take each other's work, in a rollout too."""
    host = variables.get("BATON_HOST_ID", {})
    if host.get("valueFrom") == POD_NAME:
        return
    if not host.get("value"):
        yield "has a host id from nowhere"
    if spec.get("replicas", 1) > 1 or spec.get("strategy", {}).get("type") != "Recreate":
        yield "has one host id for pods that run at the same time"


def problems(manifests):
    secrets = [manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Secret"]
    for manifest, container in connectors_of(manifests):
        name, spec, variables = manifest["metadata"]["name"], manifest["spec"], variables_of(container)
        pod = spec["template"]["spec"]
        found = [*probe_problems(container, variables), *host_problems(spec, variables)]
        if not is_pinned(container["image"]):
            found.append(f"runs an image that may be another one tomorrow: {container['image']}")
        if {"cpu", "memory"} - container.get("resources", {}).get("requests", {}).keys():
            found.append("requests no processor or memory")
        if pod["securityContext"].get("seccompProfile", {}).get("type") != "RuntimeDefault":
            found.append("may make every call of the system")
        if "ALL" not in container["securityContext"].get("capabilities", {}).get("drop", []):
            found.append("keeps rights that it does not need")
        if "/tmp" not in [mount["mountPath"] for mount in container.get("volumeMounts", [])]:
            found.append("has nowhere to write a sync to")
        named = [source["secretRef"]["name"] for source in container.get("envFrom", []) if "secretRef" in source]
        if not all([named, *named]) or (secrets and set(named) - set(secrets)):
            found.append("is told no secret, or one that is not there")
        found += [f"says {key} in the open" for key in variables if SECRET.search(key)]
        yield from (f"{name} {problem}" for problem in found)


def selector_problems(text, manifests):
    """Labels by which a text has pods looked for must be those of pods."""
    templates = [(manifest.get("spec") or {}).get("template") for manifest in manifests]
    labels = [template["metadata"]["labels"] for template in templates if template]
    for selector in re.findall(r"kubectl [^\n`]*?(?:-l|--selector)[ =](\S+)", text):
        wanted = [part.partition("=")[::2] for part in selector.strip("'\"").split(",")]
        if not any(all(pod.get(key) == value for key, value in wanted) for pod in labels):
            yield f"`-l {selector}` selects no pod"


def started(manifests):
    """How each connector is started and asked, for the program itself to judge."""
    secrets = {
        manifest["metadata"]["name"]: list(manifest.get("stringData", {}))
        for manifest in manifests
        if manifest["kind"] == "Secret"
    }
    for manifest, container in connectors_of(manifests):
        variables = list(variables_of(container))
        for source in container.get("envFrom", []):
            variables += secrets.get(source.get("secretRef", {}).get("name"), [])
        probes = [probe["exec"]["command"][1:] for key, probe in container.items() if key.endswith("Probe")]
        yield manifest["metadata"]["name"], {
            "args": container["args"],
            "probes": probes,
            "variables": variables,
        }


def planted(manifests, schema_problems):
    """Slips in manifests that are right, each of which must be found. A kind that is not there has no slips."""

    def slip(what, check, change):
        broken = copy.deepcopy(manifests)
        if change(broken) is not False and not list(check(broken)):
            yield f"the check does not find a slip that was planted: {what}"

    def schema(broken):
        return [problem for manifest in broken for problem in schema_problems(manifest)]

    def deployment(change):
        def changed(broken):
            for manifest, container in connectors_of(broken):
                change(manifest["spec"], container)

        return changed

    def secret(broken):
        found = [manifest for manifest in broken if manifest["kind"] == "Secret"]
        for manifest in found:
            manifest["stringData"]["BATON_PROVISIONING"] = True
        return bool(found)

    def one_host(spec, container, **change):
        spec.update(change)
        container["env"] = [variable for variable in container["env"] if variable["name"] != "BATON_HOST_ID"]
        container["env"].append({"name": "BATON_HOST_ID", "value": "one"})

    def other_probe(_, container):
        container["livenessProbe"]["exec"]["command"][2] = "other"

    def by_name(_, container):
        container["readinessProbe"]["exec"]["command"][0] = "tutela"

    def without_health(_, container):
        container["env"] = [variable for variable in container["env"] if variable["name"] != "BATON_HEALTH_CHECK"]

    slips = [
        ("a rollout with one host id", lambda spec, c: one_host(spec, c, strategy={"type": "RollingUpdate"})),
        ("two pods with one host id", lambda spec, c: one_host(spec, c, replicas=2)),
        ("an image that changes", lambda _, c: c.update(image="registry.example.com/tutela:latest")),
        ("an image without a tag", lambda _, c: c.update(image="registry.example.com:5000/tutela")),
        ("no requests", lambda _, c: c["resources"].pop("requests")),
        ("no liveness probe", lambda _, c: c.pop("livenessProbe")),
        ("no readiness probe", lambda _, c: c.pop("readinessProbe")),
        ("a probe of another connector", other_probe),
        ("a probe that is looked for", by_name),
        ("health that nobody tells", without_health),
        ("a token in the open", lambda _, c: c["env"].append({"name": "BATON_TOKEN", "value": "canary"})),
        ("a key in the open", lambda _, c: c["env"].append({"name": "BATON_API_KEY", "value": "canary"})),
        ("nowhere to write", lambda _, c: c.update(volumeMounts=[])),
        ("every call of the system", lambda spec, _: spec["template"]["spec"]["securityContext"].pop("seccompProfile")),
        ("rights that are not needed", lambda _, c: c["securityContext"].pop("capabilities")),
        ("another secret", lambda _, c: c["envFrom"][0]["secretRef"].update(name="")),
        ("no secret", lambda _, c: c.pop("envFrom")),
    ]
    for what, change in slips:
        yield from slip(what, problems, deployment(change))
    unquoted = deployment(lambda spec, _: spec["template"]["metadata"]["labels"].update(baton=True))
    yield from slip("a label that is no text", schema, unquoted)
    yield from slip("a value of a secret that is no text", schema, secret)
    for text in ["kubectl logs -l app=baton-${baton-segment}", "kubectl logs -l app=nobody"]:
        if not list(selector_problems(text, manifests)):
            yield f"the check does not find a slip that was planted: `{text}`"
