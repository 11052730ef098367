import { Command, Option } from 'commander';
import { EXIT, standardOutput as output } from './output.ts';
import type { Format } from './report.ts';

/** With which code the process ends, once a command has ended. */
export const ended: { code: number } = { code: EXIT.fine };
/** Commands are loaded when they are used, so that each starts fast. */
const run = (action: () => Promise<number>) => async () => {
  ended.code = await action();
};

/** Every command, its options and its help; cli/main.ts runs it. */
export const program = new Command('portcullis')
  .description('The compliance gate for Amazon SageMaker endpoints.')
  .version('0.1.0')
  .showHelpAfterError('(add --help for how it is used)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 fine, 1 violations found (or an answer not taken), 2 could not check, 64 wrong usage.

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
  .option('--fleet <file>', 'endpoints to start with ("none": an empty account)', 'examples/fleet.yaml')
  .option(
    '--checkpoints <directory>',
    'where checkpoints of the ledger are kept (default: PORTCULLIS_CHECKPOINTS, or beside the rest)',
  )
  .option('--once', 'run the fleet to its end without waiting for people, print a table, exit')
  .option('--transition-ms <ms>', 'how long an endpoint takes from one status to the next', '1000')
  .option('--duplicate-events <n>', 'deliver every event so many extra times, as AWS may', '0')
  .option('--delay-events <ms>', 'deliver events up to so much late, so that they overtake each other', '0')
  .addOption(json())
  .addHelpText('after', examples('up --once', 'up --fleet none --aws-port 5566'))
  .action((options) => run(async () => (await import('./up.ts')).up(options, output))());

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

const audit = program
  .command('audit')
  .description('the audit trail')
  .addHelpText('after', examples('audit verify --local', 'audit show fraud-prod --local'));
aws(audit.command('list'))
  .description('changes of a month, newest first')
  .option('--endpoint <name>', 'only this endpoint')
  .option('--month <yyyy-mm>', 'default: the last three')
  .addOption(json())
  .addHelpText('after', examples('audit list --local --month 2026-11'))
  .action((options) => run(async () => (await import('./audit.ts')).auditList(options, output))());
aws(audit.command('show'))
  .argument('<endpoint>')
  .description('every record about one endpoint, oldest first')
  .option('--change <n>', 'only this change')
  .addOption(json())
  .addHelpText('after', examples('audit show fraud-prod --local --change 1'))
  .action((endpoint, options) => run(async () => (await import('./audit.ts')).auditShow(endpoint, options, output))());
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
witnessed(audit.command('export'))
  .description('every record as a line of JSON; into a directory, with the checkpoints, the public key and a verifier')
  .option('--endpoint <name>', 'only this endpoint')
  .option('--output <file>', 'a file, or a directory (default: standard output)')
  .addHelpText(
    'after',
    examples('audit export --output evidence/', 'audit export --endpoint fraud-prod --output trail.jsonl'),
  )
  .action((options) => run(async () => (await import('./audit.ts')).auditExport(options, output))());

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

program
  .command('policies')
  .description('the policies with the limits in force')
  .option('--markdown', 'as a Markdown table')
  .addOption(json())
  .addHelpText('after', examples('policies --markdown > policies.md'))
  .action((options) => run(async () => (await import('./policies.ts')).listPolicies(options, output))());

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
