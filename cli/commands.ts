import { Command, Option } from 'commander';
import { VERSION } from '../shared/model/version.ts';
import { EXIT, type Output, standardOutput } from './output.ts';
import { refusePrivileges } from './refuse-privileges.ts';
import type { Format } from './report.ts';

/** The command line that is being run: where it prints, and with which code it ends once it has. */
export const running: { output: Output; code: number } = { output: standardOutput, code: EXIT.fine };
const output: Output = {
  out: (text) => running.output.out(text),
  err: (text) => running.output.err(text),
  get terminal() {
    return running.output.terminal;
  },
  get width() {
    return running.output.width;
  },
};
/** Commands are loaded when they are used, so that each starts fast. */
const run = (action: () => Promise<number>) => async () => {
  running.code = await action();
};

/** Every command, its options and its help; cli/run.ts runs it. */
export const program = new Command('portcullis')
  .description('The compliance gate for Amazon SageMaker endpoints.')
  .version(VERSION)
  .showHelpAfterError('(add --help for how it is used)')
  .exitOverride()
  .configureOutput({
    writeOut: (text) => output.out(text.replace(/\n$/, '')),
    writeErr: (text) => output.err(text.replace(/\n$/, '')),
  })
  .addHelpText(
    'after',
    `
Exit codes: 0 fine, 1 violations found (or an answer not taken), 2 could not check, 64 wrong usage, 77 not as root.

Examples:
  portcullis up                                   the whole gate on this machine
  portcullis scan --region eu-west-1              every endpoint of the account, read-only, nothing deployed
  portcullis check examples/plans/fraud-prod.yaml a deployment plan, offline
  portcullis changes --local --result blocked     what the gate on this machine has blocked
`,
  );

const json = () => new Option('--json', 'machine-readable output');
const aws = (command: Command) =>
  command
    .option('--local', 'the runtime on this machine instead of AWS')
    .option('--aws-port <port>', 'port of the runtime on this machine', '4566')
    .option('--region <region>', 'AWS region (default: AWS_REGION)');
const staged = (command: Command) =>
  aws(command).option('--stage <stage>', 'which deployment of the gate in the account', 'dev');
const format = () =>
  new Option('--format <format>', 'how to write the result')
    .choices(['table', 'json', 'markdown', 'sarif'])
    .default('table');
const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  portcullis ${line}\n`).join('')}`;
const formatOf = (options: { json?: boolean; format: Format }): Format => (options.json ? 'json' : options.format);

program
  .command('up')
  .description('run the whole gate on this machine: loopback AWS, workflow, console')
  .option('--data <directory>', 'where everything is kept', '.portcullis')
  .option('--aws-port <port>', 'port of the loopback AWS (0: any)', '4566')
  .option('--console-port <port>', 'port of the console (0: any)', '4510')
  .option('--console-address <ip>', 'where the console listens; another machine reaches it over TLS only', '127.0.0.1')
  .option('--fleet <file>', 'endpoints to start with ("none": an empty account)', 'examples/fleet.yaml')
  .option(
    '--checkpoints <directory>',
    'where checkpoints of the ledger are kept (default: PORTCULLIS_CHECKPOINTS, or beside the rest)',
  )
  .option('--once', 'run the fleet to its end without waiting for people, print a table, exit')
  .option(
    '--watch',
    'the account of the ordinary AWS credentials instead of a fleet: read-only, and looked at by itself',
  )
  .option('--region <region>', 'with --watch: which region (default: AWS_REGION or that of the profile)')
  .option('--transition-ms <ms>', 'how long an endpoint takes from one status to the next', '1000')
  .option('--duplicate-events <n>', 'deliver every event so many extra times, as AWS may', '0')
  .option('--delay-events <ms>', 'deliver events up to so much late, so that they overtake each other', '0')
  .addOption(json())
  .addHelpText('after', examples('up --once', 'up --fleet none --aws-port 5566', 'up --watch --region eu-west-1'))
  .action((options) =>
    run(async () => {
      // Before any of it is loaded.
      refusePrivileges('portcullis up');
      return (await import('./up.ts')).up(options, output);
    })(),
  );

