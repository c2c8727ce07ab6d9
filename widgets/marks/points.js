// Points: a raster or a scatter. frame.js is put in front of this text.
//
// Few points are drawn as smooth shapes. Many are stamped into one block of pixels, a stencil per shape, which takes
// about ten milliseconds for a hundred thousand spikes.

function stencil(shape, radius) {
  const side = Math.ceil(radius * 1.4) * 2 + 1;
  const half = (side - 1) / 2;
  if (radius < 1) return [[0, 0], ...(radius > 0.6 ? [[0, 1]] : [])];
  const sheet = document.createElement("canvas");
  sheet.width = sheet.height = side;
  const ctx = sheet.getContext("2d", { willReadFrequently: true });
  ctx.beginPath();
  shapePath(ctx, shape, half + 0.5, half + 0.5, radius);
  ctx.fill();
  const seen = ctx.getImageData(0, 0, side, side).data;
  const found = [];
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) if (seen[(y * side + x) * 4 + 3] > 110) found.push([x - half, y - half]);
  }
  return found.length ? found : [[0, 0]];
}

function packed(colour) {
  const [r, g, b] = colour.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    : colour.match(/[\d.]+/g).map(Number);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function paintPoints(ctx, view, picture, ghost) {
  const total = picture.series.reduce((sum, s) => sum + (s.x ? s.x.length : 0), 0);
  // Dots of a raster stay inside their row; those of a scatter shrink as they get many.
  const rows = picture.series.every((s) => !s.y || s.y.type === "u2") ? (0.42 * view.height) / Math.max(1, view.yhi - view.ylo) : 3.6;
  const room = 0.42 * Math.sqrt((view.width * view.height) / Math.max(1, total));
  const radius = Math.max(0.7, Math.min(3.6, room, Math.max(rows, 1.1)));
  picture.series.forEach((s, n) => {
    const colour = ghost ? view.theme.ghost : tint(view.theme, s.colour);
    const shape = s.shape || SHAPES[n % SHAPES.length];
    ctx.fillStyle = ctx.strokeStyle = colour;
    if (s.style === "vertical" || s.style === "horizontal") return paintRule(ctx, view, s);
    const [xs, ys] = [picture.array(s.x), picture.array(s.y)];
    if (s.style === "line") {
      ctx.lineWidth = ghost ? 1.2 : 1.8;
      ctx.setLineDash(s.dash || DASHES[n % DASHES.length]);
      traceLine(ctx, view, xs, ys, s.step);
      return ctx.setLineDash([]);
    }
    if (total <= 1500) {
      ctx.beginPath();
      for (let k = 0; k < xs.length; k += 1) shapePath(ctx, shape, view.px(xs[k]), view.py(ys[k]), radius);
      ctx.fill();
      return undefined;
    }
    return stamp(ctx, view, picture, xs, ys, colour, stencil(shape, radius * view.dpr));
  });
}

function stamp(ctx, view, picture, xs, ys, colour, marks) {
  const [wide, tall] = [Math.round(view.width * view.dpr), Math.round(view.height * view.dpr)];
  const sheet = new ImageData(wide, tall);
  const pixels = new Uint32Array(sheet.data.buffer);
  const ink = packed(colour);
  const linear = !picture.x.log && !picture.y.log;
  const [kx, ky] = [wide / (view.xhi - view.xlo), tall / (view.yhi - view.ylo)];
  for (let k = 0; k < xs.length; k += 1) {
    const x = linear ? ((xs[k] - view.xlo) * kx) | 0 : ((view.px(xs[k]) - view.left) * view.dpr) | 0;
    const y = linear ? (tall - (ys[k] - view.ylo) * ky) | 0 : ((view.py(ys[k]) - view.top) * view.dpr) | 0;
    for (let m = 0; m < marks.length; m += 1) {
      const [u, v] = [x + marks[m][0], y + marks[m][1]];
      if (u >= 0 && u < wide && v >= 0 && v < tall) pixels[v * wide + u] = ink;
    }
  }
  const layer = document.createElement("canvas");
  [layer.width, layer.height] = [wide, tall];
  layer.getContext("2d").putImageData(sheet, 0, 0);
  ctx.drawImage(layer, view.left, view.top, view.width, view.height);
}

export default {
  render({ model, el }) {
    return mark({ model, el, paint: paintPoints });
  },
};
