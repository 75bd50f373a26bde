// What the page shows: a frame a second from api/live, the history of the chosen part, and its events on request. The token,
// where one is asked for, stays in a variable here. Whatever comes from Weir is shown as text and never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
let token = "";
let state = null, before = null;  // the last two frames
let chosen = null;
let charts = [];
let watching = null;  // of the tap
const graph = new Graph($("graph"), choose);

// Its legend is made of markup with inline styles, which the policy of the page forbids: charts have captions of their own.
if (window.Dygraph) Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

// ---- numbers ------------------------------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (n) => (Math.abs(n) < 100000 ? whole : short).format(n);
const perSecond = (n) => (n === null ? "…" : `${n > 0 && n < 10 ? n.toFixed(1) : count(n)}/s`);
const percent = (part, all) => `${all > 0 ? Math.round((part / all) * 100) : 0} %`;
const sum = (object) => Object.values(object).reduce((a, b) => a + b, 0);

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const at = n < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** at).toFixed(at && n / 1024 ** at < 10 ? 1 : 0)} ${units[at]}`;
}

function time(s) {
  if (s === null || s === undefined) return "–";
  if (s < 1) return `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms`;
  if (s < 120) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${(s / 3600).toFixed(1)} h` : `${(s / 86400).toFixed(1)} d`;
}

/** How fast a count of a part has grown since the last frame; null: not known yet. */
function rate(list, name, of) {
  const now = state[list].find((x) => x.name === name);
  const then = before && before[list].find((x) => x.name === name);
  const passed = before ? state.uptime_s - before.uptime_s : 0;
  return then && passed > 0 && of(now) >= of(then) ? (of(now) - of(then)) / passed : null;
}

// ---- parts: what a frame says of each box ---------------------------------------------------------------------------------

const levels = ["normal", "warning", "critical"];
const worse = (a, b) => (levels.indexOf(a) >= levels.indexOf(b) ? a : b);

function partsOf(s) {
  const parts = [];
  const add = (kind, x, more) => parts.push({ key: `${kind}/${x.name}`, kind, name: x.name, why: x.why || "", level: "normal", fill: 0,
                                              held: false, busy: false, data: x, detail: "", ...more });
  for (const x of s.sources) {
    const r = rate("sources", x.name, (y) => y.in);
    add("source", x, { type: x.type, level: x.paused || x.why ? "warning" : "normal", figure: `${perSecond(r)} in`, busy: r > 0,
                       detail: x.paused ? "paused" : x.address || "" });
  }
  for (const x of s.stages) {
    const r = rate("stages", x.name, (y) => y.in);
    add("stage", x, { figure: perSecond(r), busy: r > 0, detail: x.pending ? `${count(x.pending)} pending` : "" });
  }
  for (const x of s.sinks) {
    const r = rate("sinks", x.name, (y) => y.stored);
    const held = x.held_up_by !== null;
    add("sink", x, { type: x.type, level: worse(worse(x.level, x.breaker === "open" ? "critical" : "normal"), held ? "warning" : "normal"),
                     fill: x.fill, figure: `${perSecond(r)} stored`, busy: r > 0, held: x.paused || held,
                     detail: `${count(x.waiting)} of ${count(x.bound)} wait` });
  }
  for (const x of s.gateways) {
    const r = rate("gateways", x.name, (y) => y.in);
    add("gateway", x, { level: x.difference ? "critical" : "normal", figure: `${perSecond(r)} in`, busy: r > 0,
                        detail: `${count(x.in_flight)} in flight` });
  }
  for (const x of s.upstreams) {
    const full = x.limit > 0 ? x.in_flight / x.limit : 0;
    const level = x.breaker === "open" ? "critical" : full > 0.8 || x.why || x.endpoints.some((e) => e.unwell) ? "warning" : "normal";
    add("upstream", x, { level, fill: full, held: x.breaker === "open", busy: x.in_flight > 0,
                         figure: x.limit ? `${count(x.in_flight)} of ${count(x.limit)} in use` : `${count(x.in_flight)} in flight`,
                         detail: x.waiting ? `${count(x.waiting)} wait` : `${x.endpoints.length} endpoint${x.endpoints.length === 1 ? "" : "s"}` });
  }
  for (const alert of s.alerts) {
    const part = parts.find((p) => p.key === `${alert.kind}/${alert.node}`);
    if (part && alert.severity === "warning") part.level = worse(part.level, "warning");
  }
  return parts;
}

