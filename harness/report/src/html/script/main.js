// The head of the page, and the beginning of everything.

function headline() {
  const count = (word) => cases.filter((one) => one.verdict === word).length;
  const [failed, skipped] = [count('failed'), count('skipped')];
  const unclear = count('broken') + count('undecided');
  const survived = mutants.filter((one) => one.fate === 'survived').length;
  const says = [];
  // On several targets, an invariant is checked several times.
  const [what, bad, good] =
    targets.length > 1 ? ['check', 'failed', 'passed'] : ['invariant', 'violated', 'hold'];
  if (failed > 0) says.push(`${failed} of ${plural(cases.length, what)} ${bad}`);
  if (unclear > 0) says.push(`${unclear} not decided`);
  if (survived > 0) says.push(`${plural(survived, 'mutant')} survived`);
  if (says.length > 0) return says.join(', ');
  const held = cases.length - skipped;
  if (held === 0) return 'Nothing was decided';
  const all = skipped === 0 && held > 1 ? 'All ' : '';
  const rest = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${all}${plural(held, what)} ${held === 1 && good === 'hold' ? 'holds' : good}${rest}`;
}

function subline() {
  const begins = sessions.map((session) => session.started);
  const when = [...new Set([Math.min(...begins), Math.max(...begins)].map(clock))].join(' to ');
  const took = sessions.reduce((sum, session) => sum + session.took, 0);
  const what = sessions.length === 1 ? '' : ` in ${plural(sessions.length, 'run')}`;
  const killed = mutants.filter((one) => one.fate === 'killed').length;
  const proof = mutants.length > 0 ? ` · ${killed} of ${plural(mutants.length, 'mutant')} killed` : '';
  const interrupted = sessions.some((session) => session.interrupted) ? ' · interrupted before the end' : '';
  return `${targets.join(', ')}${proof} · ${when} · ${span(took)}${what}${interrupted}`;
}

/** The files that lay over a target, of each run that had any. */
function overlays() {
  const laid = sessions.flatMap((session) => session.overlays ?? []);
  return laid.map(({ label, lines }) =>
    make('details', {}, make('summary', {}, `overlay ${label}`), make('ul', {}, lines.map((text) => make('li', {}, text)))),
  );
}

function proportions() {
  const parts = VERDICTS.map((word) => [word, cases.filter((one) => one.verdict === word).length]);
  for (const [word, count] of parts) {
    if (count === 0) continue;
    const part = make('i', { 'data-tone': word });
    part.style.flexGrow = count;
    byId('proportions').append(part);
  }
}

byId('headline').textContent = headline();
byId('subline').textContent = subline();
byId('overlays').append(...overlays());
document.title = `${headline()} · assay`;
proportions();
// What sticks to the top of the window begins below the bar, however many lines it has.
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty('--bar', `${target.offsetHeight}px`);
}).observe(document.querySelector('.bar'));
startFilter();
startPlace();
addEventListener('keydown', pressed);
showView('grid');
arrive();
