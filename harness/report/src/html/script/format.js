// Numbers and times as people read them.

/** `0.22 s`, `12.3 s`, `2 min 05 s`: as on the terminal. */
function span(seconds) {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** `2026-01-01 00:00 UTC`, from seconds since 1970. */
function clock(seconds) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return 'at an unknown time';
  const [day, time] = date.toISOString().split('T');
  return `${day} ${time.slice(0, 5)} UTC`;
}

/** When within a run: `+1.2 s`. */
const offset = (seconds) => `+${span(Math.max(0, seconds))}`;

const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `2 of 10 passed, 5.7 to 51.0 % with 95 % confidence`, as on the terminal. */
function rateText(rate) {
  const percent = (share) => (100 * share).toFixed(1);
  const range = `${percent(rate.low)} to ${percent(rate.high)} %`;
  return `${rate.passed} of ${rate.tries} passed, ${range} with 95 % confidence`;
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
