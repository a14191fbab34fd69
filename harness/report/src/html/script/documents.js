// The documents, section by section: what decides what they say, and what nothing decides.

function documentsView() {
  return documents.flatMap((known) => [
    make('h2', { class: 'document' }, known.name),
    make('table', { class: 'documents' }, known.sections.map(sectionBody)),
  ]);
}

function sectionBody({ heading, decided, open }) {
  const title = make('th', { scope: 'rowgroup', colspan: 2 }, heading);
  return make(
    'tbody',
    {},
    make('tr', { class: 'family', 'data-group': '' }, title),
    decided.map(([id, statement]) => decidedRow(id, statement)),
    open.map(([says, reason]) => openRow(says, reason)),
  );
}

function decidedRow(id, statement) {
  const found = cases.filter((one) => one.id === id || one.id.startsWith(`${id}@`));
  const row = invariantRow(id, make('span', { class: 'about' }, prose(statement)), [
    make('td', {}, make('div', { class: 'chips' }, found.map(gridLink))),
  ]);
  return listed('documents', found, row);
}

function openRow(says, reason) {
  const said = make('th', { scope: 'row' }, make('span', { class: 'says' }, says), make('span', { class: 'about' }, reason));
  return make('tr', { 'data-note': '' }, said, make('td', {}, make('span', { class: 'soft' }, 'not decided')));
}
