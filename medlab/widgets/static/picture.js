// The scan and the maps on it: grey levels, heat or contour, cells, the region. Every map is drawn with its verdict and the
// scale of its values beside it (`tell` in words.js); two maps of one method share their scale, so that they compare.

function floats(bytes) {
  if (!bytes?.byteLength) return new Float32Array(0);
  const from = bytes.byteOffset ?? 0;
  return new Float32Array((bytes.buffer ?? bytes).slice(from, from + bytes.byteLength));
}

function load(page, state) { // the arrays hold one side after the other
  const values = floats(page.model.get("values")), drops = floats(page.model.get("drops"));
  let at = 0, from = 0;
  const taken = (array, start, count) => (array.length >= start + count ? array.subarray(start, start + count) : null);
  for (const side of page.sides) {
    const { shown, links, words } = state.sides[side.number];
    const cells = shown ? shown.grid[0] * shown.grid[1] : 0, numbers = links ? words.length * links.grid[0] * links.grid[1] : 0;
    const map = cells ? taken(values, at, cells) : null;
    if (side.map?.key !== shown?.key) side.hover = null; // what was asked for takes the place of the preview
    side.map = map && { ...shown, values: map };
    if (map) side.kept.set(wish(page, side, { ...shown, against: state.sides[side.number].against }), side.map);
    if (side.kept.size > KEPT) side.kept.delete(side.kept.keys().next().value);
    side.drops = numbers ? taken(drops, from, numbers) : null;
    at += cells;
    from += numbers;
  }
  const bytes = page.model.get("pixels");
  if (page.bytes === bytes || !bytes?.byteLength) return;
  page.bytes = bytes;
  const start = bytes.byteOffset ?? 0;
  page.pixels = new Uint16Array((bytes.buffer ?? bytes).slice(start, start + bytes.byteLength));
  page.greys = null;
}

function current(page, side) { // the map of the word under the pointer, where it is known; else the one that was asked for
  const state = page.model.get("state"), told = state.sides[side.number];
  if (side.hover === null || !side.drops) return side.map;
  const [rows, cols] = told.links.grid, word = told.words[side.hover];
  const values = side.drops.subarray(side.hover * rows * cols, (side.hover + 1) * rows * cols);
  return { values, grid: told.links.grid, words: word.text, method: told.links.method, verdict: told.links.verdict,
    layer: "", head: "", still: word.still, effect: word.effect, unit: state.labels.nats, preview: true };
}

function draw(page) {
  const state = page.model.get("state");
  if (!state.labels || !page.pixels) return;
  say(page.contour, state.labels[view(page).draw === "heat" ? "contour" : "heat"]);
  page.opacity.value = view(page).opacity;
  const maps = page.sides.map((side) => current(page, side));
  page.sides.forEach((side, number) => {
    const alike = maps.filter((map) => map && !map.still && map.method === maps[number]?.method);
    const most = Math.max(0, ...alike.map((map) => limit_of(state, map)));
    draw_side(page, side, state, maps[number], most);
    tell(page, side, state, { map: maps[number], most, others: maps.filter((map, other) => map && other !== number) });
  });
}

function draw_side(page, side, state, map, most) {
  const { canvas } = side, [rows, cols] = state.size, [top, left, bottom, right] = state.square;
  const wide = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
  canvas.width = wide;
  canvas.height = Math.max(1, Math.round((wide * rows) / cols));
  const pen = canvas.getContext("2d"), zoom = wide / cols;
  pen.drawImage(grey_picture(page, state), 0, 0, canvas.width, canvas.height);
  if (map && !map.still && most) {
    const [down, across] = map.grid;
    const place = { x: left * zoom, y: top * zoom, w: ((right - left) * zoom) / across, h: ((bottom - top) * zoom) / down };
    draw_map(page, pen, map, place, most);
  }
  draw_box(page, pen, zoom);
  side.section.dataset.map = map ? `${map.preview ? "preview" : map.key} ${map.method} ${map.words}` : "";
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

function limit_of(state, map) { // the largest value that lies on the scan; in nats, a change that is called none is not strong
  const [down, across] = map.grid, [rows, cols] = state.size, [top, left, bottom, right] = state.square;
  const on = (at, many, from, to, length) => from + ((at + 1) * (to - from)) / many > 0 && from + (at * (to - from)) / many < length;
  let most = 0;
  map.values.forEach((value, at) => {
    if (on(Math.floor(at / across), down, top, bottom, rows) && on(at % across, across, left, right, cols)) most = Math.max(most, Math.abs(value));
  });
  const links = state.sides.find((side) => side.links)?.links;
  return most && links?.method === map.method ? Math.max(most, links.least) : most;
}

function draw_map(page, pen, map, place, most) {
  const [down, across] = map.grid, { opacity, draw: how, cells } = view(page), { colours } = page.model.get("state");
  const { x, y, w, h } = place;
  for (let row = 0; row < down; row++) for (let col = 0; col < across; col++) {
    const share = map.values[row * across + col] / most, colour = colours[share > 0 ? 1 : 0];
    if (how === "heat") {
      pen.fillStyle = tinted(colour, opacity * Math.min(Math.abs(share), 1));
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