/** Lines between parts that are shown. Which upstream a gateway asks is known only where there is one gateway. */
function linksOf(s, parts) {
  const find = (name) => parts.find((p) => p.name === name && p.kind !== "gateway" && p.kind !== "upstream");
  const links = s.links.map((l) => ({ from: find(l.from), to: find(l.to) })).filter((l) => l.from && l.to && l.from !== l.to)
    .map((l) => ({ from: l.from.key, to: l.to.key }));
  if (s.gateways.length === 1)
    for (const u of s.upstreams) links.push({ from: `gateway/${s.gateways[0].name}`, to: `upstream/${u.name}` });
  return links;
}

// ---- what is written out --------------------------------------------------------------------------------------------------

function facts(where, pairs) {
  while (where.children.length > pairs.length) where.lastChild.remove();
  pairs.forEach(([name, value], i) => {
    if (!where.children[i]) where.append(element("div")), where.children[i].append(element("dt"), element("dd"));
    say(where.children[i].firstChild, name);
    say(where.children[i].lastChild, value);
  });
}

/** Rows of texts, or of {text, level}. Cells are kept, so a selection in them is. */
function rows(where, list) {
  while (where.children.length > list.length) where.lastChild.remove();
  list.forEach((cells, r) => {
    if (!where.children[r]) {
      const row = where.appendChild(element("tr"));
      cells.forEach((_, c) => row.append(element(c ? "td" : "th")));
      row.firstChild.scope = "row";
    }
    cells.forEach((cell, c) => {
      const at = where.children[r].children[c];
      say(at, typeof cell === "object" ? cell.text : String(cell));
      at.dataset.level = cell.level || "";
    });
  });
}

function showHealth(text, level) {
  say($("health"), text);
  $("health").dataset.level = level;
  document.title = level === "normal" ? "Weir" : `${text} · Weir`;
}

function showAlerts(s, parts) {
  const loud = s.alerts.filter((a) => a.severity === "warning");
  const worst = parts.reduce((level, p) => worse(level, p.level), loud.length ? "warning" : "normal");
  showHealth(s.stopping ? "stopping" : loud.length ? `${loud.length} alert${loud.length > 1 ? "s" : ""}`
             : worst === "normal" ? "all is well" : "under pressure", s.stopping ? "warning" : worst);
  const items = s.alerts.map((a) => ({ level: a.severity, head: `${a.rule.replaceAll("_", " ")}: ${[a.kind, a.node].filter(Boolean).join(" ")}, for ${time(a.lasts_s)}`,
                                       text: a.text, advice: a.advice }));
  for (const p of parts)
    if (p.level !== "normal" && (p.why.includes("<-") || p.kind !== "sink") && p.why && !s.alerts.some((a) => a.node === p.name && a.text.includes(p.why)))
      items.push({ level: "info", head: `${p.kind} ${p.name}`, text: p.why, advice: "" });
  const list = $("alerts");
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach((item, i) => {
    if (!list.children[i]) {
      const made = list.appendChild(element("li"));
      const head = element("p");
      head.append(element("strong"));
      made.append(head, element("p"), element("p", "advice"));
    }
    const at = list.children[i];
    at.dataset.level = item.level;
    say(at.children[0].firstChild, item.head);
    say(at.children[1], item.text);
    say(at.children[2], item.advice);
  });
  $("alerts-section").hidden = items.length === 0;
}

const breaker = (x) => ({ text: x.breaker.replace("_", " "), level: x.breaker === "open" ? "critical" : x.breaker === "closed" ? "" : "warning" });

function guardRows(where, guards) {
  return (guards || []).map((g) => [`${where}: guard ${g.name}${g.observed ? " (observes only)" : ""}`, "–", g.in_flight === undefined ? "–" : count(g.in_flight),
                                    g.limit, g.waiting === undefined ? "–" : count(g.waiting), `${count(g.refused)} refused`, "–"]);
}

