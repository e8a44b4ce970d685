// The explorer's page: words and the scan, each leading to the other, for one question or for two side by side. Nothing is
// fetched, and no address is known. What needs a model is asked of the kernel; maps of single words are here already, so
// that hovering asks nobody.

export default { render };

function render({ model, el }) {
  const page = build(model);
  el.replaceChildren(page.root);
  const show = later(() => refresh(page));
  const heard = () => { page.line.heard(model.get("state")); show(); };
  const seen = { "change:state": heard, "change:drops": show, "change:values": show, "change:pixels": show, "change:view": page.paint,
    "change:busy": () => work(page) };
  for (const [event, act] of Object.entries(seen)) model.on(event, act);
  refresh(page);
  work(page);
  page.line.ask("ready");
  page.root.dataset.ready = "1";
  return () => { page.watch.disconnect(); for (const [event, act] of Object.entries(seen)) model.off(event, act); };
}

function build(model) {
  const page = { model, sides: [], box: null, tool: "brush", drag: null, comparing: false };
  page.paint = later(() => draw(page));
  page.watch = new ResizeObserver(page.paint);
  page.method_of = () => model.get("state").methods.find((one) => one.name === page.method.value);
  const button = (kind, act) => make("button", { type: "button", class: "tool", "data-kind": kind, onclick: act });
  const form = (kind, act, ...children) => make("form", { class: `asking ${kind}`, onsubmit: (event) => { event.preventDefault(); act(page); } }, ...children);
  page.language = make("select", { class: "language", onchange: () => change_language(page) });
  page.question = make("input", { type: "text", class: "question", maxlength: 2000 });
  page.ask = make("button", { type: "submit", class: "tool ask" });
  page.compare = button("compare", () => { page.comparing = true; refresh(page); page.second.focus(); });
  page.second = make("input", { type: "text", class: "question", maxlength: 2000, required: true });
  page.ask_beside = make("button", { type: "submit", class: "tool ask" });
  page.close = button("close", () => close_beside(page));
  page.beside = form("second", ask_beside, page.second, page.ask_beside, page.close);
  page.scan = make("select", { class: "scan", onchange: () => choose_scan(page) });
  page.method = make("select", { class: "method", onchange: () => change_method(page) });
  page.layer = make("select", { class: "layer", onchange: () => look_again(page) });
  page.head = make("select", { class: "head", onchange: () => look_again(page) });
  page.opacity = make("input", { type: "range", min: 0, max: 1, step: 0.05, class: "opacity",
    oninput: () => set_view(page, { opacity: +page.opacity.value }), onchange: () => page.model.save_changes() });
  page.labels = Object.fromEntries(["scan", "method", "layer", "head", "opacity"].map((name) => [name, labelled(page[name])]));
  page.brush = button("brush", () => take(page, "brush"));
  page.grey = button("grey", () => take(page, "grey"));
  page.contour = button("contour", () => set_view(page, { draw: view(page).draw === "heat" ? "contour" : "heat" }, true));
  page.clear = button("clear", () => clear(page));
  page.mask = button("mask", () => page.line.ask("mask"));
  page.about = make("p", { class: "small about" });
  page.about_scans = make("p", { class: "small" });
  page.both = make("div", { class: "sides" });
  page.status = make("p", { class: "status", role: "status", "aria-live": "polite" });
  page.research = make("p", { class: "small research" });
  page.choices = make("div", { class: "choices" }, page.labels.method, page.labels.layer, page.labels.head);
  page.tools = make("div", { class: "tools", role: "toolbar" }, page.labels.scan, page.brush, page.grey, page.contour, page.labels.opacity,
    page.clear, page.mask);
  page.root = make("div", { class: "medlab-explorer", "data-lm-suppress-shortcuts": "true" },
    form("first", ask, page.language, page.question, page.ask, page.compare), page.beside, page.choices, page.about, page.tools,
    page.about_scans, page.both, page.status, page.research);
  page.root.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook's own shortcuts stay out
  page.line = new Line(model, (text) => { page.status.textContent = model.get("state").labels?.[text] ?? ""; });
  return page;
}

