import { SECRET_VARIABLES } from './secret-variables.ts';

/** One environment variable: what it means, what is taken without it, and whether it must not be shown. */
export type EnvironmentVariable = {
  name: string;
  meaning: string;
  default?: string;
  secret?: true;
  /** Its values, where there are few. */
  values?: readonly string[];
  /** What is set for the protection that it promises is not there yet, so it is refused instead of ignored. */
  unbuilt?: { unless: string; instead: string };
};

const protection = (what: string) => ({
  default: 'true',
  values: ['true', 'false'],
  meaning: `${what} \`false\` is refused in prod, and wherever \`PORTCULLIS_STAGE\` does not say that it is not prod; elsewhere every record says that it was off.`,
});
const encrypted = 'Keep the data directory on an encrypted disk until then';
const tls = 'Put a reverse proxy with TLS in front of it until then';

const SECRET_MEANINGS = new Map([
  ['PORTCULLIS_SLACK_WEBHOOK_URL', 'Incoming webhook of Slack that people are told through.'],
  ['PORTCULLIS_SLACK_SIGNING_SECRET', 'What Slack signs clicks with.'],
  ['PORTCULLIS_SLACK_BOT_TOKEN', 'What the Slack app posts with.'],
  ['PORTCULLIS_OIDC_CLIENT_SECRET', 'Client secret at the login provider.'],
  ['PORTCULLIS_ACCESS_TOKEN', 'What programs show as a bearer token; 32 characters or more.'],
]);

const secrets = Object.values(SECRET_VARIABLES).flatMap((name): EnvironmentVariable[] => [
  { name, meaning: `${SECRET_MEANINGS.get(name) ?? 'A secret.'} Not with \`PORTCULLIS_SECRET_ID\`.`, secret: true },
  { name: `${name}_FILE`, meaning: `The file that holds \`${name}\`: regular, its owner's, mode 600.` },
]);