aws(program.command('scan'))
  .description('check every endpoint of an account and region, read-only, with nothing deployed')
  .addOption(format())
  .addOption(json())
  .addHelpText('after', examples('scan --region eu-west-1 --format sarif > portcullis.sarif'))
  .action((options) =>
    run(async () => (await import('./scan.ts')).scan({ ...options, format: formatOf(options) }, output))(),
  );

program
  .command('check')
  .argument('<file>', 'deployment plan or recorded facts, YAML or JSON ("-": standard input)')
  .description('check a deployment plan or recorded facts, offline')
  .addOption(format())
  .addOption(json())
  .addHelpText('after', examples('check examples/plans/fraud-prod.yaml --format markdown'))
  .action((file, options) =>
    run(async () => (await import('./check.ts')).check(file, { format: formatOf(options) }, output))(),
  );

aws(program.command('changes'))
  .description('what changed lately and how it ended')
  .option('--environment <name>', 'dev, staging or prod')
  .option('--result <result>', 'compliant, approved, blocked, open, ...')
  .option('--month <yyyy-mm>', 'default: the last three')
  .option('--limit <n>', 'at most so many', '50')
  .addOption(json())
  .addHelpText('after', examples('changes --local --environment prod --result blocked'))
  .action((options) => run(async () => (await import('./changes.ts')).changes(options, output))());

const plans = program
  .command('plan')
  .description('have a deployment accepted before it is made')
  .addHelpText(
    'after',
    `
Exit codes: 0 it may be carried out (approved, compliant, unchanged), 1 it may not (blocked, rejected, expired, withdrawn,
superseded), 2 could not check, 3 it has not ended (at --timeout, or when shown), 64 wrong usage.

With --url the gate is asked by HTTP: with the access token in PORTCULLIS_ACCESS_TOKEN, or else with a request that your
AWS credentials sign, which makes you its known requester. Without --url plans go to the default bus of EventBridge.
${examples('plan submit examples/plans/fraud-prod.yaml --local --wait --timeout 24h', 'plan list --local')}`,
  );
const planCommand = (name: string) =>
  staged(plans.command(name)).option('--url <url>', 'address of the console, to ask it by HTTP');
planCommand('submit')
  .argument('<file>', 'deployment plan, YAML or JSON ("-": standard input)')
  .description('submit a plan')
  .option('--wait', 'until it is known whether it may be carried out')
  .option('--timeout <duration>', 'with --wait: at most so long, such as 90s, 30m, 24h (default: until it has ended)')
  .addOption(json())
  .addHelpText('after', examples('plan submit examples/plans/fraud-prod.yaml --local --wait'))
  .action((file, options) => run(async () => (await import('./plan.ts')).planSubmit(file, options, output))());
planCommand('wait')
  .argument('<plan>', 'its id, such as 000000000000/us-east-1/fraud-prod/1')
  .description('go on waiting for a plan')
  .option('--timeout <duration>', 'at most so long, such as 90s, 30m, 24h (default: until it has ended)')
  .addOption(json())
  .addHelpText('after', examples('plan wait 000000000000/us-east-1/fraud-prod/1 --local'))
  .action((id, options) => run(async () => (await import('./plan.ts')).planWait(id, options, output))());
planCommand('show')
  .argument('<plan>', 'its id, such as 000000000000/us-east-1/fraud-prod/1')
  .description('how a plan stands now')
  .addOption(json())
  .addHelpText('after', examples('plan show 000000000000/us-east-1/fraud-prod/1 --local'))
  .action((id, options) => run(async () => (await import('./plan.ts')).planShow(id, options, output))());
staged(plans.command('list'))
  .description('plans of the last three months, newest first')
  .addOption(json())
  .addHelpText('after', examples('plan list --local'))
  .action((options) => run(async () => (await import('./plan.ts')).planList(options, output))());

const approvals = program
  .command('approvals')
  .description('what waits for people')
  .addHelpText('after', examples('approvals list --local', 'approvals show 3f9k... --local'));
