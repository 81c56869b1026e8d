const LISTED = 30;

/** The map: points to look at, pick and drop. */
const drawMap = async (map) => {
  const points = {
    ids: new TextDecoder().decode(await unpack(map.ids)).split("\n"),
    x: Float32Array.from(new Uint16Array(await unpack(map.x)), (value) => value / 65535),
    y: Float32Array.from(new Uint16Array(await unpack(map.y)), (value) => value / 65535),
    texts: JSON.parse(new TextDecoder().decode(await unpack(map.texts))),
    groups: {}, scores: {},
  };
  for (const { name, names, literals, codes } of map.groups) {
    points.groups[name] = { name, names, literals, codes: new Uint16Array(await unpack(codes)) };
  }
  for (const { name, low, high, levels } of map.scores) {
    points.scores[name] = { name, low, high, levels: new Uint8Array(await unpack(levels)) };
  }
  points.isKept = Array.from(points.groups.fate.codes, (code) => code === 0);
  byId("explorer").hidden = false;
  const chart = drawPoints(points);
  const picker = makePicker(points, chart);
  connectControls(points, chart, picker);
  await show(chart.plot, byId("map-chart"));
};

const places = (count) => Array.from({ length: count }, (_, place) => place);
const valueOf = ({ low, high, levels }, place) =>
  levels[place] === 255 ? null : low + (levels[place] / 254) * (high - low);

/** Draw the points and the names of the largest topics; return what changes them. */
const drawPoints = ({ ids, x, y, groups, texts, scores }) => {
  const isNarrow = innerWidth < 700;
  const range = () => new Bokeh.Range1d({ start: -0.03, end: 1.03 });
  const plot = Bokeh.Plotting.figure({
    x_range: range(), y_range: range(), height: isNarrow ? 380 : 620,
    sizing_mode: "stretch_width", match_aspect: false,
    tools: [new Bokeh.PanTool(), new Bokeh.WheelZoomTool({ modifiers: { ctrl: true } }),
      new Bokeh.LassoSelectTool({ continuous: false }), new Bokeh.BoxSelectTool(),
      new Bokeh.ZoomInTool(), new Bokeh.ZoomOutTool(), new Bokeh.ResetTool()],
    toolbar_location: isNarrow ? "above" : "right",
  });
  plot.toolbar.logo = null;
  plot.toolbar.active_drag = null;
  if (!matchMedia("(pointer: coarse)").matches) {
    plot.toolbar.active_drag = plot.toolbar.tools.find((tool) => tool instanceof Bokeh.LassoSelectTool);
    plot.toolbar.active_scroll = plot.toolbar.tools.find((tool) => tool instanceof Bokeh.WheelZoomTool);
  }
  for (const axis of [...plot.below, ...plot.left]) axis.visible = false;
  for (const grid of plot.center) grid.visible = false;
  const source = new Bokeh.ColumnDataSource({ data: { x, y, colour: new Uint32Array(ids.length) } });
  const view = new Bokeh.CDSView({ filter: new Bokeh.AllIndices() });
  const tap = new Bokeh.TapTool();
  plot.add_tools(tap);
  const size = ids.length > 20_000 ? 3 : ids.length > 2_000 ? 5 : 8;
  const dots = plot.scatter({
    x: { field: "x" }, y: { field: "y" }, size, source, view, line_color: null,
    fill_color: { field: "colour" }, fill_alpha: 0.75, selection_fill_alpha: 1,
    nonselection_fill_alpha: 0.06, nonselection_fill_color: { field: "colour" },
  });
  if (groups.topic) nameTopics(plot, groups.topic, x, y, isNarrow ? 2.3 : 1);
  const element = byId("map-chart");
  hover(plot, element, dots, (place) => [
    [Object.values(groups).filter(({ name }) => ["fate", "topic", "source"].includes(name))
      .map(({ names, codes }) => names[codes[place]]).join(" · "), "soft"],
    [texts[0][place], "strong"],
    [texts[1][place], ""],
    ...("quality" in scores && valueOf(scores.quality, place) !== null
      ? [[`quality ${number(valueOf(scores.quality, place))}`, "soft"]] : []),
  ]);
  return { plot, source, view, tap };
};

/** Write the names of the largest topics where their rows are, as far as there is room; `width` of a letter. */
const nameTopics = (plot, { names, codes }, x, y, width) => {
  const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];
  const found = names.map(() => []);
  codes.forEach((code, place) => found[code].push(place));
  const labels = [];
  for (const [code, rows] of found.entries()) {
    if (labels.length === Math.round(24 / width)) break;
    const text = names[code].split(", ").slice(0, 2).join(", ");
    const label = { x: median(rows.map((place) => x[place])), y: median(rows.map((place) => y[place])), text };
    const isFree = labels.every((other) => Math.abs(other.y - label.y) > 0.035 * width
      || Math.abs(other.x - label.x) > 0.006 * width * (text.length + other.text.length));
    if (isFree && names[code] !== "(none)") labels.push(label);
  }
  const written = plot.text({
    x: labels.map((label) => label.x), y: labels.map((label) => label.y),
    text: labels.map((label) => label.text), text_align: "center", text_baseline: "middle",
    text_font_size: "12px", background_fill_alpha: 0.75, padding: 2, border_radius: 3, level: "overlay",
  });
  const paint = () => written.glyph.setv({
    text_color: colourOf("--ink"), background_fill_color: colourOf("--panel"),
  });
  paint();
  painters.push(paint);
};

