import { Protection, protectionVariable } from './model/protection.ts';
import { SECRET_VARIABLES } from './secret-variables.ts';

/** One environment variable: what it means, what is taken without it, and whether it must not be shown. */
export type EnvironmentVariable = {
  name: string;
  meaning: string;
  default?: string;
  secret?: true;
  /** Its values, where there are few. */
  values?: readonly string[];
};

const protection = (what: string) => ({
  default: 'true',
  values: ['true', 'false'],
  meaning: `${what} \`false\` is refused in prod, and wherever \`PORTCULLIS_STAGE\` does not say that it is not prod; elsewhere every record says that it was off.`,
});

const SECRET_MEANINGS = new Map([
  ['PORTCULLIS_SLACK_WEBHOOK_URL', 'Incoming webhook of Slack that people are told through.'],
  ['PORTCULLIS_SLACK_SIGNING_SECRET', 'What Slack signs clicks with.'],
  ['PORTCULLIS_SLACK_BOT_TOKEN', 'What the Slack app posts with.'],
  ['PORTCULLIS_OIDC_CLIENT_SECRET', 'Client secret at the login provider.'],
  [
    'PORTCULLIS_ACCESS_TOKEN',
    'What programs show as a bearer token, 32 characters or more; `active,previous` while it is rotated.',
  ],
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
  {
    name: 'PORTCULLIS_CONSOLE_URL',
    default: 'http://127.0.0.1:4510',
    meaning:
      'Where people find the console. The gate on one machine knows its own address, and takes this one where it has a certificate.',
  },
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
    meaning:
      'Whether the store of the gate on one machine is encrypted (AES-256-GCM), with a key of the next two; a key without this variable is refused. On AWS the same is done by keys of ours in KMS (`infra/keys.yml`), always.',
  },
  {
    name: 'PORTCULLIS_ENCRYPTION_KEY',
    meaning:
      'The key, 32 bytes in base64, as `portcullis key generate` makes it; after a rotation the new one, a comma, and the old one until the next start.',
    secret: true,
  },
  {
    name: 'PORTCULLIS_ENCRYPTION_KEY_FILE',
    meaning: "The file that holds the same, one key on a line: regular, its owner's, mode 600. Not both.",
  },
  {
    name: 'PORTCULLIS_ENCRYPTION_IN_TRANSIT',
    default: 'false',
    values: ['true', 'false'],
    meaning:
      'With `true` the gate on one machine speaks TLS or does not start; without, it speaks plain HTTP where there is no certificate, and then to its own machine only. On AWS it is TLS, always.',
  },
  {
    name: 'PORTCULLIS_TLS_CERT_FILE',
    meaning:
      'The certificate of the gate on one machine, and those between it and its authority (PEM); for the host of `PORTCULLIS_CONSOLE_URL`, or for `localhost` where that is not set. TLS 1.2 or newer. Read again each minute, and on SIGHUP.',
  },
  {
    name: 'PORTCULLIS_TLS_KEY_FILE',
    meaning: "Its private key (PEM, without a password): a regular file, its owner's, mode 600.",
  },
  {
    name: 'PORTCULLIS_TLS_CA_FILE',
    meaning:
      'Authorities (PEM) that calls of the gate and of the commands trust besides those that Node knows: login provider, webhooks, AWS, the gate at `--url`.',
  },
  {
    name: 'PORTCULLIS_TLS_VERIFY',
    ...protection('Whether calls verify who answers.'),
  },
  {
    name: 'PORTCULLIS_ENV_FILE',
    meaning:
      "The file that the environment came from, so that the gate and the audit look at it: regular, its owner's, mode 600. A file that Node was given with `--env-file` is looked at as well.",
  },
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

/** The variable whose name is the most like this one; first of all one of which the end was left out. */
export function nearestVariable(name: string): string {
  const farFrom = (known: string) => (known.startsWith(`${name}_`) ? 0 : distance(name, known));
  const [nearest] = ENVIRONMENT_VARIABLES.map((each) => ({ ...each, far: farFrom(each.name) })).sort(
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
    const { values } = variable;
    // Protections and what the template sets are checked with their meaning in config.ts, and not said twice.
    const elsewhere =
      Protection.options.some((each) => protectionVariable(each) === name) || name === 'PORTCULLIS_REMEDIATION';
    if (values && !elsewhere && !values.includes(value)) {
      return [`environment: ${name}:${shown(variable, value)} must be ${values.join(' or ')}`];
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