aws(approvals.command('list'))
  .description('requests that nobody has answered')
  .addOption(json())
  .addHelpText('after', examples('approvals list --local'))
  .action((options) => run(async () => (await import('./approvals.ts')).approvalsList(options, output))());
aws(approvals.command('show'))
  .argument('<request>')
  .description('what approving would accept')
  .addOption(json())
  .addHelpText('after', examples('approvals show 3f9k... --local'))
  .action((request, options) =>
    run(async () => (await import('./approvals.ts')).approvalsShow(request, options, output))(),
  );
aws(approvals.command('reviews'))
  .description('approvals by broken glass that nobody has reviewed yet')
  .addOption(json())
  .addHelpText('after', examples('approvals reviews --local'))
  .action((options) => run(async () => (await import('./approvals.ts')).approvalsReviews(options, output))());

// Only the HTTP API may decide, so whatever changes something goes through it.
const acting = (command: Command) =>
  aws(command)
    .option('--url <url>', "the gate's address (default: PORTCULLIS_CONSOLE_URL)")
    .option('--as <person>', 'id of an approver, proven by a code from their mailbox (default: AWS credentials)')
    .option('--code <code>', 'that code, where it is not to be asked for and typed')
    .option('--login <id>', 'what "approvals code" printed with it')
    .addOption(json());
const reason = ['--reason <text>', 'why; it goes into the audit record'] as const;

acting(approvals.command('code'))
  .description('have a code mailed to an approver, for use with --as in scripts')
  .addHelpText('after', examples('approvals code --local --as approver-one'))
  .action((options) => run(async () => (await import('./approval-actions.ts')).approvalsCode(options, output))());
for (const [name, answer] of [
  ['approve', 'approved'],
  ['reject', 'rejected'],
] as const) {
  const command = acting(approvals.command(name))
    .argument('<request>')
    .description(`${name} a change`)
    .requiredOption(...reason);
  if (name === 'approve') command.option('--break-glass', 'alone, in an emergency; a second person has to review it');
  command
    .addHelpText(
      'after',
      examples(
        `approvals ${name} 3f9k... --reason "load test passed"`,
        `approvals ${name} 3f9k... --local --as approver-one --reason "load test passed"`,
      ),
    )
    .action((request, options) =>
      run(async () => (await import('./approval-actions.ts')).approvalsAnswer(request, answer, options, output))(),
    );
}
acting(approvals.command('comment'))
  .argument('<request>')
  .argument('<text>')
  .description('say something about a request without deciding it')
  .addHelpText('after', examples('approvals comment 3f9k... "which load test?" --local --as approver-one'))
  .action((request, text, options) =>
    run(async () => (await import('./approval-actions.ts')).approvalsComment(request, text, options, output))(),
  );
acting(approvals.command('withdraw'))
  .argument('<request>')
  .description('take back a request for a change that you made')
  .requiredOption(...reason)
  .addHelpText('after', examples('approvals withdraw 3f9k... --local --as ml-engineer --reason "wrong model"'))
  .action((request, options) =>
    run(async () => (await import('./approval-actions.ts')).approvalsWithdraw(request, options, output))(),
  );
acting(approvals.command('again'))
  .argument('<request>')
  .description('ask again after a request expired, was superseded or withdrawn')
  .addHelpText('after', examples('approvals again 3f9k... --local --as ml-engineer'))
  .action((request, options) =>
    run(async () => (await import('./approval-actions.ts')).approvalsAgain(request, options, output))(),
  );
acting(approvals.command('review'))
  .argument('<request>')
  .description('close the review of an approval by broken glass')
  .addOption(
    new Option('--finding <finding>', 'what you found').choices(['justified', 'not-justified']).makeOptionMandatory(),
  )
  .requiredOption(...reason)
  .addHelpText('after', examples('approvals review 3f9k... --local --as approver-two --finding justified --reason ok'))
  .action((request, options) =>
    run(async () => (await import('./approval-actions.ts')).approvalsReview(request, options, output))(),
  );