function refresh(page) {
  const state = page.model.get("state");
  if (!state.labels) return;
  page.root.lang = state.language;
  const fresh = page.told !== state.done; // what was typed stays until an answer has come
  page.told = state.done;
  hang_sides(page, state);
  label(page, state);
  choose_from(page, state, fresh);
  const settled = JSON.stringify(state.sides[0].region?.box ?? null);
  if (page.settled !== settled && !page.drag) Object.assign(page, { settled, box: state.sides[0].region?.box ?? null });
  for (const side of page.sides) fill_side(page, side, state, fresh);
  tell_status(page, state);
  load(page, state);
  draw(page);
  page.root.dataset.done = state.done;
}

function work(page) { // the kernel has heard a message, or has answered it
  const busy = page.model.get("busy");
  page.root.setAttribute("aria-busy", busy);
  page.mask.disabled = busy;
  if (busy) { page.line.heard_of(); say(page.status, page.model.get("state").labels.busy); }
}

function hang_sides(page, state) { // as many as there are questions
  while (page.sides.length > state.sides.length) {
    const side = page.sides.pop();
    page.watch.unobserve(side.canvas);
    side.section.remove();
  }
  while (page.sides.length < state.sides.length) {
    const side = new_side(page, page.sides.length);
    page.sides.push(side);
    page.both.append(side.section);
    page.watch.observe(side.canvas);
  }
  page.both.dataset.number = state.sides.length;
}

function label(page, state) {
  const { labels } = state, two = state.sides.length > 1;
  for (const name of ["ask", "ask_beside", "close", "brush", "grey", "clear", "mask"]) say(page[name], labels[name]);
  for (const [name, node] of Object.entries(page.labels)) say(node.firstChild, labels[name]);
  say(page.compare, labels.beside);
  say(page.about_scans, state.about_scans);
  say(page.research, [...new Set(state.sides.flatMap((side) => side.warnings)), labels.research].join(" "));
  page.second.placeholder = labels.beside_hint;
  page.question.setAttribute("aria-label", labels.question);
  page.second.setAttribute("aria-label", `${labels.beside}: ${labels.beside_hint}`);
  page.language.setAttribute("aria-label", labels.language);
  page.grey.title = labels.window;
  page.beside.hidden = !two && !page.comparing;
  page.compare.hidden = !page.beside.hidden;
  page.labels.scan.hidden = state.scans.length < 2;
  page.mask.hidden = !state.sides[0].region;
  for (const [node, kind] of [[page.brush, "brush"], [page.grey, "grey"]]) node.setAttribute("aria-pressed", page.tool === kind);
}

function choose_from(page, state, fresh) {
  offer(page.language, state.languages.map((name) => ({ value: name, text: name })));
  offer(page.scan, state.scans.map((name, at) => ({ value: String(at), text: `${at}: ${name}` })));
  offer(page.method, state.methods.map((one) => ({ value: one.name, text: one.text, title: one.about })));
  if (fresh) {
    page.language.value = state.language;
    page.question.value = state.sides[0].question;
    if (state.sides[1]) page.second.value = state.sides[1].question;
    page.scan.value = String(state.scan);
    const chosen = state.methods.find((one) => one.name === state.method || one.same === state.method);
    if (chosen) page.method.value = chosen.name;
    offer_layers(page, state.layer, state.head);
  }
  offer_layers(page);
}

function offer_layers(page, layer, head) {
  const { layers, heads, about } = page.method_of();
  offer(page.layer, layers, layer);
  offer(page.head, heads, head);
  page.labels.layer.hidden = !layers.length;
  page.labels.head.hidden = !heads.length;
  say(page.about, about);
}

function tell_status(page, state) {
  const { labels, sides } = state, unlinked = sides.find((side) => side.no_links);
  page.status.className = state.error ? "status wrong" : "status";
  page.status.textContent = page.model.get("busy") ? labels.busy : state.error || (unlinked && `${labels.no_links}: ${unlinked.no_links}`)
    || (sides.some((side) => side.shown || side.region) ? "" : labels.start);
}
