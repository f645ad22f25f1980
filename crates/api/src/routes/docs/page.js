"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** An element; texts become text nodes, so nothing of the document is ever read as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function follow(spec, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? { name, ...(spec.components?.schemas?.[name] ?? {}) } : (schema ?? {});
}

/** What a schema accepts, in few words. */
function type(spec, schema) {
  if (!schema) return "anything";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return choices.map((one) => type(spec, one)).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const names = [schema.type ?? "anything"].flat();
  return names.map((name) => (name === "array" ? `list of ${type(spec, schema.items)}` : name)).join(" | ");
}

/** An example of what a schema accepts; not deeper than `depth`. */
function example(spec, schema, depth = 4) {
  const found = follow(spec, schema);
  if (found.example !== undefined) return found.example;
  if (found.default !== undefined) return found.default;
  if (found.enum) return found.enum[0];
  if (depth === 0) return null;
  const choices = found.oneOf ?? found.anyOf ?? found.allOf;
  if (choices) return example(spec, choices.find((one) => one.type !== "null") ?? choices[0], depth);
  switch ([found.type].flat()[0]) {
    case "object": {
      const entries = Object.entries(found.properties ?? {});
      return Object.fromEntries(entries.map(([key, value]) => [key, example(spec, value, depth - 1)]));
    }
    case "array": return [example(spec, found.items, depth - 1)];
    case "integer": case "number": return found.minimum ?? 0;
    case "boolean": return false;
    case "string": return "";
    default: return null;
  }
}

function fields(spec, schema) {
  let found = follow(spec, schema);
  if ([found.type].flat().includes("array")) found = follow(spec, found.items);
  const required = new Set(found.required ?? []);
  const rows = Object.entries(found.properties ?? {}).map(([key, value]) => make("tr", {},
    make("td", {}, make("code", {}, key), required.has(key) ? " *" : ""),
    make("td", {}, type(spec, value)),
    make("td", {}, value.description ?? "")));
  if (rows.length === 0) return null;
  const head = make("tr", {}, make("th", {}, "key"), make("th", {}, "type"), make("th", {}, "meaning"));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function section(title, ...children) {
  const found = children.filter((child) => child !== null);
  return found.length ? make("section", {}, make("h3", {}, title), ...found) : null;
}

function answers(spec, operation) {
  const rows = Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const content = Object.values(answer.content ?? {})[0];
    return make("tr", {}, make("td", {}, status), make("td", {}, content ? type(spec, content.schema) : ""),
      make("td", {}, answer.description ?? ""));
  });
  return section("Answers", make("table", {}, make("tbody", {}, ...rows)));
}

/** A form that makes the call from here, with the token from the top of the page. */
function trial(spec, path, method, operation) {
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const input = make("input", { type: "text", autocomplete: "off" });
    return { parameter, input };
  });
  const media = Object.keys(operation.requestBody?.content ?? {})[0];
  const body = media ? make("textarea", { spellcheck: "false", "aria-label": "Body" }) : null;
  const schema = operation.requestBody?.content?.[media]?.schema;
  if (media?.includes("json")) body.value = JSON.stringify(example(spec, schema), null, 2);
  const output = make("pre", { hidden: "", tabindex: "0", "aria-live": "polite" });
  const button = make("button", { type: "submit" }, "Send");
  const grid = make("div", { class: "fields" });
  for (const { parameter, input } of inputs) {
    grid.append(make("span", {}, `${parameter.name}${parameter.required ? " *" : ""}`), input);
    input.setAttribute("aria-label", parameter.name);
  }
  const form = make("form", {}, grid, body, button, output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (parameter.in === "query" && input.value !== "") query.append(parameter.name, input.value);
    }
    const headers = {};
    const token = document.getElementById("token").value.trim();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (media) headers["Content-Type"] = media;
    output.hidden = false;
    output.textContent = "Sending…";
    try {
      const url = query.size ? `${target}?${query}` : target;
      const reply = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value || undefined });
      const text = await reply.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
      output.textContent = `${reply.status} ${reply.statusText}\n\n${shown}`;
    } catch (error) {
      output.textContent = `The server did not answer: ${error.message}`;
    }
  });
  return section("Try it", form);
}

function scopes(operation) {
  const asked = (operation.security ?? []).flatMap((one) => one.oauth2 ?? []);
  if (asked.length) return `Needs ${asked.join(", ")}.`;
  return (operation.security ?? []).some((one) => one.oauth2) ? "Needs a token." : "Needs no token.";
}

function show(spec, path, method, operation) {
  const summary = make("summary", {},
    make("span", { class: "method" }, method.toUpperCase()), " ",
    make("span", { class: "path" }, path), " ",
    make("span", { class: "words" }, operation.summary ?? ""));
  const details = make("details", {}, summary);
  details.dataset.words = [method, path, operation.summary, operation.description, scopes(operation)]
    .join(" ").toLowerCase();
  // Filled when it is opened for the first time: a page of all forms at once would be slow.
  details.addEventListener("toggle", () => {
    if (details.children.length > 1) return;
    const body = Object.entries(operation.requestBody?.content ?? {})[0];
    const parameters = (operation.parameters ?? []).map((one) => make("tr", {},
      make("td", {}, make("code", {}, one.name), one.required ? " *" : ""),
      make("td", {}, `${one.in}, ${type(spec, one.schema)}`), make("td", {}, one.description ?? "")));
    details.append(make("div", { class: "inside" },
      operation.description ? make("p", {}, operation.description) : null,
      make("p", {}, scopes(operation)),
      parameters.length ? section("Parameters", make("table", {}, make("tbody", {}, ...parameters))) : null,
      body ? section(`Body: ${type(spec, body[1].schema)}`, fields(spec, body[1].schema)) : null,
      answers(spec, operation),
      trial(spec, path, method, operation)));
  });
  return details;
}

function draw(spec) {
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths ?? {})) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? "Other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(show(spec, path, method, item[method]));
    }
  }
  const sections = [...groups].sort(([a], [b]) => a.localeCompare(b))
    .map(([tag, operations]) => make("section", {}, make("h2", {}, tag), ...operations));
  document.getElementById("operations").replaceChildren(...sections);
  document.getElementById("about").prepend(`${spec.info?.title ?? ""} ${spec.info?.version ?? ""}. `);
}

document.getElementById("find").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of document.querySelectorAll("#operations > section")) {
    let shown = 0;
    for (const details of group.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.dataset.words.includes(word));
      shown += details.hidden ? 0 : 1;
    }
    group.hidden = shown === 0;
  }
});

fetch("/openapi.json")
  .then((reply) => reply.ok ? reply.json() : Promise.reject(new Error(`status ${reply.status}`)))
  .then(draw)
  .catch((error) => {
    document.getElementById("state").textContent = `The document could not be read: ${error.message}`;
  });
