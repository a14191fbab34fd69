// How often checks passed and how long they took, over earlier runs.

const pointsByLink = new Map();
for (const { target, started, checks } of past?.runs ?? []) {
  for (const check of checks) {
    const link = `#case=${name(target, check.id)}`;
    if (!pointsByLink.has(link)) pointsByLink.set(link, []);
    pointsByLink.get(link).push({ started, ...check });
  }
}

function historyView() {
  const first = past.runs[0];
  return [
    make(
      'p',
      { class: 'soft intro' },
      `${plural(past.runs.length, 'run')} since ${clock(first?.started)}, the newest at the right. `,
      'A bar is as high as the check took long, within its row.',
    ),
    tabular(
      'past',
      ['Invariant', 'Earlier runs', 'Passed, 95 % confidence', 'Last', 'Median'],
      past.rates.map(historyRow),
    ),
  ];
}

function historyRow(rate) {
  const link = `#case=${name(rate.target, rate.id)}`;
  const points = pointsByLink.get(link);
  const last = points.at(-1);
  const one = byLink.get(link);
  const about = one ?? {
    target: rate.target,
    id: rate.id,
    family: rate.id.split('.')[0],
    verdict: last.verdict,
  };
  const sameTarget = past.runs.filter((run) => run.target === rate.target);
  const aligned = sameTarget.map((run) => points.find((point) => point.started === run.started));
  const percent = (share) => (100 * share).toFixed(share === 1 || share === 0 ? 0 : 1);
  return listed(
    'history',
    [about],
    make(
      'tr',
      {},
      make(
        'th',
        { scope: 'row' },
        one ? entry(one, { class: 'id' }, rate.id) : make('span', { class: 'id' }, rate.id),
        targets.length > 1 && make('span', { class: 'about' }, rate.target),
      ),
      make('td', { class: 'strip' }, spark(aligned)),
      make(
        'td',
        { title: rateText(rate) },
        `${percent(rate.rate)} %`,
        make('small', {}, ` ${rate.passed}/${rate.tries}`),
        rate.flaky && badge('flaky'),
        make('span', { class: 'about' }, `${percent(rate.low)} to ${percent(rate.high)} %`),
      ),
      make('td', {}, span(last.took)),
      make('td', { class: 'soft' }, span(median(points.map((point) => point.took)))),
    ),
  );
}

/** The same of one case, for its details. */
function pastOf(one) {
  const points = pointsByLink.get(one.link);
  const rate = past?.rates.find((candidate) => candidate.id === one.id && candidate.target === one.target);
  if (!points || points.length < 2) return null;
  return [
    make('h3', {}, 'Earlier runs'),
    bars(points),
    rate &&
      make(
        'p',
        { class: 'soft' },
        `${rateText(rate)}; median ${span(median(points.map((point) => point.took)))}.`,
      ),
  ];
}
