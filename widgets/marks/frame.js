// The frame that the four marks share: unpacking, theme, shapes, axes, legend.
// frame.js and stage.js are put in front of points.js, lines.js, image.js and bars.js, so that each mark is one ESM text
// without imports and nothing is written four times.

const INK = {
  light: {
    ink: "#1f2328", muted: "#59636e", grid: "#e4e7eb", ghost: "#a3acb6", paper: "#ffffff", cursor: "#b42318",
    series: ["#0072b2", "#d55e00", "#009e73", "#b8588f", "#7a6a00", "#3b7fc4", "#8a4b2d", "#5f5f5f"],
  },
  dark: {
    ink: "#e8eaed", muted: "#aab3bd", grid: "#39414b", ghost: "#76808b", paper: "#111111", cursor: "#ff9d8f",
    series: ["#62b8f0", "#ff9950", "#3fd0a4", "#eaa3cd", "#e6c84f", "#9fc8ff", "#e0a58c", "#bdbdbd"],
  },
};
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus", "inverted", "star"];
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [14, 4], [4, 2], [1, 2], [12, 3, 2, 3, 2, 3]];
const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif";
const ARRAYS = { f4: Float32Array, f8: Float64Array, u2: Uint16Array, u1: Uint8Array, i4: Int32Array };

// --- data -----------------------------------------------------------------------------------------------------------

// ipywidgets hands over a DataView into a larger message, Panel an ArrayBuffer or a DataView, a saved notebook base64.
function bytesOf(value) {
  if (value == null) return new Uint8Array(0);
  if (typeof value === "string") return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value.buffer !== undefined) return bytesOf(value.buffer);
  return new Uint8Array(0);
}

// A picture is: the length of the header (uint32), the header (JSON, padded to 8 bytes), then the arrays it points into.
function unpack(value) {
  let raw = bytesOf(value);
  if (raw.byteLength < 8) return null;
  if (raw.byteOffset % 8 !== 0) raw = raw.slice();
  const size = new DataView(raw.buffer, raw.byteOffset, 4).getUint32(0, true);
  const picture = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
  const start = raw.byteOffset + 4 + size;
  // Several lines with one dash differ by colour alone; these also get shapes (see lines.js).
  const lines = picture.series.filter((s) => s.style === "line" && s.dash);
  for (const s of lines) s.marked = s.label && new Set(lines.filter((o) => o.label && String(o.dash) === String(s.dash)).map((o) => o.colour)).size > 2;
  picture.array = (place) => new ARRAYS[place.type](raw.buffer, start + place.at, place.length);
  return picture;
}

// --- theme ----------------------------------------------------------------------------------------------------------

function background(node) {
  for (let at = node; at; at = at.parentElement || (at.getRootNode() && at.getRootNode().host)) {
    const parts = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (parts.length >= 3 && (parts.length < 4 || parts[3] > 0.5)) return parts;
  }
  return [255, 255, 255];
}

function themeOf(node) {
  const [r, g, b] = background(node);
  const dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
  return { ...INK[dark ? "dark" : "light"], dark, paper: `rgb(${r}, ${g}, ${b})` };
}

const TINTS = new Map();

// The colour a series asked for: a place in our row of colours, or a colour of its own, moved until the paper lets it be seen.
function tint(theme, colour) {
  if (typeof colour !== "string") return theme.series[(colour || 0) % theme.series.length];
  const key = colour + theme.dark;
  if (!TINTS.has(key)) {
    let rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const bright = () => (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255;
    for (let n = 0; n < 12 && (theme.dark ? bright() < 0.5 : bright() > 0.72); n += 1) {
      rgb = rgb.map((c) => Math.round(theme.dark ? c + (255 - c) * 0.15 : c * 0.9));
    }
    TINTS.set(key, `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`);
  }
  return TINTS.get(key);
}

// --- numbers and axes -----------------------------------------------------------------------------------------------

function tickText(value, step) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace(".0e", "e").replace("e+", "e").replace("-", "−");
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(digits).replace("-", "−");
}

