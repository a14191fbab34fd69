// Everything can be done from the keyboard.

/** The links of the view in rows, as they are shown. */
function walk() {
  const fitting = ({ element }) => [...element.querySelectorAll('[data-entry]:not(.dim)')];
  const shown = (link) => !link.closest('[hidden]');
  return rows[view].map((row) => fitting(row).filter(shown)).filter((row) => row.length > 0);
}

/** Goes so many rows down and links to the right. When something is open, what is reached is opened instead. */
function step(down, right) {
  const grid = walk();
  if (grid.length === 0) return;
  const current = (link) =>
    link === document.activeElement || (open !== null && link.getAttribute('aria-current') === 'true');
  const at = grid.findIndex((row) => row.some(current));
  const column = at < 0 ? 0 : grid[at].findIndex(current);
  const clamp = (index, length) => Math.min(length - 1, Math.max(0, index));
  const row = grid[at < 0 ? 0 : clamp(at + down, grid.length)];
  const link = row[clamp(column + right, row.length)];
  if (open !== null) location.replace(link.hash);
  else link.focus();
}

const KEYS = {
  '/': () => byId('search').select(),
  j: () => step(1, 0),
  k: () => step(-1, 0),
  h: () => step(0, -1),
  l: () => step(0, 1),
  Escape: () => open !== null && leave(),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches('input, select, textarea')) {
    if (event.key === 'Escape' && event.target.id === 'search') {
      event.target.value = '';
      event.target.dispatchEvent(new Event('input'));
      event.target.blur();
    } else if (event.key === 'Enter' && event.target.id === 'search') {
      walk()[0]?.[0].focus();
      event.preventDefault();
    }
    return;
  }
  const tab = views[Number(event.key) - 1];
  const action =
    KEYS[event.key] ??
    (tab &&
      (() => {
        location.hash = `#view=${tab}`;
      }));
  if (!action) return;
  event.preventDefault();
  action();
}
