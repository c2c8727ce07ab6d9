// Lines: traces, rates and theory curves, with dots, bands and marking lines among them. frame.js is put in front.

function paintLines(ctx, view, picture, ghost) {
  picture.series.forEach((s, n) => {
    const colour = ghost ? view.theme.ghost : tint(view.theme, s.colour);
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = ghost ? 1.2 : (s.width || 1.4) * 1.2;
    ctx.lineJoin = "round";
    if (s.style === "vertical" || s.style === "horizontal") return paintRule(ctx, view, s);
    const [xs, ys] = [picture.array(s.x), picture.array(s.y)];
    if (s.style === "band") return paintBand(ctx, view, xs, ys, picture.array(s.low));
    if (s.style !== "dots") {
      ctx.setLineDash(s.dash || DASHES[n % DASHES.length]);
      traceLine(ctx, view, xs, ys, s.step);
      ctx.setLineDash([]);
    }
    if (s.style === "dots") {
      ctx.beginPath();
      const radius = xs.length > 300 ? 1.6 : 3.1;
      for (let k = 0; k < xs.length; k += 1) {
        if (Number.isFinite(ys[k])) shapePath(ctx, s.shape || SHAPES[n % SHAPES.length], view.px(xs[k]), view.py(ys[k]), radius);
      }
      ctx.fill();
    } else if (s.marked) markLine(ctx, view, s, n, xs, ys);
    return undefined;
  });
}

// Lines that differ by colour alone get a few shapes on their way, so that colour is not needed.
function markLine(ctx, view, s, n, xs, ys) {
  ctx.beginPath();
  let k = 0;
  for (let stop = 0; stop < 6; stop += 1) {
    const target = view.xlo + ((stop + 0.25 + 0.12 * (n % 5)) / 6) * (view.xhi - view.xlo);
    while (k < xs.length - 1 && xs[k] < target) k += 1;
    // Between two far points the shape sits on the line, not at its next corner.
    const part = k && xs[k] > xs[k - 1] ? Math.min(1, (target - xs[k - 1]) / (xs[k] - xs[k - 1])) : 0;
    const y = k ? ys[k - 1] + part * (ys[k] - ys[k - 1]) : ys[0];
    if (Number.isFinite(y)) shapePath(ctx, SHAPES[n % SHAPES.length], view.px(k ? Math.min(target, xs[k]) : xs[0]), view.py(y), 3.4);
  }
  ctx.fill();
}

function paintBand(ctx, view, xs, high, low) {
  ctx.globalAlpha = 0.25;
  ctx.beginPath();
  for (let k = 0; k < xs.length; k += 1) ctx.lineTo(view.px(xs[k]), view.py(high[k]));
  for (let k = xs.length - 1; k >= 0; k -= 1) ctx.lineTo(view.px(xs[k]), view.py(low[k]));
  ctx.closePath();
  ctx.fill();
  ctx.globalAlpha = 1;
}

export default {
  render({ model, el }) {
    return mark({ model, el, paint: paintLines });
  },
};
