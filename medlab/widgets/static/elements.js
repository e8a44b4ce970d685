// Small things that the other files use: elements, frames, colours, signed numbers. The files of this folder are read one
// after another as one module (medlab/widgets/page.py says in which order), so they name one another's functions freely.

const GREYS = 65535;
const LEAST = 0.05; // nats: a word that moves less is not listed
const LISTED = 8;
const TOKENS = 14; // steps of the keyboard across the picture
const DEAF_MS = 3000;
const KEPT = 64; // maps that the page keeps of each question

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

function labelled(control) { return make("label", {}, make("span"), control); }

function say(node, text) { if (node.textContent !== text) node.textContent = text; }

function offer(select, choices, value) { // (value, text) each; the list is made anew only where it changed
  const key = JSON.stringify(choices);
  if (select.offered !== key) {
    select.offered = key;
    select.replaceChildren(...choices.map((one) => make("option", { value: one.value, text: one.text, title: one.title })));
  }
  if (value !== undefined) select.value = value;
}

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
