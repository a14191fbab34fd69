// Durations over earlier runs: a bar for each run, as high as it took long, in the colour of its verdict.

/** A few elements for any number of bars: there may be thousands of charts. */
function spark(points) {
  const highest = Math.max(...points.map((point) => point?.took ?? 0)) || 1;
  const paths = new Map();
  // A few runs are no broad bars, but a short row of those at the right.
  const empty = Math.max(0, 40 - points.length);
  points.forEach((point, index) => {
    if (!point) return;
    const tone = point.flaky ? 'flaky' : point.verdict;
    const height = Math.max(6, (100 * point.took) / highest).toFixed(1);
    paths.set(tone, `${paths.get(tone) ?? ''}M${empty + index + 0.1} 100v-${height}h.8v${height}z`);
  });
  const drawn = [...paths].map(([tone, path]) => draw('path', { d: path, 'data-tone': tone }));
  return draw(
    'svg',
    {
      class: 'spark',
      viewBox: `0 0 ${empty + points.length} 100`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': summaryOf(points.filter(Boolean)),
    },
    ...drawn,
  );
}

/** The same, larger, with what each bar says. */
function bars(points) {
  const highest = Math.max(...points.map((point) => point.took)) || 1;
  const bar = (point) => {
    const tries = point.tries > 1 ? `, ${point.passed} of ${point.tries} passed` : '';
    const title = `${clock(point.started)}: ${point.verdict}${tries}, ${span(point.took)}`;
    const element = make('i', { title, 'data-tone': point.flaky ? 'flaky' : point.verdict });
    element.style.height = `${Math.max(6, (100 * point.took) / highest).toFixed(1)}%`;
    return element;
  };
  return make('div', { class: 'bars', role: 'img', 'aria-label': summaryOf(points) }, points.map(bar));
}

function summaryOf(points) {
  const counts = [...grouped(points, 'verdict')].map(([verdict, alike]) => `${alike.length} ${verdict}`);
  const times = points.map((point) => point.took);
  const range = `${span(Math.min(...times))} to ${span(Math.max(...times))}`;
  return `${plural(points.length, 'run')}: ${counts.join(', ')}; ${range}`;
}