function limitRows(s) {
  const list = [];
  for (const x of s.sources) list.push(...guardRows(`source ${x.name}`, x.guards));
  for (const x of s.sinks) {
    list.push([`sink ${x.name}`, breaker(x), `${x.workers_busy} of ${x.workers} workers`, "–", count(x.waiting), count(x.failures), count(x.retries)]);
    list.push(...guardRows(`sink ${x.name}`, x.guards));
  }
  for (const g of s.gateways)
    for (const route of g.guarded) list.push(...guardRows(`gateway ${g.name} ${route.path}`, route.guards));
  for (const u of s.upstreams) {
    list.push([`upstream ${u.name}`, breaker(u), count(u.in_flight), u.limit ? count(u.limit) : "–", count(u.waiting), "–", count(u.retries)]);
    for (const e of u.endpoints)
      list.push([`↳ ${e.address}${e.left_alone_s > 0 ? `, left alone for ${time(e.left_alone_s)}` : ""}`, { text: e.unwell ? "unwell" : "well", level: e.unwell ? "critical" : "" },
                 count(e.in_flight), "–", "–", e.last_error || "–", "–"]);
  }
  return list;
}

function ledgerRows(s) {
  const list = [];
  for (const x of s.sources) list.push([`source ${x.name}`, count(x.in), count(x.in - x.pending), count(x.refused), "–", "–", "–", count(x.pending)]);
  for (const x of s.stages) list.push([`stage ${x.name}`, count(x.in), count(x.emitted), "–", count(x.dropped), "–", count(x.failed), count(x.pending)]);
  for (const x of s.sinks) list.push([`sink ${x.name}`, count(x.in), count(x.stored), "–", count(x.dropped), count(x.dead_lettered), count(x.failed), count(x.waiting)]);
  for (const x of s.gateways) list.push([`gateway ${x.name}`, count(x.in), count(sum(x.answered)), count(sum(x.refused)), "–", "–", `${count(sum(x.abandoned))} left`, count(x.in_flight)]);
  return list;
}

function partFacts(part) {
  const x = part.data;
  switch (part.kind) {
    case "source": return [["State", x.paused ? "paused" : "takes what comes"], ["Address", x.address || "–"], ["Acknowledges", x.acks], ["In", count(x.in)],
                           ["Admitted", count(x.admitted)], ["Refused", count(x.refused)], ["Pending", count(x.pending)],
                           ...(x.lags || []).slice(0, 4).map((l) => [`Behind in ${l.place}`, `${count(l.events)} events, ${time(l.age_s)}`])];
    case "sink": return [["State", x.state], ["Queue", `${count(x.waiting)} of ${count(x.bound)} (${percent(x.fill, 1)})`], ["Trend", `${x.growth > 0 ? "+" : ""}${count(x.growth)}/s`],
                         ["Full in", time(x.time_to_full_s)], ["Oldest waits", time(x.oldest_age_s)], ["In bytes", `${bytes(x.waiting_bytes)} of ${bytes(x.bound_bytes)}`],
                         ["p50", time(x.latency.p50_s)], ["p99", time(x.latency.p99_s)], ["Workers", `${x.workers_busy} of ${x.workers} busy`], ["Breaker", x.breaker.replace("_", " ")],
                         ["Retries", count(x.retries)], ["Last error", x.last_error || "none"],
                         ...(x.spill ? [["On the disk", `${count(x.spill.events)} events, ${bytes(x.spill.bytes)} of ${bytes(x.spill.max_bytes)}`]] : [])];
    case "stage": return [["In", count(x.in)], ["Out", count(x.emitted)], ["Filtered", count(x.filtered)], ["Dropped", count(x.dropped)], ["Failed", count(x.failed)], ["Pending", count(x.pending)]];
    case "gateway": return [["Address", x.address], ["In", count(x.in)], ["Answered 2xx", count(x.answered["2xx"])], ["Answered 5xx", count(x.answered["5xx"])],
                            ...Object.entries(x.refused).map(([why, n]) => [`Refused: ${why.replaceAll("_", " ")}`, count(n)]), ["Connections", count(x.connections)], ["Cache hits", count(x.cache.hits)]];
    default: return [["Limit", x.limit ? count(x.limit) : "none"], ["In flight", count(x.in_flight)], ["Waiting", count(x.waiting)], ["Breaker", x.breaker.replace("_", " ")], ["Retries", count(x.retries)]];
  }
}

function showPart(parts) {
  const part = parts.find((p) => p.key === chosen);
  $("part").hidden = !part;
  if (!part) return;
  say($("part-title"), `${part.kind} ${part.name}`);
  say($("part-level"), part.level);
  $("part-level").dataset.level = part.level;
  say($("part-why"), part.why || (part.data.latency ? part.data.latency.sentence : ""));
  facts($("part-facts"), partFacts(part));
}

