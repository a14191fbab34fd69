// What the views have in common: rows of links, that can be filtered and walked through.

/** By view: its rows, and the cases or mutants that each is about. */
const rows = { grid: [], timeline: [], mutants: [], history: [], documents: [] };

/** Every link to a case or a mutant. */
const links = new Map();

function listed(view, about, element) {
  rows[view].push({ element, about });
  return element;
}

/** A link that the keyboard walks to. */
function entry(one, attributes, ...children) {
  const link = make('a', { href: one.link, 'data-entry': '', ...attributes }, ...children);
  links.set(one, [...(links.get(one) ?? []), link]);
  return link;
}
