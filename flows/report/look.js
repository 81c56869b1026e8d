"use strict";
// Texts of strangers are only ever set as textContent, or drawn on a canvas.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 3 });
const percent = (share) => `${(100 * share).toFixed(1)} %`;

const PALETTE = [
  "#4e79a7", "#e15759", "#59a14f", "#b07aa1", "#f28e2b", "#76b7b2", "#9c755f", "#ff9da7",
  "#86bcb6", "#d37295", "#499894", "#d4a6c8", "#8cd17d", "#79706e", "#a0cbe8", "#d7b5a6",
  "#f1ce63", "#fabfd2", "#b6992d", "#bab0ac",
];

/** Append a new element with a text; return it. */
const add = (parent, tag, text = "", className = "") => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
};

/** Return the bytes of base64 of gzip. */
const unpack = async (packed) => {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
};

/** What is repainted when light turns to dark. */
const painters = [];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const paint of painters) paint();
});

/** Paint a plot in the colours of the page, now and whenever they change. */
const dress = (plot) => {
  const paint = () => {
    const [ink, soft, line, panel] = ["--ink", "--soft", "--line", "--panel"].map(colourOf);
    plot.setv({ background_fill_color: panel, border_fill_color: panel, outline_line_color: line });
    for (const axis of [...plot.above, ...plot.below, ...plot.left, ...plot.right]) {
      if (!("axis_line_color" in axis)) continue;
      axis.setv({ axis_line_color: line, major_tick_line_color: line, minor_tick_line_color: null,
        major_label_text_color: ink, axis_label_text_color: soft });
    }
    for (const grid of plot.center) {
      if ("grid_line_color" in grid) grid.grid_line_color = line;
    }
  };
  paint();
  painters.push(paint);
};

const tip = add(document.body, "div", "", "tip");
tip.hidden = true;

/** Show lines of text beside the pointer. */
const showTip = (lines, event) => {
  tip.replaceChildren();
  for (const [text, className] of lines) add(tip, "div", text, className).dir = "auto";
  tip.hidden = false;
  const { clientX: x, clientY: y } = event;
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${y + 18 + height < innerHeight ? y + 18 : Math.max(4, y - height - 12)}px`;
};

/** Say what is under the pointer: `describe` gets the place of a glyph and returns lines. */
const hover = (plot, element, renderer, describe) => {
  let last = null;
  element.addEventListener("pointermove", (event) => { last = event; });
  element.addEventListener("pointerleave", () => { last = null; tip.hidden = true; });
  plot.add_tools(new Bokeh.HoverTool({
    tooltips: null, renderers: [renderer], toggleable: false,
    callback: { execute: (_tool, { index }) => {
      if (index.indices.length === 0 || last === null) tip.hidden = true;
      else showTip(describe(index.indices.at(-1)), last);
    } },
  }));
};

/** Put a plot into an element. */
const show = async (plot, element) => {
  dress(plot);
  element.hidden = false;
  return Bokeh.Plotting.show(plot, element);
};

for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