function show(frame) {
  before = state && frame.uptime_s > state.uptime_s ? state : null;
  state = frame;
  const parts = partsOf(state);
  if (!parts.some((p) => p.key === chosen)) chosen = null;
  if (!chosen && parts.length) choose((parts.find((p) => p.kind === "sink") || parts[0]).key, false);
  facts($("figures"), [["Up", time(state.uptime_s)], ["Memory reserved", `${bytes(state.memory.used)} of ${bytes(state.memory.budget)}`],
                       ["In transit", count(state.ledger.in_transit)]]);
  showAlerts(state, parts);
  graph.show(parts, linksOf(state, parts), chosen);
  showPart(parts);
  rows($("limits"), limitRows(state));
  rows($("ledger"), ledgerRows(state));
  const off = state.ledger.worst_difference || state.gateways.find((g) => g.difference);
  say($("ledger-verdict"), off ? `off by ${state.ledger.worst_difference || off.difference} at ${state.ledger.worst_at || off.name}` : "balanced");
  $("ledger-verdict").dataset.level = off ? "critical" : "normal";
  $("all").hidden = false;
  $("login").hidden = true;
}

// ---- one part: its plots and its events -------------------------------------------------------------------------------------

function choose(key, byPerson = true) {
  if (chosen === key) return byPerson && $("part").scrollIntoView({ block: "nearest" });
  chosen = key;
  stopTap();
  charts.forEach((c) => c.plot && c.plot.destroy());
  charts = [];
  $("plots").replaceChildren();
  const [kind, name] = [key.split("/")[0], key.slice(key.indexOf("/") + 1)];
  $("tap").hidden = kind !== "sink" && kind !== "source" && kind !== "stage";
  $("tap").dataset.edge = name;
  if (state && byPerson) graph.show(partsOf(state), linksOf(state, partsOf(state)), chosen), showPart(partsOf(state));
  loadHistory();
}

const colour = (i) => getComputedStyle(document.documentElement).getPropertyValue(`--c${i}`).trim();

async function loadHistory() {
  const key = chosen;
  if (!key || !state) return;
  if (!window.Dygraph) return say($("plots-note"), "This Weir was built without libjs-dygraphs: there are no plots.");
  const answer = await ask(`api/history?part=${encodeURI(key)}`).catch(() => null);
  if (!answer || key !== chosen) return;
  if (!answer.ok) return say($("plots-note"), "The first points come within 10 s.");
  const history = await answer.json();
  if (key !== chosen) return;
  const units = [...new Set(history.series.map((s) => s.unit))];
  const newest = Date.now() - history.ago_s * 1000;
  const known = history.series.some((s) => s.points.some((v) => v !== null));
  say($("plots-note"), known ? "A point every 10 s; a gap is a time at which nobody looked." : "The first points come within 10 s.");
  units.forEach((unit, i) => {
    const series = history.series.filter((s) => s.unit === unit);
    const data = series[0].points.map((_, at) => [new Date(newest - (series[0].points.length - 1 - at) * history.step_s * 1000), ...series.map((s) => s.points[at])]);
    if (charts[i]) return charts[i].update(data);
    charts[i] = chart(unit, series.map((s) => s.name), data);
  });
}

/** From the first point that is known, ten minutes at least. */
function windowOf(rows) {
  const end = rows.at(-1)[0].getTime();
  const first = rows.find((row) => row.slice(1).some((v) => v !== null));
  return [Math.min(first ? first[0].getTime() : end, end - 600000), end];
}

function chart(unit, names, data) {
  const figure = element("figure", "plot"), caption = element("figcaption"), where = element("div", "chart");
  where.setAttribute("role", "img");
  const values = names.map((name, i) => caption.appendChild(element("span", `key c${i % 4}`, name)));
  caption.append(element("span", "", unit));
  figure.append(caption, where);
  $("plots").append(figure);
  const write = (row) => names.forEach((name, i) => say(values[i], row && row[i + 1] !== null ? `${name} ${count(row[i + 1])}` : name));
  const label = (rows) => where.setAttribute("aria-label", `The last hour of ${names.join(", ")} in ${unit}; now ${rows.at(-1).slice(1).map((v) => (v === null ? "unknown" : count(v))).join(", ")}`);
  let latest = data;
  const plot = new Dygraph(where, data, {
    labels: ["time", ...names], legend: "never", colors: names.map((_, i) => colour(i % 4)), strokeWidth: 1.6, fillGraph: names.length === 1,
    includeZero: true, gridLineColor: getComputedStyle(document.documentElement).getPropertyValue("--line").trim(), axisLineColor: "transparent",
    axisLabelFontSize: 11, highlightCircleSize: 3, connectSeparatedPoints: false, drawPoints: false, interactionModel: {},
    dateWindow: windowOf(data),
    axes: { y: { axisLabelWidth: 46, axisLabelFormatter: (v) => short.format(v) } },
    highlightCallback: (event, x, points, row) => write(latest[row]), unhighlightCallback: () => write(latest.at(-1)),
  });
  write(data.at(-1));
  label(data);
  return { plot, update(rows) {
    latest = rows;
    plot.updateOptions({ file: rows, dateWindow: windowOf(rows) });
    write(rows.at(-1));
    label(rows);
  } };
}

