import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run as archiveRecords } from '../functions/archive-records.ts';
import { run as signCheckpoints } from '../functions/sign-checkpoints.ts';
import { Deployment, stageValues } from '../scripts/packaged-settings.ts';
import { executionName } from '../shared/aws/executions.ts';
import { ConfigFile } from '../shared/config.ts';
import { canonicalJson } from '../shared/model/canonical-json.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import { type LedgerRecord, Result, recordHash, sortKey } from '../shared/model/ledger-record.ts';
import { opened, records } from './builders.ts';
import { root } from './cli/portcullis.ts';
import { blocksOf, commandsIn, wrongWith } from './documented-commands.ts';
import { fakeArchive } from './fake-archive.ts';
import { fakeAws } from './fake-aws.ts';
import { fakeSigningKey } from './fake-signing-key.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const documents = readdirSync(join(root, 'deployment'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
  .sort();

/** Rows of the tables below a heading (or of all tables), as lists of cells. */
function rowsOf(markdown: string, heading?: string): string[][] {
  const part = heading === undefined ? markdown : (markdown.split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '');
  return (heading === undefined ? part : (part.split(/^#+ /m)[0] ?? ''))
    .split('\n')
    .filter((line) => /^ *\|/.test(line) && !/^[ |:-]+$/.test(line))
    .map((line) =>
      line
        .trim()
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

type Template = { Parameters?: Record<string, unknown>; Resources?: Record<string, Resource> };
// biome-ignore lint/suspicious/noExplicitAny: a template is as deep as AWS makes it.
type Resource = { Type: string; Properties: Record<string, any> };
const infraFiles = readdirSync(join(root, 'infra')).filter((name) => name.endsWith('.yml'));
const infra = infraFiles.map(
  (name) => parse(read(`infra/${name}`), { merge: true, logLevel: 'silent' }) as Template | null,
);
const ofType = (type: string) =>
  infra.flatMap((template) => Object.values(template?.Resources ?? {}).filter(({ Type }) => Type === type));
/** A name without what every name begins with. */
const ownName = (name: string) => name.replace(/^\$\{self:custom\.name\}-/, '');

describe('commands in the documents of the deployment', () => {
  const commands = documents.flatMap((path) =>
    blocksOf(read(path), 'sh').flatMap((block) => commandsIn(block).map((command) => ({ path, ...command }))),
  );

  test('were found, of every kind and in every document', () => {
    expect(documents).toEqual([
      'deployment/README.md',
      'deployment/monitoring.md',
      'deployment/runbooks/incident_response.md',
      'deployment/runbooks/key_rotation.md',
      'deployment/runbooks/restore.md',
      'deployment/runbooks/rollback.md',
      'deployment/runbooks/self_hosted.md',
    ]);
    for (const path of documents) expect(commands.filter((each) => each.path === path).length).toBeGreaterThan(5);
    for (const kind of ['aws', 'npm', 'npx', 'git', 'export'])
      expect(commands.some(({ words }) => words[0] === kind)).toBe(true);
    for (const line of [
      'npm run deploy -- --stage prod --region "$AWS_REGION"',
      'npx portcullis doctor --stage prod',
      'npx portcullis events redrive --stage prod',
      'npx portcullis sweep',
      'aws sts get-caller-identity --query Account --output text',
    ]) {
      expect(commands.map((command) => command.line)).toContain(line);
    }
    expect(commands.length).toBeGreaterThan(120);
  });

  test.each(documents)('of %s are there, with their options and what they need', async (document) => {
    const wrong = await Promise.all(
      commands
        .filter(({ path }) => path === document)
        .map(async (command) => (await wrongWith(command)).map((problem) => `${command.line}: ${problem}`)),
    );
    expect(wrong.flat()).toEqual([]);
  });

  test('a mistake would be found', async () => {
    const problems = async (line: string) => (await Promise.all(commandsIn(line).map(wrongWith))).flat();
    expect(await problems('aws dynamodb qwery --table-name x')).toEqual(['there is no dynamodb qwery']);
    expect(await problems('aws dynamodb query --table x')).toEqual([
      'dynamodb query has no --table',
      'dynamodb query needs --table-name',
    ]);
    expect(await problems('export A=$(aws sts get-the-caller)')).toEqual(['there is no sts get-the-caller']);
    expect(await problems('aws lambda invoke --function-name x')).toEqual([
      'lambda invoke needs a file for the answer',
    ]);
    expect(await problems('npm run nothing')).toEqual(['package.json has no script nothing']);
    expect(await problems('npx portcullis swep')).toEqual(['there is no command swep']);
    expect(await problems('npx portcullis doctor --stag prod')).toEqual([
      'doctor has no option --stag',
      'doctor takes 0 arguments and not 1',
    ]);
    expect(await problems('true && kubectl get pods | jq .')).toEqual([
      'true is not known to the test',
      'kubectl is not known to the test',
    ]);
  });

  test('the recipe for the name of an execution is the one that the gate uses', () => {
    const ref = { account: '123456789012', region: 'eu-west-1', name: 'fraud-prod' };
    const [recipe = ''] = /printf '%s' "(endpoint#[^"]+)" \| sha256sum \| cut -c 1-32/.exec(
      read('deployment/runbooks/incident_response.md'),
    ) ?? ['none'];
    const stream = (/"(.+)"/.exec(recipe)?.[1] ?? '')
      .replace('$ACCOUNT', ref.account)
      .replace('$AWS_REGION', ref.region);
    const digits = createHash('sha256').update(stream).digest('hex').slice(0, 32);
    expect(executionName({ endpoint: ref }, 7, 0)).toBe(`chg-${digits}-7`);
  });
});

describe('links in the documents of the deployment', () => {
  const withoutCode = (markdown: string) =>
    markdown.replace(/^( *)```[\s\S]*?^\1```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.slice(1, -1));
  const anchors = (path: string) =>
    [...withoutCode(read(path)).matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const links = documents.flatMap((from) =>
    [...withoutCode(read(from)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => ({ from, to })),
  );
  test('were found', () => expect(links.length).toBeGreaterThan(30));
  test('lead somewhere', () => {
    const dead = links.filter(({ from, to }) => {
      const [path = '', anchor] = to.split('#');
      const file = path === '' ? from : join(dirname(from), path);
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchors(file).includes(anchor));
    });
    expect(dead).toEqual([]);
  });
});

describe('the README of the deployment', () => {
  const text = read('deployment/README.md');

  test('says once, and nowhere else is it said, that nothing ran against a real account', () => {
    const said = documents.flatMap((path) => read(path).match(/unverified/gi) ?? []);
    expect(said).toEqual(['Unverified']);
    expect(text).toContain('**Unverified against a real account.**');
  });

  test('names every file of infra', () => {
    const named = rowsOf(text, 'What is deployed').flatMap(([, , file]) => quoted(file));
    expect(infraFiles.length).toBeGreaterThan(10);
    // Settings have a section of their own.
    const files = infraFiles.filter((name) => name !== 'stages.yml').map((name) => `infra/${name}`);
    expect(named.sort()).toEqual([...files, 'serverless.yml'].sort());
  });

  test('lists every setting of a stage with its default', () => {
    const rows = rowsOf(text, 'Settings').slice(1);
    const known = Object.entries(Deployment.shape).map(([name, schema]) => {
      const { success, data } = schema.safeParse(undefined);
      return [name, success ? JSON.stringify(data) : 'infra/stages.yml'];
    });
    expect(known.length).toBeGreaterThan(8);
    expect(rows.map(([name, value]) => [quoted(name)[0], quoted(value)[0]])).toEqual(known);
  });

  test('says of prod what infra/stages.yml says', () => {
    const { prod } = parse(read('infra/stages.yml')) as { prod: Record<string, unknown> };
    expect(prod).toEqual({ archive: { mode: 'COMPLIANCE', years: 7 }, logRetentionDays: 365 });
    expect(text).toContain('`prod` has COMPLIANCE for 7 years');
    expect(text).toContain('`prod` has 365');
  });

  test('lists every parameter of the stack for member accounts', () => {
    const { Parameters = {} } = infra[infraFiles.indexOf('member-account.yml')] ?? {};
    const rows = rowsOf(text, 'Member accounts').slice(1);
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.map(([name]) => quoted(name)[0]).sort()).toEqual(Object.keys(Parameters).sort());
  });

  test('says of every retained thing that it stays', () => {
    const retained = ['tables', 'ledger-archive', 'trail', 'keys'].map((file) => read(`infra/${file}.yml`));
    for (const fragment of retained) expect(fragment).toContain('DeletionPolicy: Retain');
    const stays = rowsOf(text, 'What stays behind').flatMap(([what]) => what);
    for (const word of ['-ledger', '-approvals', '-work', '-ledger-archive-', '-trail-', 'KMS keys'])
      expect(stays.join(' ')).toContain(word);
  });
});

describe('what there is to watch', () => {
  const text = read('deployment/monitoring.md');
  const alarms = ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);
  const stage = stageValues(
    Deployment.parse({ mailFrom: 'a@example.com', alarmMail: 'a@example.com' }),
    ConfigFile.parse({}),
  ) as Record<string, unknown>;
  const number = (value: unknown) =>
    Number(String(value).replace(/\$\{self:custom\.stage\.(\w+)\}/, (_, name: string) => String(stage[name])));
  const STATISTICS: Record<string, string> = { Maximum: 'maximum', Sum: 'sum', SampleCount: 'samples' };
  const SIGNS: Record<string, string> = { GreaterThanThreshold: '>', LessThanThreshold: '<' };

  /** When an alarm goes off, in the words of the tables. */
  function whenOf(alarm: Resource['Properties']): string {
    const { Statistic, ComparisonOperator, Threshold, Period, EvaluationPeriods, TreatMissingData } = alarm;
    const when = `${STATISTICS[Statistic]} ${SIGNS[ComparisonOperator]} ${number(Threshold)} in ${number(Period) / 60} min`;
    const times = EvaluationPeriods > 1 ? `, ${EvaluationPeriods} times running` : '';
    return `${when}${times}${TreatMissingData === 'breaching' ? ', or no data' : ''}`;
  }

  test('every alarm of the template has its row, which says when it goes off, and there is no row without an alarm', () => {
    const rows = rowsOf(text).filter((row) => row.length === 5 && row[0] !== 'alarm');
    const listed = rows.flatMap(([names, when]) => quoted(names).map((name) => ({ name, when })));
    expect(alarms.length).toBeGreaterThan(30);
    const inTemplate = alarms.map((alarm) => ({ name: ownName(alarm.AlarmName), when: whenOf(alarm) }));
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(listed.sort(byName)).toEqual(inTemplate.sort(byName));
    for (const [name, , ...rest] of rows) expect(rest.every(Boolean), name).toBe(true);
  });

  test('every metric that the functions write has its row', () => {
    const source = read('shared/aws/services.ts');
    const type = /export type Metric =([\s\S]*?);\n\n/.exec(source)?.[1] ?? '';
    const metrics = [...type.matchAll(/name: ([^;]+);/g)].flatMap(([, names = '']) =>
      [...names.matchAll(/'(\w+)'/g)].map(([, name = '']) => name),
    );
    expect(metrics.length).toBeGreaterThan(5);
    const rows = rowsOf(text, 'Metrics').slice(1);
    expect(rows.map(([name]) => quoted(name)[0]).sort()).toEqual([...metrics].sort());
    for (const [name = '', unit = ''] of rows) expect(type).toMatch(new RegExp(`${quoted(name)[0]}'[^}]*'${unit}'`));
    expect(quoted(rows.find(([name]) => name === '`Changes`')?.[3])).toEqual(Result.options);
  });

  test('every widget of the dashboard has its row', () => {
    const [dashboard] = ofType('AWS::CloudWatch::Dashboard');
    const titles = [...String(dashboard?.Properties.DashboardBody).matchAll(/"title": "([^"]+)"/g)].map(
      ([, title]) => title,
    );
    expect(titles.length).toBeGreaterThan(4);
    expect(
      rowsOf(text, 'Dashboard')
        .slice(1)
        .map(([widget]) => widget),
    ).toEqual(titles);
  });

  test('queries ask for fields that are logged', () => {
    const logged: Record<string, string> = {
      ...{ message: 'shared/lambda.ts', endpoint: 'shared/lambda.ts', generation: 'shared/lambda.ts' },
      ...{ ms: 'shared/lambda.ts', errorName: 'shared/lambda.ts' },
      ...{ errorId: 'console/respond.ts', error: 'console/respond.ts' },
      ...{ what: 'functions/archive-records.ts', evidence: 'functions/archive-records.ts' },
      ...{ route: 'infra/http-api.yml', status: 'infra/http-api.yml', sourceIp: 'infra/http-api.yml' },
    };
    for (const [field, file] of Object.entries(logged)) expect(read(file), field).toMatch(new RegExp(`\\b${field}\\b`));
    const known = [...Object.keys(logged), '@timestamp', '@log', '@message'];
    const words = 'fields filter stats sort limit by as asc desc and in not count pct latest'.split(' ');
    const queries = blocksOf(text, 'logs-insights');
    expect(queries.length).toBeGreaterThan(4);
    for (const query of queries) {
      const bare = query.replace(/"[^"]*"/g, '');
      const named = [...bare.matchAll(/\bas (\w+)/g)].map(([, name]) => name);
      const unknown = (bare.match(/@?[A-Za-z]\w*/g) ?? []).filter(
        (word) => ![...known, ...words, ...named].includes(word),
      );
      expect(unknown, query).toEqual([]);
    }
    const messages = queries.flatMap((query) => [...query.matchAll(/message = "([^"]+)"/g)].map(([, each]) => each));
    const sources = ['shared/lambda.ts', 'functions/archive-records.ts'].map(read).join('\n');
    expect(messages.length).toBeGreaterThan(2);
    for (const message of messages) expect(sources).toContain(`'${message}'`);
  });

  test('errors that are named are errors that there are', () => {
    const names = new Set(
      documents.flatMap((path) => [...read(path).matchAll(/\b([A-Z]\w+Error)\b/g)].map(([, name = '']) => name)),
    );
    const sources = ['functions', 'shared/aws', 'shared']
      .flatMap((folder) =>
        readdirSync(join(root, folder))
          .filter((name) => name.endsWith('.ts'))
          .map((name) => read(`${folder}/${name}`)),
      )
      .join('\n');
    expect(names.size).toBeGreaterThan(4);
    const ofAws = ['LatestDeliveryError'];
    expect([...names].filter((name) => !ofAws.includes(name) && !sources.includes(`class ${name} `))).toEqual([]);
  });

  test('queues keep their letters as long as is said, and rules try as long', () => {
    const queues = ofType('AWS::SQS::Queue');
    expect(queues.length).toBeGreaterThan(10);
    for (const { Properties } of queues) expect(Properties.MessageRetentionPeriod / 86_400).toBe(14);
    const targets = ofType('AWS::Events::Rule').flatMap(({ Properties }) => Properties.Targets);
    for (const { RetryPolicy } of targets) expect(RetryPolicy.MaximumEventAgeInSeconds).toBe(86_400);
    expect(text).toContain('It waits in its queue for 14 days.');
    expect(read('deployment/runbooks/incident_response.md')).toContain('EventBridge tries for a day.');
  });
});

describe('the runbooks', () => {
  const incidents = read('deployment/runbooks/incident_response.md');

  test('every incident says how one notices, what to do first, when it is over and what to keep', () => {
    const parts = incidents
      .split(/^## /m)
      .slice(1)
      .filter((part) => !/^(Always|What the gate stops)/.test(part));
    expect(parts.length).toBe(13);
    for (const part of parts) {
      const title = part.split('\n')[0];
      for (const what of ['**You notice:**', '**First five minutes', '**It is over when**', '**Keep:**', '```sh'])
        expect(part, `${title}: ${what}`).toContain(what);
    }
    const rollback = read('deployment/runbooks/rollback.md');
    for (const heading of ['Never', 'How you notice', 'First five minutes', 'Check', 'It is over when', 'Keep'])
      expect(rollback).toContain(`\n## ${heading}\n`);
  });

  test('every role that can be stolen is listed', () => {
    const roles = ofType('AWS::IAM::Role').flatMap(({ Properties: { RoleName } }) =>
      String(RoleName).startsWith('$' + '{self:') ? [ownName(RoleName)] : [],
    );
    const listed = rowsOf(incidents, 'A role may be stolen').flatMap(([role]) => quoted(role));
    expect(roles.length).toBeGreaterThan(8);
    expect(roles.filter((role) => !listed.includes(role))).toEqual([]);
  });

  test('alarms that are named are alarms that there are', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => ownName(Properties.AlarmName));
    const named = documents
      .filter((path) => path.includes('runbooks'))
      .flatMap((path) => quoted(read(path).replace(/^( *)```[\s\S]*?^\1```$/gm, '')))
      .filter((name) =>
        /^[a-z-]+-(errors|throttles|dead-letters|stuck|late|lag|missing|tampering|failed|aborted|timed-out)$/.test(
          name,
        ),
      );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !alarms.includes(name))).toEqual([]);
  });

  test('the recipe for records without a sealed copy is what the function takes', async () => {
    expect(incidents).toContain(
      `jq '{Records: [.Items[] | {eventName: "INSERT", eventID: "repair", dynamodb: {NewImage: .}}]}'`,
    );
    const record = records(opened())[0] as LedgerRecord;
    const { endpoint, sequence, previous } = record;
    const item = {
      pk: { S: streamOf(endpoint) },
      sk: { S: sortKey(sequence, previous) },
      record: { S: canonicalJson(record) },
      hash: { S: recordHash(record) },
    };
    const repair = { Records: [{ eventName: 'INSERT', eventID: 'repair', dynamodb: { NewImage: item } }] };
    const measured: unknown[] = [];
    const aws = fakeAws({ measure: (metric) => void measured.push(metric) });
    const { objects } = fakeArchive(aws);
    // A second time it finds the copy and leaves it.
    for (const _time of [1, 2])
      expect(await archiveRecords(repair as never, aws.services)).toEqual({ batchItemFailures: [] });
    expect([...objects.values()].map(({ text }) => text)).toEqual([item.record.S]);
    expect(measured).toEqual([]);
  });

  test('the recipe for records without a checkpoint is what the function takes', async () => {
    expect(incidents).toContain('{eventName: "INSERT", dynamodb: {ApproximateCreationDateTime: (');
    const aws = fakeAws();
    const { objects } = fakeArchive(aws);
    fakeSigningKey(aws);
    const [record] = records(opened()) as [LedgerRecord];
    const { endpoint, sequence, previous, at } = record;
    const NewImage = {
      pk: { S: streamOf(endpoint) },
      sk: { S: sortKey(sequence, previous) },
      record: { S: canonicalJson(record) },
      hash: { S: recordHash(record) },
    };
    const ApproximateCreationDateTime = Math.floor(Date.parse(at) / 1_000);
    const late = { Records: [{ eventName: 'INSERT', dynamodb: { ApproximateCreationDateTime, NewImage } }] };
    for (const _time of [1, 2]) await signCheckpoints(late as never, aws.services);
    expect([...objects.keys()]).toEqual(['checkpoints/000000001.json']);
  });

  test('reasons of tampering are those that are reported', () => {
    const source = read('functions/archive-records.ts');
    const listed = rowsOf(incidents, 'The ledger was tampered with')
      .slice(1)
      .flatMap(([what]) => quoted(what));
    expect(listed.length).toBe(6);
    for (const what of listed) expect(source).toContain(`'${what}'`);
  });
});
