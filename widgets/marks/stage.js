// The stage of one mark: its canvas, badge and play button, the stale veil, and the clock it shares with its group.
// Put after frame.js and in front of each mark.
//
// Traits a mark reads, the same in ipywidgets and in Panel:
//   picture (bytes)  what to draw, see unpack()        pinned (bytes)  an older picture, drawn in grey
//   stale (bool)     a newer picture is on its way     badge (text)    who made the picture, or what it waits for
//   group (text)     marks of one group share a clock  play (bool)     whether to offer the play button
//   paints (bool)    whether its cells can be painted  picked (object) the cells of the newest stroke; the mark writes this one

// --- the clock: a window and a cursor that the marks of a group share, in the page, without a kernel ------------------

const CLOCKS = (globalThis.__workbenchClocks ||= new Map());

function clockOf(group) {
  if (!group) return { window: null, cursor: null, members: new Set() };
  if (!CLOCKS.has(group)) CLOCKS.set(group, { window: null, cursor: null, members: new Set(), playing: 0 });
  return CLOCKS.get(group);
}

function tell(clock, what) {
  for (const member of clock.members) member(what);
}

function playOn(clock, axis, lo, hi) {
  cancelAnimationFrame(clock.playing);
  const [from, seconds] = [performance.now(), 6];
  const start = clock.cursor && clock.cursor.at > lo && clock.cursor.at < hi * 0.999 ? (clock.cursor.at - lo) / (hi - lo) : 0;
  const step = (now) => {
    const part = start + (now - from) / 1000 / seconds;
    clock.cursor = { axis, at: lo + Math.min(1, part) * (hi - lo), dim: true };
    if (part >= 1) { clock.playing = 0; clock.cursor = null; }
    tell(clock, "cursor");
    if (part < 1 && clock.members.size) clock.playing = requestAnimationFrame(step);
  };
  clock.playing = requestAnimationFrame(step);
}

// --- one mark -------------------------------------------------------------------------------------------------------

function make(tag, style, more = {}) {
  const node = document.createElement(tag);
  node.style.cssText = style;
  for (const [name, value] of Object.entries(more)) node.setAttribute(name, value);
  return node;
}