/** Keep the picked rows: count, list and a filter to copy. */
const makePicker = (points, { source }) => {
  let picked = [];
  let listed = 0;
  const list = byId("picked-rows");
  const more = () => {
    for (const place of picked.slice(listed, listed + LISTED)) list.append(makeCard(points, place));
    listed = Math.min(listed + LISTED, picked.length);
    byId("more").hidden = listed >= picked.length;
  };
  const snippet = () => { byId("snippet").value = writeFilter(points, picked, byId("filter-kind").value); };
  const refresh = () => {
    picked = [...source.selected.indices];
    listed = 0;
    list.replaceChildren();
    byId("picked").hidden = picked.length === 0;
    byId("copied").textContent = "";
    if (picked.length === 0) return;
    byId("picked-count").textContent = describePicked(points, picked);
    offerFilters(points, picked, byId("filter-kind"));
    snippet();
    more();
  };
  byId("more").addEventListener("click", more);
  byId("filter-kind").addEventListener("change", snippet);
  byId("copy").addEventListener("click", async () => {
    byId("snippet").select();
    const isDone = document.execCommand("copy");
    byId("copied").textContent = isDone ? "copied" : "press Ctrl+C";
  });
  const pick = (chosen) => { source.selected.indices = chosen; };
  byId("clear").addEventListener("click", () => pick([]));
  source.selected.change.connect(refresh);
  return { pick };
};

/** How many rows are picked, and what they are worth. */
const describePicked = ({ isKept, scores, groups }, picked) => {
  const kept = picked.filter((place) => isKept[place]).length;
  const parts = [`${number(picked.length)} rows: ${number(kept)} kept, ${number(picked.length - kept)} not`];
  if (scores.quality) {
    const known = picked.map((place) => valueOf(scores.quality, place)).filter((value) => value !== null);
    if (known.length) parts.push(`mean quality ${number(known.reduce((sum, value) => sum + value, 0) / known.length)}`);
  }
  for (const name of ["topic", "source"]) {
    if (!groups[name]) continue;
    const [[code, count]] = countCodes(groups[name], picked);
    parts.push(`${percent(count / picked.length)} ${name} “${groups[name].names[code]}”`);
  }
  return parts.join("; ");
};