acting(program.command('remediate'))
  .argument('<endpoint>')
  .description('print the calls that would put back what was refused; with --yes, have the gate make them')
  .option('--change <n>', 'the refused change (default: the one that stands)')
  .option('--account <account>', 'AWS account of the endpoint (default: that of the credentials)')
  .option('--dry-run', 'only print; this is what happens without --yes')
  .option('--yes', 'have the proposal carried out, in your name')
  .option('--reason <text>', 'with --yes: why; it goes into the audit record')
  .addHelpText(
    'after',
    examples(
      'remediate fraud-prod --dry-run',
      'remediate fraud-prod --local --yes --as approver-one --reason "wrong model"',
    ),
  )
  .action((endpoint, options) =>
    run(async () => (await import('./remediate.ts')).remediate(endpoint, options, output))(),
  );

const waivers = program
  .command('waiver')
  .description('exceptions to one policy for one endpoint: dated, reasoned, owned')
  .addHelpText('after', examples('waiver list --local', 'waiver list --on 2026-11-01'));
const ofAccount = (command: Command) =>
  acting(command).option('--account <id>', 'account of the endpoint (default: that of the credentials)');
ofAccount(waivers.command('grant'))
  .argument('<endpoint>')
  .description('excuse an endpoint from a policy for a time; not for who made its last change')
  .requiredOption('--policy <id>', 'which; "policies" lists them')
  .option('--from <time>', 'a day or a time in UTC (default: now)')
  .requiredOption('--until <time>', 'a day or a time in UTC; at most policies.waiverMaxDays later')
  .option('--environment <name>', 'dev, staging or prod, for an endpoint of which nothing is on record')
  .requiredOption(...reason)
  .addHelpText(
    'after',
    examples(
      'waiver grant fraud-prod --policy prod-model-monitor --until 2026-12-15 --reason "monitor is being rebuilt" --as approver-one',
    ),
  )
  .action((endpoint, options) =>
    run(async () => (await import('./waiver.ts')).waiverGrant(endpoint, options, output))(),
  );
ofAccount(waivers.command('revoke'))
  .argument('<endpoint>')
  .argument('<waiver>', 'its id, as "waiver list" shows it')
  .description('end a waiver before its time')
  .requiredOption(...reason)
  .addHelpText('after', examples('waiver revoke fraud-prod 3f9k... --reason "monitor is back" --as approver-two'))
  .action((endpoint, waiver, options) =>
    run(async () => (await import('./waiver.ts')).waiverRevoke(endpoint, waiver, options, output))(),
  );
aws(waivers.command('list'))
  .description('waivers in force')
  .option('--on <time>', 'a day or a time in UTC (default: now)')
  .option('--endpoint <name>', 'only this endpoint')
  .addOption(json())
  .addHelpText('after', examples('waiver list --local', 'waiver list --on 2026-11-01 --json'))
  .action((options) => run(async () => (await import('./waiver.ts')).waiverList(options, output))());

const audit = program
  .command('audit')
  .description('the audit trail')
  .addHelpText('after', examples('audit verify --local', 'audit show fraud-prod --local'));
aws(audit.command('list'))
  .description('the records that answer a question, newest first; without one, the changes of some months')
  .option('--environment <name>', 'every change of dev, staging or prod')
  .option('--blocked', 'everything that was blocked')
  .option('--result <result>', 'everything that ended so')
  .option('--approved-by <person>', 'everything that this approver approved')
  .option('--unplanned', 'changes that no accepted plan carried')
  .option('--out-of-band', 'changes that were another than the accepted plan')
  .option('--break-glass', 'approvals by broken glass')
  .option('--open', 'with --break-glass: those that nobody has reviewed')
  .option('--waivers-on <time>', 'waivers that were in force on a day or at a time, UTC')
  .option('--policy-digest <digest>', 'decisions that were made under these limits')
  .option('--price-digest <digest>', 'decisions that were made under these prices')
  .option('--reconciliations', 'what reconciliations with CloudTrail found')
  .option('--endpoint <name>', 'everything about this endpoint; with --month, its changes')
  .option('--month <yyyy-mm>', 'which month (default: this one and the two before)')
  .option('--from <moment>', 'instead: from this day or moment on, UTC')
  .option('--to <moment>', 'with --from: up to this day or moment, which is not in it')
  .option('--limit <n>', 'records on a page', '1000')
  .option('--after <place>', 'go on where the page before ended')
  .addOption(json())
  .option('--csv', 'comma-separated values')
  .addHelpText(
    'after',
    `
docs/audit.md has every question with the query of the AWS CLI, the index it uses and what it costs.
${examples(
  'audit list --local --month 2026-11',
  'audit list --environment prod --month 2026-11 --csv',
  'audit list --break-glass --open --from 2026-01-01',
)}`,
  )
  .action((options) => run(async () => (await import('./audit-query.ts')).auditQuery(options, output))());
