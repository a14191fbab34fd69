// Everything about one mutant.

function mutantDetails(one) {
  const of = byLink.get(`#case=${name(one.target, one.id)}`);
  const told = {
    killed: 'The check failed on a target that was broken in this way, as it must.',
    survived: 'The check passed although the target was broken in this way: it proves nothing.',
    undecided: 'The check could not decide on a target that was broken in this way.',
  };
  return [
    make('p', { class: 'badges' }, badge(one.fate), make('span', { class: 'soft' }, one.target)),
    make('p', { class: 'statement' }, told[one.fate]),
    of?.invariant &&
      make(
        'p',
        { class: 'soft' },
        'The invariant: ',
        make('a', { href: of.link }, one.id),
        '. ',
        prose(of.invariant.statement),
      ),
    outcome([
      ['Observed', one.observed],
      ['Reason', one.reason],
    ]),
    make(
      'dl',
      { class: 'facts' },
      fact('Began', one.began ? clock(one.began) : 'unknown'),
      fact('Took', span(one.took)),
    ),
    evidence(one),
  ];
}
