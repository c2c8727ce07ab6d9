// Image: a grid of numbers as colours, with its colour bar. frame.js is put in front of this text.

// Perceptually even from dark to light, readable without colour vision; signed data goes blue, pale, orange.
const RAMPS = {
  even: ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  signed: ["#08457e", "#3b83bd", "#9cc7e3", "#f4f3ee", "#f3b57f", "#d9722e", "#8f3b06"],
};

function ramp(name) {
  const stops = (RAMPS[name] || RAMPS.even).map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n += 1) {
    const at = (n / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(at));
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(stops[k][c] + (at - k) * (stops[k + 1][c] - stops[k][c])));
    table[n] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

function sheetOf(width, height, pixelAt) {
  const data = new ImageData(width, height);
  const pixels = new Uint32Array(data.data.buffer);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) pixels[y * width + x] = pixelAt(x, y);
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [width, height];
  sheet.getContext("2d").putImageData(data, 0, 0);
  return sheet;
}

function paintImage(ctx, view, picture, ghost) {
  if (ghost) return; // one image cannot lie behind another; the numbers beside it are compared instead
  const { bar, grid } = picture;
  const values = picture.array(grid.values);
  const table = ramp(bar.ramp);
  const [lo, hi] = [bar.lo, bar.hi > bar.lo ? bar.hi : bar.lo + 1];
  const sheet = sheetOf(grid.width, grid.height, (x, y) => {
    const value = values[y * grid.width + x];
    if (!Number.isFinite(value)) return 0;
    return table[Math.max(0, Math.min(255, Math.round(((value - lo) / (hi - lo)) * 255)))];
  });
  const [x0, x1] = [view.px(grid.left), view.px(grid.right)];
  const [y0, y1] = [view.py(grid.top), view.py(grid.bottom)];
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(sheet, x0, y0, x1 - x0, y1 - y0);
  view.beside = () => paintScale(ctx, view, bar, table, lo, hi); // it stands outside the clipped plot
}

function paintScale(ctx, view, bar, table, lo, hi) {
  const x = view.left + view.width + 12;
  const column = sheetOf(1, 256, (_, y) => table[255 - y]);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(column, x, view.top, 10, view.height);
  ctx.font = `11px ${FONT}`;
  ctx.fillStyle = view.theme.muted;
  ctx.textAlign = "left"; ctx.textBaseline = "middle";
  const at = scale({}, lo, hi, view.top + view.height, view.top);
  for (const tick of ticksOf({}, lo, hi, Math.max(2, view.height / 40))) ctx.fillText(tick.text, x + 14, at(tick.at));
  if (bar.label) {
    ctx.save();
    ctx.translate(x + 72, view.top + view.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillStyle = view.theme.ink;
    ctx.textAlign = "center"; ctx.textBaseline = "bottom";
    ctx.fillText(shorten(ctx, bar.label, view.height + 20), 0, 0);
    ctx.restore();
  }
}

// Which cell lies under a place of the canvas, [row, column] with row 0 at the lower edge, and where a cell lies.
const CELLS = {
  at(view, { grid }, x, y) {
    const column = Math.floor(((view.atX(x) - grid.left) / (grid.right - grid.left)) * grid.width);
    const row = Math.floor(((view.atY(y) - grid.bottom) / (grid.top - grid.bottom)) * grid.height);
    return row >= 0 && row < grid.height && column >= 0 && column < grid.width ? [row, column] : null;
  },
  box(view, { grid }, [row, column]) {
    const [wide, high] = [(grid.right - grid.left) / grid.width, (grid.top - grid.bottom) / grid.height];
    const [x, y] = [view.px(grid.left + column * wide), view.py(grid.bottom + (row + 1) * high)];
    return [x, y, view.px(grid.left + (column + 1) * wide) - x, view.py(grid.bottom + row * high) - y];
  },
};

export default {
  render({ model, el }) {
    return mark({ model, el, paint: paintImage, cells: CELLS });
  },
};
