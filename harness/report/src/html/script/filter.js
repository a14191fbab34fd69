// What of a view is shown.

const wanted = { text: [], words: new Set(), target: '', family: '' };

const wordOf = (one) => one.fate ?? one.verdict;

function fits(one) {
  if (wanted.target && one.target !== wanted.target) return false;
  if (wanted.family && one.family !== wanted.family) return false;
  const { words } = wanted;
  if (words.size > 0 && !words.has(wordOf(one)) && !(words.has('flaky') && isFlaky(one))) return false;
  return wanted.text.every((part) => haystack(one).includes(part));
}

/** Hides what does not fit. A row stays when anything in it fits; what does not is dimmed. */
function applyFilter() {
  let count = 0;
  for (const { element, about } of rows[view]) {
    const fitting = about.filter(fits);
    element.hidden = fitting.length === 0;
    count += fitting.length;
    for (const one of about) {
      for (const link of links.get(one) ?? []) link.classList.toggle('dim', !fitting.includes(one));
    }
  }
  // What no case is about fits no filter.
  const filtered = wanted.text.length + wanted.words.size > 0 || wanted.target !== '' || wanted.family !== '';
  for (const note of document.querySelectorAll('[data-note]')) note.hidden = filtered;
  for (const group of document.querySelectorAll('[data-group]')) {
    group.hidden = [...group.parentElement.children].every((row) => row === group || row.hidden);
  }
  for (const cell of document.querySelectorAll('#view-grid [data-target]')) {
    cell.hidden = wanted.target !== '' && cell.dataset.target !== wanted.target;
  }
  byId('nothing').hidden = count > 0 || (view === 'documents' && !filtered);
  byId('count').textContent = `${count} shown`;
}

/** The words to choose from, with how many there are of each. */
function showChips() {
  const mutated = view === 'mutants';
  const list = mutated ? mutants : cases;
  const count = (word) =>
    list.filter((one) => (word === 'flaky' ? isFlaky(one) : wordOf(one) === word)).length;
  const words = mutated ? FATES : [...VERDICTS, 'flaky'];
  const chip = (word) =>
    make(
      'button',
      {
        type: 'button',
        class: 'chip',
        'data-tone': word,
        'aria-pressed': String(wanted.words.has(word)),
        onclick: ({ currentTarget }) => {
          const pressed = !wanted.words.delete(word);
          if (pressed) wanted.words.add(word);
          currentTarget.setAttribute('aria-pressed', String(pressed));
          applyFilter();
        },
      },
      icon(SIGNS[word] ?? word),
      word,
      make('b', {}, count(word)),
    );
  byId('chips').replaceChildren(...words.filter((word) => count(word) > 0).map(chip));
}

function choices(id, list, all) {
  const select = byId(id);
  select.append(make('option', { value: '' }, all), ...list.map((value) => make('option', { value }, value)));
  byId(`${id}-label`).hidden = list.length < 2;
  select.addEventListener('change', () => {
    wanted[id] = select.value;
    applyFilter();
  });
}

function clearFilter() {
  Object.assign(wanted, { text: [], words: new Set(), target: '', family: '' });
  byId('filter').reset();
  showChips();
  applyFilter();
}

function startFilter() {
  choices('target', targets, 'all');
  choices('family', families, 'all');
  byId('filter').addEventListener('submit', (event) => event.preventDefault());
  byId('clear').addEventListener('click', clearFilter);
  byId('search').addEventListener('input', ({ target }) => {
    wanted.text = target.value.toLowerCase().split(/\s+/).filter(Boolean);
    applyFilter();
  });
}
