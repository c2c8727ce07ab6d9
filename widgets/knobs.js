// The control panel of any study, drawn with the browser's own form elements: sliders, lists, ticks, buttons.
// marks/frame.js is put in front, for theme and fonts. The same text serves ipywidgets and Panel.
//
// Traits: face (what there is), state (what holds now), going (how far a run is), asked (what a person wants; written here only).

const STYLE = `
.workbench-knobs { font: 13px ${FONT}; box-sizing: border-box; width: 100%; padding: 2px 6px 6px 2px; }
.workbench-knobs * { box-sizing: border-box; font-family: inherit; }
.workbench-knobs h3 { font-size: 15px; margin: 0 0 2px; }
.workbench-knobs p.about { margin: 0 0 8px; opacity: .8; line-height: 1.35; }
.workbench-knobs .row { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: 0 8px; margin: 7px 0; }
.workbench-knobs .row label { overflow-wrap: anywhere; }
.workbench-knobs input[type=range] { grid-column: 1 / -1; width: 100%; margin: 2px 0 0; accent-color: var(--wb-accent); height: 18px; cursor: pointer; }
.workbench-knobs .num { display: flex; align-items: baseline; gap: 4px; }
.workbench-knobs .num span { min-width: 1.6em; opacity: .8; }
.workbench-knobs input[type=number], .workbench-knobs input[type=text], .workbench-knobs select, .workbench-knobs textarea, .workbench-knobs button {
  font-size: 13px; color: var(--wb-ink); background: var(--wb-paper); border: 1px solid var(--wb-line); border-radius: 4px; padding: 3px 6px; }
.workbench-knobs input[type=number] { width: 7.2em; text-align: right; }
@supports (field-sizing: content) { .workbench-knobs input[type=number] { width: auto; min-width: 7.2em; max-width: 12em; field-sizing: content; } }
.workbench-knobs .row select { max-width: 13em; }
.workbench-knobs button { cursor: pointer; padding: 4px 9px; }
.workbench-knobs button:disabled { opacity: .4; cursor: default; }
.workbench-knobs button[aria-pressed=true] { background: var(--wb-accent); color: var(--wb-paper); }
.workbench-knobs .bar { display: flex; flex-wrap: wrap; gap: 5px; margin: 8px 0; align-items: center; }
.workbench-knobs .bar select { flex: 1 1 8em; min-width: 0; }
.workbench-knobs .message { color: var(--wb-warn); line-height: 1.35; overflow-wrap: anywhere; }
.workbench-knobs .message:not(:empty) { border-left: 3px solid var(--wb-warn); padding: 3px 8px; margin: 6px 0; }
.workbench-knobs .going { display: grid; grid-template-columns: 1fr auto; gap: 2px 8px; align-items: center; margin: 6px 0; }
.workbench-knobs .going progress { width: 100%; height: 12px; accent-color: var(--wb-accent); }
.workbench-knobs .going span { grid-column: 1 / -1; font-size: 12px; opacity: .85; font-variant-numeric: tabular-nums; }
.workbench-knobs details { border-top: 1px solid var(--wb-line); padding: 4px 0; }
.workbench-knobs summary { cursor: pointer; padding: 2px 0; }
.workbench-knobs textarea { width: 100%; min-height: 92px; font: 12px ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre; resize: vertical; }
.workbench-knobs :focus-visible { outline: 2px solid var(--wb-accent); outline-offset: 1px; }
`;

let serial = 0;

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// A slider has a thousand places; these two say which value a place means and where a value lies.
const PLACES = 1000;

function valueAt(c, place) {
  const part = place / PLACES;
  if (place <= 0) return c.low;
  if (place >= PLACES) return c.high;
  if (c.log) {
    const low = c.low > 0 ? c.low : c.high / 1e6;
    const raw = low * (c.high / low) ** part;
    return c.whole ? Math.round(Number(raw.toPrecision(3))) : Number(raw.toPrecision(3));
  }
  const raw = c.low + part * (c.high - c.low);
  const rounded = c.low + Math.round((raw - c.low) / c.step) * c.step;
  const tidy = Number(Math.min(c.high, Math.max(c.low, rounded)).toPrecision(10));
  return c.whole ? Math.round(tidy) : tidy;
}

