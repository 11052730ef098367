import { spawnSync } from 'node:child_process';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';
import { clientsWhenUsed } from '../../cli/clients-when-used.ts';
import { allClients } from '../../shared/aws/clients.ts';
import { loadConfig } from '../../shared/config-yaml.ts';
import { root } from './portcullis.ts';

test('there is one for every client that there is', () => {
  expect(Object.keys(clientsWhenUsed).sort()).toEqual(Object.keys(allClients).sort());
});

test('once used it is that client, made once', async () => {
  const sent = mockClient(DynamoDBClient)
    .on(ListTablesCommand)
    .resolves({ TableNames: ['one'] });
  const dynamodb = clientsWhenUsed.dynamodb(loadConfig({ AWS_REGION: 'eu-west-1' }));
  // Paginators ask.
  expect(dynamodb).toBeInstanceOf(DynamoDBClient);
  expect(await dynamodb.config.region()).toBe('eu-west-1');
  expect(dynamodb.config).toBe(dynamodb.config);
  expect(await dynamodb.send(new ListTablesCommand({}))).toEqual({ TableNames: ['one'] });
  expect(sent.calls()).toHaveLength(1);
  sent.restore();
});

/** Prints at its end which of the SDK's clients a process has loaded. */
const TELL = `const { _cache } = process.getBuiltinModule('node:module');
process.on('exit', () => console.log('clients:', Object.keys(_cache).flatMap((path) => /client-([\\w-]+)\\/dist-cjs\\/index/.exec(path)?.[1] ?? []).sort().join()));`;
const loadedBy = (...args: string[]) =>
  spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`, `${root}/bin/portcullis.mjs`, ...args],
    { cwd: root, encoding: 'utf8' },
  )
    .stdout.split('\n')
    .findLast((line) => line.startsWith('clients:'));

test('a command loads the clients that it calls, and no others', () => {
  expect(loadedBy('changes', '--local', '--aws-port', '1')).toBe('clients: dynamodb');
  expect(loadedBy('check', 'examples/plans/fraud-prod.yaml')).toBe('clients: ');
});