function shortNumber(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(2).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

function ticksOf(axis, lo, hi, room) {
  if (axis.categories) return axis.categories.map((text, at) => ({ at, text }));
  if (axis.ticks) return axis.ticks.map(([at, text]) => ({ at, text })).filter(({ at }) => at >= lo && at <= hi);
  if (axis.log) {
    const found = [];
    const decades = Math.ceil(Math.log10(hi)) - Math.floor(Math.log10(lo));
    const steps = decades <= 2 || 3 * decades <= room ? [1, 2, 5] : [1];
    const every = Math.max(1, Math.ceil(decades / Math.max(2, room)));
    for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e += every) {
      for (const m of steps) {
        const at = m * 10 ** e;
        if (at >= lo * 0.999 && at <= hi * 1.001) found.push({ at, text: tickText(at, at) });
      }
    }
    return found;
  }
  const wanted = Math.max(2, Math.floor(room));
  const rough = (hi - lo) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const nice = [0.2, 0.5, 1, 2, 5, 10].map((m) => m * power);
  let found = [];
  // One number alone does not make a scale: then a finer step, even in a low panel.
  for (let k = nice.findIndex((s) => s >= rough * 0.999); k >= 0 && found.length < 2; k -= 1) {
    const step = nice[k];
    found = [];
    for (let n = Math.ceil(lo / step - 1e-9); n * step <= hi + step * 1e-9; n += 1) {
      found.push({ at: n * step, text: tickText(n * step, step) });
    }
  }
  return found;
}

function scale(axis, lo, hi, from, to) {
  if (axis.categories) {
    const slot = (to - from) / axis.categories.length;
    return (value) => from + (value + 0.5) * slot;
  }
  if (axis.log) {
    const [a, b] = [Math.log10(lo), Math.log10(hi)];
    return (value) => from + ((Math.log10(value) - a) / (b - a)) * (to - from);
  }
  return (value) => from + ((value - lo) / (hi - lo)) * (to - from);
}

function inverse(axis, lo, hi, from, to) {
  if (axis.log) {
    const [a, b] = [Math.log10(lo), Math.log10(hi)];
    return (pixel) => 10 ** (a + ((pixel - from) / (to - from)) * (b - a));
  }
  return (pixel) => lo + ((pixel - from) / (to - from)) * (hi - lo);
}

// --- shapes ---------------------------------------------------------------------------------------------------------

function shapePath(ctx, shape, x, y, r) {
  const poly = (corners) => {
    corners.forEach(([dx, dy], n) => (n ? ctx.lineTo(x + dx * r, y + dy * r) : ctx.moveTo(x + dx * r, y + dy * r)));
    ctx.closePath();
  };
  const t = 0.38;
  if (shape === "tick") ctx.rect(x - Math.max(0.5, r * 0.28), y - r * 1.2, Math.max(1, r * 0.56), r * 2.4);
  else if (shape === "ring") { ctx.moveTo(x + r, y); ctx.arc(x, y, r, 0, 6.2832); ctx.moveTo(x + r * 0.55, y); ctx.arc(x, y, r * 0.55, 0, 6.2832, true); }
  else if (shape === "square") ctx.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else if (shape === "triangle") poly([[0, -1.15], [1.1, 0.85], [-1.1, 0.85]]);
  else if (shape === "inverted") poly([[0, 1.15], [1.1, -0.85], [-1.1, -0.85]]);
  else if (shape === "diamond") poly([[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]]);
  else if (shape === "plus") poly([[-t, -1.2], [t, -1.2], [t, -t], [1.2, -t], [1.2, t], [t, t], [t, 1.2], [-t, 1.2], [-t, t], [-1.2, t], [-1.2, -t], [-t, -t]]);
  else if (shape === "cross") poly([[0, -0.5], [0.7, -1.2], [1.2, -0.7], [0.5, 0], [1.2, 0.7], [0.7, 1.2], [0, 0.5], [-0.7, 1.2], [-1.2, 0.7], [-0.5, 0], [-1.2, -0.7], [-0.7, -1.2]]);
  else if (shape === "star") poly(Array.from({ length: 10 }, (_, n) => [Math.sin(n * 0.6283) * (n % 2 ? 0.55 : 1.35), -Math.cos(n * 0.6283) * (n % 2 ? 0.55 : 1.35)]));
  else { ctx.moveTo(x + r, y); ctx.arc(x, y, r, 0, 6.2832); }
}

function shorten(ctx, text, room) {
  if (ctx.measureText(text).width <= room) return text;
  let keep = text.length;
  while (keep > 1 && ctx.measureText(`${text.slice(0, keep)}…`).width > room) keep -= 1;
  return `${text.slice(0, keep)}…`;
}

// A text in one line where it fits, else in two, parted where they become most alike: at a space, or anywhere in a script without spaces.
function inLines(ctx, text, room) {
  if (ctx.measureText(text).width <= room) return [text];
  const middle = text.length / 2;
  const gaps = [...text.matchAll(/ |(?<=[\u3000-\u9fff])(?=[\u3000-\u9fff])/g)].map((found) => found.index);
  if (!gaps.length) return [shorten(ctx, text, room)];
  const at = gaps.reduce((best, gap) => (Math.abs(gap - middle) < Math.abs(best - middle) ? gap : best));
  return [text.slice(0, at), text.slice(at).trimStart()].map((line) => shorten(ctx, line, room));
}