staged(audit.command('reconcile'))
  .description('hold the calls that CloudTrail has against the decisions on record, and put the result on record')
  .requiredOption('--from <moment>', 'from this day or moment on, UTC')
  .option('--to <moment>', 'up to this day or moment, which is not in it (default: now)')
  .option('--trail-bucket <name>', "the bucket of a trail (default: CloudTrail's event history of the last 90 days)")
  .option('--trail-prefix <prefix>', 'what stands before <account>/CloudTrail/ there (default: AWSLogs/)')
  .option('--no-record', 'only print the result')
  .addOption(json())
  .addHelpText(
    'after',
    `
Exit codes: 0 reconciled, 1 calls without a decision or decisions without a cause, 2 something could not be read.
${examples('audit reconcile --from 2026-11-01 --to 2026-12-01', 'audit reconcile --from 2026-01-01 --to 2026-04-01 --trail-bucket our-trail')}`,
  )
  .action((options) => run(async () => (await import('./audit-reconcile.ts')).auditReconcile(options, output))());
aws(audit.command('settings'))
  .argument('<what>', 'the digest of limits or prices, or an endpoint')
  .option('--change <n>', 'with an endpoint: which change (default: the newest that was judged)')
  .description('the policies with the limits, and the prices, that a decision was made under')
  .addOption(json())
  .addHelpText('after', examples('audit settings fraud-prod --change 3 --local', 'audit settings 9f2c... --json'))
  .action((what, options) =>
    run(async () => (await import('./audit-settings.ts')).auditSettings(what, options, output))(),
  );
aws(audit.command('show'))
  .argument('<endpoint>')
  .description('every record about one endpoint, oldest first')
  .option('--change <n>', 'only this change')
  .addOption(json())
  .addHelpText('after', examples('audit show fraud-prod --local --change 1'))
  .action((endpoint, options) => run(async () => (await import('./audit.ts')).auditShow(endpoint, options, output))());
const scoped = (command: Command) =>
  command
    .option('--from <moment>', 'from this day or moment on, UTC: 2026-11-01 or 2026-11-01T12:00:00Z')
    .option('--to <moment>', 'up to this day or moment, which is not in it')
    .option('--endpoint <name>', 'only this endpoint')
    .option('--environment <name>', 'only dev, staging or prod');

const witnessed = (command: Command) =>
  staged(command)
    .option(
      '--checkpoints <directory>',
      'checkpoints.jsonl and public-key.pem in a directory, instead of those of the gate',
    )
    .option('--public-key <file>', 'the public key as you received it before, instead of the one that is there now');
witnessed(audit.command('verify'))
  .description(
    'hold the records against their chains, the checkpoints and the sealed copies, and name each that differs',
  )
  .option('--endpoint <name>', 'only this endpoint')
  .option('--witnessed <file>', 'a checkpoint that you were given earlier, which must still be in the chain')
  .option('--read-copies', 'read every sealed copy, not only the list of them')
  .option('--chain-only', 'the chains alone, which do not show what was cut off or written anew')
  .addOption(json())
  .addHelpText(
    'after',
    examples('audit verify --stage prod --region eu-west-1', 'audit verify --witnessed checkpoint.json'),
  )
  .action((options) => run(async () => (await import('./audit-verify.ts')).auditVerify(options, output))());
