// What was seen: commands and their answers, journal, console.

/** A stream as it was printed. Marked at its side, so that nothing in it can pass for a line of ours. */
function stream(text, kind) {
  return text.trim() === ''
    ? null
    : make('pre', { class: `stream ${kind}`, tabindex: '0' }, text.replace(/\n+$/, ''));
}

function exchange(act, from) {
  const took = span(act.took);
  const when = act.began && from ? make('time', { class: 'soft' }, offset(act.began - from)) : null;
  const said = {
    ran: () => [
      stream(act.stdout, 'out'),
      stream(act.stderr, 'err'),
      make('p', { class: act.good ? 'soft' : 'bad' }, `${act.status}, ${took}`),
    ],
    done: () => [make('p', { class: 'soft' }, `done, ${took}`)],
    none: () => [make('p', { class: 'bad' }, `no answer: ${act.reason}, ${took}`)],
  };
  return make(
    'li',
    { class: act.answer === 'ran' ? 'command' : 'event' },
    make('div', { class: 'who' }, make('b', {}, act.machine), when),
    make('pre', { class: 'action' }, act.action),
    said[act.answer](),
  );
}

/** A part with a heading that can be folded. Its content is built when it is first opened. */
function fold(title, note, open, content) {
  const details = make(
    'details',
    { class: 'fold', open },
    make('summary', {}, title, ' ', make('small', {}, note)),
  );
  const fill = () => details.open && details.childElementCount === 1 && details.append(content());
  details.addEventListener('toggle', fill);
  fill();
  return details;
}

const lines = (text) => plural(text.trimEnd().split('\n').length, 'line');

/** All evidence of one try. */
function evidence(attempt) {
  const { transcript, journal, console } = attempt.evidence;
  const parts = [];
  const alive = lifelines(attempt);
  if (alive) parts.push(make('h3', {}, 'Machines'), alive);
  if (transcript.length > 0) {
    parts.push(
      fold('Transcript', plural(transcript.length, 'exchange'), true, () =>
        make(
          'ol',
          { class: 'transcript' },
          transcript.map((act) => exchange(act, attempt.began)),
        ),
      ),
    );
  }
  if (journal.trim() !== '') {
    parts.push(fold('Journal since the check began', lines(journal), true, () => stream(journal, 'out')));
  }
  if (console.trim() !== '') {
    parts.push(fold('Console', lines(console), journal.trim() === '', () => stream(console, 'out')));
  }
  if (parts.length === 0) parts.push(make('p', { class: 'soft' }, 'Nothing was recorded.'));
  return parts;
}
