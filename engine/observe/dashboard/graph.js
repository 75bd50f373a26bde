// The boxes of the flow in columns, each right of all that feed it, and the lines between them. Boxes are buttons that live
// as long as their part does: a frame changes texts and levels in them and nothing else. All text is set as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function say(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** The column of each part: one more than the largest of those that feed it. A circle ends at the number of parts. */
function columnsOf(parts, links) {
  const column = new Map(parts.map((part) => [part.key, 0]));
  for (let round = 0, moved = true; moved && round < parts.length; ++round) {
    moved = false;
    for (const link of links) {
      const least = column.get(link.from) + 1;
      if (column.get(link.to) < least && least < parts.length) {
        column.set(link.to, least);
        moved = true;
      }
    }
  }
  return column;
}

class Graph {
  constructor(where, onChoice) {
    this.where = where;
    this.onChoice = onChoice;
    this.boxes = new Map();
    this.links = [];
    this.shape = "";
    this.lines = document.createElementNS(SVG, "svg");
    this.lines.setAttribute("aria-hidden", "true");
    new ResizeObserver(() => this.drawLines()).observe(where);
  }

  /** parts: {key, kind, name, type, level, fill, figure, detail, held, busy}; links: {from, to} of keys. */
  show(parts, links, chosen) {
    const shape = JSON.stringify([parts.map((part) => part.key), links]);
    if (shape !== this.shape) this.build(parts, links, shape);
    for (const part of parts) this.update(this.boxes.get(part.key), part, chosen);
    const byKey = new Map(parts.map((part) => [part.key, part]));
    this.links.forEach((link) => {
      const to = byKey.get(link.to);
      link.line.setAttribute("class", to.held ? "held" : to.busy ? "busy" : "");
    });
  }

  build(parts, links, shape) {
    this.shape = shape;
    this.boxes.clear();
    const column = columnsOf(parts, links);
    const columns = [];
    for (const part of parts) {
      const at = column.get(part.key);
      columns[at] = columns[at] || element("div", "column");
      columns[at].append(this.box(part, links, parts));
    }
    this.lines.replaceChildren();
    this.links = links.map((link) => ({ ...link, line: this.lines.appendChild(document.createElementNS(SVG, "path")) }));
    this.where.replaceChildren(this.lines, ...columns.filter(Boolean));
    this.drawLines();
  }

  box(part, links, parts) {
    const button = element("button", "node");
    button.type = "button";
    button.dataset.key = part.key;
    const box = { button, water: element("span", "water"), word: element("span", "word"), figure: element("span", "figure"),
                  detail: element("span", "detail") };
    const kind = element("span", "kind");
    kind.append(element("span", "", part.type && part.type !== part.kind ? `${part.kind} · ${part.type}` : part.kind), box.word);
    const to = links.filter((link) => link.from === part.key).map((link) => parts.find((p) => p.key === link.to).name);
    button.append(box.water, kind, element("strong", "", part.name), box.figure, box.detail,
                  element("span", "to", to.length ? "→ " + to.join(", ") : ""));
    button.addEventListener("click", () => this.onChoice(part.key));
    this.boxes.set(part.key, box);
    return button;
  }

  update(box, part, chosen) {
    box.button.dataset.level = part.level;
    box.button.setAttribute("aria-pressed", String(part.key === chosen));
    say(box.word, part.level === "normal" ? "" : "▲ " + part.level);
    say(box.figure, part.figure);
    say(box.detail, part.detail);
    box.water.style.height = `${Math.round(Math.min(1, part.fill || 0) * 100)}%`;
  }

  drawLines() {
    const base = this.where.getBoundingClientRect();
    const left = base.left - this.where.scrollLeft, top = base.top - this.where.scrollTop;
    this.lines.setAttribute("width", "1");  // so that it does not count in the size of what it covers
    this.lines.setAttribute("height", "1");
    const [width, height] = [this.where.scrollWidth, this.where.scrollHeight];
    this.lines.setAttribute("width", width);
    this.lines.setAttribute("height", height);
    for (const link of this.links) {
      const a = this.boxes.get(link.from).button.getBoundingClientRect();
      const b = this.boxes.get(link.to).button.getBoundingClientRect();
      const x1 = a.right - left, y1 = (a.top + a.bottom) / 2 - top, x2 = b.left - left, y2 = (b.top + b.bottom) / 2 - top;
      const bend = Math.max(24, (x2 - x1) / 2);
      link.line.setAttribute("d", `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`);
    }
  }
}
