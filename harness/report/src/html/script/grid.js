// The first view: invariants by targets.

/** A table with one row for each invariant and one column for each target. */
function grid() {
  const head = make(
    'tr',
    {},
    make('th', { scope: 'col' }, 'Invariant'),
    targets.map((target) => make('th', { scope: 'col', 'data-target': target }, target)),
  );
  const table = make(
    'table',
    { class: `grid ${targets.length > 4 ? 'many' : targets.length > 1 ? '' : 'single'}` },
    make('thead', {}, head),
  );
  const byFamily = grouped(cases, 'family');
  for (const family of families) {
    const body = make(
      'tbody',
      {},
      make(
        'tr',
        { class: 'family', 'data-group': '' },
        make('th', { scope: 'rowgroup', colspan: targets.length + 1 }, family),
      ),
    );
    for (const [id, row] of grouped(byFamily.get(family), 'id')) body.append(gridRow(id, row));
    table.append(body);
  }
  return table;
}

function gridRow(id, row) {
  const known = row.find((one) => one.invariant)?.invariant;
  const bad = row.find((one) => ['failed', 'broken'].includes(one.verdict));
  const seen = bad && (worstTry(bad).observed ?? worstTry(bad).reason);
  const cell = (target) => {
    const one = row.find((candidate) => candidate.target === target);
    return make(
      'td',
      { 'data-target': target },
      one ? gridLink(one) : make('span', { class: 'none', title: 'not checked' }, '·'),
    );
  };
  return listed(
    'grid',
    row,
    invariantRow(
      id,
      [
        known && make('span', { class: 'about' }, prose(known.statement)),
        seen && make('span', { class: 'seen', 'data-tone': bad.verdict }, seen.slice(0, 300)),
      ],
      targets.map(cell),
    ),
  );
}

function gridLink(one) {
  const attempt = worstTry(one);
  const flaky = isFlaky(one) ? `${one.rate.passed}/${one.rate.tries}` : '';
  const spoken = `${one.id} on ${one.target}: ${one.verdict}${flaky && `, flaky, ${flaky} passed`}`;
  // What is seen beside it is said once.
  const seen = (kind, ...children) => make('span', { class: kind, 'aria-hidden': 'true' }, ...children);
  return entry(
    one,
    { class: 'verdict', 'data-tone': one.verdict },
    make('span', { class: 'hidden' }, spoken),
    icon(one.verdict),
    seen('word', one.verdict),
    targets.length > 1 && seen('where', one.target),
    flaky && seen('flake', icon('flaky'), flaky),
    attempt && make('span', { class: 'took' }, span(attempt.took)),
  );
}
