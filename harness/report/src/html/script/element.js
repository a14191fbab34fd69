// Elements of the page. Text becomes text nodes only, so nothing in it can be markup.

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function icon(name) {
  return draw('svg', { class: 'icon', 'aria-hidden': 'true' }, draw('use', { href: `#icon-${name}` }));
}

const byId = (id) => document.getElementById(id);

/** A word that says how something ended, with a sign and a colour for those who see them. */
function badge(word) {
  return make('span', { class: 'badge', 'data-tone': word }, icon(SIGNS[word] ?? word), word);
}

/** Which sign stands for a fate of a mutant; a verdict has its own. */
const SIGNS = { killed: 'passed', survived: 'failed' };

/** A sentence of ours, with what stands between backquotes as code. */
function prose(text) {
  return text.split('`').map((part, index) => (index % 2 === 1 ? make('code', {}, part) : part));
}

/** A table with these headings, and its rows. */
function tabular(kind, headings, rows) {
  const head = make(
    'tr',
    {},
    headings.map((heading) => make('th', { scope: 'col' }, heading)),
  );
  return make('table', { class: kind }, make('thead', {}, head), make('tbody', {}, rows));
}

/** A row that begins with the id of an invariant and what is told of it. */
function invariantRow(id, told, cells) {
  return make('tr', {}, make('th', { scope: 'row' }, make('span', { class: 'id' }, id), told), cells);
}

function button(label, sign, act) {
  const onclick = ({ currentTarget }) => act(currentTarget);
  return make(
    'button',
    { type: 'button', class: 'tool', title: label, 'aria-label': label, onclick },
    icon(sign),
  );
}

/** Copies a text, or where that is not allowed selects the element that shows it. */
async function copy(text, shown, tool) {
  try {
    await navigator.clipboard.writeText(text);
    tool.replaceChildren(icon('passed'));
    byId('count').textContent = 'Copied.';
  } catch {
    getSelection().selectAllChildren(shown);
  }
}
