// One side of the page in words: the answer, what a map is and how far it may be believed, what a region feeds, what was
// said without it. Whatever a model or a file wrote is set as textContent, never as markup.

function new_side(page, number) {
  const side = { number, hover: null, anchor: null, map: null, kept: new Map(), drops: null, buttons: [], key: "" };
  side.asked = make("h4", { class: "asked", dir: "auto" });
  side.canvas = make("canvas", { tabindex: 0, role: "application" });
  side.bar = make("div", { class: "bar", "aria-hidden": "true" });
  side.ends = [make("span"), make("span", { text: "0" }), make("span")];
  side.unit = make("p", { class: "small" });
  side.scale = make("div", { class: "scale" }, side.bar, make("div", { class: "ends" }, ...side.ends), side.unit);
  side.caption = make("p", { class: "caption" });
  side.verdict = make("p", { class: "verdict" });
  side.note = make("p", { class: "note" });
  side.title = make("h4");
  side.words = make("div", { class: "words", role: "group" });
  side.against = make("input", { type: "text", class: "against", maxlength: 200, onchange: () => look_again(page, [side]) });
  side.against_label = labelled(side.against);
  side.region = make("section", { class: "region", "aria-live": "polite" });
  side.again = make("section", { class: "again", "aria-live": "polite" });
  side.section = make("section", { class: "side" }, side.asked,
    make("div", { class: "seeing" }, side.canvas),
    make("div", { class: "told" }, side.caption, side.verdict, side.note, side.scale),
    make("div", { class: "reading" }, side.title, side.words, side.against_label),
    make("div", { class: "fed" }, side.region), make("div", { class: "anew" }, side.again));
  listen(page, side);
  return side;
}

function fill_side(page, side, state, fresh) {
  const told = state.sides[side.number], { labels } = state, two = state.sides.length > 1;
  side.asked.hidden = !two;
  say(side.asked, told.question);
  say(side.title, labels.answer);
  say(side.against_label.firstChild, labels.against);
  side.against.placeholder = labels.against_hint;
  const of = two ? `: ${told.question}` : "";
  side.section.setAttribute("aria-label", told.question);
  side.words.setAttribute("aria-label", labels.answer + of);
  side.canvas.setAttribute("aria-label", `${labels.picture}${of}. ${page.tool === "grey" ? labels.window : labels.about_keys}`);
  if (fresh) side.against.value = told.against;
  const key = `${told.answer} ${state.scan} ${Boolean(told.links)}`;
  if (side.key !== key) { side.key = key; fill_words(side, told, labels); }
  mark_words(page, side, told.shown?.first ?? null, told.shown?.last ?? null);
  fill_region(side, state, told);
  fill_again(side, state, told);
}

function fill_words(side, told, labels) {
  const at = side.buttons.indexOf(document.activeElement);
  side.hover = null;
  const nodes = [];
  told.words.forEach((word, index) => {
    const name = word.still ? `${word.text}: ${labels.still}` : null;
    const node = make("button", { type: "button", class: word.still ? "word still" : "word", "data-index": index, text: word.text,
      dir: "auto", tabindex: index ? -1 : 0, "aria-pressed": "false", "aria-label": name, title: word.still ? labels.still : null });
    if (index && !word.gap && !/[\p{L}\p{N}]/u.test(word.text)) nodes.at(-1).append(node); // punctuation begins no line
    else nodes.push(word.gap.includes("\n") ? make("br") : word.gap ? " " : "\u200b", make("span", { class: "unit" }, node));
  });
  side.words.replaceChildren(...(nodes.length ? nodes : [told.text]));
  side.buttons = [...side.words.querySelectorAll("button")];
  if (at >= 0) side.buttons[Math.min(at, side.buttons.length - 1)]?.focus();
}