/** Every variable of ours. Another one that begins with PORTCULLIS_ is a mistake. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  { name: 'PORTCULLIS_CONFIG', default: 'portcullis.yaml', meaning: 'The settings file.' },
  {
    name: 'PORTCULLIS_STAGE',
    meaning: 'Which gate this is, such as `dev` or `prod`; without it, it counts as prod. Set by the template on AWS.',
  },
  { name: 'PORTCULLIS_CONSOLE_URL', default: 'http://127.0.0.1:4510', meaning: 'Where people find the console.' },
  {
    name: 'PORTCULLIS_LEDGER_TABLE',
    default: 'portcullis-ledger',
    meaning: 'The table of records.',
  },
  { name: 'PORTCULLIS_APPROVALS_TABLE', default: 'portcullis-approvals', meaning: 'The table of requests.' },
  { name: 'PORTCULLIS_WORK_TABLE', default: 'portcullis-work', meaning: 'The table of work under way.' },
  { name: 'PORTCULLIS_STATE_MACHINE_ARN', meaning: 'The state machine that changes run in.' },
  { name: 'PORTCULLIS_TOKEN_KEY_ID', default: 'alias/portcullis', meaning: 'The KMS key that seals task tokens.' },
  {
    name: 'PORTCULLIS_MAIL_FROM',
    default: 'portcullis@localhost.localdomain',
    meaning: 'The address that mails come from.',
  },
  { name: 'PORTCULLIS_ARCHIVE_BUCKET', meaning: 'Where every record is kept a second time.' },
  { name: 'PORTCULLIS_CHECKPOINT_KEY_ID', meaning: 'The KMS key that signs checkpoints.' },
  {
    name: 'PORTCULLIS_CHECKPOINTS',
    default: '<data>/checkpoints',
    meaning: 'Where the gate on one machine keeps checkpoints.',
  },
  { name: 'PORTCULLIS_SECRET_ID', meaning: 'The secret in Secrets Manager that holds the others, all in one.' },
  {
    name: 'PORTCULLIS_REMEDIATION',
    default: 'on',
    values: ['on', 'off'],
    meaning: 'Whether this gate was given the right to put endpoints back.',
  },
  ...secrets,
  {
    name: 'PORTCULLIS_AUTHENTICATION_ENABLED',
    ...protection(
      'Whether people log in before they read the console, and programs show the access token. An answer takes its own proof in any case.',
    ),
  },
  {
    name: 'PORTCULLIS_AUTHORIZATION_ENABLED',
    ...protection(
      'Whether groups count; without, every approver is in every group. Nobody approves a change of their own in any case.',
    ),
  },
  {
    name: 'PORTCULLIS_SANITIZATION_ENABLED',
    ...protection(
      "Whether control characters in people's words are made visible before they are recorded. Pages escape what they show in any case.",
    ),
  },
  {
    name: 'PORTCULLIS_LOG_DIRECTORY',
    default: '<data>/logs',
    meaning: 'Where the gate on one machine writes security events; mode 700.',
  },
  {
    name: 'PORTCULLIS_ENCRYPTION_AT_REST',
    default: 'false',
    values: ['true', 'false'],
    meaning: 'Refused as `true`: the store of the gate on one machine is not encrypted yet.',
    unbuilt: { unless: 'false', instead: encrypted },
  },
  { name: 'PORTCULLIS_ENCRYPTION_KEY', meaning: 'Keys as `portcullis key generate` makes them.', secret: true },
  { name: 'PORTCULLIS_ENCRYPTION_KEY_FILE', meaning: 'The file that holds them; mode 600.' },
  {
    name: 'PORTCULLIS_ENCRYPTION_IN_TRANSIT',
    default: 'false',
    values: ['true', 'false'],
    meaning: 'Refused as `true`: the gate on one machine speaks plain HTTP on the loopback address only.',
    unbuilt: { unless: 'false', instead: tls },
  },
  {
    name: 'PORTCULLIS_TLS_VERIFY',
    default: 'true',
    values: ['true', 'false'],
    meaning: 'Certificates are verified; `false` is refused.',
    unbuilt: { unless: 'true', instead: 'Name a certificate authority in NODE_EXTRA_CA_CERTS' },
  },
  {
    name: 'PORTCULLIS_TLS_CERT_FILE',
    meaning: 'Refused: there is no TLS on one machine yet.',
    unbuilt: { unless: '', instead: tls },
  },
  { name: 'PORTCULLIS_TLS_KEY_FILE', meaning: 'A private key, whose mode the security audit looks at.' },
  {
    name: 'PORTCULLIS_TLS_CA_FILE',
    meaning: 'Refused: there is no TLS on one machine yet.',
    unbuilt: { unless: '', instead: 'Name a certificate authority in NODE_EXTRA_CA_CERTS' },
  },
  { name: 'PORTCULLIS_ENV_FILE', meaning: 'The file that the environment came from, whose mode the audit looks at.' },
  {
    name: 'PORTCULLIS_SETTINGS',
    default: 'portcullis.settings.json',
    meaning: 'The settings packaged beside a Lambda function.',
  },
  { name: 'PORTCULLIS_NODE_HANDOVER', meaning: 'Set by `portcullis` itself, when it goes on under another Node.' },
  { name: 'PORTCULLIS_PROOF', meaning: 'Tests only: `full` runs every case.' },
  { name: 'PORTCULLIS_MONITORING', meaning: 'Tests only: a real Prometheus asks a real gate.', values: ['yes'] },
  { name: 'PORTCULLIS_KILLS', meaning: 'Tests only: how often the runtime is killed.' },
  { name: 'PORTCULLIS_SEED', meaning: 'Tests only: the seed of chance.' },
  { name: 'PORTCULLIS_SCREENSHOTS', meaning: 'Tests only: where pictures of pages are put.' },
];

/** So many letters must be put in, taken out or changed to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const [left = 0, above = 0, diagonal = 0] = [next[j - 1], row[j], row[j - 1]];
      next.push(Math.min(left + 1, above + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The variable whose name is the most like this one. */
export function nearestVariable(name: string): string {
  const [nearest] = ENVIRONMENT_VARIABLES.map((each) => ({ ...each, far: distance(name, each.name) })).sort(
    (a, b) => a.far - b.far,
  );
  return nearest?.name ?? '';
}

const shown = ({ secret }: EnvironmentVariable, value: string) =>
  secret ? '' : ` ${JSON.stringify(value.slice(0, 80))}:`;

/** What is wrong with variables of ours, all at once; no secret is shown. */
export function problemsWithVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!name.startsWith('PORTCULLIS_') || value === undefined) return [];
    const variable = ENVIRONMENT_VARIABLES.find((each) => each.name === name);
    if (!variable) return [`environment: ${name}: there is no such variable; did you mean ${nearestVariable(name)}?`];
    const { values, unbuilt } = variable;
    // Protections and what the template sets are checked with their meaning in config.ts, and not said twice.
    const elsewhere = name.endsWith('_ENABLED') || name === 'PORTCULLIS_REMEDIATION';
    if (values && !elsewhere && !values.includes(value)) {
      return [`environment: ${name}:${shown(variable, value)} must be ${values.join(' or ')}`];
    }
    if (unbuilt && value !== unbuilt.unless) {
      return [`environment: ${name}:${shown(variable, value)} is not there yet. ${unbuilt.instead}`];
    }
    return [];
  });
}

/** The table of variables, for the documentation. */
export function variablesMarkdown(): string {
  const rows = ENVIRONMENT_VARIABLES.map(
    ({ name, meaning, default: standard, secret }) =>
      `| \`${name}\` | ${standard === undefined ? '' : `\`${standard}\``} | ${secret ? 'yes' : ''} | ${meaning} |`,
  );
  return `| variable | default | secret | what it is |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
