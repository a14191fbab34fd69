// Everything about one invariant on one target.

/** Which try is shown: the one that the verdict comes from, or the one that was asked for. */
function caseDetails(one, wanted) {
  const shown = one.tries[wanted] ?? worstTry(one);
  const known = one.invariant;
  return [
    make(
      'p',
      { class: 'badges' },
      badge(one.verdict),
      isFlaky(one) ? badge('flaky') : null,
      make('span', { class: 'soft' }, one.target),
    ),
    known && make('p', { class: 'statement' }, prose(known.statement)),
    known &&
      make(
        'p',
        { class: 'soft' },
        make('span', { class: 'level' }, known.level),
        ` ${[known.document, known.section].filter(Boolean).join(', ')}`,
      ),
    one.rate &&
      make(
        'p',
        { class: isFlaky(one) ? 'rate unclear' : 'rate' },
        isFlaky(one) ? 'Flaky: ' : '',
        rateText(one.rate),
      ),
    one.tries.length > 1 ? attempts(one, shown) : null,
    shown
      ? attemptDetails(shown, one.tries.length > 1)
      : make('p', {}, 'The run ended before this was decided.'),
    pastOf(one),
  ];
}

/** The tries to choose from, when there are several. */
function attempts(one, shown) {
  const link = (attempt, index) =>
    make(
      'a',
      {
        href: `${one.link}/${index + 1}`,
        'data-tone': attempt.verdict,
        title: `${attemptName(attempt)}: ${attempt.verdict}`,
        'aria-label': `${attemptName(attempt)}: ${attempt.verdict}`,
        'aria-current': attempt === shown ? 'true' : null,
      },
      isReference(attempt) ? 'proof' : String(attempt.repetition),
    );
  return make('nav', { class: 'attempts', 'aria-label': 'Tries' }, one.tries.map(link));
}

function attemptName(attempt) {
  const session = sessions[attempt.session];
  const what = isReference(attempt) ? 'unchanged, in the proof' : `try ${attempt.repetition} of the run`;
  return `${what} of ${clock(session.started)}${whereabouts(session)}`;
}

function attemptDetails(attempt, several) {
  return [
    outcome([
      ['Expected', attempt.expected],
      ['Observed', attempt.observed],
      ['Reason', attempt.reason],
    ]),
    make(
      'dl',
      { class: 'facts' },
      fact('Began', attempt.began ? clock(attempt.began) : 'unknown'),
      fact('Took', span(attempt.took)),
      several && fact('Try', attemptName(attempt)),
    ),
    command(attempt.reproduce),
    evidence(attempt),
  ];
}

const fact = (term, value) => make('div', {}, make('dt', {}, term), make('dd', {}, value));

/** What was expected, and what there was instead. */
function outcome(rows) {
  const told = rows.filter(([, text]) => text !== undefined);
  const row = ([term, text]) => [make('dt', {}, term), make('dd', {}, make('pre', { tabindex: '0' }, text))];
  return told.length > 0 ? make('dl', { class: 'outcome' }, told.map(row)) : null;
}

/** A command to type, and a way to have it typed. */
function command(text) {
  const shown = make('code', { tabindex: '0' }, text);
  return make(
    'p',
    { class: 'reproduce' },
    shown,
    button('Copy the command', 'copy', (tool) => copy(text, shown, tool)),
  );
}