/** Count the codes of rows, the most frequent first. */
const countCodes = ({ codes }, picked) => {
  const counts = new Map();
  for (const place of picked) counts.set(codes[place], (counts.get(codes[place]) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
};

/** Offer to drop the picked rows, or a whole source that many of them come from. */
const offerFilters = ({ groups }, picked, choice) => {
  choice.replaceChildren();
  add(choice, "option", "drop the kept ones among these rows").value = "ids";
  if (!groups.source) return;
  for (const [code] of countCodes(groups.source, picked).slice(0, 5)) {
    if (code >= groups.source.literals.length) continue;
    add(choice, "option", `drop the whole source ${groups.source.names[code]}`).value = code;
  }
};

/** Write the filter of a recipe; its strings are escaped before they come here. */
const writeFilter = ({ ids, isKept, groups }, picked, kind) => {
  if (kind !== "ids") {
    return `filters:\n  - {rule: not_in, column: source, value: [${groups.source.literals[kind]}]}\n`;
  }
  const kept = picked.filter((place) => isKept[place]).map((place) => JSON.stringify(ids[place]));
  if (kept.length === 0) return "# none of these rows was kept\n";
  const head = `# ${kept.length} rows picked on the map of ${data.name} ${data.version}`;
  return `filters:\n  ${head}\n  - {rule: not_in, column: id, value: [${kept.join(", ")}]}\n`;
};

/** Show one row. */
const makeCard = ({ ids, groups, scores, texts, isKept }, place) => {
  const card = document.createElement("article");
  card.className = "card";
  const facts = add(card, "p", "", "facts");
  const fate = groups.fate.names[groups.fate.codes[place]];
  add(facts, "b", isKept[place] ? "kept" : `out: ${fate}`, isKept[place] ? "fate in" : "fate");
  for (const name of ["topic", "source", "teacher"]) {
    if (groups[name]) add(facts, "bdi", groups[name].names[groups[name].codes[place]], "fact");
  }
  const quality = scores.quality ? valueOf(scores.quality, place) : null;
  if (quality !== null) add(facts, "span", `quality ${number(quality)}`, "fact");
  add(facts, "code", ids[place], "id");
  for (const text of [texts[0][place], texts[1][place]]) {
    if (text) add(card, "div", text, "text").dir = "auto";
  }
  return card;
};

/** Colour by a choice, show a part, search, and pick by legend and by topic. */
const connectControls = (points, { source, view, tap }, { pick }) => {
  const { groups, scores, texts, ids } = points;
  const [colour, part, search] = ["colour", "show", "map-search"].map(byId);
  for (const name of [...Object.keys(groups), ...Object.keys(scores)]) {
    add(colour, "option", name.replaceAll("_", " ")).value = name;
  }
  if (groups.topic) colour.value = "topic";
  const paint = () => paintPoints(points, source, colour.value, pick);
  colour.addEventListener("change", paint);
  painters.push(paint);
  paint();

  add(part, "option", "all rows").value = "all";
  for (const [code, name] of groups.fate.names.entries()) {
    add(part, "option", code === 0 ? "kept rows" : `out: ${name}`).value = code;
  }
  const isShown = (place) => part.value === "all" || groups.fate.codes[place] === Number(part.value);
  part.addEventListener("change", () => {
    pick([]);
    view.filter = part.value === "all" ? new Bokeh.AllIndices()
      : new Bokeh.IndexFilter({ indices: places(ids.length).filter(isShown) });
  });

  const lower = texts[0].map((text, place) => `${text}\n${texts[1][place]}\n${ids[place]}`.toLowerCase());
  let wait = 0;
  search.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      pick(words.length === 0 ? [] : places(ids.length).filter((place) =>
        isShown(place) && words.every((word) => lower[place].includes(word))));
    }, 200);
  });

  // A click on a point picks its topic; the point itself comes first.
  tap.callback = { execute: () => {
    const [place] = source.selected.indices;
    if (place === undefined || !groups.topic) return;
    const others = places(ids.length).filter((other) => other !== place && isShown(other)
      && groups.topic.codes[other] === groups.topic.codes[place]);
    pick([place, ...others]);
  } };

  for (const button of document.querySelectorAll("[data-topic]")) {
    button.addEventListener("click", () => {
      const topic = data.topics[button.dataset.topic];
      const from = button.dataset.source;
      part.value = "all";
      view.filter = new Bokeh.AllIndices();
      pick(places(ids.length).filter((place) => groups.topic.names[groups.topic.codes[place]] === topic
        && (from === undefined || groups.source.codes[place] === Number(from))));
      byId("map").scrollIntoView({ block: "start" });
    });
  }
};

/** Colour the points by a group or a score, and write the legend. */
const paintPoints = ({ groups, scores, isKept }, source, name, pick) => {
  const legend = byId("legend");
  legend.replaceChildren();
  const fade = toNumber(colourOf("--out"));
  if (name in scores) {
    const { low, high, levels } = scores[name];
    const shades = Bokeh.Palettes.Viridis256;
    source.data = { ...source.data,
      colour: Uint32Array.from(levels, (level) => level === 255 ? fade : shades[level]) };
    const bar = add(legend, "div", "", "shades");
    for (const level of [0, 51, 102, 153, 204, 255]) add(bar, "i").style.background = toCss(shades[level]);
    const ends = add(legend, "div", "", "ends");
    add(ends, "span", `≤ ${number(low)}`);
    add(ends, "span", `≥ ${number(high)}`);
    add(legend, "p", "grey: no score", "hint");
    return;
  }
  const { names, codes } = groups[name];
  const colours = names.map((text, code) => {
    if (name === "fate") return toNumber(code === 0 ? colourOf("--kept") : fateColour(text));
    return text === "other" || text === "(none)" ? fade : toNumber(PALETTE[code % PALETTE.length]);
  });
  source.data = { ...source.data, colour: Uint32Array.from(codes, (code) => colours[code]) };
  const counts = new Uint32Array(names.length);
  const lost = new Uint32Array(names.length);
  codes.forEach((code, place) => { counts[code] += 1; lost[code] += isKept[place] ? 0 : 1; });
  add(legend, "p", name === "fate" ? "rows; click to pick them" : "rows, share dropped; click to pick them", "hint");
  for (const [code, text] of names.entries()) {
    const entry = add(legend, "button", "", "entry");
    entry.type = "button";
    add(entry, "i").style.background = toCss(colours[code]);
    add(entry, "bdi", text);
    add(entry, "span", number(counts[code]), "soft");
    if (name !== "fate") add(entry, "span", percent(lost[code] / counts[code]), "soft lost").title = "dropped";
    entry.addEventListener("click", () => {
      pick(places(codes.length).filter((place) => codes[place] === code));
    });
  }
};

/** The colour that a rule has on the funnel. */
const fateColour = (rule) => ruleColour(Math.max(0, data.rules.indexOf(rule)));
const toNumber = (css) => ((parseInt(css.slice(1), 16) << 8) | 0xff) >>> 0;
const toCss = (rgba) => `#${(rgba >>> 8).toString(16).padStart(6, "0")}`;

if (data.map !== null && "DecompressionStream" in window) drawMap(data.map);