witnessed(audit.command('checkpoint'))
  .description('the newest checkpoint, for somebody outside to keep')
  .option('--key', 'the public key instead')
  .addHelpText(
    'after',
    examples('audit checkpoint --local > checkpoint.json', 'audit checkpoint --key > public-key.pem'),
  )
  .action((options) => run(async () => (await import('./audit-checkpoint.ts')).auditCheckpoint(options, output))());
const pseudonymised = (command: Command) =>
  command.option(
    '--pseudonymise <keyfile>',
    'replace persons by pseudonyms, with the key (32 bytes or more) in this file',
  );
pseudonymised(scoped(witnessed(audit.command('export'))))
  .description('records or findings as a file; into a directory, with the checkpoints, the public key and a verifier')
  .addOption(
    new Option('--format <format>', 'records (jsonl), changes (csv), or findings for other tools (ocsf, sarif)')
      .choices(['jsonl', 'csv', 'ocsf', 'sarif'])
      .default('jsonl'),
  )
  .option('--output <file>', 'a file, or a directory (default: standard output)')
  .addHelpText(
    'after',
    examples(
      'audit export --output evidence/',
      'audit export --endpoint fraud-prod --output trail.jsonl',
      'audit export --format ocsf --from 2026-11-01 --output findings.jsonl',
    ),
  )
  .action((options) => run(async () => (await import('./audit.ts')).auditExport(options, output))());
pseudonymised(scoped(witnessed(audit.command('bundle'))))
  .description('one archive for an auditor: pages to read, records, tables, facts, limits, and what proves them')
  .requiredOption('--output <file>', 'the ZIP archive, which must not be there yet')
  .option('--trail-bucket <bucket>', 'compare with the log files of a trail, instead of the event history of 90 days')
  .option('--trail-prefix <prefix>', 'where in the bucket they are')
  .option('--no-reconcile', 'do not compare with CloudTrail')
  .addOption(json())
  .addHelpText(
    'after',
    examples(
      'audit bundle --local --output evidence.zip',
      'audit bundle --stage prod --from 2026-10-01 --to 2027-01-01 --environment prod --output q4.zip',
    ),
  )
  .action((options) => run(async () => (await import('./audit-bundle.ts')).auditBundle(options, output))());

aws(audit.command('replay'))
  .argument('<endpoint>')
  .argument('[record]', 'its number or id, such as 3 or findings#1 (default: every decision)')
  .description('make decisions again from what is on record, and name every difference')
  .addOption(json())
  .addHelpText(
    'after',
    `
Exit codes: 0 identical to the byte, 1 different, 2 could not be made again.
${examples('audit replay fraud-prod --local', 'audit replay fraud-prod findings#1 --local')}`,
  )
  .action((endpoint, record, options) =>
    run(async () => (await import('./audit-replay.ts')).auditReplay(endpoint, record, options, output))(),
  );

const events = program
  .command('events')
  .description('events that could not be used or delivered')
  .addHelpText('after', examples('events list-quarantined --local', 'events redrive --stage prod'));
aws(events.command('list-quarantined'))
  .description('poison events with their reasons')
  .addOption(json())
  .addHelpText('after', examples('events list-quarantined --local'))
  .action((options) => run(async () => (await import('./events.ts')).listQuarantinedEvents(options, output))());
aws(events.command('replay'))
  .argument('<id>')
  .description('hand a quarantined event to the gate again')
  .addOption(json())
  .addHelpText('after', examples('events replay 0f3c... --local'))
  .action((id, options) => run(async () => (await import('./events.ts')).replayEvent(id, options, output))());

events
  .command('redrive')
  .description('hand what lies in the dead-letter queues on AWS to the gate again; safe to repeat')
  .option('--stage <name>', 'every queue of this stage (default: the stage of PORTCULLIS_STATE_MACHINE_ARN)')
  .option('--queue <url...>', 'these queues instead')
  .option('--region <region>', 'AWS region (default: AWS_REGION)')
  .addOption(json())
  .addHelpText('after', examples('events redrive --stage prod --region eu-west-1'))
  .action((options) => run(async () => (await import('./redrive.ts')).redriveEvents(options, output))());

