// What the page tells of, and how to find it again.

const { sessions, cases, mutants, history: past, documents = [] } = JSON.parse(byId('data').textContent);

/** Verdicts, the worst first; then the fates of mutants. */
const VERDICTS = ['failed', 'broken', 'undecided', 'passed', 'skipped'];
const FATES = ['survived', 'undecided', 'killed'];

/** A name for what a link leads to: the parts, each made safe, between slashes. */
const name = (...parts) => parts.map((part) => encodeURIComponent(part).replaceAll('%40', '@')).join('/');

for (const one of cases) one.link = `#case=${name(one.target, one.id)}`;
for (const one of mutants) one.link = `#mutant=${name(one.target, one.id, one.mutant)}`;

const byLink = new Map([...mutants, ...cases].map((one) => [one.link, one]));

/** Every value of a property, in the order of its first appearance. */
const values = (list, key) => [...new Set(list.map((one) => one[key]))];

function grouped(list, key) {
  const groups = new Map();
  for (const one of list) groups.has(one[key]) ? groups.get(one[key]).push(one) : groups.set(one[key], [one]);
  return groups;
}

const targets = values([...sessions, ...cases], 'target').sort();
const families = values(cases, 'family').sort();
for (const one of mutants)
  one.family = byLink.get(`#case=${name(one.target, one.id)}`)?.family ?? one.id.split('.')[0];

const isFlaky = (one) => one.rate?.flaky === true;

/** The try that the verdict comes from. */
const worstTry = (one) => one.tries[one.worst];

/** A proof tells of the unchanged target by tries of its own. */
const isReference = (attempt) => sessions[attempt.session].purpose === 'prove';

/** Where a run was, if it was not on virtual machines. */
const whereabouts = (session) => ({ container: ' in containers', ssh: ' over SSH' })[session.machine] ?? '';

/** Everything that may be searched for, in lower case. Computed when it is first needed. */
function haystack(one) {
  one.haystack ??= texts(one).join('\n').toLowerCase();
  return one.haystack;
}

function texts(value, found = []) {
  if (typeof value === 'string') found.push(value);
  else if (value && typeof value === 'object') Object.values(value).forEach((inner) => texts(inner, found));
  return found;
}
