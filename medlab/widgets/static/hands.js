// What mouse and keyboard do on the words and on the scan. It asks over the line (line.js) and has things drawn; it draws nothing.

function listen(page, side) {
  const { words, canvas } = side;
  const word_at = (event) => event.target.closest?.("button.word");
  const hover = (event) => { const node = word_at(event); side.hover = node ? +node.dataset.index : null; page.paint(); };
  const leave = () => { side.hover = null; page.paint(); };
  words.addEventListener("pointerover", hover);
  words.addEventListener("pointerleave", leave);
  words.addEventListener("focusin", hover);
  words.addEventListener("focusout", leave);
  words.addEventListener("click", (event) => { const node = word_at(event); if (node) choose(page, side, +node.dataset.index, event.shiftKey); });
  words.addEventListener("keydown", (event) => walk(side, event));
  canvas.addEventListener("pointerdown", (event) => press(page, canvas, event));
  canvas.addEventListener("pointermove", (event) => move(page, canvas, event));
  canvas.addEventListener("pointerup", () => release(page));
  canvas.addEventListener("pointercancel", () => { page.drag = null; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => steer(page, event));
}

function choose(page, side, index, further) {
  const from = further && side.anchor !== null ? side.anchor : index;
  look(page, side, Math.min(from, index), Math.max(from, index));
  side.anchor = from;
  side.buttons.forEach((node, at) => { node.tabIndex = at === index ? 0 : -1; });
}

function walk(side, event) {
  const here = side.buttons.indexOf(document.activeElement), end = side.buttons.length - 1;
  const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: end }[event.key];
  if (here < 0 || to === undefined || to < 0 || to > end) return;
  event.preventDefault();
  side.buttons[here].tabIndex = -1;
  side.buttons[to].tabIndex = 0;
  side.buttons[to].focus();
}

const view = (page) => page.model.get("view");

function set_view(page, change, told) {
  page.model.set("view", { ...view(page), ...change });
  if (told) page.model.save_changes();
  page.paint();
}

function take(page, tool) { page.tool = tool; refresh(page); }

function point(page, canvas, event) {
  const bounds = canvas.getBoundingClientRect(), [rows, cols] = page.model.get("state").size;
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  return [within(((event.clientY - bounds.top) / bounds.height) * rows, rows), within(((event.clientX - bounds.left) / bounds.width) * cols, cols)];
}

function press(page, canvas, event) {
  if (!page.model.get("state").size) return;
  canvas.setPointerCapture(event.pointerId);
  const grey = page.tool === "grey" || event.altKey || event.button === 2;
  page.drag = { from: point(page, canvas, event), x: event.clientX, y: event.clientY, grey, view: view(page), moved: false };
}

function move(page, canvas, event) {
  const { drag } = page;
  if (!drag) return;
  drag.moved = true;
  if (drag.grey) {
    const wide = canvas.clientWidth || 1;
    set_view(page, greys(drag.view, (event.clientX - drag.x) / wide, (event.clientY - drag.y) / wide));
    return;
  }
  const [row, col] = point(page, canvas, event), [top, left] = drag.from;
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
