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
    // A curve of few points shows where it was measured; a shape tells it apart without colour.
    if (s.style === "dots" || xs.length <= 40) {
      ctx.beginPath();
      const radius = s.style === "dots" && xs.length > 300 ? 1.6 : 3.1;
      for (let k = 0; k < xs.length; k += 1) {
        if (Number.isFinite(ys[k])) shapePath(ctx, s.shape || SHAPES[n % SHAPES.length], view.px(xs[k]), view.py(ys[k]), radius);
      }
      ctx.fill();
    }
    return undefined;
  });
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
