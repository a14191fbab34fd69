// The kill matrix: what each mutant did to its check.

function matrix() {
  const byCase = new Map();
  for (const one of mutants) {
    const key = `#case=${name(one.target, one.id)}`;
    byCase.set(key, [...(byCase.get(key) ?? []), one]);
  }
  const drawn = [...byCase].map(([key, tried]) => matrixRow(byLink.get(key), tried));
  const proofs = sessions.filter((session) => session.purpose === 'prove');
  const unproven = new Set(proofs.flatMap((proof) => proof.undecided));
  return [
    unproven.size > 0 &&
      make('p', { class: 'notice' }, badge('undecided'), ` Not proven: ${[...unproven].join(', ')}`),
    tabular('matrix', ['Invariant', 'Unchanged', 'Mutants'], drawn),
  ];
}

function matrixRow(one, tried) {
  const { id, target } = tried[0];
  const reference = one?.tries.findIndex((attempt) => isReference(attempt)) ?? -1;
  const unchanged =
    reference < 0
      ? make('span', { class: 'soft' }, 'not tried')
      : make('a', { href: `${one.link}/${reference + 1}` }, badge(one.tries[reference].verdict));
  const chip = (mutant) =>
    entry(
      mutant,
      { class: 'chip', 'data-tone': mutant.fate, 'aria-label': `${mutant.mutant}: ${mutant.fate}` },
      icon(SIGNS[mutant.fate] ?? mutant.fate),
      mutant.mutant,
    );
  return listed(
    'mutants',
    tried,
    invariantRow(id, targets.length > 1 && make('span', { class: 'about' }, target), [
      make('td', {}, unchanged),
      make('td', {}, make('div', { class: 'chips' }, tried.map(chip))),
    ]),
  );
}
