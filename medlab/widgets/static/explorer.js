// The explorer's page: words on one side, the scan on the other, each leading to the other. One ES module: no bundler, no
// address, nothing fetched. Whatever a model or a file wrote is set as textContent, never as markup. What needs a model is
// asked of the kernel, one question at a time; maps of single words are here already, so hovering asks nobody.

const GREYS = 65535;
const LEAST = 0.05; // nats: a word that moves less is not listed
const LISTED = 8;
const TOKENS = 14; // steps of the keyboard across the picture
const DEAF_MS = 3000;

export default { render };

function render({ model, el }) {
  const page = build(model);
  el.replaceChildren(page.root);
  const show = later(() => refresh(page));
  const paint = later(() => draw(page));
  const heard = () => { page.line.heard(model.get("state")); show(); };
  const seen = { "change:state": heard, "change:drops": show, "change:values": show, "change:view": paint, "change:pixels": show };
  for (const [event, act] of Object.entries(seen)) model.on(event, act);
  page.paint = paint;
  refresh(page);
  page.line.ask("ready");
  const watch = new ResizeObserver(paint);
  watch.observe(page.canvas);
  page.root.dataset.ready = "1";
  return () => { watch.disconnect(); for (const [event, act] of Object.entries(seen)) model.off(event, act); };
}

// elements ------------------------------------------------------------------------------------------------------------