function mark({ model, el, paint, cells }) {
  const root = make("div", "position:relative; width:100%; min-width:160px; box-sizing:border-box;", { class: "workbench-mark", "data-lm-suppress-shortcuts": "true" });
  const canvas = make("canvas", "display:block; width:100%; border-radius:3px;", { role: "img", tabindex: "0" });
  const glass = make("canvas", "position:absolute; left:0; top:0; width:100%; pointer-events:none;", { "aria-hidden": "true" });
  const badge = make("div", `position:absolute; right:4px; top:2px; font:11px ${FONT}; padding:1px 7px; border-radius:9px;`, { role: "status" });
  const button = make("button", `position:absolute; right:4px; bottom:2px; width:24px; height:22px; padding:0; border-radius:4px; cursor:pointer; font:12px ${FONT};`, { type: "button" });
  root.append(canvas, glass, badge, button);
  el.replaceChildren(root);

  let [picture, pinned, view, wait] = [null, null, null, 0];
  let [drag, readout, brush] = [null, "", null];
  const paints = () => Boolean(cells && picture && model.get("paints"));
  const clock = clockOf(model.get("group"));
  const height = () => (picture && picture.height) || 220;

  function draw() {
    wait = 0;
    const width = root.clientWidth;
    if (!picture) { root.style.minHeight = "220px"; drawState(); }
    if (!picture || width < 20) return;
    const dpr = globalThis.devicePixelRatio || 1;
    const size = { width, height: height() };
    for (const each of [canvas, glass]) {
      const [w, h] = [Math.round(width * dpr), Math.round(size.height * dpr)];
      if (each.width !== w || each.height !== h) [each.width, each.height] = [w, h];
      each.style.height = `${size.height}px`;
    }
    const begin = performance.now();
    const theme = themeOf(root);
    view = compose(canvas.getContext("2d"), size, dpr, theme, picture, pinned, clock, paint);
    root.dataset.painted = String(Number(root.dataset.painted || 0) + 1);
    root.dataset.took = (performance.now() - begin).toFixed(1);
    drawGlass();
    drawState();
  }

  function later() {
    if (!wait) wait = requestAnimationFrame(draw);
  }

  function drawGlass() {
    if (!view) return;
    const ctx = glass.getContext("2d");
    const { left, top, width, height: tall, theme } = view;
    ctx.setTransform(view.dpr, 0, 0, view.dpr, 0, 0);
    ctx.clearRect(0, 0, root.clientWidth, height());
    const cursor = clock.cursor;
    if (cursor && picture.x.linked === cursor.axis && cursor.at >= view.xlo && cursor.at <= view.xhi) {
      const x = view.px(cursor.at);
      if (cursor.dim) {
        ctx.globalAlpha = 0.72; ctx.fillStyle = theme.paper;
        ctx.fillRect(x, top, left + width - x + 2, tall);
        ctx.globalAlpha = 1;
      }
      ctx.strokeStyle = theme.cursor; ctx.lineWidth = 1.3;
      ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + tall); ctx.stroke();
    }
    if (drag && Math.abs(drag.to - drag.from) > 3) {
      ctx.fillStyle = theme.series[0]; ctx.globalAlpha = 0.18;
      ctx.fillRect(Math.min(drag.from, drag.to), top, Math.abs(drag.to - drag.from), tall);
      ctx.globalAlpha = 1;
    }
    for (const cell of brush || []) {
      const [x, y, wide, high] = cells.box(view, picture, cell);
      ctx.strokeStyle = theme.cursor; ctx.lineWidth = 2;
      ctx.strokeRect(x + 1, y + 1, Math.max(1, wide - 2), Math.max(1, high - 2));
    }
    if (readout) {
      ctx.font = `11px ${FONT}`;
      const wide = ctx.measureText(readout).width + 10;
      const x = left + width - wide;
      ctx.fillStyle = theme.paper; ctx.globalAlpha = 0.9; ctx.fillRect(x, top, wide, 16); ctx.globalAlpha = 1;
      ctx.fillStyle = theme.ink; ctx.textAlign = "left"; ctx.textBaseline = "top";
      ctx.fillText(readout, x + 5, top + 3);
    }
  }

  function drawState() {
    const theme = themeOf(root);
    const stale = Boolean(model.get("stale"));
    const text = model.get("badge") || "";
    canvas.style.filter = stale ? "grayscale(1)" : "none";
    canvas.style.opacity = stale ? "0.45" : "1";
    badge.textContent = text;
    badge.style.display = text ? "" : "none";
    badge.style.color = theme.ink;
    badge.style.background = theme.paper;
    badge.style.border = `1px solid ${theme.muted}`;
    const plays = Boolean(model.get("play")) && picture && picture.x.linked;
    button.style.display = plays ? "" : "none";
    button.textContent = clock.playing ? "❚❚" : "▶";
    const words = (picture && picture.words) || {};
    button.setAttribute("aria-label", clock.playing ? words.pause || "Pause" : words.play || "Play through model time");
    button.title = button.getAttribute("aria-label");
    button.style.color = theme.ink;
    button.style.background = theme.paper;
    button.style.border = `1px solid ${theme.muted}`;
    canvas.style.cursor = paints() ? "crosshair" : "";
    root.dataset.paints = String(paints());
    root.dataset.state = !picture ? "empty" : stale ? "stale" : "fresh";
  }

  function load() {
    const fresh = unpack(model.get("picture"));
    if (fresh) {
      picture = fresh;
      canvas.setAttribute("aria-label", [picture.title, picture.alt].filter(Boolean).join(". "));
      canvas.title = paints() ? (picture.words || {}).paint || "" : "";
      if (!root.style.height) root.style.minHeight = `${height()}px`;
    }
    pinned = unpack(model.get("pinned"));
    if (pinned && picture && pinned.kind !== picture.kind) pinned = null;
    later();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  const inside = (x, y) => view && x >= view.left && x <= view.left + view.width && y >= view.top - 4 && y <= view.top + view.height + 4;

  function say(x, y) {
    const parts = [];
    if (!picture.x.categories) parts.push(shortNumber(view.atX(x)));
    if (picture.y.categories) parts.push(picture.y.categories[Math.floor((y - view.top) / (view.height / picture.y.categories.length))] || "");
    else parts.push(shortNumber(view.atY(y)));
    readout = parts.join(" · ");
  }

  // A quick hand leaves gaps between two events: the cells between them belong to the stroke.
  function sweep(x, y) {
    const cell = cells.at(view, picture, x, y);
    if (!cell) return;
    const from = brush[brush.length - 1] || cell;
    const steps = Math.max(1, Math.abs(cell[0] - from[0]), Math.abs(cell[1] - from[1]));
    for (let k = 0; k <= steps; k += 1) {
      const next = [0, 1].map((n) => Math.round(from[n] + ((cell[n] - from[n]) * k) / steps));
      if (!brush.some(([row, column]) => row === next[0] && column === next[1])) brush.push(next);
    }
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!view || !picture) return;
    const [x, y] = place(event);
    if (brush) sweep(x, y);
    if (drag) drag.to = Math.max(view.left, Math.min(view.left + view.width, x));
    if (inside(x, y)) say(x, y);
    else readout = "";
    drawGlass();
  });
  canvas.addEventListener("pointerleave", () => { readout = ""; drawGlass(); });
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = place(event);
    if (view && paints() && event.button === 0 && cells.at(view, picture, x, y)) {
      brush = [];
      sweep(x, y);
      canvas.setPointerCapture(event.pointerId);
      drawGlass();
      return;
    }
    if (!picture || !picture.x.linked || event.button !== 0 || !inside(x, y)) return;
    drag = { from: x, to: x };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointercancel", () => { brush = null; drawGlass(); });
  canvas.addEventListener("pointerup", () => {
    if (brush && brush.length) {
      model.set("picked", { n: Number((model.get("picked") || {}).n || 0) + 1, cells: brush });
      model.save_changes();
    }
    brush = null;
    if (drag && Math.abs(drag.to - drag.from) > 3) {
      const ends = [view.atX(drag.from), view.atX(drag.to)].sort((a, b) => a - b);
      clock.window = { axis: picture.x.linked, lo: ends[0], hi: ends[1] };
      tell(clock, "window");
      later();
    }
    drag = null;
    drawGlass();
  });
  const whole = () => { clock.window = null; clock.cursor = null; tell(clock, "window"); later(); };
  canvas.addEventListener("dblclick", whole);
  canvas.addEventListener("keydown", (event) => {
    if (!view || !picture || !picture.x.linked) return;
    const step = (view.xhi - view.xlo) / (event.shiftKey ? 10 : 100);
    const at = clock.cursor ? clock.cursor.at : view.xlo;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const moved = at + (event.key === "ArrowRight" ? step : -step);
      clock.cursor = { axis: picture.x.linked, at: Math.min(view.xhi, Math.max(view.xlo, moved)) };
      readout = shortNumber(clock.cursor.at);
    } else if (event.key === "Escape") { readout = ""; whole(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
    tell(clock, "cursor");
  });
  button.addEventListener("click", () => {
    if (clock.playing) { cancelAnimationFrame(clock.playing); clock.playing = 0; tell(clock, "cursor"); }
    else if (view && picture) playOn(clock, picture.x.linked, view.xlo, view.xhi);
    drawState();
  });

  const member = (what) => {
    if (what === "cursor") { drawGlass(); if (model.get("play")) drawState(); }
    else later();
  };
  const changed = () => drawState();
  clock.members.add(member);
  model.on("change:picture", load);
  model.on("change:pinned", load);
  model.on("change:stale", changed);
  model.on("change:badge", changed);
  model.on("change:play", changed);
  model.on("change:paints", changed);
  const sizes = new ResizeObserver(later);
  sizes.observe(root);
  const themes = new MutationObserver(later);
  for (const node of [document.body, document.documentElement]) {
    themes.observe(node, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme", "data-bs-theme"] });
  }
  load();
  return () => {
    clock.members.delete(member);
    sizes.disconnect();
    themes.disconnect();
    cancelAnimationFrame(wait);
    model.off("change:picture", load);
    model.off("change:pinned", load);
    model.off("change:stale", changed);
    model.off("change:badge", changed);
    model.off("change:play", changed);
    model.off("change:paints", changed);
  };
}