function stopTap() {
  clearTimeout(watching && watching.timer);
  watching = null;
  say($("tap-button"), "Show events");
  $("tap-button").setAttribute("aria-pressed", "false");
  say($("tap-note"), "");
  $("tap-events").replaceChildren();
}

async function readTap(mine) {
  const hidden = $("redact").value.split(",").map((f) => f.trim()).filter(Boolean).map(encodeURIComponent).join(",");
  const answer = await ask(`api/tap?edge=${encodeURIComponent(mine.edge)}&after=${mine.after}&most=20&redact=${hidden}`).catch(() => null);
  if (watching !== mine) return;
  if (answer && answer.ok) {
    const body = new Uint8Array(await answer.arrayBuffer());
    if (watching !== mine) return;
    let at = body.indexOf(10) + 1;
    const head = JSON.parse(new TextDecoder().decode(body.subarray(0, at)));
    for (const e of head.events) {
      $("tap-events").prepend(element("li", "", new TextDecoder().decode(body.subarray(at, at + Math.min(e.length, 2000))).trimEnd() + (e.length > 2000 || e.cut ? " …" : "")));
      at += e.length;
    }
    while ($("tap-events").children.length > 50) $("tap-events").lastChild.remove();
    mine.after = head.next;
    say($("tap-note"), $("tap-events").children.length ? `The newest of ${count(head.passed)} that have passed since.` : "Nothing has passed yet.");
  } else if (answer) {
    const why = await answer.json().catch(() => ({ message: "" }));
    return stopTap(), say($("tap-note"), why.message);
  }
  mine.timer = setTimeout(() => readTap(mine), 1000);
}

$("tap-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (watching) return stopTap();
  watching = { edge: $("tap").dataset.edge, after: 0, timer: 0 };
  say($("tap-button"), "Stop");
  $("tap-button").setAttribute("aria-pressed", "true");
  readTap(watching);
});

// ---- asking ---------------------------------------------------------------------------------------------------------------

const ask = (path, more = {}) => fetch(path, { cache: "no-store", headers: token ? { Authorization: `Bearer ${token}` } : {}, ...more });

function askForToken(why) {
  $("all").hidden = true;
  $("login").hidden = false;
  say($("login-why"), why);
  showHealth("not let in", "unknown");
  $("token").focus();
  return new Promise((done) => {
    $("login").querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      token = $("token").value;
      $("token").value = "";
      done();
    };
  });
}

/** Frames until the stream ends or says nothing for 5 s: a laptop that slept, a network that is gone. */
async function follow(answer, abort) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const silence = setTimeout(() => abort.abort(), 5000);
    const { value, done } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    if (events.length) show(JSON.parse(events.at(-1).replace(/^data: /, "")));
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function live() {
  for (let wait = 1000; ; ) {
    let why = "no connection";
    try {
      const abort = new AbortController();
      const answer = await ask("api/live", { signal: abort.signal });
      if (answer.status === 401) {
        const wrong = token !== "";
        token = "";
        await askForToken(wrong ? "This token is not known here." : "");
        continue;
      }
      if (answer.ok) {
        wait = 1000;
        await follow(answer, abort);
      } else {
        why = (await answer.json().catch(() => ({}))).message || `answer ${answer.status}`;
        wait = Math.max(wait, 1000 * Number(answer.headers.get("Retry-After") || 0));
      }
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError === false) console.error(error);
    }
    showHealth(`${why}: trying again`, "unknown");
    await pause(wait);
    wait = Math.min(wait * 2, 10000);
  }
}

setInterval(loadHistory, 10000);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const key = chosen;
  chosen = null;
  if (key) choose(key);
});
live();