function make(tag, about = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function build(model) {
  const page = { model, hover: null, anchor: null, box: null, tool: "brush", drag: null, answer: null, line: null };
  const button = (kind, act) => make("button", { type: "button", class: "tool", "data-kind": kind, onclick: act });
  page.language = make("select", { class: "language", onchange: () => change_language(page) });
  page.question = make("input", { type: "text", class: "question", maxlength: 2000 });
  page.ask = make("button", { type: "submit", class: "tool ask" });
  page.form = make("form", { class: "asking", onsubmit: (event) => { event.preventDefault(); ask(page); } },
    page.language, page.question, page.ask);
  page.brush = button("brush", () => take(page, "brush"));
  page.grey = button("grey", () => take(page, "grey"));
  page.clear = button("clear", () => clear(page));
  page.contour = button("contour", () => { set_view(page, { draw: view(page).draw === "heat" ? "contour" : "heat" }, true); });
  page.opacity = make("input", { type: "range", min: 0, max: 1, step: 0.05, class: "opacity",
    oninput: () => set_view(page, { opacity: +page.opacity.value }), onchange: () => page.model.save_changes() });
  page.opacity_label = make("label", {}, make("span"), page.opacity);
  page.canvas = make("canvas", { tabindex: 0, role: "application" });
  page.bar = make("div", { class: "bar", "aria-hidden": "true" });
  page.ends = [make("span"), make("span", { text: "0" }), make("span")];
  page.scale = make("div", { class: "scale" }, page.bar, make("div", { class: "ends" }, ...page.ends), make("p", { class: "small" }));
  page.caption = make("p", { class: "caption" });
  page.verdict = make("p", { class: "verdict" });
  page.note = make("p", { class: "note" });
  page.words = make("div", { class: "words", role: "group" });
  page.words_title = make("h4");
  page.method = make("select", { class: "method", onchange: () => again_with_method(page) });
  page.method_label = make("label", {}, make("span"), page.method);
  page.against = make("input", { type: "text", class: "against", maxlength: 200, onchange: () => again_with_method(page) });
  page.against_label = make("label", {}, make("span"), page.against);
  page.about = make("p", { class: "small about" });
  page.region = make("section", { class: "region", "aria-live": "polite" });
  page.again = make("section", { class: "again", "aria-live": "polite" });
  page.mask = button("mask", () => { if (!page.mask.disabled) page.line.ask("mask"); });
  page.status = make("p", { class: "status", role: "status", "aria-live": "polite" });
  page.research = make("p", { class: "small research" });
  const tools = make("div", { class: "tools", role: "toolbar" }, page.brush, page.grey, page.contour, page.opacity_label, page.clear);
  page.root = make("div", { class: "medlab-explorer", "data-lm-suppress-shortcuts": "true" }, page.form,
    make("div", { class: "body" },
      make("div", { class: "left" }, tools, page.canvas, page.caption, page.verdict, page.note, page.scale),
      make("div", { class: "right" }, page.words_title, page.words,
        make("div", { class: "choices" }, page.method_label, page.against_label), page.about, page.region, page.mask, page.again)),
    page.status, page.research);
  page.line = new Line(model, (text) => { page.status.textContent = page.model.get("state").labels?.[text] ?? ""; });
  listen(page);
  return page;
}

// the kernel ----------------------------------------------------------------------------------------------------------

class Line { // one question at a time; of those that wait, only the newest of each kind is asked
  constructor(model, say) { Object.assign(this, { model, say, open: null, waiting: new Map(), clock: 0 }); }

  ask(kind, rest = {}) {
    if (this.open) { this.waiting.delete(kind); this.waiting.set(kind, rest); return; }
    this.open = `${Date.now()}-${Math.random()}`;
    this.clock = setTimeout(() => this.say("waiting"), DEAF_MS);
    try { this.model.send({ kind, id: this.open, ...rest }); } catch { this.end(); this.say("no_kernel"); }
  }

  end() { clearTimeout(this.clock); this.open = null; }

  heard(state) {
    clearTimeout(this.clock);
    if (!this.open || state.done !== this.open) return;
    this.end();
    const [next] = this.waiting;
    if (!next) return;
    this.waiting.delete(next[0]);
    this.ask(...next);
  }
}

function ask(page) { page.hover = null; page.line.ask("ask", { question: page.question.value, language: page.language.value }); }

function change_language(page) { page.line.ask("ask", { question: "", language: page.language.value }); }

function look(page, first, last) {
  page.anchor = first;
  mark_words(page, first, last);
  page.line.ask("look", { first, last, method: page.method.value, against: page.against.value });
}

function again_with_method(page) {
  describe_method(page);
  const shown = page.model.get("state").shown;
  if (shown && shown.first !== null) look(page, shown.first, shown.last);
}

function clear(page) { page.hover = page.box = null; page.paint(); page.line.ask("clear"); }

function brush(page, box) { page.box = box; page.paint(); page.line.ask("brush", { box }); }

// what is told --------------------------------------------------------------------------------------------------------

function refresh(page) {
  const state = page.model.get("state");
  if (!state.labels) return;
  page.root.lang = state.language;
  page.root.setAttribute("aria-busy", state.busy);
  label(page, state);
  if (page.answer !== state.answer + Boolean(state.links)) fill_words(page, state);
  const settled = JSON.stringify(state.region?.box ?? null);
  if (page.settled !== settled && !page.drag) Object.assign(page, { settled, box: state.region?.box ?? null });
  mark_words(page, state.shown?.first ?? null, state.shown?.last ?? null);
  fill_region(page, state);
  fill_again(page, state);
  page.status.className = state.error ? "status wrong" : "status";
  page.status.textContent = state.busy ? state.labels.busy : state.error
    || (state.no_links && `${state.labels.no_links}: ${state.no_links}`) || (state.shown || state.region ? "" : state.labels.start);
  load(page, state);
  draw(page);
  if (!state.busy) page.root.dataset.done = state.done;
}

function label(page, state) {
  const say = state.labels;
  const texts = [[page.ask, say.ask], [page.brush, say.brush], [page.grey, say.grey], [page.clear, say.clear], [page.mask, say.mask],
    [page.words_title, say.answer], [page.research, [...state.warnings, say.research].join(" ")],
    [page.opacity_label.firstChild, say.opacity], [page.method_label.firstChild, say.method], [page.against_label.firstChild, say.against]];
  for (const [node, text] of texts) if (node.textContent !== text) node.textContent = text;
  page.against.placeholder = say.against_hint;
  page.question.setAttribute("aria-label", say.question);
  page.language.setAttribute("aria-label", say.language);
  page.words.setAttribute("aria-label", say.answer);
  page.canvas.setAttribute("aria-label", `${say.picture}. ${page.tool === "grey" ? say.window : say.about_keys}`);
  page.grey.title = say.window;
  if (!page.language.childElementCount) page.language.append(...state.languages.map((name) => make("option", { value: name, text: name })));
  if (!page.method.childElementCount) page.method.append(...state.methods.map((one) => make("option", { value: one.name, text: one.text, title: one.about })));
  if (page.told !== state.done) {
    page.told = state.done;
    page.language.value = state.language;
    page.question.value = state.question;
    page.against.value = state.against;
    const chosen = state.methods.find((one) => one.name === state.method || one.same === state.method);
    if (chosen) page.method.value = chosen.name;
  }
  page.mask.hidden = !state.region;
  page.mask.disabled = state.busy;
  describe_method(page);
}

function describe_method(page) {
  page.about.textContent = page.model.get("state").methods.find((one) => one.name === page.method.value)?.about ?? "";
}

function fill_words(page, state) {
  const there = page.words.contains(document.activeElement);
  page.answer = state.answer + Boolean(state.links);
  page.hover = null;
  const nodes = [];
  state.words.forEach((word, index) => {
    const name = word.still ? `${word.text}: ${state.labels.still}` : null;
    const node = make("button", { type: "button", class: word.still ? "word still" : "word", "data-index": index, text: word.text,
      dir: "auto", tabindex: index ? -1 : 0, "aria-pressed": "false", "aria-label": name, title: word.still ? state.labels.still : null });
    if (index && !word.gap && !/[\p{L}\p{N}]/u.test(word.text)) nodes.at(-1).append(node); // punctuation begins no line
    else nodes.push(word.gap.includes("\n") ? make("br") : word.gap ? " " : "\u200b", make("span", { class: "unit" }, node));
  });
  page.words.replaceChildren(...(nodes.length ? nodes : [state.text]));
  page.buttons = [...page.words.querySelectorAll("button")];
  if (there) page.buttons[0]?.focus();
}

function mark_words(page, first, last) {
  const { region, again, colours } = page.model.get("state"), numbers = again?.moved ?? region?.drops ?? [];
  const most = Math.max(...numbers.map(Math.abs), LEAST);
  page.buttons?.forEach((node, index) => {
    node.setAttribute("aria-pressed", first !== null && index >= first && index <= last);
    const drop = numbers[index] ?? 0;
    node.style.backgroundColor = Math.abs(drop) < LEAST ? "" : tinted(colours[drop > 0 ? 1 : 0], 0.55 * Math.abs(drop) / most);
  });
}

function fill_region(page, state) {
  page.region.replaceChildren();
  if (!state.region) return;
  page.region.append(make("h4", { text: state.labels.drops }), ranking(state, state.region.drops),
    make("p", { class: "small", text: `${state.region.cells} ${state.labels.cells}` }));
}

function fill_again(page, state) {
  page.again.replaceChildren();
  const again = state.again, say = state.labels;
  if (!again) return;
  page.again.append(make("h4", { text: say.again }), make("p", { text: again.same ? say.answer_same : say.answer_differs }));
  if (!again.same) page.again.append(make("blockquote", { dir: "auto", text: again.text }));
  page.again.append(make("p", { class: "small", text: say.moved }), ranking(state, again.moved));
  for (const text of again.warnings) page.again.append(make("p", { class: "note", text }));
}

function ranking(state, numbers) {
  const order = numbers.map((value, index) => [value, index]).filter(([value]) => Math.abs(value) >= LEAST);
  order.sort((one, other) => Math.abs(other[0]) - Math.abs(one[0]));
  if (!order.length) return make("p", { class: "small", text: state.labels.nothing });
  const most = Math.abs(order[0][0]);
  return make("ol", { class: "ranking" }, ...order.slice(0, LISTED).map(([value, index]) => {
    const bar = make("span", { class: "amount", "aria-hidden": "true" });
    bar.style.width = `${(100 * Math.abs(value)) / most}%`;
    bar.style.backgroundColor = state.colours[value > 0 ? 1 : 0];
    return make("li", {}, make("span", { class: "name", dir: "auto", text: state.words[index].text }),
      make("span", { class: "number", text: signed(value) }), make("span", { class: "track" }, bar));
  }));
}

// the picture ---------------------------------------------------------------------------------------------------------

function floats(bytes) {
  if (!bytes?.byteLength) return null;
  const from = bytes.byteOffset ?? 0;
  return new Float32Array((bytes.buffer ?? bytes).slice(from, from + bytes.byteLength));
}

function load(page, state) {
  const values = floats(page.model.get("values")), drops = floats(page.model.get("drops"));
  page.map = values && state.shown ? { ...state.shown, values } : null;
  page.drops = drops && state.links ? drops : null;
  const bytes = page.model.get("pixels");
  if (page.bytes === bytes || !bytes?.byteLength) return;
  page.bytes = bytes;
  const from = bytes.byteOffset ?? 0;
  page.pixels = new Uint16Array((bytes.buffer ?? bytes).slice(from, from + bytes.byteLength));
  page.greys = null;
}

function current(page) { // the map of the word under the pointer, where it is known; else the one that was asked for
  const state = page.model.get("state");
  if (page.hover === null || !page.drops) return page.map;
  const [rows, cols] = state.links.grid, word = state.words[page.hover];
  const values = page.drops.subarray(page.hover * rows * cols, (page.hover + 1) * rows * cols);
  return { values, grid: state.links.grid, words: word.text, method: state.links.method, verdict: state.links.verdict,
    still: word.still, effect: word.effect, unit: state.labels.nats, preview: true };
}

function draw(page) {
  const state = page.model.get("state");
  if (!state.labels || !page.pixels) return;
  const { canvas } = page, [rows, cols] = state.size, [top, left, bottom, right] = state.square;
  const wide = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
  canvas.width = wide;
  canvas.height = Math.max(1, Math.round((wide * rows) / cols));
  const pen = canvas.getContext("2d"), zoom = wide / cols;
  pen.drawImage(grey_picture(page, state), 0, 0, canvas.width, canvas.height);
  const map = current(page);
  if (map) {
    const [down, across] = map.grid;
    const place = { x: left * zoom, y: top * zoom, w: ((right - left) * zoom) / across, h: ((bottom - top) * zoom) / down };
    draw_map(page, pen, map, place, state.colours);
  }
  draw_box(page, pen, zoom);
  tell(page, map, state);
  page.root.dataset.map = map ? `${map.method}|${map.words}` : "";
}

function grey_picture(page, state) {
  const { centre, width } = view(page), key = `${centre} ${width}`;
  if (page.greys === key) return page.base;
  const [rows, cols, channels] = state.picture;
  page.base ??= make("canvas");
  page.base.width = cols;
  page.base.height = rows;
  const pen = page.base.getContext("2d"), image = pen.createImageData(cols, rows), { data } = image;
  const low = (centre - width / 2) * GREYS, gain = 255 / Math.max(width * GREYS, 1);
  for (let at = 0; at < rows * cols; at++) {
    for (let c = 0; c < 3; c++) data[4 * at + c] = (page.pixels[at * channels + (channels > 1 ? c : 0)] - low) * gain;
    data[4 * at + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  page.greys = key;
  return page.base;
}

function limit_of(page, map) { // a change that is called none has no strong colour: what one cell does is a change by itself
  const { links } = page.model.get("state");
  let most = 0;
  for (const value of map.values) most = Math.max(most, Math.abs(value));
  return most && links?.method === map.method ? Math.max(most, links.least) : most;
}

function draw_map(page, pen, map, place, colours) {
  const most = limit_of(page, map), [down, across] = map.grid, { opacity, draw: how, cells } = view(page);
  if (map.still || !most) return;
  const { x, y, w, h } = place;
  for (let row = 0; row < down; row++) for (let col = 0; col < across; col++) {
    const share = map.values[row * across + col] / most, colour = colours[share > 0 ? 1 : 0];
    if (how === "heat") {
      pen.fillStyle = tinted(colour, opacity * Math.abs(share));
      pen.fillRect(x + col * w, y + row * h, w, h);
    } else outline(pen, map, [row, col], place, most, colour);
  }
  if (!cells || across > 40) return;
  pen.strokeStyle = "rgba(255,255,255,0.16)";
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.beginPath();
  for (let row = 0; row <= down; row++) { pen.moveTo(x, y + row * h); pen.lineTo(x + across * w, y + row * h); }
  for (let col = 0; col <= across; col++) { pen.moveTo(x + col * w, y); pen.lineTo(x + col * w, y + down * h); }
  pen.stroke();
}

function outline(pen, map, [row, col], { x, y, w, h }, most, colour) { // edges of the cells beyond half of the most
  const [down, across] = map.grid;
  const side = (r, c) => (r < 0 || c < 0 || r >= down || c >= across ? 0 : Math.trunc((2 * map.values[r * across + c]) / most));
  const own = Math.sign(side(row, col));
  if (!own) return;
  const corners = [[col, row], [col + 1, row], [col + 1, row + 1], [col, row + 1]].map(([c, r]) => [x + c * w, y + r * h]);
  const beside = [[row - 1, col], [row, col + 1], [row + 1, col], [row, col - 1]];
  pen.strokeStyle = colour;
  pen.lineWidth = 3;
  pen.setLineDash(own > 0 ? [] : [6, 4]);
  pen.beginPath();
  beside.forEach(([r, c], at) => {
    if (Math.sign(side(r, c)) === own) return;
    pen.moveTo(...corners[at]);
    pen.lineTo(...corners[(at + 1) % 4]);
  });
  pen.stroke();
}

function draw_box(page, pen, zoom) {
  if (!page.box) return;
  const [top, left, bottom, right] = page.box.map((edge) => edge * zoom);
  for (const [colour, dash] of [["#000", []], ["#fff", [6, 4]]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.strokeRect(left, top, right - left, bottom - top);
  }
  pen.setLineDash([]);
}

function tell(page, map, state) { // no map without its verdict; nothing coloured without the scale of its values
  const say = state.labels, most = map && !map.still ? limit_of(page, map) : 0;
  const effect = map && map.effect !== null && map.effect !== undefined ? ` (${signed(map.effect)} ${say.nats})` : "";
  page.caption.textContent = map ? `${map.words} · ${map.method}${map.preview ? ` · ${say.preview}` : ""}` : "";
  page.verdict.textContent = map ? map.verdict : "";
  page.note.textContent = map?.still ? `${map.words}: ${say.independent}${effect}` : "";
  page.scale.hidden = !most;
  page.bar.style.background = `linear-gradient(90deg, ${state.colours[0]}, #595959, ${state.colours[1]})`;
  page.ends[0].textContent = `-${most.toPrecision(2)}`;
  page.ends[2].textContent = `+${most.toPrecision(2)}`;
  page.scale.lastChild.textContent = map ? `${say.scale}; ${map.unit}` : "";
  page.contour.textContent = view(page).draw === "heat" ? say.contour : say.heat;
  page.opacity.value = view(page).opacity;
  for (const [node, kind] of [[page.brush, "brush"], [page.grey, "grey"]]) node.setAttribute("aria-pressed", page.tool === kind);
}

// hands ---------------------------------------------------------------------------------------------------------------

function listen(page) {
  const { words, canvas } = page;
  const word_at = (event) => event.target.closest?.("button.word");
  const hover = (event) => { const node = word_at(event); page.hover = node ? +node.dataset.index : null; page.paint(); };
  words.addEventListener("pointerover", hover);
  words.addEventListener("pointerleave", () => { page.hover = null; page.paint(); });
  words.addEventListener("focusin", hover);
  words.addEventListener("focusout", () => { page.hover = null; page.paint(); });
  words.addEventListener("click", (event) => { const node = word_at(event); if (node) choose(page, +node.dataset.index, event.shiftKey); });
  words.addEventListener("keydown", (event) => walk(page, event));
  canvas.addEventListener("pointerdown", (event) => press(page, event));
  canvas.addEventListener("pointermove", (event) => move(page, event));
  canvas.addEventListener("pointerup", () => release(page));
  canvas.addEventListener("pointercancel", () => { page.drag = null; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => steer(page, event));
  page.root.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook's own shortcuts stay out
}

function choose(page, index, further) {
  const from = further && page.anchor !== null ? page.anchor : index;
  look(page, Math.min(from, index), Math.max(from, index));
  page.anchor = from;
  page.buttons.forEach((node, at) => { node.tabIndex = at === index ? 0 : -1; });
}

function walk(page, event) {
  const here = page.buttons.indexOf(document.activeElement), end = page.buttons.length - 1;
  const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: end }[event.key];
  if (here < 0 || to === undefined || to < 0 || to > end) return;
  event.preventDefault();
  page.buttons[here].tabIndex = -1;
  page.buttons[to].tabIndex = 0;
  page.buttons[to].focus();
}

const view = (page) => page.model.get("view");

function set_view(page, change, told) {
  page.model.set("view", { ...view(page), ...change });
  if (told) page.model.save_changes();
  page.paint();
}

function take(page, tool) { page.tool = tool; refresh(page); }

function point(page, event) {
  const bounds = page.canvas.getBoundingClientRect(), [rows, cols] = page.model.get("state").size;
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  return [within(((event.clientY - bounds.top) / bounds.height) * rows, rows), within(((event.clientX - bounds.left) / bounds.width) * cols, cols)];
}

function press(page, event) {
  if (!page.model.get("state").size) return;
  page.canvas.setPointerCapture(event.pointerId);
  const grey = page.tool === "grey" || event.altKey || event.button === 2;
  page.drag = { from: point(page, event), x: event.clientX, y: event.clientY, grey, view: view(page), moved: false };
}

function move(page, event) {
  const { drag } = page;
  if (!drag) return;
  drag.moved = true;
  if (drag.grey) {
    const wide = page.canvas.clientWidth || 1;
    set_view(page, greys(drag.view, (event.clientX - drag.x) / wide, (event.clientY - drag.y) / wide));
    return;
  }
  const [row, col] = point(page, event), [top, left] = drag.from;
  page.box = [Math.min(row, top), Math.min(col, left), Math.max(row, top), Math.max(col, left)].map(Math.round);
  page.paint();
}

function greys(from, across, down) { // to the right wider, upwards brighter, as on a reading workstation
  const width = Math.min(Math.max(from.width + across, 0.02), 2);
  return { width, centre: Math.min(Math.max(from.centre + down, 0), 1) };
}

function release(page) {
  const { drag } = page;
  page.drag = null;
  if (!drag?.moved) return;
  if (drag.grey) { page.model.save_changes(); return; }
  const [top, left, bottom, right] = page.box, [rows, cols] = page.model.get("state").size;
  if (bottom - top >= rows / 100 && right - left >= cols / 100) brush(page, page.box);
  else { page.box = null; page.paint(); }
}

function steer(page, event) {
  const [down, across] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] ?? [];
  if (event.key === "Escape") clear(page);
  else if (event.key === "Enter" && page.box) brush(page, page.box);
  if (down === undefined) return;
  event.preventDefault();
  if (page.tool === "grey") { set_view(page, greys(view(page), across / 20, down / 20), true); return; }
  const [rows, cols] = page.model.get("state").size, step = [rows / TOKENS, cols / TOKENS];
  const box = page.box ?? [0.4 * rows, 0.4 * cols, 0.6 * rows, 0.6 * cols];
  const by = [down * step[0], across * step[1]], [top, left] = event.shiftKey ? box : [box[0] + by[0], box[1] + by[1]];
  const inside = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
  page.box = [inside(top, rows - step[0]), inside(left, cols - step[1]), 0, 0];
  page.box[2] = inside(Math.max(box[2] + by[0], page.box[0] + step[0]), rows);
  page.box[3] = inside(Math.max(box[3] + by[1], page.box[1] + step[1]), cols);
  page.paint();
}

// small things --------------------------------------------------------------------------------------------------------

function later(act) { // many events, one frame
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; act(); });
  };
}

function tinted(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity.toFixed(3)})`;
}

function signed(value) { return `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`; }
