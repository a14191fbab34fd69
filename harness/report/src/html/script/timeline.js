// Tracks of time: what lived when, from left to right.

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400];

/** Puts an element where it belongs within a window of time. */
function place(element, { from, to }, began, took = 0) {
  const share = (moment) => Math.min(1, Math.max(0, (moment - from) / (to - from || 1)));
  const left = share(began);
  element.style.left = `${(100 * left).toFixed(3)}%`;
  element.style.width = `${(100 * (share(began + took) - left)).toFixed(3)}%`;
  return element;
}

/** The scale above tracks. The grid behind them has the same steps. */
function ruler(chart, window, from = window.from) {
  const whole = window.to - window.from || 1;
  const step = STEPS.find((candidate) => whole / candidate <= 8) ?? whole / 8;
  const label = (seconds) => {
    if (step >= 3600) return `${Math.round(seconds / 360) / 10} h`;
    if (step >= 60) return `${Math.round(seconds / 6) / 10} min`;
    return `${Math.round(seconds * 10) / 10} s`;
  };
  chart.style.setProperty('--step', `${(100 * step) / whole}%`);
  const scale = make('div', { class: 'ruler', 'aria-hidden': 'true' });
  for (let at = 0; at <= whole; at += step) {
    scale.append(place(make('span', {}, label(at)), window, from + at));
  }
  return scale;
}

/** One machine: its life, how it started, what was run on it, and what was done to it. */
function lane(window, machine, acts) {
  const ended = machine.ended ?? window.to;
  const life = make('i', { class: 'life', title: biography(machine, window) });
  const parts = [place(life, window, machine.began, ended - machine.began)];
  for (const phase of machine.phases) {
    const title = `${machine.name}: ${phase.what}, ${span(phase.took)}`;
    parts.push(place(make('i', { class: 'phase', title }), window, phase.began, phase.took));
  }
  for (const act of acts) {
    if (act.machine !== machine.name || !act.began) continue;
    const fault = act.answer !== 'ran';
    const title = `${machine.name}: ${act.action}, ${span(act.took)}`;
    parts.push(place(make('i', { class: fault ? 'mark' : 'act', title }), window, act.began, act.took));
  }
  return make('div', { class: 'lane' }, parts);
}

/** How it began, and under KVM where it was. */
function started(machine) {
  return machine.accelerator === 'kvm' ? `${machine.start}, KVM` : machine.start;
}

function biography(machine, window) {
  const lived = machine.ended ? `lived ${span(machine.ended - machine.began)}` : 'did not end';
  return `${machine.name}: ${started(machine)}, ${offset(machine.began - window.from)}, ${lived}`;
}

/** All machines of one try, each on a lane with its name. */
function lifelines(attempt) {
  const { machines, transcript } = attempt.evidence;
  if (!attempt.began || machines.length === 0) return null;
  const ends = machines.map((machine) => machine.ended ?? 0);
  const window = { from: attempt.began, to: Math.max(attempt.began + attempt.took, ...ends) };
  const chart = make('div', { class: 'chart lifelines' });
  chart.append(
    make('div', { class: 'row' }, make('span'), ruler(chart, window)),
    ...machines.map((machine) =>
      make(
        'div',
        { class: 'row' },
        make('span', { class: 'label', title: machine.name }, machine.name, make('small', {}, started(machine))),
        make('div', { class: 'track' }, lane(window, machine, transcript)),
      ),
    ),
  );
  return make('div', {}, chart, legend());
}

function legend() {
  const sign = (kind, text) => make('span', {}, make('i', { class: kind }), text);
  return make(
    'p',
    { class: 'legend soft' },
    sign('life', 'alive'),
    sign('phase', 'starting'),
    sign('act', 'a command'),
    sign('mark', 'a fault or another event'),
  );
}