aws(program.command('sweep'))
  .description('look now for changes that no event told of, as the gate does every quarter of an hour')
  .addOption(json())
  .addHelpText('after', examples('sweep --local'))
  .action((options) => run(async () => (await import('./sweep.ts')).sweep(options, output))());

staged(program.command('cost'))
  .description('what each environment costs an hour against its budget, who uses it, and what waits')
  .addOption(json())
  .addHelpText(
    'after',
    `
Exit codes: 0 within every budget, 1 over one of them, 2 could not be read.
${examples('cost --local', 'cost --stage prod --json')}`,
  )
  .action((options) => run(async () => (await import('./cost.ts')).cost(options, output))());

const prices = program
  .command('prices')
  .description('what instances cost an hour, and where that is known from')
  .addHelpText('after', examples('prices show --local --type ml.m5.large', 'prices refresh --stage prod'));
staged(prices.command('refresh'))
  .description('read the AWS Price List now, as the gate does once a day')
  .addOption(json())
  .addHelpText(
    'after',
    `
It takes pricing:GetProducts. Exit codes: 0 read, 2 a region could not be read and keeps its prices.
${examples('prices refresh --local', 'prices refresh --stage prod')}`,
  )
  .action((options) => run(async () => (await import('./prices.ts')).pricesRefresh(options, output))());
staged(prices.command('show'))
  .description('the prices that count in a region')
  .option('--type <type>', 'of this instance type only')
  .addOption(json())
  .addHelpText('after', examples('prices show --local', 'prices show --region eu-west-1 --type ml.g5.xlarge'))
  .action((options) => run(async () => (await import('./prices.ts')).pricesShow(options, output))());

program
  .command('policies')
  .description('the policies with the limits in force')
  .option('--markdown', 'as a Markdown table')
  .addOption(json())
  .addHelpText('after', examples('policies --markdown > policies.md'))
  .action((options) => run(async () => (await import('./policies.ts')).listPolicies(options, output))());

const policy = program
  .command('policy')
  .description('what other limits would do')
  .addHelpText('after', examples('policy what-if --settings stricter.yaml --from 2026-11-01 --local'));
scoped(aws(policy.command('what-if')))
  .description('which past changes would have been decided otherwise under other limits, and why')
  .requiredOption(
    '--settings <file>',
    'a portcullis.yaml with these limits; prices are those of then unless it names its own',
  )
  .addOption(json())
  .addHelpText(
    'after',
    `
Exit codes: 0 none would, 1 some would, 2 some could not be decided again.
${examples('policy what-if --settings stricter.yaml --from 2026-10-01 --to 2026-11-01 --environment prod')}`,
  )
  .action((options) => run(async () => (await import('./policy-what-if.ts')).policyWhatIf(options, output))());

staged(program.command('doctor'))
  .description('what would keep the gate from working here')
  .addOption(json())
  .addHelpText('after', examples('doctor --local', 'doctor --stage prod --region eu-west-1'))
  .action((options) => run(async () => (await import('./doctor.ts')).doctor(options, output))());

staged(program.command('smoke'))
  .description('after a deploy: one synthetic change through the whole gate, its record verified, the console probed')
  .option('--url <url>', 'address of the console (default: PORTCULLIS_CONSOLE_URL)')
  .addOption(json())
  .addHelpText('after', examples('smoke --local', 'smoke --stage prod --url https://gate.example.com'))
  .action((options) => run(async () => (await import('./smoke.ts')).smoke(options, output))());

program
  .command('security-audit')
  .description(
    'dependencies, sources, secrets, licences, environment, file modes, headers, permissions: what is weak here',
  )
  .option('--offline', 'ask no registry; compare the packages with a file of advisories')
  .option('--advisories <file>', 'with --offline: OSV records (JSON, or a line each), at most 30 days old')
  .option('--url <url>', 'address of a running console (default: PORTCULLIS_CONSOLE_URL, or the one on this machine)')
  .option('--template <file>', 'a packaged template (default: every stage that is packaged in build/)')
  .option('--check <names>', 'only these checks, with commas between')
  .addOption(json())
  .addHelpText(
    'after',
    examples(
      'security-audit --json',
      'security-audit --offline --advisories osv.jsonl --json',
      'security-audit --check headers --url https://gate.example.com',
    ),
  )
  .action((options) => run(async () => (await import('./security-audit.ts')).securityAudit(options, output))());