// --- the frame ------------------------------------------------------------------------------------------------------

// The extent of an axis: what the picture says, widened to hold a pinned picture, narrowed to the shared time window.
function extent(axis, other, window) {
  let [lo, hi] = [axis.lo, axis.hi];
  if (other && !axis.categories) [lo, hi] = [Math.min(lo, other.lo), Math.max(hi, other.hi)];
  if (window && axis.linked && window.axis === axis.linked && window.hi > window.lo) [lo, hi] = [window.lo, window.hi];
  return hi > lo ? [lo, hi] : [lo - 0.5, lo + 0.5];
}

function drawLegend(ctx, theme, picture, left, top, room) {
  const entries = picture.series.map((s, n) => [s, n]).filter(([s]) => s.label);
  if (entries.length < 2 && !(picture.legend && entries.length)) return 0;
  ctx.font = `12px ${FONT}`;
  let [x, y] = [left, top + 8];
  for (const [s, n] of entries) {
    const text = shorten(ctx, s.label, Math.min(360, room - 26));
    const width = 26 + ctx.measureText(text).width + 12;
    if (x > left && x + width > left + room) [x, y] = [left, y + 17];
    const colour = tint(theme, s.colour);
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.lineWidth = 2;
    ctx.beginPath();
    if (["line", "horizontal", "vertical"].includes(s.style)) {
      ctx.setLineDash(s.dash || DASHES[n % DASHES.length]);
      ctx.moveTo(x, y); ctx.lineTo(x + 20, y); ctx.stroke();
      ctx.setLineDash([]);
      if (s.marked) { ctx.beginPath(); shapePath(ctx, SHAPES[n % SHAPES.length], x + 10, y, 3.4); ctx.fill(); }
    } else if (s.style === "bar") barFill(ctx, colour, n, x + 2, y - 5, 16, 10);
    else { shapePath(ctx, s.shape || SHAPES[n % SHAPES.length], x + 10, y, 4); ctx.fill(); }
    ctx.fillStyle = theme.ink;
    ctx.textAlign = "left"; ctx.textBaseline = "middle";
    ctx.fillText(text, x + 25, y);
    x += width;
  }
  return y + 10 - top;
}

function barFill(ctx, colour, n, x, y, width, height) {
  ctx.fillStyle = colour;
  ctx.fillRect(x, y, width, height);
  if (n % 4 === 0) return;
  ctx.save();
  ctx.beginPath(); ctx.rect(x, y, width, height); ctx.clip();
  ctx.strokeStyle = "rgba(255,255,255,0.75)"; ctx.lineWidth = 1.2;
  ctx.beginPath();
  for (let d = -height; d < width; d += 5) {
    if (n % 4 !== 2) { ctx.moveTo(x + d, y + height); ctx.lineTo(x + d + height, y); }
    if (n % 4 !== 1) { ctx.moveTo(x + d, y); ctx.lineTo(x + d + height, y + height); }
  }
  ctx.stroke();
  ctx.restore();
}

function drawAxes(ctx, theme, picture, view) {
  const { left, top, width, height, px, py } = view;
  ctx.font = `11px ${FONT}`;
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.beginPath();
  for (const tick of view.xticks) {
    const x = Math.round(px(tick.at)) + 0.5;
    if (!picture.x.categories) { ctx.moveTo(x, top); ctx.lineTo(x, top + height); }
  }
  for (const tick of view.yticks) {
    const y = Math.round(py(tick.at)) + 0.5;
    if (!picture.y.categories) { ctx.moveTo(left, y); ctx.lineTo(left + width, y); }
  }
  ctx.stroke();
  ctx.strokeStyle = theme.muted;
  ctx.beginPath();
  ctx.moveTo(left + 0.5, top); ctx.lineTo(left + 0.5, top + height + 0.5); ctx.lineTo(left + width, top + height + 0.5);
  ctx.stroke();
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "center"; ctx.textBaseline = "top";
  let last = -Infinity;
  for (const tick of view.xticks) {
    const half = ctx.measureText(tick.text).width / 2;
    const x = Math.min(px(tick.at), left + width + view.right - half - 1);
    if (x - half < last + 4) continue;
    ctx.fillText(tick.text, x, top + height + 5);
    last = x + half;
  }
  ctx.textAlign = "right"; ctx.textBaseline = "middle";
  for (const tick of view.yticks) ctx.fillText(shorten(ctx, tick.text, left - 8), left - 6, py(tick.at));
  ctx.fillStyle = theme.ink;
  ctx.font = `12px ${FONT}`;
  ctx.textAlign = "center"; ctx.textBaseline = "bottom";
  ctx.fillText(shorten(ctx, picture.x.label || "", width + left), left + width / 2, view.bottom);
  if (picture.y.label) {
    ctx.save();
    const lines = view.named;
    const half = Math.max(...lines.map((line) => ctx.measureText(line).width)) / 2;
    // A long name slides down past the axis rather than up into the legend.
    ctx.translate(2, Math.max(top + height / 2, top + half));
    ctx.rotate(-Math.PI / 2);
    ctx.textBaseline = "top";
    lines.forEach((line, n) => ctx.fillText(line, 0, n * 14));
    ctx.restore();
  }
}

