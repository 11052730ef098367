import { type Difference, differences } from '../shared/model/effective-deployment.ts';
import type { RecordOf } from '../shared/model/ledger-record.ts';
import { type Html, html } from './html.ts';
import { labelOf } from './labels.ts';
import { changePath } from './links.ts';
import { type Column, table } from './table.ts';
import { time } from './time.ts';
import { whatRuns } from './what-runs.ts';

const WORDS: Record<string, string> = {
  variants: 'variant',
  models: 'model',
  containers: 'container',
  artifacts: 'artifact',
  components: 'inference component',
  pools: 'instance pool',
  instanceTypes: 'instance type',
  minInstances: 'lowest instance count',
  maxInstances: 'highest instance count',
  weight: 'traffic weight',
  environmentSha256: 'environment variables (SHA-256)',
  uri: 'location',
  volumeKmsKeyId: 'volume encryption key',
  kmsKeyId: 'encryption key',
  memorySizeMb: 'memory (MB)',
  destinationS3Uri: 'destination',
};

const words = (name: string) => WORDS[name] ?? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** `variants[blue].models[1].image` -> `['variant blue', 'model 1', 'image']` */
export function plainField(field: string): string[] {
  return [...field.matchAll(/([^.[\]]+)(?:\[([^\]]*)\])?/g)].map(([, name = '', which]) =>
    which === undefined ? words(name) : `${words(name)} ${which}`,
  );
}

type Line = { what: string; before: string | undefined; after: string | undefined };

/** Differences by the thing they are about: `variant blue`, `data capture`, or the endpoint itself. */
function bySubject(list: readonly Difference[]): Map<string, Line[]> {
  const subjects = new Map<string, Line[]>();
  for (const { field, before, after } of list) {
    const parts = plainField(field);
    const subject = parts.length > 1 ? (parts[0] ?? '') : 'endpoint';
    const what = (parts.length > 1 ? parts.slice(1) : parts).join(' \u203a ');
    subjects.set(subject, [...(subjects.get(subject) ?? []), { what, before, after }]);
  }
  return subjects;
}

const side = (value: string | undefined) =>
  value === undefined ? html`<span class="muted">not there</span>` : html`<code>${value}</code>`;
const sentenceCase = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function subjectTable([subject, lines]: [string, Line[]]): Html {
  const added = lines.every(({ before }) => before === undefined);
  const removed = lines.every(({ after }) => after === undefined);
  const name = `${sentenceCase(subject)}${added ? ' is new' : ''}${removed ? ' is removed' : ''}`;
  const columns: Column<Line>[] = [
    { head: 'What', cell: ({ what }) => what },
    ...(added ? [] : [{ head: 'Before', cell: ({ before }: Line) => side(before) }]),
    ...(removed ? [] : [{ head: 'Now', cell: ({ after }: Line) => side(after) }]),
  ];
  return html`<h3>${name}</h3>
${table(name, columns, lines)}
`;
}

/** What is different from the last accepted deployment, in words; for a first deployment, everything that will run. */
export function differencesSection({ baseline, deployment, facts }: RecordOf<'change-opened'>): Html {
  if (!baseline) {
    return html`<p>This is the <strong>first deployment on record</strong> for this endpoint: no earlier one was accepted that it could be compared with. All of this is new:</p>
${whatRuns(facts)}`;
  }
  const list = differences(baseline.deployment, deployment);
  const before = html`<a href="${changePath(facts.endpoint, baseline.generation)}">change ${baseline.generation}</a> of ${time(baseline.at)}, the last accepted deployment (${labelOf(baseline.result).toLowerCase()})`;
  if (list.length === 0) return html`<p>Nothing: it is the same as ${before}.</p>`;
  return html`<p>Compared with ${before}. Everything not listed is the same.</p>
<div class="dense">${[...bySubject(list)].map(subjectTable)}</div>`;
}
