// Where one is, as the address says it: a view, and a case or a mutant that is open.

const VIEWS = {
  grid: { title: 'Invariants', build: grid, worth: () => true },
  timeline: {
    title: 'Timeline',
    build: gantt,
    worth: () => [...cases.flatMap((one) => one.tries), ...mutants].some(({ began }) => began),
  },
  mutants: { title: 'Mutants', build: matrix, worth: () => mutants.length > 0 },
  history: { title: 'History', build: historyView, worth: () => (past?.rates.length ?? 0) > 0 },
  documents: { title: 'Documents', build: documentsView, worth: () => documents.length > 0 },
};

const views = Object.keys(VIEWS).filter((id) => VIEWS[id].worth());
let view = 'grid';
/** The case or mutant that is open. */
let open = null;

/** Shows what the address asks for. An address that names nothing known changes nothing. */
function arrive() {
  const { hash } = location;
  if (hash.startsWith('#view=') && views.includes(hash.slice(6))) {
    showView(hash.slice(6));
    showPanel(null);
  } else if (hash === '') {
    showPanel(null);
  } else {
    const [, link, attempt] = /^(.*?)(?:\/(\d+))?$/.exec(hash);
    const one = byLink.get(hash) ?? byLink.get(link);
    if (one) showPanel(one, byLink.has(hash) ? undefined : attempt - 1);
  }
}

function showView(id) {
  const section = byId(`view-${id}`);
  // Mutants have words of their own to choose from.
  if ((id === 'mutants') !== (view === 'mutants')) wanted.words.clear();
  view = id;
  if (section.childElementCount === 0) section.append(...[VIEWS[id].build()].flat().filter(Boolean));
  for (const other of views) byId(`view-${other}`).hidden = other !== id;
  for (const tab of byId('views').children) {
    tab.setAttribute('aria-current', tab.hash === `#view=${id}` ? 'page' : 'false');
  }
  showChips();
  applyFilter();
}

function showPanel(one, attempt) {
  const panel = byId('panel');
  for (const link of links.get(open) ?? []) link.removeAttribute('aria-current');
  const before = open;
  open = one;
  document.body.classList.toggle('opened', one !== null);
  panel.hidden = one === null;
  // Where the panel covers the page, the page behind it cannot be reached.
  const covered = one !== null && matchMedia('(max-width: 62rem)').matches;
  for (const part of document.querySelectorAll('.top, .bar, main, .bottom')) part.inert = covered;
  if (one === null) {
    panel.replaceChildren();
    const back = (links.get(before) ?? []).find((link) => !link.closest('[hidden]'));
    if (back) back.focus();
    return;
  }
  for (const link of links.get(one) ?? []) link.setAttribute('aria-current', 'true');
  const heading = make('h2', { tabindex: '-1' }, one.fate ? `${one.id}, mutant ${one.mutant}` : one.id);
  panel.replaceChildren(
    make(
      'header',
      {},
      heading,
      button('Copy the link', 'link', (tool) => copy(location.href, heading, tool)),
      button('Close', 'close', leave),
    ),
    ...(one.fate ? mutantDetails(one) : caseDetails(one, attempt)).flat(Infinity).filter(Boolean),
  );
  panel.scrollTop = 0;
  heading.focus({ preventScroll: true });
  const shown = (links.get(one) ?? []).find((link) => !link.closest('[hidden]'));
  shown?.scrollIntoView({ block: 'nearest' });
}

/** Closes what is open. */
function leave() {
  location.hash = `#view=${view}`;
}

function startPlace() {
  const tab = (id) => make('a', { href: `#view=${id}` }, VIEWS[id].title);
  if (views.length > 1) byId('views').append(...views.map(tab));
  addEventListener('hashchange', arrive);
}
