/** The funnel: one bar a stage, a click on a rule opens its rows. */
const drawFunnel = async () => {
  const stages = data.funnel.map((bar, place) => ({ ...bar, label: `${place + 1} ${bar.stage}` }));
  const parts = { y: [], left: [], right: [], rule: [], count: [] };
  for (const { label, kept, taken } of stages) {
    let left = 0;
    for (const [rule, count] of [[-1, kept], ...taken]) {
      parts.y.push(label);
      parts.left.push(left);
      parts.right.push(left + count);
      parts.rule.push(rule);
      parts.count.push(count);
      left += count;
    }
  }
  const plot = Bokeh.Plotting.figure({
    y_range: stages.map(({ label }) => label).reverse(), height: 60 + 34 * stages.length,
    sizing_mode: "stretch_width", tools: "tap", toolbar_location: null,
  });
  plot.x_range.start = 0;
  plot.x_range.setv({ range_padding: 0.02 });
  plot.xaxis.formatter = new Bokeh.NumeralTickFormatter({ format: "0,0" });
  const source = new Bokeh.ColumnDataSource({ data: parts });
  const bars = plot.hbar({
    y: { field: "y" }, left: { field: "left" }, right: { field: "right" }, height: 0.7,
    fill_color: { field: "fill" }, line_color: { field: "edge" }, nonselection_fill_alpha: 1,
    nonselection_line_alpha: 1, source,
  });
  const paint = () => {
    const [kept, panel] = [colourOf("--kept"), colourOf("--panel")];
    source.data = {
      ...parts,
      fill: parts.rule.map((rule) => (rule < 0 ? kept : ruleColour(rule))),
      edge: parts.rule.map(() => panel),
    };
  };
  paint();
  painters.push(paint);
  const element = byId("funnel-chart");
  hover(plot, element, bars, (place) => {
    const name = parts.rule[place] < 0 ? "kept" : data.rules[parts.rule[place]];
    return [[name, "strong"], [`${number(parts.count[place])} rows, ${parts.y[place]}`, "soft"]];
  });
  source.selected.change.connect(() => {
    const [place] = source.selected.indices;
    if (place === undefined) return;
    source.selected.indices = [];
    if (parts.rule[place] >= 0) openRule(parts.rule[place]);
  });
  await show(plot, element);
};

/** Open the rows of a rule and go there. */
const openRule = (rule) => {
  const fold = byId(`rule-${rule}`);
  fold.open = true;
  fold.scrollIntoView({ block: "start" });
};

/** Distributions of scores, one at a time, with the bounds of rules. */
const drawScores = async () => {
  if (data.scores.length === 0) return;
  const choice = byId("score");
  for (const [place, { name }] of data.scores.entries()) add(choice, "option", name).value = place;
  const plot = Bokeh.Plotting.figure({
    height: 300, sizing_mode: "stretch_width", tools: "", toolbar_location: null,
    y_axis_label: "% of its group",
  });
  const source = new Bokeh.ColumnDataSource({ data: {} });
  const bars = plot.quad({
    left: { field: "left" }, right: { field: "right" }, top: { field: "top" }, bottom: 0,
    fill_color: { field: "fill" }, line_color: null, source,
  });
  const bounds = new Bokeh.ColumnDataSource({ data: { x: [], y: [], text: [], align: [] } });
  const lines = new Bokeh.VSpan({ x: { field: "x" }, line_dash: "dashed", line_width: 2 });
  plot.add_glyph(lines, bounds);
  const names = plot.text({
    x: { field: "x" }, y: { field: "y" }, text: { field: "text" }, text_align: { field: "align" },
    text_font_size: "12px", text_baseline: "top", source: bounds,
  });
  const paint = () => {
    const score = data.scores[choice.value];
    const [starts, ends] = [score.edges.slice(0, -1), score.edges.slice(1)];
    const middles = starts.map((start, bin) => (start + ends[bin]) / 2);
    source.data = {
      left: [...starts, ...middles], right: [...middles, ...ends],
      top: [...score.kept, ...score.out].map((share) => 100 * share),
      fill: [...starts.map(() => colourOf("--kept")), ...starts.map(() => colourOf("--out"))],
    };
    const middle = (score.edges[0] + score.edges.at(-1)) / 2;
    const top = 100 * Math.max(...score.kept, ...score.out);
    bounds.data = {
      x: score.thresholds.map(([, value]) => value),
      y: score.thresholds.map((_, place) => top * (1 - 0.07 * place)),
      text: score.thresholds.map(([rule, value]) => `${value > middle ? "" : " "}${rule} ${number(value)} `),
      align: score.thresholds.map(([, value]) => (value > middle ? "right" : "left")),
    };
    lines.line_color = colourOf("--bad");
    names.glyph.text_color = colourOf("--bad");
  };
  choice.addEventListener("change", paint);
  paint();
  painters.push(paint);
  hover(plot, byId("score-chart"), bars, (place) => {
    const score = data.scores[choice.value];
    const bin = place % score.kept.length;
    return [
      [`${number(score.edges[bin])} to ${number(score.edges[bin + 1])}`, "strong"],
      [`${percent(score.kept[bin])} of kept, ${percent(score.out[bin])} of the others`, "soft"],
    ];
  });
  await show(plot, byId("score-chart"));
};

/** A colour for each rule, the same on the funnel and on the map. */
const ruleColour = (rule) => PALETTE[rule % PALETTE.length];

drawFunnel();
drawScores();