// Lay the picture out on a canvas of the given size and hand the inner rectangle to the mark.
function compose(ctx, size, dpr, theme, picture, pinned, clock, paint) {
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, size.width, size.height);
  let top = 4;
  if (picture.title) {
    ctx.font = `600 13px ${FONT}`;
    ctx.fillStyle = theme.ink; ctx.textAlign = "left"; ctx.textBaseline = "top";
    ctx.fillText(shorten(ctx, picture.title, size.width - 60), 4, top);
    top += 20;
  }
  top += drawLegend(ctx, theme, picture, 6, top, size.width - 12) + 6;
  const [xlo, xhi] = extent(picture.x, pinned && pinned.x, clock.window);
  const [ylo, yhi] = extent(picture.y, pinned && pinned.y, null);
  const bottom = size.height - 3;
  const foot = picture.x.label ? 36 : 20;
  const height = Math.max(20, bottom - foot - top);
  const right = 14 + (picture.bar ? 74 : 0);
  const yticks = ticksOf(picture.y, ylo, yhi, Math.max(2, height / 32));
  ctx.font = `12px ${FONT}`;
  const named = picture.y.label ? inLines(ctx, picture.y.label, bottom - top) : [];
  ctx.font = `11px ${FONT}`;
  const widest = Math.max(0, ...yticks.map((tick) => ctx.measureText(tick.text).width));
  const left = Math.ceil(Math.min(size.width * 0.4, widest + 10 + (named.length ? 4 + 14 * named.length : 2)));
  const width = Math.max(20, size.width - left - right);
  const xticks = ticksOf(picture.x, xlo, xhi, Math.max(2, width / 70));
  const view = {
    left, top, width, height, right, bottom, dpr, theme, xlo, xhi, ylo, yhi, xticks, yticks, named,
    px: scale(picture.x, xlo, xhi, left, left + width),
    py: picture.y.categories ? scale(picture.y, ylo, yhi, top, top + height) : scale(picture.y, ylo, yhi, top + height, top),
    atX: inverse(picture.x, xlo, xhi, left, left + width),
    atY: inverse(picture.y, ylo, yhi, top + height, top),
  };
  drawAxes(ctx, theme, picture, view);
  ctx.save();
  ctx.beginPath(); ctx.rect(left, top - 1, width + 1, height + 2); ctx.clip();
  // An older picture lies behind points and lines, but its outline must lie over bars to be seen.
  const over = picture.kind === "bars";
  if (pinned && !over) paint(ctx, view, pinned, true);
  paint(ctx, view, picture, false);
  if (pinned && over) paint(ctx, view, pinned, true);
  ctx.restore();
  if (view.beside) view.beside();
  return view;
}

// --- strokes that points and lines both use -------------------------------------------------------------------------

// A value that is not a number breaks the line, as it should: nothing was measured there.
function traceLine(ctx, view, xs, ys, step) {
  let down = false;
  ctx.beginPath();
  for (let k = 0; k < xs.length; k += 1) {
    const [x, y] = [view.px(xs[k]), view.py(ys[k])];
    if (!Number.isFinite(y)) { down = false; continue; }
    if (!down) ctx.moveTo(x, y);
    else {
      if (step) ctx.lineTo(x, view.py(ys[k - 1]));
      ctx.lineTo(x, y);
    }
    down = true;
  }
  ctx.stroke();
}

// A marking line across the plot: a threshold, the moment of a touch.
function paintRule(ctx, view, s) {
  ctx.lineWidth = 1.2;
  ctx.setLineDash(s.dash || [4, 3]);
  ctx.beginPath();
  if (s.style === "vertical") { ctx.moveTo(view.px(s.at), view.top); ctx.lineTo(view.px(s.at), view.top + view.height); }
  else { ctx.moveTo(view.left, view.py(s.at)); ctx.lineTo(view.left + view.width, view.py(s.at)); }
  ctx.stroke();
  ctx.setLineDash([]);
}
