// The timeline: when each check ran, and the machines of it.

function gantt() {
  return sessions.map((session, index) => sessionChart(session, index)).filter(Boolean);
}

function sessionChart(session, index) {
  const tried = [];
  for (const one of cases) {
    for (const attempt of one.tries)
      if (attempt.session === index && attempt.began) tried.push([one, attempt, attempt.verdict]);
  }
  for (const one of mutants) if (one.session === index && one.began) tried.push([one, one, one.fate]);
  if (tried.length === 0) return null;
  const made = session.preparations.filter((preparation) => preparation.took !== undefined);
  const window = { from: Infinity, to: -Infinity };
  for (const one of [...made, ...tried.map(([, attempt]) => attempt)]) {
    window.from = Math.min(window.from, one.began);
    window.to = Math.max(window.to, one.began + one.took);
  }

  const chart = make('div', { class: 'chart' });
  const drawn = [
    ...made.map((preparation) => [preparation.began, () => preparationRow(preparation, window)]),
    ...tried.map(([one, attempt, word]) => [attempt.began, () => tryRow(one, attempt, word, window)]),
  ].sort(([one], [other]) => one - other);
  chart.append(
    make('div', { class: 'row' }, make('span'), ruler(chart, window)),
    ...drawn.map(([, row]) => row()),
  );
  const title = `${session.purpose === 'prove' ? 'Proof' : 'Run'} of ${session.target}${whereabouts(session)}`;
  const wide = make('input', {
    type: 'range',
    min: 1,
    max: 40,
    value: 1,
    'aria-label': 'Width',
    oninput: () => chart.style.setProperty('--wide', wide.value),
  });
  return make(
    'section',
    { class: 'session' },
    make(
      'h2',
      {},
      title,
      make(
        'small',
        {},
        ` ${clock(session.started)}, ${span(session.took)}${session.interrupted ? ', interrupted' : ''}`,
      ),
    ),
    make('div', { class: 'tools' }, legend(), make('label', { class: 'soft' }, 'Width ', wide)),
    make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': title }, chart),
  );
}

function preparationRow(preparation, window) {
  const bar = make('i', { class: 'made', title: `${preparation.what}, ${span(preparation.took)}` });
  return make(
    'div',
    { class: 'row' },
    make('span', { class: 'label soft', title: preparation.what }, preparation.what),
    make('div', { class: 'track' }, place(bar, window, preparation.began, preparation.took)),
  );
}

function tryRow(one, attempt, word, window) {
  const { machines, transcript } = attempt.evidence;
  const which = one.mutant ?? (attempt.repetition > 1 ? `try ${attempt.repetition}` : null);
  const told = `${word}, ${offset(attempt.began - window.from)}, took ${span(attempt.took)}`;
  const title = `${[one.id, which].filter(Boolean).join(', ')}: ${told}`;
  const label = entry(
    one,
    { class: 'label', title },
    one.id,
    which && make('small', {}, which),
    make('span', { class: 'hidden' }, `: ${told}`),
  );
  const bar = make('i', { class: 'check', 'data-tone': word, title });
  const lanes = machines.map((machine) => lane(window, machine, transcript));
  const track = make('div', { class: 'track' }, place(bar, window, attempt.began, attempt.took), lanes);
  return listed('timeline', [one], make('div', { class: 'row' }, label, track));
}