function mark_words(page, side, first, last) {
  const { sides, colours } = page.model.get("state"), { region, again } = sides[side.number];
  const numbers = again?.moved ?? region?.drops ?? [], most = Math.max(...numbers.map(Math.abs), LEAST);
  side.buttons.forEach((node, index) => {
    node.setAttribute("aria-pressed", first !== null && index >= first && index <= last);
    const drop = numbers[index] ?? 0;
    node.style.backgroundColor = Math.abs(drop) < LEAST ? "" : tinted(colours[drop > 0 ? 1 : 0], 0.55 * Math.abs(drop) / most);
  });
}

function fill_region(side, state, { region, words }) {
  side.region.replaceChildren();
  if (!region) return;
  side.region.append(make("h4", { text: state.labels.drops }), ranking(state, words, region.drops),
    make("p", { class: "small", text: `${region.cells} ${state.labels.cells}` }));
}

function fill_again(side, state, { again, words }) {
  side.again.replaceChildren();
  const { labels } = state;
  if (!again) return;
  side.again.append(make("h4", { text: labels.again }), make("p", { text: again.same ? labels.answer_same : labels.answer_differs }));
  if (!again.same) side.again.append(make("blockquote", { dir: "auto", text: again.text }));
  side.again.append(make("p", { class: "small", text: labels.moved }), ranking(state, words, again.moved));
  for (const text of again.warnings) side.again.append(make("p", { class: "note", text }));
}

function ranking(state, words, numbers) {
  const order = numbers.map((value, index) => [value, index]).filter(([value]) => Math.abs(value) >= LEAST);
  order.sort((one, other) => Math.abs(other[0]) - Math.abs(one[0]));
  if (!order.length) return make("p", { class: "small", text: state.labels.nothing });
  const most = Math.abs(order[0][0]);
  return make("ol", { class: "ranking" }, ...order.slice(0, LISTED).map(([value, index]) => {
    const bar = make("span", { class: "amount", "aria-hidden": "true" });
    bar.style.width = `${(100 * Math.abs(value)) / most}%`;
    bar.style.backgroundColor = state.colours[value > 0 ? 1 : 0];
    return make("li", {}, make("span", { class: "name", dir: "auto", text: words[index].text }),
      make("span", { class: "number", text: signed(value) }), make("span", { class: "track" }, bar));
  }));
}

function tell(page, side, state, { map, most, others }) { // no map without its verdict; nothing coloured without its scale
  const { labels } = state, coloured = map && !map.still && most > 0;
  const effect = map && map.effect !== null && map.effect !== undefined ? ` (${signed(map.effect)} ${labels.nats})` : "";
  side.caption.textContent = map ? [map.words, named(map, state), map.preview ? labels.preview : ""].filter(Boolean).join(" · ") : "";
  side.verdict.textContent = map ? map.verdict : "";
  side.note.textContent = map?.still ? `${map.words}: ${labels.independent}${effect}` : map && !most ? labels.empty : "";
  side.scale.hidden = !coloured;
  side.bar.style.background = `linear-gradient(90deg, ${state.colours[0]}, #595959, ${state.colours[1]})`;
  if (!coloured) return;
  side.ends[0].textContent = `-${most.toPrecision(2)}`;
  side.ends[2].textContent = `+${most.toPrecision(2)}`;
  const shared = others.length ? labels[others.some((other) => other.method === map.method) ? "same_scale" : "own_scale"] : "";
  side.unit.textContent = [labels.scale, map.unit, shared].filter(Boolean).join(labels.semicolon);
}

function named(map, state) { // the method, and where it is not the method's own choice, its layer and head
  const method = state.methods.find((one) => one.same === map.method), told = [map.method];
  const text = (choices, value) => choices?.find((one) => one.value === value)?.text ?? value;
  if (map.layer && map.layer !== method?.alone[0]) told.push(`${state.labels.layer} ${text(method?.layers, map.layer)}`);
  if (map.head && map.head !== method?.alone[1]) told.push(`${state.labels.head} ${text(method?.heads, map.head)}`);
  return told.join(" · ");
}