program
  .command('vulnerabilities')
  .description('outdated and vulnerable packages, the worst first, and what an update would change')
  .option('--apply', 'update within range in a copy, run the tests there, and take it over if they pass')
  .addOption(json())
  .addHelpText('after', examples('vulnerabilities --json', 'vulnerabilities --apply'))
  .action((options) => run(async () => (await import('./vulnerabilities.ts')).vulnerabilities(options, output))());

const keys = program
  .command('key')
  .description('keys for data at rest')
  .addHelpText('after', examples('key generate --output portcullis.key', 'key rotate portcullis.key'));
keys
  .command('generate')
  .description('a new key of 32 random bytes, to a file with mode 600 or to whoever reads the output')
  .option('--output <file>', 'a file that is not there yet')
  .addHelpText('after', examples('key generate --output portcullis.key'))
  .action((options) => run(async () => (await import('./key.ts')).keyGenerate(options, output))());
keys
  .command('rotate')
  .argument('<file>')
  .description('put a new active key before those in a file, which are kept')
  .addHelpText('after', examples('key rotate portcullis.key'))
  .action((file) => run(async () => (await import('./key.ts')).keyRotate(file, output))());

program
  .command('backup')
  .argument('<file>', 'the archive (ZIP, mode 600), which is not there yet')
  .description('the store of the gate on this machine in one archive; the gate must be stopped')
  .option('--data <directory>', 'where the gate keeps everything', '.portcullis')
  .option(
    '--checkpoints <directory>',
    'where checkpoints are kept (default: PORTCULLIS_CHECKPOINTS, or beside the rest)',
  )
  .addHelpText('after', examples('backup portcullis-backup.zip'))
  .action((file, options) => run(async () => (await import('./backup.ts')).backup(file, options, output))());
program
  .command('restore')
  .argument('<file>', 'a backup')
  .description('put a backup into an empty directory, and prove the ledger in it')
  .requiredOption('--data <directory>', 'where to: empty, or not there')
  .addHelpText('after', examples('restore portcullis-backup.zip --data .portcullis'))
  .action((file, options) => run(async () => (await import('./restore.ts')).restore(file, options, output))());

const incidents = program
  .command('incident')
  .description('collect what tells what happened into one archive without secrets; works while the gate is down')
  .addHelpText(
    'after',
    examples('incident --collect-logs --audit --output incident.zip', 'incident verify incident.zip'),
  );
incidents
  .command('collect', { isDefault: true })
  .description('ledger with checkpoints and verifier, settings, versions, SBOM; logs and a security audit if asked for')
  .requiredOption('--output <file>', 'the archive (ZIP, mode 600), which is not there yet')
  .option('--collect-logs', 'with logs, redacted')
  .option('--audit', 'with what security-audit says now')
  .option('--data <directory>', 'where the gate keeps everything', '.portcullis')
  .option(
    '--logs <paths>',
    'files and directories with logs, with commas between (default: logs in the data directory)',
  )
  .option(
    '--checkpoints <directory>',
    'where checkpoints are kept (default: PORTCULLIS_CHECKPOINTS, or beside the rest)',
  )
  .option('--aws-port <port>', 'port of the loopback AWS, if the gate runs', '4566')
  .option('--stage <stage>', 'a stage on AWS instead of the gate on this machine')
  .option('--region <region>', 'AWS region (default: AWS_REGION)')
  .addHelpText('after', examples('incident collect --collect-logs --audit --output incident.zip'))
  .action((options) => run(async () => (await import('./incident.ts')).incident(options, output))());
incidents
  .command('verify')
  .argument('<file>')
  .description('hold every file of an archive against its manifest, and prove the ledger in it')
  .addHelpText('after', examples('incident verify incident.zip'))
  .action((file) => run(async () => (await import('./incident/verify.ts')).incidentVerify(file, output))());
