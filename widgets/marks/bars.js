// Bars: one row a category, side by side or stacked by group, with the number at the end. frame.js is put in front.

function paintBars(ctx, view, picture, ghost) {
  const rows = picture.y.categories.length;
  const slot = view.height / rows;
  const groups = picture.stacked ? 1 : picture.series.length;
  const thick = Math.max(2, Math.min(26, (slot * 0.78) / groups));
  const zero = picture.x.log ? view.left : view.px(Math.max(view.xlo, 0));
  const reached = new Float64Array(rows);
  const labels = [];
  picture.series.forEach((s, n) => {
    const values = picture.array(s.x);
    for (let k = 0; k < rows; k += 1) {
      const value = values[k];
      if (!Number.isFinite(value)) continue;
      const middle = view.top + (k + 0.5) * slot;
      const y = picture.stacked ? middle - thick / 2 : middle + (n - groups / 2) * thick;
      const from = picture.stacked ? view.px(reached[k]) : zero;
      const to = value === 0 && picture.x.log ? zero : view.px(picture.stacked ? reached[k] + value : value);
      reached[k] += value;
      if (ghost) {
        ctx.strokeStyle = view.theme.ghost; ctx.lineWidth = 2;
        ctx.strokeRect(Math.min(from, to), y - 1, Math.abs(to - from), thick + 2);
        continue;
      }
      barFill(ctx, tint(view.theme, s.colour), n, Math.min(from, to), y, Math.abs(to - from), thick - 1);
      if (!picture.stacked && thick >= 9) {
        const text = s.texts ? s.texts[k] : shortNumber(value);
        labels.push(() => labelBar(ctx, view, text, to, y, thick));
      }
    }
  });
  // The numbers stand above a pinned outline, so they are written last.
  if (!ghost) view.beside = () => labels.forEach((write) => write());
}

function labelBar(ctx, view, text, to, y, thick) {
  ctx.font = `11px ${FONT}`;
  ctx.textBaseline = "middle";
  const wide = ctx.measureText(text).width + 6;
  const fits = to + wide < view.left + view.width;
  ctx.textAlign = fits ? "left" : "right";
  ctx.globalAlpha = 0.85;
  ctx.fillStyle = view.theme.paper;
  ctx.fillRect(fits ? to + 2 : to - wide - 2, y + 1, wide, thick - 3);
  ctx.globalAlpha = 1;
  ctx.fillStyle = view.theme.ink;
  ctx.fillText(text, fits ? to + 4 : to - 5, y + thick / 2);
}

export default {
  render({ model, el }) {
    return mark({ model, el, paint: paintBars });
  },
};
