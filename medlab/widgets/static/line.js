// The line to the kernel, and what the page asks over it. It knows messages and draws nothing.

class Line { // one question at a time; of those that wait, only the newest of each kind is asked
  constructor(model, told) { Object.assign(this, { model, told, open: null, waiting: new Map(), clock: 0 }); }

  ask(kind, rest = {}, key = kind) {
    if (this.open) { this.waiting.delete(key); this.waiting.set(key, [kind, rest, key]); return; }
    this.open = `${Date.now()}-${Math.random()}`;
    this.clock = setTimeout(() => this.told("waiting"), DEAF_MS);
    try { this.model.send({ kind, id: this.open, ...rest }); } catch { this.end(); this.told("no_kernel"); }
  }

  heard_of() { clearTimeout(this.clock); }

  end() { clearTimeout(this.clock); this.open = null; }

  heard(state) {
    if (!this.open || state.done !== this.open) return;
    this.end();
    const [next] = this.waiting;
    if (!next) return;
    this.waiting.delete(next[0]);
    this.ask(...next[1]);
  }
}

function ask(page) {
  page.sides[0].hover = null;
  page.line.ask("ask", { question: page.question.value, language: page.language.value });
}

function change_language(page) { page.line.ask("ask", { question: "", language: page.language.value }); }

function ask_beside(page) { page.line.ask("beside", { question: page.second.value }); }

function close_beside(page) {
  page.comparing = false;
  if (page.model.get("state").sides.length > 1) page.line.ask("close");
  else refresh(page);
  page.compare.focus();
}

function choose_scan(page) { page.box = null; page.line.ask("scan", { number: +page.scan.value }); }

function look(page, side, first, last) {
  side.anchor = first;
  mark_words(page, side, first, last);
  const chosen = page.method_of();
  const [layer, head] = [chosen?.layers.length ? page.layer.value : "", chosen?.heads.length ? page.head.value : ""];
  const rest = { first, last, method: page.method.value, layer, head, against: side.against.value, beside: side.number > 0 };
  const kept = side.kept.get(wish(page, side, { ...rest, method: chosen?.same }));
  if (kept) { side.map = kept; side.hover = null; page.paint(); } // seen before: it need not wait until the kernel knows
  page.line.ask("look", rest, `look ${side.number}`);
}

function wish(page, side, { first, last, method, layer, head, against }) { // what tells one map of a page from another
  const state = page.model.get("state");
  return JSON.stringify([state.sides[side.number].answer, state.scan, state.language, first, last, method, layer, head, against]);
}

function look_again(page, sides = page.sides) { // the words that are shown, by what is chosen now
  for (const side of sides) {
    const shown = page.model.get("state").sides[side.number]?.shown;
    if (shown && shown.first !== null) look(page, side, shown.first, shown.last);
  }
}

function change_method(page) {
  const chosen = page.method_of();
  offer_layers(page, ...chosen.alone);
  look_again(page);
}

function clear(page) {
  page.box = null;
  for (const side of page.sides) side.hover = null;
  page.paint();
  page.line.ask("clear");
}

function brush(page, box) { page.box = box; page.paint(); page.line.ask("brush", { box }); }