function placeOf(c, value) {
  if (!(c.high > c.low)) return 0;
  if (c.log) {
    const low = c.low > 0 ? c.low : c.high / 1e6;
    return value <= low ? 0 : (PLACES * Math.log(value / low)) / Math.log(c.high / low);
  }
  return (PLACES * (value - c.low)) / (c.high - c.low);
}

function written(c, value) {
  return c.whole || Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function render({ model, el }) {
  const root = node("div", { class: "workbench-knobs", "data-lm-suppress-shortcuts": "true", role: "form" });
  el.replaceChildren(node("style", { text: STYLE }), root);

  let asks = Number((model.get("asked") || {}).n || 0);
  let [held, wish, wait] = ["", null, 0];
  let shown = {}; // name -> function that shows a value
  let parts = {};

  function ask(what) {
    asks += 1;
    model.set("asked", { ...what, n: asks });
    model.save_changes();
  }

  // While a slider moves, one wish a frame or two is enough: the first goes at once, then the newest.
  function askSoon(name, value) {
    wish = { do: "set", values: { [name]: value } };
    if (wait) return;
    const send = () => {
      wait = 0;
      if (!wish) return;
      ask(wish);
      wish = null;
      wait = setTimeout(send, 30);
    };
    send();
  }

  function askNow(name, value) {
    clearTimeout(wait);
    [wait, wish] = [0, null];
    ask({ do: "set", values: { [name]: value } });
  }

  function colours() {
    const theme = themeOf(root);
    root.style.color = theme.ink;
    const colours = { ink: theme.ink, paper: theme.paper, line: theme.dark ? "#59636e" : "#b6bec7", accent: theme.series[0], warn: theme.dark ? "#ff9d8f" : "#a32a12" };
    for (const [name, value] of Object.entries(colours)) root.style.setProperty(`--wb-${name}`, value);
    root.style.colorScheme = theme.dark ? "dark" : "light";
  }

  function slider(c) {
    const id = `workbench-knob-${(serial += 1)}`;
    const about = `${c.doc}${c.doc ? ". " : ""}${c.allowed}`;
    const range = node("input", { type: "range", min: 0, max: PLACES, step: "any", "aria-label": c.unit ? `${c.label} (${c.unit})` : c.label, title: about, "data-knob": c.name });
    const number = node("input", { type: "number", id, min: c.low, max: c.high, step: "any", title: about, "data-number": c.name });
    const say = (value) => {
      number.value = written(c, value);
      range.setAttribute("aria-valuetext", `${written(c, value)} ${c.unit}`.trim());
    };
    range.addEventListener("pointerdown", () => { held = c.name; });
    range.addEventListener("input", () => {
      held = c.name;
      const value = valueAt(c, Number(range.value));
      say(value);
      askSoon(c.name, value);
    });
    range.addEventListener("change", () => { held = ""; askNow(c.name, valueAt(c, Number(range.value))); });
    // The arrow keys move by the knob's own step, not by a thousandth of the way.
    range.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (!way) return;
      event.preventDefault();
      const now = Number(number.value);
      let next = c.log ? Number((now * 1.05 ** way).toPrecision(3)) : Number((now + way * c.step).toPrecision(10));
      if (c.whole && c.log) next = way > 0 ? Math.max(now + 1, Math.round(next)) : Math.min(now - 1, Math.round(next));
      const value = Math.min(c.high, Math.max(c.low, next));
      range.value = String(placeOf(c, value));
      say(value);
      askSoon(c.name, value);
    });
    number.addEventListener("change", () => {
      const value = Number(number.value);
      if (number.value !== "" && Number.isFinite(value)) askNow(c.name, c.whole ? Math.round(value) : value);
    });
    shown[c.name] = (value) => {
      if (held === c.name) return;
      if (typeof value !== "number") { number.disabled = range.disabled = true; return; }
      range.value = String(placeOf(c, value));
      say(value);
    };
    const unit = node("span", { text: c.unit });
    return node("div", { class: "row", title: about }, node("label", { for: id, text: c.label }), node("div", { class: "num" }, number, unit), range);
  }

  function number(c) {
    const id = `workbench-knob-${(serial += 1)}`;
    const box = node("input", { type: "number", id, min: c.low, max: c.high, step: c.step, title: c.doc, "data-number": c.name });
    box.addEventListener("change", () => { if (box.value !== "") askNow(c.name, Math.round(Number(box.value))); });
    shown[c.name] = (value) => { box.value = String(value); };
    return node("div", { class: "row", title: c.doc }, node("label", { for: id, text: c.label }), node("div", { class: "num" }, box, node("span", { text: c.unit })));
  }

  function choice(c) {
    const id = `workbench-knob-${(serial += 1)}`;
    const list = node("select", { id, title: c.doc, "data-choice": c.name }, ...c.options.map((o) => node("option", { value: o, text: o })));
    list.addEventListener("change", () => askNow(c.name, list.value));
    shown[c.name] = (value) => { list.value = String(value); };
    return node("div", { class: "row", title: c.doc }, node("label", { for: id, text: c.label }), list);
  }

  function flag(c) {
    const id = `workbench-knob-${(serial += 1)}`;
    const box = node("input", { type: "checkbox", id, title: c.doc, "data-flag": c.name });
    box.addEventListener("change", () => askNow(c.name, box.checked));
    shown[c.name] = (value) => { box.checked = Boolean(value); };
    return node("div", { class: "row", title: c.doc }, node("label", { for: id, text: c.label }), box);
  }

  function line(c) {
    const id = `workbench-knob-${(serial += 1)}`;
    const box = node("input", { type: "text", id, title: c.doc, spellcheck: "false", autocomplete: "off", style: "width: 100%; box-sizing: border-box", "data-line": c.name });
    box.addEventListener("change", () => askNow(c.name, box.value));
    shown[c.name] = (value) => { if (document.activeElement !== box || box.value === "") box.value = String(value); };
    return node("div", { class: "row", title: c.doc }, node("label", { for: id, text: c.label }), box);
  }

  function fixed(c) {
    const text = node("span");
    shown[c.name] = (value) => { text.textContent = String(value); };
    return node("div", { class: "row", title: c.doc }, node("span", { text: c.label }), text);
  }

  const MAKERS = { slider, number, choice, flag, line, text: fixed };
  const made = (c) => MAKERS[c.kind](c);

  function button(name, text, does, title) {
    const pressed = node("button", { type: "button", text, title: title || text, "data-do": name });
    pressed.addEventListener("click", does);
    return pressed;
  }

  function build() {
    const face = model.get("face") || {};
    const w = face.words || {};
    const open = new Set([...root.querySelectorAll("details[open]")].map((d) => d.dataset.group));
    shown = {};
    held = "";
    root.setAttribute("aria-label", `${face.title || ""} ${w.controls || ""}`.trim());
    const presets = node("select", { "aria-label": w.preset, title: w.preset, "data-do": "preset" },
      node("option", { value: "", text: `${w.preset}: ${w.own}` }), ...(face.presets || []).map((p) => node("option", { value: p.name, text: p.label })));
    presets.addEventListener("change", () => presets.value && ask({ do: "preset", name: presets.value }));
    parts = {
      presets,
      undo: button("undo", "↶", () => ask({ do: "undo" }), w.undo),
      redo: button("redo", "↷", () => ask({ do: "redo" }), w.redo),
      reset: button("reset", w.reset, () => ask({ do: "reset" })),
      pin: button("pin", w.pin, () => ask({ do: "pin" }), w.pin_doc),
      message: node("div", { class: "message", role: "alert" }),
      going: node("div", { class: "going" }),
      bar: node("progress", { max: 1, "aria-label": w.progress }),
      far: node("span", { role: "status" }),
      stop: button("stop", w.stop, () => ask({ do: "stop" })),
      again: button("again", w.again, () => ask({ do: "again" })),
    };
    parts.going.append(parts.bar, parts.stop, parts.again, parts.far);
    parts.undo.setAttribute("aria-label", w.undo);
    parts.redo.setAttribute("aria-label", w.redo);
    const bar = node("div", { class: "bar" }, ...((face.presets || []).length ? [presets] : []));
    const buttons = node("div", { class: "bar" }, parts.reset, parts.undo, parts.redo, parts.pin);
    const groups = (face.groups || []).map((g) =>
      node("details", { "data-group": g.title, open: open.has(g.title) }, node("summary", { text: g.title }), ...g.controls.map(made)));
    root.replaceChildren(node("h3", { text: face.title || "" }), node("p", { class: "about", text: face.about || "" }), bar, buttons, parts.going, parts.message,
      ...(face.controls || []).map(made), ...groups, takeAway(w, open));
    colours();
    show();
    run();
  }

  // The bar of a run that takes long, and the button that stops it; after a stop, the one that begins again.
  function run() {
    const going = model.get("going") || {};
    if (!parts.going) return;
    parts.going.style.display = going.text ? "" : "none";
    parts.going.dataset.part = going.text && !going.stopped ? String(going.part) : "";
    if (!going.text) return;
    parts.bar.style.visibility = going.stopped ? "hidden" : "";
    if (!going.stopped) parts.bar.value = going.part;
    parts.stop.style.display = going.stopped ? "none" : "";
    parts.again.style.display = going.stopped ? "" : "none";
    parts.far.textContent = going.text;
  }

  function takeAway(w, open) {
    const form = node("select", { "aria-label": w.form, "data-do": "form" }, ...Object.entries(w.forms || {}).map(([k, v]) => node("option", { value: k, text: v })));
    const text = node("textarea", { readonly: true, spellcheck: "false", "aria-label": w.take, "data-do": "text" });
    const copy = button("copy", w.copy, async () => {
      text.select();
      try { await navigator.clipboard.writeText(text.value); } catch { document.execCommand("copy"); }
      copy.textContent = w.copied;
      setTimeout(() => { copy.textContent = w.copy; }, 1200);
    });
    const token = node("input", { type: "text", placeholder: w.token, "aria-label": w.token, style: "flex: 1 1 8em; min-width: 0", "data-do": "token" });
    const load = button("load", w.load, () => token.value.trim() && ask({ do: "load", token: token.value.trim() }));
    const box = node("details", { "data-group": "take", open: open.has("take") }, node("summary", { text: w.take }),
      node("div", { class: "bar" }, form, copy), text, node("div", { class: "bar" }, token, load));
    const want = () => box.open && ask({ do: "text", form: form.value });
    form.addEventListener("change", want);
    box.addEventListener("toggle", want);
    parts.text = text;
    return box;
  }

  function show() {
    const state = model.get("state") || {};
    // An answer to an older wish would set a moving slider back.
    if (state.n >= asks || !asks) for (const [name, value] of Object.entries(state.values || {})) if (shown[name]) shown[name](value);
    const w = (model.get("face") || {}).words || {};
    if (parts.presets) parts.presets.value = state.preset || "";
    if (!parts.undo) return;
    parts.undo.disabled = !state.undo;
    parts.redo.disabled = !state.redo;
    parts.pin.textContent = state.pinned ? w.unpin : w.pin;
    parts.pin.setAttribute("aria-pressed", String(Boolean(state.pinned)));
    if (parts.message.textContent !== (state.message || "")) parts.message.textContent = state.message || "";
    if (state.text != null) parts.text.value = state.text;
  }

  const themes = new MutationObserver(colours);
  for (const at of [document.body, document.documentElement]) {
    themes.observe(at, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme", "data-bs-theme"] });
  }
  model.on("change:face", build);
  model.on("change:state", show);
  model.on("change:going", run);
  build();
  requestAnimationFrame(colours);
  return () => {
    themes.disconnect();
    clearTimeout(wait);
    model.off("change:face", build);
    model.off("change:state", show);
    model.off("change:going", run);
  };
}

export default { render };
